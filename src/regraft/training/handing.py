"""Every image through the fixed part of a network, once."""

import time
from collections.abc import Sequence
from pathlib import Path

import torch

from regraft.backbones.tail import Tail
from regraft.core.cores import usable_cores
from regraft.core.errors import TrainingError
from regraft.core.progress import progress
from regraft.data import View, batches

BATCH = 32


def handed_on(
    tail: Tail, paths: Sequence[Path], view: View, *, most_bytes: float, most_s: float
) -> torch.Tensor:
    """What a tail is to be fed of each image [n, ...], on the CPU, in the order of the paths.

    Args:
        tail: with the fixed part before it.
        paths: images.
        view: what the network sees of each.
        most_bytes: memory that may be used.
        most_s: seconds that it may take, as far as the first batch tells.

    Raises:
        TrainingError: an image can no longer be read, memory is too small, or it would take too long.
    """
    found: list[torch.Tensor] = []
    started = time.perf_counter()
    with progress("Fixed part of the network", len(paths)) as advance:
        for batch in batches(paths, view, size=BATCH, workers=usable_cores()):
            if batch.skipped:
                raise TrainingError(f"{batch.skipped[0].path} can no longer be read.")
            found.append(tail.hand_on(torch.from_numpy(batch.images.copy()).to(tail.mean.device)).cpu())
            needed = found[0][0].numel() * found[0].element_size() * len(paths)
            if needed > most_bytes:
                raise TrainingError(
                    f"What the fixed part hands on of {len(paths)} images needs {needed / 1e9:.0f} GB."
                )
            whole_s = (time.perf_counter() - started) * len(paths) / len(batch.indices)
            if len(found) == 1 and whole_s > most_s:
                raise TrainingError(
                    f"The fixed part would take {whole_s:.0f} s to look at {len(paths)} images; "
                    f"{most_s:.0f} s are left for it."
                )
            advance(len(batch.indices))
    return torch.cat(found)
