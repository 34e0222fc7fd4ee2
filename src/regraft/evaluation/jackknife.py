"""The interval of any statistic of images, from computing it a few times with a part of them left out."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int

from regraft.core.arrays import Array
from regraft.core.errors import DataError
from regraft.core.seeds import generator
from regraft.evaluation.interval import LEVEL, Interval
from regraft.evaluation.resampling import student

BLOCKS = 10
# Statistics that are equal but for rounding have no spread.
ROUNDING = 1e-12

Rows = Int[Array, " i"]


def jackknife(
    statistic: Callable[[Rows], float],
    units: Int[Array, " n"] | int,
    *,
    blocks: int = BLOCKS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The interval of a statistic that is dear to compute, or of which no formula for its error is known.

    Units are dealt to blocks by lot. The statistic is computed on all images and once without each block; how
    much those values differ tells its standard error. A unit lies in one block whole.

    Args:
        statistic: from the rows kept, ascending, to a finite number; smooth, as means and scores are, while
            medians and maxima are not.
        units: a number for each image, equal for images that belong together; or how many images there are,
            each on its own.
        blocks: how often a part is left out; with fewer units each is left out alone.
        seed: for the lot.
        level: how often the interval should cover the truth.

    Source: Kott 2001, "The delete-a-group jackknife", Journal of Official Statistics 17; Tukey 1958.
    Differs: units are dealt largest first to the block of fewest images, so that blocks are of nearly one
        size.
    Cost: blocks + 1 computations of the statistic.

    Raises:
        DataError: no images, fewer than two blocks, or a value that is not finite.

    >>> values = np.arange(100.0)
    >>> interval = jackknife(lambda rows: float(values[rows].mean()), 100)
    >>> interval.low < interval.value == 49.5 < interval.high
    True
    """
    owners = np.arange(units) if isinstance(units, int) else np.unique(units, return_inverse=True)[1]
    if not len(owners) or blocks < 2:
        raise DataError(f"A jackknife needs images and two blocks or more; given {len(owners)} and {blocks}.")
    value = _finite(statistic(np.arange(len(owners))), "of all images")
    count = min(blocks, int(owners.max()) + 1)
    if count < 2:
        return Interval(value, -np.inf, np.inf)
    block = deal(np.bincount(owners), count, seed=seed)[owners]
    without = [
        _finite(statistic(np.flatnonzero(block != left_out)), f"without block {left_out} of {count}")
        for left_out in range(count)
    ]
    squares = float(((np.array(without) - value) ** 2).sum())
    error = np.sqrt((count - 1) / count * squares)
    if error <= ROUNDING * abs(value):
        return Interval(value, value, value)
    reach = float(student(count - 1, level) * error)
    return Interval(value, value - reach, value + reach)


def deal(sizes: Int[Array, " u"], blocks: int, *, seed: int) -> Int[Array, " u"]:
    """The block of each unit: by lot among units of one size, the largest first, to the emptiest block.

    >>> sorted(deal(np.array([4, 1, 1, 1, 1]), 2, seed=0).tolist()) in ([0, 0, 0, 0, 1], [0, 1, 1, 1, 1])
    True
    """
    random = generator(seed, "jackknife")
    lots = random.permutation(len(sizes))
    order = lots[np.argsort(-sizes[lots], kind="stable")]
    held, dealt = np.zeros(blocks, np.int64), np.zeros(len(sizes), np.int64)
    for unit in order.tolist():
        dealt[unit] = held.argmin()
        held[dealt[unit]] += sizes[unit]
    return dealt


def _finite(value: float, of: str) -> float:
    if not np.isfinite(value):
        raise DataError(f"The statistic {of} is {value}; a jackknife needs finite numbers.")
    return float(value)
