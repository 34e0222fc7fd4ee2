"""Features read a few rows at a time, so that they may be larger than memory.

Every sum over examples that a closed form needs goes through here: over arrays in memory without a copy, over
a file mapped into memory (`np.memmap`, `np.load(..., mmap_mode="r")`) by copies of a few thousand rows.
Half-precision numbers become float32 on the way; nothing else is converted.
"""

import mmap
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Features
from regraft.core.threads import in_parallel

ROWS_AT_ONCE = 2048
STRETCHES = 4
"""Into so many runs of blocks the rows are dealt, each summed by one thread: the same on every machine, so
that sums are rounded alike."""

T = TypeVar("T")
P = TypeVar("P")
Rows = Int[Array, " i"]
Part = slice | Int[Array, "_"]


def read_rows(features: Features, part: Part) -> Float[Array, "i d"]:
    """Some rows in float32 or wider. Those of a mapped file are copied, and its memory is let go of.

    Pages of a mapped file count as memory of this process from when they are read until the system wants them
    back; a pass over a large file would seem, and on a full machine be, as large as the file.
    """
    if features.dtype != np.float16 and not isinstance(features, np.memmap):
        return features[part]
    rows = np.array(features[part], np.float32 if features.dtype == np.float16 else features.dtype)
    if isinstance(features, np.memmap) and len(rows):
        first, last = (part.start, part.stop - 1) if isinstance(part, slice) else (part.min(), part.max())
        _let_go(features, int(first), int(last) + 1)
    return rows.view(np.ndarray)


def parts(rows: int | Rows) -> list[Part]:
    """So many rows from the first, or these rows, a few at a time."""
    count = rows if isinstance(rows, int) else len(rows)
    starts = range(0, count, ROWS_AT_ONCE)
    whole = [slice(start, min(start + ROWS_AT_ONCE, count)) for start in starts]
    return [*whole] if isinstance(rows, int) else [rows[part] for part in whole]


def summed(function: Callable[[Sequence[Part]], T], rows: int | Rows) -> list[T]:
    """What a function makes of runs of blocks of so many rows from the first, or of these rows."""
    return side_by_side(function, parts(rows))


def side_by_side(function: Callable[[Sequence[P]], T], blocks: Sequence[P]) -> list[T]:
    """What a function makes of runs of blocks, in threads: at most `STRETCHES` results, at least one."""
    length = max(1, -(-len(blocks) // STRETCHES))
    stretches = [blocks[start : start + length] for start in range(0, max(len(blocks), 1), length)]
    return [function(stretches[0])] if len(stretches) == 1 else in_parallel(function, stretches)


def column_means(features: Features) -> Float[Array, " d"]:
    """The mean of every column, summed in float64."""

    def total(stretch: Sequence[Part]) -> Float[Array, " d"]:
        found = np.zeros(features.shape[1])
        for part in stretch:
            found += read_rows(features, part).sum(axis=0, dtype=np.float64)
        return found

    return np.asarray(np.sum(summed(total, len(features)), axis=0) / len(features))


def not_finite(features: Features) -> Rows:
    """Which rows hold NaN or infinity. Cost: one pass; a sum is finite unless an entry is not."""

    def wrong(part: Part) -> Rows:
        with np.errstate(invalid="ignore"):
            sums = read_rows(features, part).sum(axis=1, dtype=np.float64)
        assert isinstance(part, slice)
        return np.asarray(np.flatnonzero(~np.isfinite(sums)) + part.start)

    return np.concatenate([wrong(part) for part in parts(len(features))])


def _let_go(features: Features, start: int, stop: int) -> None:
    """Give back the pages of a file that hold some rows; whoever asks for them again has them read again."""
    mapping = _mapping(features)
    # Pages of a private mapping, mode "c", may hold the only copy of what was written to them.
    if mapping is None or getattr(features, "mode", "c") == "c" or features.strides[0] <= 0:
        return
    origin = features.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    first = -(-(origin + start * features.strides[0]) // mmap.PAGESIZE) * mmap.PAGESIZE
    last = min(origin + stop * features.strides[0], len(mapping)) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        mapping.madvise(mmap.MADV_DONTNEED, first, last - first)


def _mapping(features: Features) -> mmap.mmap | None:
    """The mapped file that an array looks at, where the system takes such advice."""
    base: object = features
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") else None
