"""Torch on a CPU or a GPU: for networks that nothing else can express, and wherever there is a GPU."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from regraft.backbones.names import Precision
from regraft.backbones.runtimes.contract import Embed
from regraft.backbones.runtimes.openvino import has_bf16
from regraft.core.arrays import Features, Images
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

Device = Literal["cpu", "cuda"]

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")
IMAGES_PER_CPU_PIECE = 8
"""The activations of a whole batch leave every cache. Lite 0 on two AMD EPYC cores embedded 142 images/s in
pieces of 8 and 21 in one piece of 64 (2026-11-23, n = 1, other programs beside)."""


def has_cuda() -> bool:
    """Whether torch can use a GPU. Torch is imported only where a driver makes it likely."""
    if not NVIDIA_DRIVER.exists():
        return False
    import torch

    return torch.cuda.is_available()


def torch_runtime(embedding: "nn.Module", *, precision: Precision = "full", compiled: bool = False) -> Embed:
    """Run a network with torch, on the GPU where there is one, channels last.

    `bf16` and `fp16` are automatic mixed precision: what would lose too much stays in float32. `full` is
    float32 on a GPU as well, where convolutions would otherwise round to TensorFloat-32 without a word.

    Args:
        embedding: an `Embedding`; it is moved to the device.
        precision: `full`, `bf16` or `fp16`.
        compiled: pass it through `torch.compile`, which takes a minute or so at the first batch.

    Raises:
        BackboneError: the device does not compute in that precision.
    """
    device: Device = "cuda" if has_cuda() else "cpu"
    require_precision(device, precision)
    return _run_on(device, embedding, precision, compiled=compiled)


def require_precision(device: Device, precision: Precision) -> None:
    """Check that a device computes in a precision by itself, neither emulated nor slower than float32.

    Raises:
        BackboneError: it does not.
    """
    import torch

    native: dict[str, Callable[[], bool]] = {
        "bf16": has_bf16 if device == "cpu" else lambda: torch.cuda.is_bf16_supported(False),
        "fp16": lambda: device == "cuda",
    }
    if precision == "full" or (precision in native and native[precision]()):
        return
    instead = "Use --runtime openvino." if precision == "int8" else f"Leave ':{precision}' away."
    raise BackboneError(f"Torch on this {_what(device)} does not compute in {precision}. {instead}")


def _what(device: Device) -> str:
    import torch

    return f"GPU ({torch.cuda.get_device_name()})" if device == "cuda" else "CPU"


def _run_on(device: Device, embedding: "nn.Module", precision: Precision, *, compiled: bool) -> Embed:
    import torch

    embedding = embedding.to(device).to(memory_format=torch.channels_last)
    # Torch notices by itself that the last batch of a set is smaller, and compiles once more.
    forward: Callable[..., torch.Tensor] = torch.compile(embedding) if compiled else embedding
    one_batch_at_a_time = threading.Lock()  # What the hooks read lies in the module.

    def embed(images: Images) -> Features:
        step = IMAGES_PER_CPU_PIECE if device == "cpu" else len(images)
        with one_batch_at_a_time, torch.inference_mode(), _arithmetic(device, precision):
            # Copies, since torch takes neither mirrored nor read-only arrays; the forward pass dwarfs them.
            pieces = torch.split(torch.tensor(np.ascontiguousarray(images)), max(step, 1))
            rows = [forward(piece.to(device)).float().cpu() for piece in pieces]
        joined: Features = torch.cat(rows).numpy()
        return joined

    return embed


def _arithmetic(device: Device, precision: Precision) -> ExitStack[Any]:
    import torch

    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    stack = ExitStack()
    if device == "cuda":
        stack.enter_context(torch.backends.cudnn.flags(enabled=True, allow_tf32=precision != "full"))
    if precision in kinds:
        stack.enter_context(torch.autocast(device, dtype=kinds[precision]))
    return stack
