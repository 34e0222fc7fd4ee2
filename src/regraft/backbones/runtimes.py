"""How a network runs: torch on CPU or CUDA, OpenVINO on a CPU. One contract: images in, rows out."""

import threading
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regraft.core.arrays import Features, Images
from regraft.core.cores import usable_cores
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from openvino import Core, InferRequest
    from torch import nn

Runtime = Literal["openvino", "torch"]
Embed = Callable[[Images], Features]

IMAGES_PER_PIECE = 2
PIECES_AT_ONCE = 32
BATCHES_AT_ONCE = 2
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


def has_cuda() -> bool:
    """Whether torch can use a GPU. Torch is imported only where a driver makes it likely."""
    if not NVIDIA_DRIVER.exists():
        return False
    import torch

    return torch.cuda.is_available()


def torch_runtime(embedding: "nn.Module") -> Embed:
    """Run a network with torch, on the GPU where there is one."""
    import torch

    device = "cuda" if has_cuda() else "cpu"
    embedding = embedding.to(device).to(memory_format=torch.channels_last)
    one_batch_at_a_time = threading.Lock()  # What the hooks read lies in the module.

    def embed(images: Images) -> Features:
        with one_batch_at_a_time, torch.inference_mode():
            # Copies, since torch takes neither mirrored nor read-only arrays; the forward pass dwarfs them.
            pixels = torch.tensor(np.ascontiguousarray(images)).to(device)
            rows: Features = embedding(pixels).float().cpu().numpy()
        return rows

    return embed


def convert_to_openvino(embedding: "nn.Module", image_px: int, file: Path) -> None:
    """Write a network as OpenVINO's intermediate representation, weights in full precision.

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
        reason = (str(error).strip().splitlines() or ["no message"])[0][:200]
        raise BackboneError(f"OpenVINO cannot run this network ({reason}). Use --runtime torch.") from error
    openvino.save_model(converted, file, compress_to_fp16=False)


@cache
def openvino_core() -> "Core":
    """OpenVINO's one entry point of this process; make no other.

    Each gives the thread a stack for signal handlers and puts the one before back when it goes. Where two go
    in the order in which they came, that one is gone already, and the next Ctrl-C ends in a segmentation
    fault.
    """
    import openvino

    return openvino.Core()


def openvino_runtime(file: Path) -> Embed:
    """Run a converted network with OpenVINO on the CPU.

    A batch is dealt to one stream for every core or so, in pieces so small that activations stay in the
    core's cache: that needs less time than one large batch by all cores together, and much less where other
    programs run beside, since no core ever waits for another.

    Two batches may be on their way at once, so that cores go on with the second while the last images of the
    first are finished.

    The precision is named because CPUs that know bfloat16 would otherwise use it without a word, at a
    relative error above 1e-2.
    """
    first_batch = threading.Lock()

    @cache
    def compiled() -> tuple["SimpleQueue[list[InferRequest]]", int]:
        # Not before the first batch: whoever finds all features in the store never needs it.
        return _compile(file)

    def embed(images: Images) -> Features:
        with first_batch:
            free, width = compiled()
        images = np.require(images, requirements=["C", "W"])  # OpenVINO shares no other memory.
        rows = np.empty((len(images), width), dtype=np.float32)
        requests = free.get()
        try:
            _infer(requests, images, rows)
        finally:
            free.put(requests)
        return rows

    return embed


def _compile(file: Path) -> tuple["SimpleQueue[list[InferRequest]]", int]:
    """Requests for each of the batches that may be on their way at once, and the rows' width."""
    config: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_NUM_THREADS": usable_cores(),
    }
    compiled = openvino_core().compile_model(file, "CPU", config)
    free: SimpleQueue[list[InferRequest]] = SimpleQueue()
    for _ in range(BATCHES_AT_ONCE):
        free.put([compiled.create_infer_request() for _ in range(PIECES_AT_ONCE)])
    width: int = compiled.output(0).partial_shape[1].get_length()
    # OpenVINO's bindings set themselves up at the first inference of a process. Where two threads come first
    # together, each ends up waiting for what the other holds, forever: so one image goes ahead, alone.
    shape = [size.get_length() for size in list(compiled.input(0).partial_shape)[1:]]
    _infer(
        [compiled.create_infer_request()], np.zeros([1, *shape], np.uint8), np.empty([1, width], np.float32)
    )
    return free, width


def _infer(requests: Sequence["InferRequest"], images: Images, rows: Features) -> None:
    """Deal the images to the requests in turn. Each reads and writes its piece of the arrays in place."""
    from openvino import Tensor

    begun = 0
    try:
        for number, start in enumerate(range(0, len(images), IMAGES_PER_PIECE)):
            piece = slice(start, start + IMAGES_PER_PIECE)
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


def relative_error(rows: Features, reference: Features) -> float:
    """Norm of the difference over the norm of the reference."""
    return float(np.linalg.norm(rows - reference) / max(float(np.linalg.norm(reference)), 1e-30))
