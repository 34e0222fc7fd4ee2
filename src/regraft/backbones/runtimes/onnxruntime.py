"""ONNX Runtime on a CPU: for machines that have it and not OpenVINO, and as a second opinion."""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.backbones.runtimes.contract import IMAGES_PER_PIECE, Embed, first_line
from regraft.core.arrays import Features, Images
from regraft.core.cores import usable_cores
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

NEEDED_TO_RUN = ("onnxruntime",)
NEEDED_TO_CONVERT = ("onnx", "onnxscript", "onnxruntime")
OPSET = 18


def require_onnx(packages: Sequence[str]) -> None:
    """Check that packages of the optional extra are installed.

    Raises:
        BackboneError: one is missing.
    """
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise BackboneError(
            f'ONNX Runtime needs {" and ".join(missing)}. Run: pip install "regraft[onnx]". '
            f"The runtimes openvino and torch are always there."
        )


def convert_to_onnx(embedding: "nn.Module", image_px: int, file: Path) -> None:
    """Write a network as ONNX, for any number of images, weights in full precision.

    Raises:
        BackboneError: a package is missing, or torch's exporter cannot express the network.
    """
    require_onnx(NEEDED_TO_CONVERT)
    import torch

    example = torch.zeros(2, image_px, image_px, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # The exporter's remarks on its own parts.
            torch.onnx.export(
                embedding.eval(),
                (example,),
                file,
                input_names=["images"],
                output_names=["rows"],
                dynamic_shapes=({0: torch.export.Dim("images")},),
                opset_version=OPSET,
                verbose=False,
                dynamo=True,
            )
    except Exception as error:  # The exporter raises whatever it meets in a network it does not know.
        raise BackboneError(
            f"ONNX cannot express this network ({first_line(error)}). Use --runtime torch."
        ) from error


def onnxruntime_runtime(file: Path) -> Embed:
    """Run a converted network with ONNX Runtime on the CPU.

    Every core takes pieces of the batch on its own thread. Threads inside ONNX Runtime would wait for each
    other by spinning, which takes the cores from whoever decodes the next batch meanwhile.
    """

    @cache
    def session() -> tuple[Any, ThreadPoolExecutor]:
        # Not before the first batch: whoever finds all features in the store never needs it.
        return _open(file), ThreadPoolExecutor(usable_cores(), "onnxruntime")

    def embed(images: Images) -> Features:
        network, pool = session()
        images = np.ascontiguousarray(images)
        width = network.get_outputs()[0].shape[1]
        rows = np.empty((len(images), width), dtype=np.float32)

        def run(start: int) -> None:
            piece = slice(start, start + IMAGES_PER_PIECE)
            rows[piece] = network.run(None, {"images": images[piece]})[0]

        list(pool.map(run, range(0, len(images), IMAGES_PER_PIECE)))
        return rows

    return embed


def _open(file: Path) -> Any:
    require_onnx(NEEDED_TO_RUN)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
