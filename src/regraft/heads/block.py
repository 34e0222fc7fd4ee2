"""Some linear heads trained side by side, on torch: one product forward, one back, whatever their number.

All heads of a block see the same mini-batches. With W [m, k, d] the weights of m heads and X [b, d] a batch,

    scores    [m k, b] = W X'
    gradient  [m k, d] = (softmax(scores) - targets) X

so nothing is differentiated automatically, and features are read once for all heads. The bias is the weight
of a feature that is always 1. Weights are stored divided by each head's learning rate: a step then has the
same size for all heads, and updates are plain in-place ones. A block is small enough for the processor's
cache to hold weights, gradient and moments from one step to the next.

Source: fusing many small trainings, Wang et al. 2021 (HFTA), 2102.02344.
Differs: specialised to one linear layer, with the gradient by hand and updates exactly as in `torch.optim`.
Cost: 4 n d k m multiplications per epoch, and 3 to 10 passes over m k d numbers per step.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from regraft.core.arrays import Array, Weights
from regraft.core.seeds import derive_seed, generator
from regraft.heads.classifier import Linear
from regraft.heads.member import Examples, Member, Schedule
from regraft.heads.weighting import fold_numbers

BETAS = (0.9, 0.999)
EPSILON = 1e-8
ALIGNMENT = 16
# For weights, gradient and two moments of one block, of a last-level cache that others use as well.
CACHE_BYTES = 16 << 20

Form = Literal["plain", "sgd", "nesterov", "adam"]
Kind = tuple[int, float, Form]


def kind(member: Member) -> Kind:
    """What members must share to train in one block: batch size, dropout and the form of the update."""
    if member.optimizer in ("adam", "adamw"):
        return member.batch_size, member.dropout, "adam"
    form: Form = "nesterov" if member.optimizer == "nesterov" else "sgd" if member.momentum else "plain"
    return member.batch_size, member.dropout, form


def order(trained: Int[Array, " t"], schedule: Schedule, epoch: int) -> Int[Array, " t"]:
    """The rows of one epoch in the order in which every member sees them."""
    return generator(schedule.seed, "order", epoch).permutation(trained)


def first_weights(member: Member, class_count: int, width: int) -> Float[Array, "k s"]:
    """Uniform within 1 / sqrt(d), as torch.nn.Linear starts; the bias comes last."""
    bound = 1 / np.sqrt(width)
    return (
        generator(member.seed, "weights").uniform(-bound, bound, (class_count, width + 1)).astype(np.float32)
    )


@dataclass(frozen=True)
class Data:
    """Examples on a device. Every member is trained once per fold: f replicas."""

    rows: Tensor  # [n, d + 1 + padding]: features, ones, zeros
    one_hot: Tensor  # [k, n]
    shares: Tensor | None  # [f, n]: weight of an example in training a replica; None when all are the same
    width: int  # d
    trained: Int[Array, " t"]  # the rows that some replica trains on
    judged: Tensor  # [v, d + 1 + padding]: the rows that some replica holds out
    judged_labels: Tensor  # [v]
    verdicts: Tensor  # [f, v]: weight of a row in judging a replica; sums to 1

    @property
    def capacity(self) -> int:
        """How many members train together: on a processor what its cache holds, elsewhere all."""
        if self.rows.device.type != "cpu":
            return sys.maxsize
        return max(1, CACHE_BYTES // (4 * 4 * len(self.verdicts) * len(self.one_hot) * self.rows.shape[1]))

    @classmethod
    def load(cls, examples: Examples, weights: Weights, device: str) -> "Data":
        """Move examples to a device, with a column of ones after the features."""
        count, width = examples.features.shape
        rows = torch.zeros(count, -(-(width + 1) // ALIGNMENT) * ALIGNMENT)
        rows[:, :width] = torch.from_numpy(np.ascontiguousarray(examples.features, np.float32))
        rows[:, width] = 1
        numbers = fold_numbers(examples.folds)
        out = examples.folds[None] == numbers[:, None]
        judged, trained = np.flatnonzero(out.any(0)), np.flatnonzero(~out.all(0))
        same = len(numbers) == 1 and bool((weights == weights[0]).all())
        verdicts = (weights * out)[:, judged]
        tensors = (
            torch.from_numpy(weights * ~out).float(),
            torch.from_numpy(verdicts / verdicts.sum()).float(),
        )
        labels = torch.from_numpy(examples.labels.astype(np.int64))
        return cls(
            rows=rows.to(device),
            one_hot=one_hot(labels, examples.class_count).T.float().contiguous().to(device),
            shares=None if same else tensors[0].to(device),
            width=width,
            trained=trained,
            judged=rows[judged].to(device),
            judged_labels=labels[judged].to(device),
            verdicts=tensors[1].to(device),
        )


class Block:
    """Members of one kind, their replicas next to each other: r = members x folds heads."""

    def __init__(self, numbers: Sequence[int], members: Sequence[Member], data: Data, start: Tensor) -> None:
        """Take members, known to the caller by number, and their first weights [m, k, d + 1 + padding]."""
        self.numbers, self.members, self.data = list(numbers), list(members), data
        self.kind = kind(members[0])
        self.steps = 0
        self._spread_settings()
        # "moment" and "square" are torch.optim's momentum_buffer or exp_avg, and exp_avg_sq.
        names = {"plain": 0, "sgd": 1, "nesterov": 1, "adam": 2}[self.kind[2]]
        weights = start.repeat_interleave(len(data.verdicts), dim=0) / self.rate
        self.state = {"weights": weights}
        self.state |= {name: torch.zeros_like(weights) for name in ("moment", "square")[:names]}

    def _spread_settings(self) -> None:
        """Settings as [r, 1, 1] tensors, one row per replica."""
        folds, device = len(self.data.verdicts), self.data.rows.device

        def column(values: Sequence[float]) -> Tensor:
            return torch.tensor(values, device=device).repeat_interleave(folds)[:, None, None]

        self.rate = column([member.learning_rate for member in self.members])
        self.momentum = column([member.momentum for member in self.members])
        self.smoothing = column([member.smoothing for member in self.members])
        decoupled = [member.optimizer == "adamw" for member in self.members]
        decays = [member.weight_decay for member in self.members]
        self.coupled = (
            column([0.0 if apart else d for d, apart in zip(decays, decoupled, strict=True)]) * self.rate
        )
        self.decoupled = (
            column([d if apart else 0.0 for d, apart in zip(decays, decoupled, strict=True)]) * self.rate
        )
        self.couples, self.decouples = bool(self.coupled.any()), bool(self.decoupled.any())

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with some of the members, in tensors that hold no others."""
        folds = len(self.data.verdicts)
        replicas = [p * folds + f for p in positions for f in range(folds)]
        self.numbers = [self.numbers[p] for p in positions]
        self.members = [self.members[p] for p in positions]
        self.state = {name: tensor[replicas] for name, tensor in self.state.items()}
        self._spread_settings()

    def join(self, other: "Block") -> None:
        """Take over the members of a block of the same kind that has made as many steps."""
        self.numbers += other.numbers
        self.members += other.members
        self.state = {name: torch.cat([tensor, other.state[name]]) for name, tensor in self.state.items()}
        self._spread_settings()

    def train(self, schedule: Schedule, epoch: int) -> None:
        """Pass once over the examples in mini-batches."""
        size, dropout, _ = self.kind
        sequence = torch.from_numpy(order(self.data.trained, schedule, epoch)).to(self.data.rows.device)
        noise = torch.Generator(self.data.rows.device).manual_seed(
            derive_seed(schedule.seed, "dropout", epoch)
        )
        gradient = torch.empty_like(self.state["weights"])
        for batch in torch.split(sequence, size):
            rows = self.data.rows[batch]
            if dropout:
                rows = drop(rows, dropout, noise, width=self.data.width)
            slopes = self._slopes(rows, batch)
            self.steps += 1
            self._update(slopes.flatten(0, 1), rows, gradient, schedule.rate(epoch))

    def _slopes(self, rows: Tensor, batch: Tensor) -> Tensor:
        """Derivatives of every head's weighted mean cross-entropy by its scores: [r, k, b]."""
        heads, classes, _ = self.state["weights"].shape
        scores = (self.state["weights"].flatten(0, 1) @ rows.T).view(heads, classes, len(batch))
        slopes = torch.softmax(scores.mul_(self.rate), dim=1)
        slopes.sub_(self.data.one_hot[:, batch] * (1 - self.smoothing)).sub_(self.smoothing / classes)
        if self.data.shares is None:
            return slopes.div_(len(batch))
        shares = self.data.shares[:, batch]
        shares = shares / shares.sum(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        return slopes.mul_(shares.repeat(len(self.members), 1)[:, None])

    def _update(self, slopes: Tensor, rows: Tensor, gradient: Tensor, rate: float) -> None:
        """One step of every head, on weights / learning rate."""
        weights, form = self.state["weights"], self.kind[2]
        if form == "plain":
            weights.mul_(1 - rate * self.coupled) if self.couples else None
            weights.flatten(0, 1).addmm_(slopes, rows, alpha=-rate)
            return
        if form == "sgd":
            moment = self.state["moment"].mul_(self.momentum)
            moment.flatten(0, 1).addmm_(slopes, rows)
            moment.addcmul_(weights, self.coupled) if self.couples else None
            weights.add_(moment, alpha=-rate)
            return
        torch.mm(slopes, rows, out=gradient.flatten(0, 1))
        gradient.addcmul_(weights, self.coupled) if self.couples else None
        if form == "nesterov":
            moment = self.state["moment"].mul_(self.momentum).add_(gradient)
            weights.add_(gradient.addcmul_(moment, self.momentum), alpha=-rate)
            return
        self._adam(gradient, rate)

    def _adam(self, gradient: Tensor, rate: float) -> None:
        """Both bias corrections are numbers: they go into the step and the epsilon, not over the arrays."""
        weights, moment, square = self.state["weights"], self.state["moment"], self.state["square"]
        if self.decouples:
            weights.mul_(1 - rate * self.decoupled)
        moment.lerp_(gradient, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        root = (1 - BETAS[1] ** self.steps) ** 0.5
        size = torch.sqrt(square, out=gradient).add_(EPSILON * root)
        weights.addcdiv_(moment, size, value=-rate * root / (1 - BETAS[0] ** self.steps))

    def judge(self) -> tuple[Array, Array]:
        """Log-loss and accuracy of every member on what its replicas hold out, [m] each."""
        heads, classes, _ = self.state["weights"].shape
        scores = (
            (self.state["weights"].flatten(0, 1) @ self.data.judged.T)
            .view(heads, classes, -1)
            .mul_(self.rate)
        )
        labels = self.data.judged_labels.expand(heads, 1, -1)
        own = scores.gather(1, labels)[:, 0]
        losses = scores.logsumexp(dim=1) - own
        right = scores.argmax(dim=1) == labels[:, 0]
        return self._average(losses), self._average(right.float())

    def _average(self, values: Tensor) -> Array:
        """Averages over examples and replicas of [r, v], by the weight of each verdict."""
        per_member = values.view(len(self.members), *self.data.verdicts.shape)
        # A product with zero would carry one replica's infinity into another's verdict on the same row.
        heard = torch.where(self.data.verdicts > 0, per_member * self.data.verdicts, 0.0)
        return np.asarray(heard.sum(dim=(1, 2)).cpu().numpy())

    def weights(self, positions: Sequence[int]) -> Float[Array, "m f k d"]:
        """The true weights of some members, bias and padding last."""
        shape = (len(self.members), len(self.data.verdicts), *self.state["weights"].shape[1:])
        chosen = list(positions)
        rates = self.rate.view(*shape[:2], 1, 1)[chosen]
        return np.asarray((self.state["weights"].view(shape)[chosen] * rates).cpu().numpy())


def drop(rows: Tensor, share: float, noise: torch.Generator, *, width: int) -> Tensor:
    """Zero a share of the features and enlarge the others to the same mean; the column of ones stays.

    Every head of a block sees the same features dropped, as it sees the same examples.
    """
    kept = torch.rand(len(rows), width, generator=noise, device=rows.device) >= share
    dropped = rows.clone()
    dropped[:, :width].mul_(kept).div_(1 - share)
    return dropped


def as_linear(weights: Float[Array, "k d"], width: int) -> Linear:
    """Weights with the bias after the features, as a classifier."""
    return Linear(np.ascontiguousarray(weights[:, :width].T), weights[:, width].copy())
