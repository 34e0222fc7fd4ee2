"""Trials that run out of memory: how that is known, and one more attempt with half the batch."""

import errno
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

H = TypeVar("H")
R = TypeVar("R")

BATCH = "batch_size"
RETRIED = "retried"
"""In a trial's details: why it was tried a second time, and how."""

SAID = ("can't allocate memory", "cannot allocate memory", "out of memory", "alloc_failed")
"""By torch, and by the libraries of a GPU, in a `RuntimeError` of many other meanings."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory was lacking, of the machine or of its GPU."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch and isinstance(error, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in SAID)


def reason_of(error: Exception) -> str:
    """Why a trial failed, in one line."""
    lines = str(error).strip().splitlines()
    first = lines[0] if lines else ""
    name = "out of memory" if is_out_of_memory(error) else type(error).__name__
    return f"{name}: {first}" if first else name


def with_half_the_batch(head: H, fit: Callable[[H], R]) -> tuple[R, dict[str, Any]]:
    """What a fit gives; where memory is lacking, that of the same head with half its `batch_size`.

    A head without a batch size, or of one example, is not tried again.

    Args:
        head: frozen settings.
        fit: whatever is done with them.

    Returns:
        The result, and what the trial's details should say of it.
    """
    size = getattr(head, BATCH, None)
    try:
        return fit(head), {}
    except Exception as error:
        if not is_out_of_memory(error) or not isinstance(size, int) or size < 2:
            raise
    # Not above: what was computed so far lives as long as the error that names it.
    smaller = replace(head, **{BATCH: size // 2})  # type: ignore[type-var]
    said = f"out of memory with batches of {size}, so {size // 2} were taken"
    return fit(smaller), {RETRIED: said}
