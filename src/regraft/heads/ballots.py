"""Indicators of classes that are never written down for all examples: mostly they are zeros."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Truth, Weights
from regraft.heads.blocks import Part, read_rows, summed


@dataclass(frozen=True, eq=False)
class Ballots:
    """What a linear head regresses on: 1 in the columns of an example's classes, 0 elsewhere.

    An array [n, k] in what can be asked of it, kept as the labels: of a million examples and a hundred
    classes, or a hundred thousand and ten thousand, the array alone would take gigabytes.
    """

    truth: Truth
    class_count: int

    @property
    def shape(self) -> tuple[int, int]:
        """Examples and classes."""
        return len(self.truth), self.class_count

    def __getitem__(self, part: Part) -> Float[Array, "i k"]:
        """The indicators of some examples.

        >>> Ballots(np.array([1, 0, 1]), 2)[1:].tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        chosen = self.truth[part]
        if chosen.ndim == 2:
            return chosen.astype(np.float64)
        found = np.zeros((len(chosen), self.class_count))
        found[np.arange(len(chosen)), chosen] = 1
        return found

    def some(self, part: Part) -> "Ballots":
        """Those of some examples."""
        return Ballots(self.truth[part], self.class_count)

    def totals(self, weights: Weights, part: Part = slice(None)) -> Float[Array, " k"]:
        """The weight of every class among some examples."""
        chosen, weights = self.truth[part], weights[part]
        if chosen.ndim == 2:
            return np.asarray(weights @ chosen)
        return np.bincount(chosen, weights, minlength=self.class_count).astype(np.float64)

    def add_sums(self, sums: Float[Array, "k d"], rows: Float[Array, "i d"], part: Part) -> None:
        """Add the rows of some examples to the sums of their classes.

        Cost: a pass over the rows where each has one class, however many classes there are.
        """
        chosen = self.truth[part]
        if chosen.ndim == 2:
            sums += chosen.T.astype(rows.dtype) @ rows
        elif len(chosen):
            order = np.argsort(chosen, kind="stable")
            found, starts = np.unique(chosen[order], return_index=True)
            sums[found] += np.add.reduceat(rows[order], starts, axis=0)


def present_only(labels: Truth, class_count: int) -> tuple[Ballots, Bool[Array, " k"]]:
    """The ballots for classes that have examples, and which those are.

    Labels that do not exclude each other are all kept.
    """
    if labels.ndim == 2:
        return Ballots(labels, class_count), np.ones(class_count, bool)
    present = np.bincount(labels, minlength=class_count) > 0
    return Ballots((np.cumsum(present) - 1)[labels], int(present.sum())), present


def class_sums(
    features: Features, ballots: Ballots, weights: Weights
) -> tuple[Float[Array, "d k"], Float[Array, " k"]]:
    """Weighted sums of the features of every class, in float64, and the weights of the classes."""

    def over(stretch: Sequence[Part]) -> Float[Array, "k d"]:
        sums = np.zeros((ballots.class_count, features.shape[1]))
        for part in stretch:
            ballots.add_sums(sums, read_rows(features, part) * weights[part][:, None], part)
        return sums

    sums = reduce(np.add, summed(over, len(features)))
    return np.asarray(sums.T), ballots.totals(weights)
