"""Every image through the fixed part of a network, once."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import torch

from regraft.backbones.tail import Tail
from regraft.core.cores import usable_cores
from regraft.core.errors import TrainingError
from regraft.core.progress import progress
from regraft.data import View, batches

BATCH = 32


def handed_on(
    tail: Tail,
    paths: Sequence[Path],
    view: View,
    *,
    most_bytes: float,
    most_s: float,
    should_stop: Callable[[], bool],
) -> torch.Tensor:
    """What a tail is to be fed of each image [n, ...], on the CPU, in the order of the paths.

    Args:
        tail: with the fixed part before it.
        paths: images.
        view: what the network sees of each.
        most_bytes: memory that it may take.
        most_s: seconds that it may take, judged by the second batch, since the first finds nothing warm.
        should_stop: asked after every batch.

    Raises:
        TrainingError: an image can no longer be read, what is handed on is too large for half precision,
            memory or time are not enough, or it was stopped.
    """
    found = torch.empty(0)
    stream = batches(paths, view, size=BATCH, workers=usable_cores())
    with closing(stream), progress("Fixed part of the network", len(paths)) as advance:
        began_s = time.perf_counter()
        for number, batch in enumerate(stream):
            if batch.skipped:
                raise TrainingError(f"{batch.skipped[0].path} can no longer be read.")
            handed = tail.hand_on(torch.from_numpy(batch.images).to(tail.mean.device)).cpu()
            if not number:
                found = _room_for(handed, len(paths), most_bytes)
            if handed.is_floating_point() and not torch.isfinite(handed).all():
                raise TrainingError(f"The fixed part hands on numbers beyond {handed.dtype}.")
            found[BATCH * number : BATCH * number + len(handed)] = handed
            ended_s = time.perf_counter()
            whole_s = (ended_s - began_s) * len(paths) / len(handed)
            if number == min(1, (len(paths) - 1) // BATCH) and whole_s > most_s:
                raise TrainingError(
                    f"The fixed part would take {whole_s:.0f} s to look at {len(paths)} images; "
                    f"{most_s:.0f} s are left for it."
                )
            if should_stop():
                raise TrainingError("It was stopped before the fixed part had looked at every image.")
            began_s = ended_s
            advance(len(handed))
    return found


def _room_for(handed: torch.Tensor, count: int, most_bytes: float) -> torch.Tensor:
    needed = handed[0].numel() * handed.element_size() * count
    if needed > most_bytes:
        raise TrainingError(f"What the fixed part hands on of {count} images needs {needed / 1e9:.0f} GB.")
    return torch.empty((count, *handed.shape[1:]), dtype=handed.dtype)
