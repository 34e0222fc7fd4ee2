"""What a classifier answered where an image may have several labels, or none."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, LabelMatrix, Probabilities
from regraft.core.errors import DataError
from regraft.evaluation.answers import SMALLEST_PROBABILITY, Groups, units


@dataclass(frozen=True, eq=False)
class LabelAnswers:
    """Probabilities `[n, k]`, each for itself, beside the truth `[n, k]` and each label's threshold `[k]`.

    A label is predicted where its probability reaches its threshold. `groups` as in `Answers`.

    Raises:
        DataError: no images, shapes that disagree, or numbers that are no probabilities.
    """

    probabilities: Probabilities
    truth: LabelMatrix
    thresholds: Float[Array, " k"]
    groups: Groups | None = None

    def __post_init__(self) -> None:
        n, k = self.probabilities.shape
        if n == 0 or k == 0:
            raise DataError(f"There is nothing to evaluate: {n} images, {k} labels.")
        if self.groups is not None and len(self.groups) != n:
            raise DataError(f"{n} rows of probabilities, {len(self.groups)} groups.")
        if self.truth.shape != (n, k) or self.thresholds.shape != (k,):
            raise DataError(
                f"Probabilities {self.probabilities.shape} do not fit a truth {self.truth.shape} and "
                f"thresholds {self.thresholds.shape}."
            )
        if not (self.probabilities.min() >= 0 and self.probabilities.max() <= 1):
            raise DataError(
                f"Probabilities run from {self.probabilities.min():.4g} to {self.probabilities.max():.4g}."
            )

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.truth)

    @property
    def k(self) -> int:
        """How many labels."""
        return int(self.truth.shape[1])

    @cached_property
    def predicted(self) -> LabelMatrix:
        """Which labels each image is given."""
        return np.asarray(self.probabilities >= self.thresholds)

    @cached_property
    def right(self) -> Array:
        """1.0 where all labels of an image are right, else 0.0."""
        return np.asarray((self.predicted == self.truth).all(axis=1), np.float64)

    @cached_property
    def losses(self) -> Array:
        """Binary log-loss of each image in nats, the mean over labels, float64 `[n]`."""
        probabilities = self.probabilities.astype(np.float64)
        own = np.where(self.truth, probabilities, 1 - probabilities)
        return np.asarray(-np.log(np.clip(own, SMALLEST_PROBABILITY, 1)).mean(axis=1))

    @cached_property
    def seen(self) -> Array:
        """How many images have each label `[k]`."""
        return np.asarray(self.truth.sum(axis=0))

    @cached_property
    def guessed(self) -> Array:
        """How many images are given each label `[k]`."""
        return np.asarray(self.predicted.sum(axis=0))

    @cached_property
    def units(self) -> Array:
        """A number in 0 .. u - 1 for each image: equal numbers are one group; see `answers.units`."""
        return units(self.groups, self.n)

    @property
    def count(self) -> int:
        """How many independent units: groups, and images that stand on their own."""
        return int(self.units.max()) + 1
