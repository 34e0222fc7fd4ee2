"""Smooth losses of scores, summed over examples in blocks of rows that stay in a processor's cache.

Of ten thousand classes the scores of all examples are gigabytes, and every pass over them in double precision
several times that; nothing of that size is made here.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Scores, Weights
from regraft.core.errors import DataError
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import STRETCHES, side_by_side

SCORES_AT_ONCE = 2**21
FEWEST_ROWS = 128
MUCH_WORK = 1e8
"""Multiplications of a look at all examples that are worth threads: they take some milliseconds."""

MOST_HELD_OUT = 10**9


class Loss(NamedTuple):
    """A loss of scores [n, k], given which classes the examples have.

    `slopes` gives the losses [n] and their slopes by the scores, `curvature` how each score bends its loss.
    `is_joint` says that classes share a softmax, `is_smooth` that slopes have no kinks.
    """

    slopes: Callable[[Scores, Ballots], tuple[Float[Array, " n"], Float[Array, "n k"]]]
    curvature: Callable[[Scores, Ballots], Float[Array, "n k"]]
    is_joint: bool
    is_smooth: bool


class Posed(NamedTuple):
    """Examples as a linear head sees them, a column of ones last."""

    rows: Float[Array, "n s"]
    ballots: Ballots
    weights: Weights

    @property
    def blocks(self) -> list[slice]:
        """All rows, as many at a time as have two million scores, and a share for every thread."""
        count, classes = self.ballots.shape
        size = SCORES_AT_ONCE // max(classes, 1)
        if self.rows.size * classes > MUCH_WORK:
            size = min(size, -(-count // STRETCHES))
        size = max(FEWEST_ROWS, size)
        return [slice(start, min(start + size, count)) for start in range(0, count, size)]

    def scores(self, solution: Float[Array, "s k"]) -> Float[Array, "n k"]:
        """Scores of all examples."""
        found = np.empty(self.ballots.shape, np.float32)

        def over(stretch: Sequence[slice]) -> None:
            for part in stretch:
                np.matmul(self.rows[part], solution, out=found[part])

        side_by_side(over, self.blocks)
        return found

    def gradient(
        self, loss: Loss, scores: Callable[[slice], Float[Array, "_ k"]]
    ) -> tuple[float, Float[Array, "s k"]]:
        """The summed loss and its gradient by a solution, where some rows have these scores."""
        found = side_by_side(partial(self._gradient_over, loss, scores), self.blocks)
        return sum(value for value, _ in found), np.asarray(sum(gradient for _, gradient in found))

    def _gradient_over(
        self, loss: Loss, scores: Callable[[slice], Float[Array, "_ k"]], stretch: Sequence[slice]
    ) -> tuple[float, Float[Array, "s k"]]:
        value, gradient = 0.0, np.zeros((self.rows.shape[1], self.ballots.shape[1]), self.rows.dtype)
        for part in stretch:
            losses, slopes = loss.slopes(scores(part), self.ballots.some(part))
            slopes *= self.weights[part][:, None]
            gradient += self.rows[part].T @ slopes.astype(self.rows.dtype)
            value += float(self.weights[part] @ losses)
        return value, gradient

    def total(
        self, losses: Callable[[Scores, Ballots], Float[Array, " n"]], scores: Float[Array, "n k"]
    ) -> float:
        """The summed loss alone."""
        return sum(side_by_side(partial(self._total_over, losses, scores), self.blocks))

    def _total_over(
        self,
        losses: Callable[[Scores, Ballots], Float[Array, " n"]],
        scores: Float[Array, "n k"],
        stretch: Sequence[slice],
    ) -> float:
        return sum(
            float(self.weights[part] @ losses(scores[part], self.ballots.some(part))) for part in stretch
        )


def require_affordable_path(*, head: str, penalties: int, examples: int, classes: int) -> None:
    """Check that a path of penalties can be held in memory, and so be walked in hours rather than days.

    Raises:
        DataError: there are too many held-out scores.
    """
    if penalties * examples * classes > MOST_HELD_OUT:
        raise DataError(
            f"Choosing a penalty of {head} for {examples} examples of {classes} classes takes {penalties} "
            f"fits to each fold, and {4e-9 * penalties * examples * classes:.0f} GB for what they say of "
            f"the others. Give a penalty, or take ridge, lda or nearest_mean."
        )
