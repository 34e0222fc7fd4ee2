"""Intervals by resampling: whole groups of images drawn with replacement, many times over.

Most scores are a function of sums over images (how many of class 3 were right, how large all losses are
together). A resample then only changes how often each image counts, and all resamples together are one
product: counts `[rounds, units]` times per-unit totals `[units, q]`.
"""

from collections.abc import Callable, Iterator
from statistics import NormalDist
from typing import Any

import numpy as np

from regraft.core.arrays import Array
from regraft.core.seeds import generator
from regraft.evaluation.answers import Groups, units
from regraft.evaluation.interval import LEVEL, Interval

ROUNDS = 1000
BLOCK = 4_000_000  # counts held at once

Statistic = Callable[[Array], Array]


def bootstrap(
    quantities: Array,
    statistic: Statistic,
    *,
    groups: Groups | None = None,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The interval of any statistic that depends on sums over images.

    Args:
        quantities: `[n, q]`, what each image adds to each of q sums.
        statistic: from sums `[r, q]` to values `[r]`, row by row.
        groups: which images belong together; groups are then resampled, not images.
        seed: for the resamples; equal seeds draw equal resamples.
        level: how often the interval should cover the truth.

    >>> values = np.array([[1.0], [2.0], [3.0]])
    >>> interval = bootstrap(np.hstack([values, np.ones_like(values)]), lambda s: s[:, 0] / s[:, 1])
    >>> interval.low <= interval.value == 2.0 <= interval.high
    True
    """
    codes = units(groups, len(quantities))
    value = float(statistic(quantities.sum(axis=0, dtype=np.float64)[None])[0])
    replicates = statistic(resampled_sums(quantities, codes, seed=seed))
    return percentile(value, replicates, int(codes.max()) + 1, level)


def mean_interval(
    values: Array,
    codes: Array,
    *,
    within: tuple[float, float] = (-np.inf, np.inf),
    seed: int = 0,
    level: float = LEVEL,
    weights: Array | None = None,
) -> Interval:
    """The interval of a mean whose values may be very skewed, as losses are: most near 0, some huge.

    Each resample is measured in its own standard errors (the bootstrap t), which knows that a sample
    without the rare huge loss underestimates mean and error together. `within` are the values possible. An
    image of weight 2 counts as if it stood there twice, in its own group.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, section 12.5.
    """
    weight = np.ones(len(values)) if weights is None else weights
    sums, sizes = np.bincount(codes, weights=weight * values), np.bincount(codes, weights=weight)
    moments = np.stack([sizes, sums, sums * sums, sums * sizes, sizes * sizes], axis=1)
    (value,), (error,) = _mean_and_error(moments.sum(axis=0)[None])
    mean, count = float(value), len(sizes)
    if count < 2:
        return Interval(mean, *within)
    values_drawn, errors = _mean_and_error(resampled_sums(moments, np.arange(count), seed=seed))
    usable = errors > 0
    if error == 0 or not usable.any():
        return Interval(mean, mean, mean)
    distances = (values_drawn[usable] - mean) / errors[usable]
    tail = (1 - level) / 2
    left, right = np.quantile(distances, [tail, 1 - tail]) * float(error) * np.sqrt(count / (count - 1))
    low, high = min(mean, mean - float(right)), max(mean, mean - float(left))
    return Interval(mean, max(low, within[0]), min(high, within[1]))


def _mean_and_error(moments: Array) -> tuple[Array, Array]:
    """Mean and standard error from sums over units `[r, 5]` of size, sum, sum^2, sum x size, size^2."""
    size, total, squares, cross, sizes = moments.T
    mean = total / size
    variance = (squares - 2 * mean * cross + mean * mean * sizes) / (size * size)
    # Values that are all equal leave rounding errors in place of zero.
    tiny = 1e-12 * (squares / (size * size))
    return mean, np.sqrt(np.where(variance > tiny, variance, 0))


def resampled_sums(quantities: Any, codes: Array, *, seed: int, rounds: int = ROUNDS) -> Array:
    """Sums `[rounds, q]` of quantities `[n, q]`, dense or sparse, over resamples of the units in `codes`.

    Cost: rounds x units random numbers, and rounds x (non-zero quantities) multiplications.
    """
    totals = unit_totals(quantities, codes)
    transposed = totals.T.tocsr()
    blocks = [transposed @ counts for counts in resamples(totals.shape[0], seed=seed, rounds=rounds)]
    return np.concatenate(blocks, axis=1).T


def unit_totals(quantities: Any, codes: Array) -> Any:
    """Quantities `[n, q]` added up over each unit, as a sparse array `[units, q]`."""
    from scipy import sparse

    n, count = len(codes), int(codes.max()) + 1
    members = sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(count, n))
    return members @ sparse.csr_array(quantities)


def resamples(count: int, *, seed: int, rounds: int = ROUNDS) -> Iterator[Array]:
    """Blocks `[count, r]`, together `rounds` wide: how often each unit was drawn in each resample."""
    random = generator(seed, "bootstrap")
    width = max(1, min(rounds, BLOCK // count))
    for start in range(0, rounds, width):
        r = min(width, rounds - start)
        draws = random.integers(0, count, size=(count, r), dtype=np.int32).astype(np.int64)
        draws *= r
        draws += np.arange(r)
        yield np.bincount(draws.ravel(), minlength=count * r).reshape(count, r).astype(np.float64)


def percentile(value: float, replicates: Array, count: int, level: float = LEVEL) -> Interval:
    """The percentile interval of a value from its replicates over `count` units, widened for few units.

    Source: Hesterberg 2015, arXiv 1411.5279, section 5.3: the expanded percentile interval, which undoes
        the factor (u - 1) / u of a resampled variance and takes t for the normal quantile.
    Differs: the ends are moved out to hold the value, where a skewed statistic would leave it outside.
    """
    tail = expanded_tail(count, level)
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return Interval(value, min(float(low), value), max(float(high), value))


def expanded_tail(count: int, level: float = LEVEL) -> float:
    """The share of replicates to leave out at each end; below (1 - level) / 2, more so for few units."""
    if count < 2:
        return 0.0
    return NormalDist().cdf(-float(np.sqrt(count / (count - 1))) * student(count - 1, level))


def student(freedom: int, level: float = LEVEL) -> float:
    """The two-sided quantile of Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.5 + level / 2))
