"""Examples on a device, and the parts of them that are trained on and judged: read by every block."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from regraft.core.arrays import Array, Features, Folds, Labels, Weights
from regraft.core.seeds import generator
from regraft.heads.augmentation import Ranges, kept_at_random, mixing, varied
from regraft.heads.member import Course, Member
from regraft.heads.weighting import fold_numbers

ALIGNMENT = 16


@dataclass(frozen=True, eq=False)
class Rows:
    """All examples on a device, shared by all folds."""

    rows: Tensor  # [n, d + 1 + padding]: features, ones, zeros
    one_hot: Tensor  # [k, n]
    labels: Labels
    weights: Weights
    width: int  # d

    @classmethod
    def load(
        cls, features: Features, labels: Labels, *, class_count: int, weights: Weights, device: str = "cpu"
    ) -> "Rows":
        """Move examples to a device, with a column of ones after the features."""
        count, width = features.shape
        rows = torch.zeros(count, -(-(width + 1) // ALIGNMENT) * ALIGNMENT)
        rows[:, :width] = torch.from_numpy(np.ascontiguousarray(features, np.float32))
        rows[:, width] = 1
        hot = torch.zeros(class_count, count)
        hot[torch.from_numpy(labels.astype(np.int64)), torch.arange(count)] = 1
        return cls(rows.to(device), hot.to(device), labels, weights, width)

    @cached_property
    def products(self) -> Tensor:
        """Inner products of all rows [n, n]."""
        return self.rows @ self.rows.T


@dataclass(frozen=True, eq=False)
class Batch:
    """The examples of one step."""

    rows: Tensor  # [b, d + 1 + padding], or whatever they were read from
    targets: Tensor  # [k, b]
    shares: Tensor | None  # [b], of the step's loss; None where all are the same
    at: Tensor  # [b], among the examples that are trained on
    heard: Tensor | None = None  # [h, b]: factors on hidden units; None where none is dropped


class Fold:
    """What is trained on, and what is held out and judged; a part of `Rows`."""

    def __init__(self, data: Rows, trained: Int[Array, " t"], judged: Int[Array, " v"]) -> None:
        """Take examples by their numbers; either list may be the whole, `judged` may be empty."""
        device = data.rows.device
        self.data, self.judged = data, judged
        self.trained = torch.from_numpy(trained).to(device)
        self.judged_labels = torch.from_numpy(data.labels[judged].astype(np.int64)).to(device)
        self.verdicts = torch.from_numpy(data.weights[judged].astype(np.float32)).to(device)
        own = data.weights[trained]
        same = bool((own == own[0]).all())
        self.weights = None if same else torch.from_numpy(own.astype(np.float32)).to(device)
        self.present: Bool[Array, " k"] = np.isin(np.arange(len(data.one_hot)), data.labels[trained])
        absent = torch.from_numpy(~self.present).to(device)
        self.absent = absent[:, None] if absent.any() else None
        # A share of a target is spread over the classes that there are.
        self.uniform = (~absent)[:, None].float() / int(self.present.sum())
        self.gap = math.log(len(trained) + 1)

    def batches(self, course: Course, epoch: int, *, read: Callable[[Tensor], Tensor]) -> Iterator[Batch]:
        """One epoch in mini-batches, with all that is random about them.

        Args:
            course: of members that see the same.
            epoch: counted from 0.
            read: rows of examples by their places among those that are trained on, such as `rows`.
        """
        member, device = course.member, self.trained.device
        sequence = torch.from_numpy(order(len(self.trained), course.order_seed, epoch)).to(device)
        noise = generator(course.order_seed, "noise", epoch)
        for at in torch.split(sequence, member.batch_size):
            targets = self.data.one_hot[:, self.trained[at]]
            shares = None if self.weights is None else self.weights[at] / self.weights[at].sum()
            batch = Batch(read(at), targets, shares, at)
            yield self._changed(batch, member, noise)

    def _changed(self, batch: Batch, member: Member, noise: np.random.Generator) -> Batch:
        """The batch after augmentation and dropout."""
        if member.augmentation == "mixup" and member.strength:
            batch = mixed(batch, member.strength, noise)
        elif member.augmentation != "none":
            rows, width = batch.rows.clone(), self.data.width
            rows[:, :width] = varied(
                rows[:, :width], member.augmentation, member.strength, noise, self.ranges
            )
            batch = replace(batch, rows=rows)
        if not member.dropout:
            return batch
        if member.width:
            kept = kept_at_random(member.width, len(batch.at), member.dropout, noise)
            return replace(batch, heard=kept.to(batch.rows.device))
        return replace(batch, rows=drop(batch.rows, member.dropout, noise, width=self.data.width))

    def rows(self, at: Tensor) -> Tensor:
        """Features of examples by their places among those that are trained on."""
        # Three times as fast as an index in brackets.
        return self.data.rows.index_select(0, self.trained[at])

    @cached_property
    def products(self) -> Tensor:
        """Inner products of the examples that are trained on [t, t]."""
        return self.data.products[self.trained][:, self.trained]

    @cached_property
    def judged_products(self) -> Tensor:
        """Inner products of what is judged with what is trained on [v, t]."""
        return self.data.products[self.judged][:, self.trained]

    @cached_property
    def squared_length(self) -> float:
        """The mean of the examples that are trained on by weight, without their ones."""
        squares = self.data.rows[self.trained, : self.data.width].square().sum(dim=1)
        if self.weights is None:
            return float(squares.mean())
        return float(self.weights @ squares / self.weights.sum())

    @cached_property
    def ranges(self) -> Ranges:
        """Of every feature among the examples that are trained on."""
        return Ranges.of(self.data.rows[self.trained, : self.data.width])

    def spread(self, scores: Tensor) -> Tensor:
        """Scores [m, k, v] in which a class without training examples never wins; see `weighting.spread`."""
        if self.absent is None:
            return scores
        others = scores[:, torch.from_numpy(self.present)].mean(dim=1, keepdim=True) - self.gap
        return torch.where(self.absent, others, scores)


def mixed(batch: Batch, strength: float, noise: np.random.Generator) -> Batch:
    """Examples mixed with others of the batch: rows, targets and shares."""
    partners, kept = mixing(len(batch.at), strength, noise, batch.rows)
    shares = batch.shares
    targets = batch.targets * kept + batch.targets[:, partners] * (1 - kept)
    if shares is not None:
        shares = shares * kept + shares[partners] * (1 - kept)
        shares = shares / shares.sum()
    rows = torch.lerp(batch.rows[partners], batch.rows, kept[:, None])
    return replace(batch, rows=rows, targets=targets, shares=shares)


def dealt_by(folds: Folds, data: Rows) -> list[Fold]:
    """For each fold number what is trained on, all else, and what is judged."""
    numbers = [folds == number for number in fold_numbers(folds)]
    return [Fold(data, np.flatnonzero(~out), np.flatnonzero(out)) for out in numbers]


def order(count: int, seed: int, epoch: int) -> Int[Array, " t"]:
    """The examples of one epoch in the order in which every member sees them."""
    return generator(seed, "order", epoch).permutation(count)


def drop(rows: Tensor, share: float, noise: np.random.Generator, *, width: int) -> Tensor:
    """Zero a share of the features and enlarge the others to the same mean; the column of ones stays.

    Every head of a block sees the same features dropped, as it sees the same examples.
    """
    dropped = rows.clone()
    dropped[:, :width].mul_(kept_at_random(len(rows), width, share, noise).to(rows.device))
    return dropped
