"""A number with the range it may well lie in, and the range of a share of images."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from regraft.core.arrays import Array
from regraft.core.errors import DataError

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the ends of its confidence interval; the value always lies between them."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, level: float = LEVEL) -> Interval:
    """The interval of a share: so many successes in n independent trials.

    It never leaves [0, 1] and keeps a width when every trial succeeds. With n = 0 nothing is known: the
    value is 0 by convention and the interval is all of [0, 1]. `n` may be an effective number, not whole.

    Source: Wilson 1927, doi 10.1080/01621459.1927.10502953.

    Raises:
        DataError: more successes than trials, or fewer than none.

    >>> interval = wilson(9, 10)
    >>> f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
    '0.90 (0.60 to 0.98)'
    """
    if not 0 <= successes <= n:
        raise DataError(f"{successes} successes in {n} trials: there must be between 0 and {n}.")
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    share = float(successes) / float(n)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    (low,), (high,) = wilson_ends(np.array([share]), np.array([float(n)]), z)
    return Interval(share, float(low), float(high))


def wilson_ends(share: Array, n: Array, z: float) -> tuple[Array, Array]:
    """Both ends of Wilson's interval for many shares at once, `z` normal quantiles wide; n above 0."""
    spread = z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * np.sqrt(share * (1 - share) / n + spread / (4 * n))
    # Rounding may put an end a hair beyond a share of exactly 0 or 1.
    return np.clip(centre - half, 0, share), np.clip(centre + half, share, 1)
