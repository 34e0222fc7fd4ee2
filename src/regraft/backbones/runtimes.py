"""How a network runs: torch on CPU or CUDA, OpenVINO on a CPU. One contract: images in, rows out."""

import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regraft.core.arrays import Features, Images
from regraft.core.cores import usable_cores
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from openvino import Core
    from torch import nn

Runtime = Literal["openvino", "torch"]
Embed = Callable[[Images], Features]

IMAGES_PER_PIECE = 2
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
    def compiled() -> tuple["SimpleQueue[Any]", int]:
        # Not before the first batch: whoever finds all features in the store never needs it.
        return _compile(file)

    def embed(images: Images) -> Features:
        with first_batch:
            free, width = compiled()
        rows = np.empty((len(images), width), dtype=np.float32)
        requests = free.get()
        try:
            for start in range(0, len(images), IMAGES_PER_PIECE):
                piece = slice(start, start + IMAGES_PER_PIECE)
                requests.start_async({0: np.ascontiguousarray(images[piece])}, rows[piece])
            requests.wait_all()
        finally:
            free.put(requests)
        return rows

    return embed


def _compile(file: Path) -> tuple["SimpleQueue[Any]", int]:
    """Two sets of requests, which write into the array they were started with, and the rows' width."""
    import openvino

    config: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_NUM_THREADS": usable_cores(),
    }
    compiled = openvino_core().compile_model(file, "CPU", config)
    streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")

    def keep(request: Any, place: Features) -> None:
        place[:] = request.get_output_tensor().data

    free: SimpleQueue[Any] = SimpleQueue()
    for _ in range(BATCHES_AT_ONCE):
        requests = openvino.AsyncInferQueue(compiled, 2 * streams)
        requests.set_callback(keep)
        free.put(requests)
    return free, compiled.output(0).partial_shape[1].get_length()


def relative_error(rows: Features, reference: Features) -> float:
    """Norm of the difference over the norm of the reference."""
    return float(np.linalg.norm(rows - reference) / max(float(np.linalg.norm(reference)), 1e-30))
