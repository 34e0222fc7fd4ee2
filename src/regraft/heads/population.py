"""Training hundreds of linear heads as one computation, and keeping the best.

Members share features and mini-batches and differ in everything else: optimizer, learning rate, momentum,
decay, smoothing, dropout and first weights. Members of one kind train in blocks (see `block`) sized to the
cache. Between halvings the worst are dropped and the tensors shrink with them, so the cost really falls. With
folds every member trains once per fold, in the same product.

Importing this module does not import torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array, Features, Folds, Scores
from regraft.core.errors import TrainingError
from regraft.heads.classifier import Linear, check_width
from regraft.heads.ledger import Ledger
from regraft.heads.member import Examples, Member, Schedule
from regraft.heads.weighting import check_folds, checked, fold_numbers

if TYPE_CHECKING:
    from torch import Tensor

    from regraft.heads.block import Block, Data


@dataclass(frozen=True, eq=False)
class Population:
    """What training left: a curve for every member, and each member's weights at its best epoch.

    `losses` and `accuracies` [m, epochs + 1] are held out, at temperature 1; column 0 is before training, and
    NaN stands where a member no longer trained. `lowest` [m] are the least losses; a random start does not
    count, a given one does. `diverged` marks members whose loss became NaN or infinite.
    """

    members: tuple[Member, ...]
    losses: Float[Array, "m e"]
    accuracies: Float[Array, "m e"]
    lowest: Float[Array, " m"]
    diverged: Bool[Array, " m"]
    folds: Folds
    _weights: Float[Array, "m f k d"] = field(repr=False)
    _width: int = field(repr=False)

    @property
    def ranking(self) -> Int[Array, " m"]:
        """Members by their lowest held-out loss, best first."""
        return np.argsort(self.lowest, kind="stable")

    @property
    def best(self) -> int:
        """The member of the lowest held-out loss."""
        return int(self.ranking[0])

    def classifier(self, index: int) -> Linear:
        """One member at its best epoch; its replicas averaged, which averages their scores."""
        return self._linear(self._weights[index].mean(axis=0))

    def held_out(self, index: int, features: Features) -> Scores:
        """A member's scores of the training features, each by the replica that held it out; else NaN."""
        check_width(features, self._width)
        scores = np.full((len(features), self._weights.shape[2]), np.nan, np.float32)
        for replica, number in enumerate(fold_numbers(self.folds)):
            out = self.folds == number
            scores[out] = self._linear(self._weights[index, replica]).scores(features[out])
        return scores

    def _linear(self, weights: Float[Array, "k d"]) -> Linear:
        return Linear(weights[:, : self._width].T, weights[:, self._width])


def train_population(
    members: Sequence[Member],
    examples: Examples,
    *,
    schedule: Schedule | None = None,
    initial: Linear | None = None,
    device: str = "cpu",
) -> Population:
    """Train all members side by side and keep each one's best epoch.

    Args:
        members: settings; those that share batch size, dropout and optimizer share a block.
        examples: features (standardised ones suit `sample_members`), labels and folds.
        schedule: epochs, halvings and early stopping.
        initial: first weights of all members instead of random ones; such as a ridge solution, its scores
            divided by their temperature.
        device: as torch names it.

    Source: successive halving, Jamieson & Talwalkar 2016, 1502.07943.
    Cost: 4 n d k m f multiplications per epoch for the m members still training.

    Raises:
        DataError: features, labels, folds or weights cannot be used.
        TrainingError: every member diverged, or there is none.
    """
    import torch

    if not members:
        raise TrainingError("A population needs at least one member.")
    schedule = schedule or Schedule()
    with torch.inference_mode():
        blocks, ledger = _prepare(members, examples, schedule, initial, device)
        for rung in schedule.rungs:
            for block in blocks:
                for epoch in rung:
                    _advance(block, epoch, schedule, ledger)
            blocks = _regroup(blocks, ledger.survivors(schedule.kept_fraction))
    if not np.isfinite(ledger.lowest).any():
        rates = sorted(member.learning_rate for member in members)
        raise TrainingError(
            f"All {len(members)} members diverged, with learning rates from {rates[0]:g} to {rates[-1]:g}. "
            f"Standardise the features or lower the rates."
        )
    curves = (ledger.losses, ledger.accuracies, ledger.lowest, ledger.diverged)
    return Population(tuple(members), *curves, examples.folds, ledger.weights, examples.features.shape[1])


def _prepare(
    members: Sequence[Member], examples: Examples, schedule: Schedule, initial: Linear | None, device: str
) -> tuple[list["Block"], Ledger]:
    """Check the examples, move them to the device, lay out the blocks and judge their first weights."""
    from regraft.heads.block import Data

    given = (examples.features, examples.labels)
    weights = checked(*given, class_count=examples.class_count, weights=examples.weights)
    check_folds(examples.folds, len(examples.labels))
    data = Data.load(examples, weights, device)
    replicas = len(data.verdicts)
    ledger = Ledger(len(members), schedule.epochs, (replicas, examples.class_count, data.rows.shape[1]))
    blocks = _lay_out(members, data, initial)
    for block in blocks:
        ledger.record(block, 0, patience=None, counts=initial is not None)
    return blocks, ledger


def _lay_out(members: Sequence[Member], data: "Data", initial: Linear | None) -> list["Block"]:
    """Members of one kind next to each other, as many to a block as it should hold."""
    from regraft.heads.block import Block, kind

    alike: dict[tuple[object, ...], list[int]] = {}
    for number, member in enumerate(members):
        alike.setdefault(kind(member), []).append(number)
    blocks = []
    for numbers in alike.values():
        for first in range(0, len(numbers), data.capacity):
            part = numbers[first : first + data.capacity]
            own = [members[number] for number in part]
            blocks.append(Block(part, own, data, _first_weights(own, data, initial)))
    return blocks


def _first_weights(members: Sequence[Member], data: "Data", initial: Linear | None) -> "Tensor":
    """First weights of some members [m, k, d + 1 + padding] on the data's device."""
    from torch import from_numpy

    from regraft.heads.block import first_weights

    classes = len(data.one_hot)
    start = np.zeros((len(members), classes, data.rows.shape[1]), np.float32)
    for at, member in enumerate(members):
        given = first_weights(member, classes, data.width) if initial is None else None
        start[at, :, : data.width + 1] = (
            np.column_stack([initial.weights.T, initial.bias]) if initial else given
        )
    return from_numpy(start).to(data.rows.device)


def _advance(block: "Block", epoch: int, schedule: Schedule, ledger: Ledger) -> None:
    """One epoch of one block, if any of its members still train."""
    if block.numbers:
        block.train(schedule, epoch)
        ledger.record(block, epoch + 1, patience=schedule.patience, counts=True)


def _regroup(blocks: Sequence["Block"], survivors: set[int]) -> list["Block"]:
    """Drop the others, then join what is left of one kind while it fits into one block."""
    joined: dict[tuple[object, ...], list[Block]] = {}
    for block in blocks:
        block.keep([at for at, number in enumerate(block.numbers) if number in survivors])
        alike = joined.setdefault(block.kind, [])
        if alike and len(alike[-1].numbers) + len(block.numbers) <= block.data.capacity:
            alike[-1].join(block)
        elif block.numbers:
            alike.append(block)
    return [block for alike in joined.values() for block in alike]
