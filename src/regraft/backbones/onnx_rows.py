"""From a graph's activations to one row of pooled features for each image, in the order of `card.blocks`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.backbones.card import GRID
from regraft.backbones.onnx_input import Opened
from regraft.backbones.runtimes import openvino_core
from regraft.core.arrays import Array, Features

if TYPE_CHECKING:
    from openvino import Model, Output

HEAD = "head"


@dataclass(frozen=True)
class Depth:
    """A place in the graph that can be read. The head is a vector even where it has height and width."""

    name: str
    output: "Output"

    @property
    def is_map(self) -> bool:
        """Whether it can be pooled on a grid."""
        return self.name != HEAD and len(self.output.get_partial_shape()) == 4


def run_once(opened: Opened, depths: Sequence[Depth], pixels: Array) -> dict[str, Features]:
    """The mean at each depth [b, c], for normalised pixels [b, 3, h, w]."""
    import openvino

    means = [_mean(_float(depth.output)) for depth in depths]
    probe = openvino.Model(means, opened.network.get_parameters())
    compiled = openvino_core().compile_model(probe, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    images = pixels.transpose(0, 2, 3, 1) if opened.is_channels_last else pixels
    dtype = opened.network.input(0).element_type.to_dtype()
    batches = [images] if opened.takes_any_number else np.split(images, len(images))
    found = [compiled([np.ascontiguousarray(batch, dtype)]).to_tuple() for batch in batches]
    return {
        depth.name: np.concatenate([rows[number] for rows in found]) for number, depth in enumerate(depths)
    }


def express_rows(
    opened: Opened, depths: Sequence[Depth], *, mean: tuple[float, ...], std: tuple[float, ...]
) -> "Model":
    """The network with bytes as its input, uint8 [b, h, w, 3], and rows as its one output."""
    import openvino
    from openvino import opset8 as op

    parameter = opened.network.get_parameters()[0]
    count = -1 if opened.takes_any_number else 1
    images = op.parameter([count, opened.image_px, opened.image_px, 3], np.uint8, "images")
    pixels = _normalised(images, mean, std)
    if not opened.is_channels_last:
        pixels = op.transpose(pixels, np.array([0, 3, 1, 2]))
    fitting = op.convert(pixels, parameter.get_element_type().to_dtype())
    for consumer in parameter.output(0).get_target_inputs():
        consumer.replace_source_output(fitting.output(0))
    read = [_float(depth.output) for depth in depths]
    maps = [one for one, depth in zip(read, depths, strict=True) if depth.is_map]
    rows = op.concat([_mean(one) for one in read] + [_grid(one) for one in maps], 1)
    return openvino.Model([rows.output(0)], [images])


def _normalised(images: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> Any:
    from openvino import opset8 as op

    levels = op.convert(images, np.float32)
    centred = op.subtract(levels, op.constant(255 * np.array(mean, np.float32)))
    return op.divide(centred, op.constant(255 * np.array(std, np.float32)))


def _float(output: "Output") -> "Output":
    from openvino import opset8 as op

    is_float32 = output.get_element_type().to_dtype() == np.float32
    return output if is_float32 else op.convert(output, np.float32).output(0)


def _mean(value: "Output") -> "Output":
    """[b, c] of a map [b, c, h, w], of tokens [b, t, c], or of what is [b, c] already."""
    from openvino import opset8 as op

    axes = {4: [2, 3], 3: [1]}.get(len(value.get_partial_shape()), [])
    return op.reduce_mean(value, np.array(axes)).output(0) if axes else value


def _grid(value: "Output") -> "Output":
    from openvino import opset8 as op

    cells = op.adaptive_avg_pool(value, np.array([GRID, GRID]))
    return op.reshape(cells, np.array([0, -1]), special_zero=True).output(0)
