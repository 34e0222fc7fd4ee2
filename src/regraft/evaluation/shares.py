"""Shares of images, of one kind or of many at once, with intervals that know about groups."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from regraft.core.arrays import Array
from regraft.evaluation.interval import LEVEL, Interval, wilson_ends
from regraft.evaluation.resampling import student


@dataclass(frozen=True, eq=False, slots=True)
class Shares:
    """For each of k kinds of images, which share is a hit: arrays `[k]`. A kind without images: 0 in [0, 1].

    `effective` is the number of independent images that would tell as much as these groups.
    """

    count: Array
    value: Array
    low: Array
    high: Array
    effective: Array

    def interval(self, kind: int) -> Interval:
        """One of them."""
        return Interval(float(self.value[kind]), float(self.low[kind]), float(self.high[kind]))


def share(hits: Array, codes: Array, *, level: float = LEVEL) -> Interval:
    """The share of hits (0 or 1, `[n]`) among all images; `codes` number the groups they belong to."""
    return shares(hits, np.zeros(len(hits), np.int64), codes, kinds=1, level=level).interval(0)


def shares(hits: Array, kind: Array, codes: Array, *, kinds: int, level: float = LEVEL) -> Shares:
    """The share of hits among the images of each kind, with Wilson's interval.

    Where images come in groups, the interval is Wilson's at the effective number of images: the number
    of independent ones that would give the variance seen between groups, never more than there are, and
    lowered once more for estimating that variance from few groups. If all images are hits, or none is,
    groups show no variance, and each group counts as one image. A single group tells nothing: [0, 1].

    Source: Korn and Graubard 1998, Survey Methodology 24(2), 193-201, for the effective number.
    Differs: Wilson's interval in place of Clopper and Pearson's.

    Args:
        hits: 0 or 1, `[n]`.
        kind: which share an image counts towards, 0 .. kinds - 1, `[n]`.
        codes: the group of each image, `[n]`.
        kinds: how many shares there are.
        level: how often an interval should cover the truth.
    """
    pairs, inverse = np.unique(codes * kinds + kind, return_inverse=True)
    size = np.bincount(inverse).astype(np.float64)
    hit = np.bincount(inverse, weights=hits)
    of = pairs % kinds
    count = np.bincount(of, weights=size, minlength=kinds)
    groups = np.bincount(of, minlength=kinds).astype(np.float64)
    value = np.bincount(of, weights=hit, minlength=kinds) / np.maximum(count, 1)

    squares = np.bincount(of, weights=(hit - value[of] * size) ** 2, minlength=kinds)
    effective = _effective(value, count, groups, squares)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    trusted = effective * np.where(groups == count, 1.0, few_groups(groups, level))
    low, high = wilson_ends(value, np.where(trusted > 0, trusted, 1), z)
    known = trusted > 0
    return Shares(
        count.astype(np.int64), value, np.where(known, low, 0.0), np.where(known, high, 1.0), effective
    )


def few_groups(groups: Array, level: float = LEVEL) -> Array:
    """The factor, below 1, that stands for estimating a variance from so many groups; 0 for a single one."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    factors = {g: (z / student(int(g) - 1, level)) ** 2 for g in set(groups.tolist()) if g > 1}
    return np.array([factors.get(g, 0.0) for g in groups.tolist()])


def _effective(value: Array, count: Array, groups: Array, squares: Array) -> Array:
    """The effective number of images of each kind, from squared deviations summed over its groups."""
    variance = squares / np.maximum(count, 1) ** 2 * groups / np.maximum(groups - 1, 1)
    spread = value * (1 - value)
    estimable = (spread > 0) & (groups > 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Groups that all have the same share give infinity, capped by the number of images.
        seen = np.where(estimable, spread / variance, groups)
    return np.where(groups == count, count, np.minimum(seen, count))
