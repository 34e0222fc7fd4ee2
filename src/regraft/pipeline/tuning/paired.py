"""Trials compared on the same held-out images, image by image."""

from functools import cache

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Weights
from regraft.evaluation import Interval
from regraft.evaluation.answers import units
from regraft.evaluation.comparison import paired_difference
from regraft.evaluation.resampling import mean_interval
from regraft.pipeline.tuning.answers import SMALLEST, image_losses
from regraft.pipeline.tuning.tries import Tries

MOST_LOSS = -float(np.log(SMALLEST))
"""Of an image."""


def difference(
    one: Float[Array, " n"],
    other: Float[Array, " n"],
    codes: Array,
    *,
    most: float | None,
    seed: int,
    weights: Weights | None,
) -> Interval:
    """How much higher the weighted mean of the other's values is, on the same images.

    Values are losses of at most so many nats, or 0 and 1 where that is None; `codes` number the groups.
    """
    if most is None:
        return paired_difference(one, other, codes, weights=weights)
    return mean_interval(other - one, codes, within=(-most, most), seed=seed, weights=weights)


class Paired:
    """The held-out answers of a search's trials, read when they are asked for."""

    def __init__(self, tries: Tries) -> None:
        climb = tries.climb
        self._tries = tries
        self._is_loss = tries.objective == "loss"
        self._truth = climb.truth[climb.held_out]
        self._codes = units(climb.held_out_groups if any(climb.held_out_groups) else None, len(self._truth))
        self._weights, self._seed = climb.held_out_weights, climb.asked.seed
        # Comparisons with the best ask for its answers again and again.
        self._scores = cache(self._read)

    @property
    def images(self) -> int:
        """How many were held out."""
        return len(self._truth)

    def difference(self, one: int, other: int) -> Interval | None:
        """How much more the other trial has of what is to be made small; None where answers are not here."""
        first, second = self._scores(one), self._scores(other)
        if first is None or second is None:
            return None
        most = MOST_LOSS if self._is_loss else None
        return difference(first, second, self._codes, most=most, seed=self._seed, weights=self._weights)

    def _read(self, number: int) -> Float[Array, " n"] | None:
        """Of every image its log-loss, or 1 for a wrong answer."""
        said = self._tries.predictions(number)
        if said is None or said.shape != (len(self._truth), self._tries.climb.class_count):
            return None
        if self._is_loss:
            return image_losses(said, self._truth)
        return np.asarray(said.argmax(axis=1) != self._truth, np.float64)
