"""Linear heads written as weights on examples: cheaper where there are fewer examples than features.

From weights of zero, every step of sgd, with momentum or without, adds multiples of the batch's rows and
shrinks what is there. So W = A X at all times, with A [m, k, t] for the t examples X [t, d] that are trained
on, and with their inner products G = X X' a step is

    scores    [m k, b] = A G'     (the batch's rows of G)
    gradient of W = S X: in place of a product, S is added to the batch's columns of A.

Decay and momentum act on A as they do on W: the result is the same but for rounding. Methods that scale
every weight's step by its own gradients (adam, rmsprop) depend on the axes, and have no such form.

Cost: n t d multiplications once for all members, then t^2 k m per epoch in place of 2 t d k m.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from regraft.heads.block import Block
from regraft.heads.classifier import Linear
from regraft.heads.fold import Batch, Fold
from regraft.heads.member import Course, Member
from regraft.heads.parameter import Parameter

MOST_EXAMPLES = 8192
"""Their inner products are to fit into memory, for every fold."""


def is_cheaper(course: Course, fold: Fold, members: int, initial: Linear | None) -> bool:
    """Whether members of a kind are to be trained so: possible, and worth the inner products."""
    data, trained = fold.data, len(fold.trained)
    if not course.is_linear_descent or initial is not None:
        return False
    if trained >= data.width or len(data.labels) > MOST_EXAMPLES:
        return False
    saved = course.epochs * members * len(data.one_hot) * (2 * data.width - trained)
    return saved > 2 * len(data.labels) * data.width


class GramBlock(Block):
    """Members of one kind as weights on examples."""

    @staticmethod
    def size(_member: Member, fold: Fold) -> int:
        """How many weights a member has."""
        return len(fold.data.one_hot) * len(fold.trained)

    def _parameters(self, _initial: Linear | None) -> list[Parameter]:
        shape = (len(self.courses), len(self.fold.data.one_hot), len(self.fold.trained))
        return [Parameter(torch.zeros(shape, device=self.fold.data.rows.device), self.forms)]

    def _read(self, at: Tensor) -> Tensor:
        return self.fold.products.index_select(0, at)

    def _gradients(self, batch: Batch, into: Sequence[Tensor]) -> None:
        slopes = self._slopes(self._scores(batch.rows), batch)
        into[0].zero_().index_add_(2, batch.at, slopes)

    def held_out(self) -> Tensor:
        """Scores [m, k, v] of the rows that are judged."""
        return self.fold.spread(self._scores(self.fold.judged_products))

    def _layers(self, chosen: list[int]) -> list[Tensor]:
        """The weights of features that the weights on examples amount to."""
        return [self.parameters[0].weights[chosen] @ self.fold.data.rows[self.fold.trained]]
