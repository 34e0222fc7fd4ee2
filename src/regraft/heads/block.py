"""Some linear heads trained side by side, on torch: one product forward, one back, whatever their number.

All heads of a block see the same mini-batches. With W [m, k, d] the weights of m heads and X [b, d] a batch,

    scores    [m k, b] = W X'
    gradient  [m k, d] = (softmax(scores) - targets) X

so nothing is differentiated automatically, and features are read once for all heads. The bias is the weight
of a feature that is always 1. A block is small enough for the processor's cache to hold weights, gradient and
moments from one step to the next.

Source: fusing many small trainings, Wang et al. 2021 (HFTA), 2102.02344.
Differs: specialised to heads, with the gradient by hand and updates exactly as in `torch.optim`.
Cost: 2 n d k m multiplications per epoch, and 3 to 10 passes over m k d numbers per step.
"""

import sys
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from regraft.core.arrays import Array
from regraft.heads.classifier import Linear
from regraft.heads.fold import Batch, Fold
from regraft.heads.member import Course, Form, Member
from regraft.heads.parameter import Parameter, column, settings_of

# For weights, gradient and two moments of one block, of a last-level cache that others use as well.
CACHE_BYTES = 16 << 20
TEMPERATURES = tuple(2.0**power for power in range(-4, 6))


class Block:
    """Members of one kind, and the fold they are trained on."""

    def __init__(self, courses: Sequence[Course], fold: Fold, initial: Linear | None = None) -> None:
        """Begin with weights of zero, or with those of a linear head. Members are sorted by form."""
        self.courses, self.fold, self.steps = list(courses), fold, 0
        self.device = fold.data.rows.device
        self.parameters = self._parameters(initial)
        self._spread_settings()

    def _parameters(self, initial: Linear | None) -> list[Parameter]:
        data = self.fold.data
        start = torch.zeros(len(data.one_hot), data.rows.shape[1])
        if initial is not None:
            start[:, : data.width + 1] = torch.from_numpy(np.column_stack([initial.weights.T, initial.bias]))
        start = start.to(data.rows.device).repeat(len(self.courses), 1, 1)
        return [Parameter(start, self.forms)]

    @property
    def forms(self) -> set[Form]:
        """Of the members' updates."""
        return {course.member.form for course in self.courses}

    def _spread_settings(self) -> None:
        self.settings = settings_of(self.courses, self.device)
        self.smoothing = column([course.member.smoothing for course in self.courses], self.device)

    @staticmethod
    def size(_member: Member, fold: Fold) -> int:
        """How many weights a member has."""
        return len(fold.data.one_hot) * fold.data.rows.shape[1]

    @classmethod
    def capacity(cls, member: Member, fold: Fold) -> int:
        """How many members train together: on a processor what its cache holds, elsewhere all."""
        if fold.data.rows.device.type != "cpu":
            return sys.maxsize
        return max(1, CACHE_BYTES // (4 * 4 * cls.size(member, fold)))

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the members, in tensors that hold no others."""
        self.courses = [self.courses[position] for position in positions]
        for parameter in self.parameters:
            parameter.keep(positions)
        self._spread_settings()

    def join(self, other: "Block") -> None:
        """Take over the members of a block of the same kind that has made as many steps, behind these.

        They are to be sorted by form before they train on: see `keep`.
        """
        self.courses += other.courses
        for parameter, theirs in zip(self.parameters, other.parameters, strict=True):
            parameter.join(theirs)

    def train(self, epoch: int) -> None:
        """Pass once over the examples in mini-batches."""
        for settings in self.settings:
            settings.begin(epoch)
        gradients = [torch.empty_like(parameter.weights) for parameter in self.parameters]
        for batch in self.fold.batches(self.courses[0], epoch, read=self._read):
            self.steps += 1
            self._gradients(batch, gradients)
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                for settings in self.settings:
                    parameter.step(gradient, settings, self.steps)

    def _read(self, at: Tensor) -> Tensor:
        return self.fold.rows(at)

    def _gradients(self, batch: Batch, into: Sequence[Tensor]) -> None:
        """Put the gradients of the batch's loss by each parameter into tensors of its shape."""
        slopes = self._slopes(self._scores(batch.rows), batch).flatten(0, 1)
        torch.mm(slopes, batch.rows, out=into[0].flatten(0, 1))

    def _scores(self, rows: Tensor) -> Tensor:
        """Of every head for every row: [m, k, b]."""
        weights = self.parameters[0].weights
        return (weights.flatten(0, 1) @ rows.T).view(*weights.shape[:2], len(rows))

    def _slopes(self, scores: Tensor, batch: Batch) -> Tensor:
        """Derivatives of every head's weighted mean cross-entropy by its scores: [m, k, b]."""
        smoothing, fold = self.smoothing, self.fold
        if fold.absent is not None:
            scores.masked_fill_(fold.absent, -torch.inf)
        slopes = torch.softmax(scores, dim=1)
        slopes.sub_(batch.targets * (1 - smoothing)).sub_(smoothing * fold.uniform)
        return slopes.div_(len(batch.rows)) if batch.shares is None else slopes.mul_(batch.shares)

    def held_out(self) -> Tensor:
        """Scores [m, k, v] of the rows that are judged."""
        return self.fold.spread(self._scores(self.fold.data.rows[self.fold.judged]))

    def judge(self) -> tuple[Array, Array]:
        """Log-losses and right answers on what is held out, added up by weight: [m] each."""
        scores, labels = self.held_out(), self.fold.judged_labels
        own = scores.gather(1, labels.expand(len(scores), 1, -1))[:, 0]
        losses = (scores.logsumexp(dim=1) - own) @ self.fold.verdicts
        right = (scores.argmax(dim=1) == labels).float() @ self.fold.verdicts
        return np.asarray(losses.cpu().numpy()), np.asarray(right.cpu().numpy())

    def tempered(self) -> Array:
        """Log-losses on what is held out at each of `TEMPERATURES`, added up by weight: [t, m]."""
        scores, labels = self.held_out(), self.fold.judged_labels
        own = scores.gather(1, labels.expand(len(scores), 1, -1))[:, 0]
        sums = [
            ((scores / warmth).logsumexp(dim=1) - own / warmth) @ self.fold.verdicts
            for warmth in TEMPERATURES
        ]
        return np.asarray(torch.stack(sums).cpu().numpy())

    def weights(self, positions: Sequence[int]) -> tuple[Float[Array, "m _ _"], ...]:
        """The weights of some members, bias and padding last: one array for each layer.

        A class without training examples never wins by them: see `weighting.spread`.
        """
        layers, fold = self._layers(list(positions)), self.fold
        if fold.absent is not None:
            present = torch.from_numpy(fold.present)
            others = layers[-1][:, present].mean(dim=1, keepdim=True)
            others[:, :, -1 if len(layers) > 1 else fold.data.width] -= fold.gap
            layers[-1] = torch.where(fold.absent, others, layers[-1])
        return tuple(np.asarray(each.cpu().numpy()) for each in layers)

    def _layers(self, chosen: list[int]) -> list[Tensor]:
        return [each.weights[chosen] for each in self.parameters]
