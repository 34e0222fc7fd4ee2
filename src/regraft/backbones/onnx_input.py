"""An ONNX file opened for images: which input they go in, at what size, and how many at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.backbones.runtimes import first_line, openvino_core, relative_error
from regraft.core.errors import BackboneError
from regraft.core.seeds import generator

if TYPE_CHECKING:
    from openvino import Model

ANY_NUMBER = -1
SAME = 1e-3


@dataclass(frozen=True)
class Opened:
    """A network for square images of a fixed size, channels first or last, any number or one at a time."""

    network: "Model"
    image_px: int
    is_channels_last: bool

    @property
    def takes_any_number(self) -> bool:
        """Whether a batch may have any size; otherwise images go one by one."""
        return bool(self.network.input(0).partial_shape[0].is_dynamic)


def open_network(file: Path, *, image_px: int | None) -> Opened:
    """Open an ONNX file for images of a size, or of the size that it was made for.

    Raises:
        BackboneError: OpenVINO cannot read it, it takes no images, or it cannot take them at that size.
    """
    network = _read(file)
    is_channels_last = _is_channels_last(network, file)
    side = image_px or _own_px(network, file, is_channels_last=is_channels_last)
    reasons = []
    for count in (ANY_NUMBER, 1):
        # Some graphs hold the number of images that they were made with, and only one at a time is left.
        try:
            shape = [count, side, side, 3] if is_channels_last else [count, 3, side, side]
            network.reshape(shape)
            if _counts_images(network, count) and _runs(network, shape[1:]):
                return Opened(network, side, is_channels_last)
        except RuntimeError as error:
            reasons.append(first_line(error))
        network = _read(file)
    reason = f" ({reasons[-1]})" if reasons else ""
    raise BackboneError(
        f"{file} cannot take images of {side} pixels, neither any number of them nor one{reason}. Export it "
        f"with a batch of 1 or a dynamic one, or leave the size away."
    )


def _counts_images(network: "Model", count: int) -> bool:
    first = network.output(0).partial_shape
    if first.rank.is_dynamic or len(first) < 2:
        return False
    return bool(first[0].is_dynamic if count == ANY_NUMBER else first[0] == 1)


def _runs(network: "Model", shape: list[int]) -> bool:
    """Whether it runs, and an image gives the same beside another as alone."""
    dtype = network.input(0).element_type.to_dtype()
    compiled = openvino_core().compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    images = generator(0, "probe").normal(size=(2, *shape)).astype(dtype)
    alone = [compiled([image[None]])[0] for image in images]
    if not network.input(0).partial_shape[0].is_dynamic:
        return True
    return relative_error(compiled([images])[0], np.concatenate(alone)) < SAME


def _read(file: Path) -> "Model":
    try:
        return openvino_core().read_model(file)
    except RuntimeError as error:
        raise BackboneError(f"OpenVINO cannot read {file} as ONNX ({first_line(error)}).") from error


def _is_channels_last(network: "Model", file: Path) -> bool:
    inputs = [
        f"{one.any_name} {one.partial_shape} {one.element_type.get_type_name()}" for one in network.inputs
    ]
    problem = f"{file} takes no images: its inputs are {'; '.join(inputs)}. Expected is"
    if len(network.inputs) != 1:
        raise BackboneError(f"{problem} a single one.")
    shape: Any = network.input(0).partial_shape
    if shape.rank.is_dynamic or len(shape) != 4 or not network.input(0).element_type.is_real():
        raise BackboneError(f"{problem} floating point numbers in four axes.")
    if shape[1] == 3:
        return False
    if shape[3] == 3:
        return True
    raise BackboneError(f"{problem} three channels, first or last.")


def _own_px(network: "Model", file: Path, *, is_channels_last: bool) -> int:
    shape: Any = network.input(0).partial_shape
    height, width = (shape[1], shape[2]) if is_channels_last else (shape[2], shape[3])
    if height.is_dynamic or width.is_dynamic:
        raise BackboneError(f"{file} takes images of any size. Name one, as in 'onnx:{file}:224px'.")
    if height != width:
        raise BackboneError(
            f"{file} takes images of {width} x {height} pixels; only squares will do. Name a size, as in "
            f"'onnx:{file}:224px'."
        )
    return int(height.get_length())
