"""What a classifier answered on labelled images: right or not, at which rank, at what loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regraft.core.arrays import Array, Labels, Probabilities
from regraft.core.errors import DataError

Groups = Sequence[str] | Array

# The resolution of float32 probabilities: one confidently wrong image costs 15.9 nats at most.
SMALLEST_PROBABILITY = float(np.finfo(np.float32).eps)
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Answers:
    """Probabilities `[n, k]` beside the true labels `[n]`, and which images belong together.

    Images of one group (a patient, a camera track) are not independent: what varies is the group. An
    image whose group is `""`, or every image if `groups` is None, stands on its own.

    Raises:
        DataError: no images, shapes that disagree, labels outside the classes, or rows that are not
            probabilities.
    """

    probabilities: Probabilities
    labels: Labels
    groups: Groups | None = None

    def __post_init__(self) -> None:
        n, k = self.probabilities.shape
        if n == 0 or k == 0:
            raise DataError(f"There is nothing to evaluate: {n} images, {k} classes.")
        if len(self.labels) != n or (self.groups is not None and len(self.groups) != n):
            groups = "no" if self.groups is None else len(self.groups)
            raise DataError(f"{n} rows of probabilities, {len(self.labels)} labels, {groups} groups.")
        if self.labels.min() < 0 or self.labels.max() >= k:
            span = f"{self.labels.min()} to {self.labels.max()}"
            raise DataError(f"Labels run from {span}, but there are probabilities for {k} classes.")
        sums = self.probabilities.sum(axis=1, dtype=np.float64)
        proper = (np.abs(sums - 1) < SUM_TOLERANCE) & (self.probabilities.min(axis=1) >= 0)
        if not proper.all():
            row = int(np.flatnonzero(~proper)[0])
            raise DataError(f"Row {row} is not a row of probabilities: it sums to {sums[row]:.4g}.")

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.labels)

    @property
    def k(self) -> int:
        """How many classes."""
        return int(self.probabilities.shape[1])

    @cached_property
    def predicted(self) -> Labels:
        """The most probable class of each image; the first one where several are equal."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def seen(self) -> Array:
        """How many images each class has `[k]`."""
        return np.bincount(self.labels, minlength=self.k)

    @cached_property
    def guessed(self) -> Array:
        """How many images are taken for each class `[k]`."""
        return np.bincount(self.predicted, minlength=self.k)

    @cached_property
    def confidence(self) -> Array:
        """The probability of the predicted class, float64 `[n]`."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @cached_property
    def right(self) -> Array:
        """1.0 where the predicted class is the true one, else 0.0."""
        return np.asarray(self.predicted == self.labels, np.float64)

    @cached_property
    def ranks(self) -> Array:
        """How many classes come before the true one: 0 where the prediction is right."""
        own = self.probabilities[np.arange(self.n), self.labels][:, None]
        earlier = np.arange(self.k) < self.labels[:, None]
        before = (self.probabilities > own) | ((self.probabilities == own) & earlier)
        return np.asarray(before.sum(axis=1))

    @cached_property
    def losses(self) -> Array:
        """Log-loss of each image in nats, float64 `[n]`; see SMALLEST_PROBABILITY."""
        own = self.probabilities[np.arange(self.n), self.labels].astype(np.float64)
        return -np.log(np.clip(own, SMALLEST_PROBABILITY, 1))

    @cached_property
    def units(self) -> Array:
        """A number in 0 .. u - 1 for each image: equal numbers are one group; see `units`."""
        return units(self.groups, self.n)

    @property
    def count(self) -> int:
        """How many independent units: groups, and images that stand on their own."""
        return int(self.units.max()) + 1


def units(groups: Groups | None, n: int) -> Array:
    """Number the independent units that n images fall into.

    >>> units(["anna", "", "anna", ""], 4).tolist()
    [2, 0, 2, 1]
    """
    if groups is None:
        return np.arange(n)
    named = np.asarray(groups)
    if named.dtype.kind == "O":
        named = named.astype(str)
    _, codes = np.unique(named, return_inverse=True)
    if named.dtype.kind in "US":
        # An image without a group is a unit of its own: it gets a code that no other image has.
        alone = named == named.dtype.type()
        codes = np.where(alone, np.arange(n) - n, codes)
    return np.unique(codes, return_inverse=True)[1].reshape(n)
