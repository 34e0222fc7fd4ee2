"""OpenVINO on a CPU: several times as fast as torch's eager mode, and started without torch."""

import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from regraft.backbones.names import Precision
from regraft.backbones.runtimes.contract import IMAGES_PER_PIECE, Embed, first_line
from regraft.core.arrays import Features, Images
from regraft.core.cores import usable_cores
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from openvino import Core, InferRequest, Model
    from torch import nn

PIECES_AT_ONCE = 32
BATCHES_AT_ONCE = 2


def convert_to_openvino(embedding: "nn.Module", image_px: int) -> "Model":
    """Express a network in OpenVINO's terms, for any number of images.

    Raises:
        BackboneError: OpenVINO or the tracer of torch cannot express the network.
    """
    import openvino
    import torch

    example = torch.zeros(2, image_px, image_px, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # OpenVINO still converts through torch.jit.trace, which torch has deprecated. The tracer's own
            # check runs the network three times more; ours compares the result.
            warnings.simplefilter("ignore")
            traced = torch.jit.trace(embedding, example, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            converted = openvino.convert_model(traced, example_input=example)
        converted.reshape([-1, image_px, image_px, 3])
    except Exception as error:  # Both raise whatever they meet in a network they do not know.
        raise BackboneError(
            f"OpenVINO cannot run this network ({first_line(error)}). Use --runtime torch."
        ) from error
    return converted


def save_openvino(network: "Model", file: Path) -> None:
    """Write OpenVINO's representation: an .xml file, and a .bin file with the weights as they are.

    Raises:
        RuntimeError: the disk is full.
    """
    import openvino

    openvino.save_model(network, file, compress_to_fp16=False)


def has_bf16() -> bool:
    """Whether this CPU multiplies in bfloat16, by AVX-512 or AMX."""
    return "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def openvino_core() -> "Core":
    """OpenVINO's one entry point of this process; make no other.

    Each gives the thread a stack for signal handlers and puts the one before back when it goes. Where two go
    in the order in which they came, that one is gone already, and the next Ctrl-C ends in a segmentation
    fault.
    """
    import openvino

    return openvino.Core()


def openvino_runtime(network: "Path | Model", *, precision: Precision = "full") -> Embed:
    """Run a converted network, or one in a file, with OpenVINO on the CPU.

    A batch is dealt to one stream for every core or so, in pieces so small that activations stay in the
    core's cache: that needs less time than one large batch by all cores together, and much less where other
    programs run beside, since no core ever waits for another.

    Two batches may be on their way at once, so that cores go on with the second while the last images of the
    first are finished.

    The precision is named because CPUs that know bfloat16 would otherwise use it without a word, at a
    relative error above 1e-2. A network quantised to int8 carries its precision in itself; what it leaves in
    floating point stays in float32.

    Raises:
        BackboneError: the CPU does not compute in that precision.
    """
    require_cpu_precision(precision)
    first_batch = threading.Lock()

    @cache
    def compiled() -> _Compiled:
        # Not before the first batch: whoever finds all features in the store never needs it.
        return _compile(network, precision)

    def embed(images: Images) -> Features:
        with first_batch:
            ready = compiled()
        images = np.require(images, requirements=["C", "W"])  # OpenVINO shares no other memory.
        rows = np.empty((len(images), ready.width), dtype=np.float32)
        requests = ready.free.get()
        try:
            _infer(requests, images, rows, ready.images_per_piece)
        finally:
            ready.free.put(requests)
        return rows

    return embed


def require_cpu_precision(precision: Precision) -> None:
    """Check that OpenVINO on this CPU computes in a precision.

    Raises:
        BackboneError: it does not.
    """
    if precision == "bf16" and not has_bf16():
        raise BackboneError(
            "This CPU does not compute in bfloat16 (it has neither avx512_bf16 nor amx_bf16). "
            "Leave ':bf16' away; ':int8' runs on every CPU."
        )
    if precision == "fp16":
        raise BackboneError("OpenVINO on a CPU does not compute in float16. Use --runtime torch on a GPU.")


@dataclass(frozen=True)
class _Compiled:
    """Requests for each of the batches that may be on their way at once, and what goes in and comes out."""

    free: "SimpleQueue[list[InferRequest]]"
    width: int
    images_per_piece: int


def _compile(network: "Path | Model", precision: Precision) -> _Compiled:
    config: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_NUM_THREADS": usable_cores(),
    }
    compiled = openvino_core().compile_model(network, "CPU", config)
    free: SimpleQueue[list[InferRequest]] = SimpleQueue()
    for _ in range(BATCHES_AT_ONCE):
        free.put([compiled.create_infer_request() for _ in range(PIECES_AT_ONCE)])
    width: int = compiled.output(0).partial_shape[1].get_length()
    # OpenVINO's bindings set themselves up at the first inference of a process. Where two threads come first
    # together, each ends up waiting for what the other holds, forever: so one image goes ahead, alone.
    shape = [size.get_length() for size in list(compiled.input(0).partial_shape)[1:]]
    one = [compiled.create_infer_request()]
    _infer(one, np.zeros([1, *shape], np.uint8), np.empty([1, width], np.float32), 1)
    takes_any_number = compiled.input(0).partial_shape[0].is_dynamic
    return _Compiled(free, width, IMAGES_PER_PIECE if takes_any_number else 1)


def _infer(requests: Sequence["InferRequest"], images: Images, rows: Features, step: int) -> None:
    """Deal the images to the requests in turn. Each reads and writes its piece of the arrays in place."""
    from openvino import Tensor

    begun = 0
    try:
        for number, start in enumerate(range(0, len(images), step)):
            piece = slice(start, start + step)
            request = requests[number % len(requests)]
            if number >= len(requests):
                request.wait()
            request.set_input_tensor(Tensor(images[piece], shared_memory=True))
            request.set_output_tensor(Tensor(rows[piece], shared_memory=True))
            request.start_async()
            begun = number + 1
    finally:
        for request in requests[:begun]:  # Also when interrupted: none may write into an array that is gone.
            request.wait()
