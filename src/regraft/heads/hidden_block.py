"""Heads with a hidden layer side by side: the first layer of all of them is one product, as in `block`.

With Z [m, h, b] = V X' of the first weights V [m, h, d], H = max(Z, 0) and the second weights W [m, k, h],

    scores     [m, k, b] = W H
    gradients            = S H'  and  (W' S, where Z > 0) X    with S = softmax(scores) - targets

Source: He et al. 2015, 1502.01852, for the first weights.
Differs: their variance is 2 / (mean squared length of the rows), which is 2 / d where rows are standardised.
Cost: 2 n h (d + k) m multiplications per epoch, and again n h k m, and 3 to 10 passes over m h d numbers per
    step.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regraft.core.arrays import Array
from regraft.core.errors import TrainingError
from regraft.core.seeds import generator
from regraft.heads.block import Block
from regraft.heads.classifier import Linear
from regraft.heads.fold import Batch, Fold
from regraft.heads.member import Member
from regraft.heads.parameter import Parameter


class HiddenBlock(Block):
    """Members of one kind and width. The bias of each layer is the last column of its weights."""

    @staticmethod
    def size(member: Member, fold: Fold) -> int:
        """How many weights a member has."""
        return member.width * fold.data.rows.shape[1] + len(fold.data.one_hot) * (member.width + 1)

    def _parameters(self, initial: Linear | None) -> list[Parameter]:
        if initial is not None:
            raise TrainingError("A head with a hidden layer cannot start from a linear one.")
        data, members = self.fold.data, [course.member for course in self.courses]
        device, width = data.rows.device, members[0].width
        drawn = {seed: first_weights(seed, width, self.fold) for seed in {one.seed for one in members}}
        first = torch.from_numpy(np.stack([drawn[member.seed] for member in members])).to(device)
        second = torch.zeros(len(members), len(data.one_hot), width + 1, device=device)
        return [Parameter(each, self.forms) for each in (first, second)]

    def _gradients(self, batch: Batch, into: Sequence[Tensor]) -> None:
        hidden = self._hidden(batch.rows)
        if batch.heard is not None:
            hidden.mul_(batch.heard)
        slopes = self._slopes(self._last(hidden), batch)
        inner = torch.bmm(self.parameters[1].weights[:, :, :-1].mT, slopes).mul_(hidden > 0)
        if batch.heard is not None:
            inner.mul_(batch.heard)
        torch.mm(inner.flatten(0, 1), batch.rows, out=into[0].flatten(0, 1))
        into[1][:, :, :-1] = torch.bmm(slopes, hidden.mT)
        into[1][:, :, -1] = slopes.sum(dim=2)

    def _hidden(self, rows: Tensor) -> Tensor:
        return super()._scores(rows).relu_()

    def _last(self, hidden: Tensor) -> Tensor:
        weights = self.parameters[1].weights
        return torch.baddbmm(weights[:, :, -1:], weights[:, :, :-1], hidden)

    def _scores(self, rows: Tensor) -> Tensor:
        return self._last(self._hidden(rows))


def first_weights(seed: int, width: int, fold: Fold) -> Float[Array, "h s"]:
    """Normal, for units whose inputs have the variance 2; bias and padding are zero."""
    data = fold.data
    weights = np.zeros((width, data.rows.shape[1]), np.float32)
    scale = np.float32(np.sqrt(2 / fold.squared_length)) if fold.squared_length else np.float32(0)
    drawn = generator(seed, "first weights").standard_normal((width, data.width), np.float32)
    weights[:, : data.width] = scale * drawn
    return weights
