"""The books of a population in training: curves, best weights, and who still trains."""

from typing import TYPE_CHECKING

import numpy as np

from regraft.core.arrays import Array
from regraft.heads.member import Schedule

if TYPE_CHECKING:
    from regraft.heads.team import Team


class Ledger:
    """Curves, best weights and standing of all members while they train."""

    def __init__(self, count: int, schedule: Schedule) -> None:
        """Open it for so many members."""
        self.schedule = schedule
        self.losses = np.full((count, schedule.epochs + 1), np.nan, np.float32)
        self.accuracies = self.losses.copy()
        self.weights: list[tuple[tuple[Array, ...], ...]] = [()] * count
        self.lowest = np.full(count, np.inf)
        self.best_epoch = np.zeros(count, np.int64)
        self.diverged = np.zeros(count, bool)
        self.training = np.ones(count, bool)

    def open(self, team: "Team", *, counts: bool) -> None:
        """Note how a team's first weights do, which are nobody's best unless they count."""
        losses = self._note(team, 0)
        if counts:
            self._keep_best(team, 0, losses)

    def record(self, team: "Team", epoch: int) -> None:
        """Note how a team does; its improved members are copied, and those that are done leave it."""
        losses = self._note(team, epoch)
        numbers = np.array(team.numbers)
        self._keep_best(team, epoch, losses)
        finite = np.isfinite(losses)
        self.diverged[numbers] = ~finite
        patience = self.schedule.patience
        is_patient = patience is None or epoch - self.best_epoch[numbers] < patience
        self.training[numbers] = finite & is_patient
        if not self.training[numbers].all():
            team.keep(np.flatnonzero(self.training[numbers]).tolist())

    def survivors(self) -> set[int]:
        """The best of those still training, at least one if any."""
        left = np.flatnonzero(self.training)
        order = np.argsort(self.lowest[left], kind="stable")
        if self.schedule.criterion == "accuracy":
            order = np.lexsort((self.lowest[left], -np.nanmax(self.accuracies[left], axis=1)))
        kept = left[order][: int(np.ceil(self.schedule.kept_fraction * len(left)))]
        self.training[:] = False
        self.training[kept] = True
        return set(kept.tolist())

    def _note(self, team: "Team", epoch: int) -> Array:
        losses, accuracies = team.judge()
        self.losses[team.numbers, epoch], self.accuracies[team.numbers, epoch] = losses, accuracies
        return losses

    def _keep_best(self, team: "Team", epoch: int, losses: Array) -> None:
        numbers = np.array(team.numbers)
        better = np.flatnonzero(np.isfinite(losses) & (losses < self.lowest[numbers]))
        self.lowest[numbers[better]], self.best_epoch[numbers[better]] = losses[better], epoch
        copies = [block.weights(better.tolist()) for block in team.blocks]
        for at, number in enumerate(numbers[better]):
            self.weights[number] = tuple(tuple(layer[at] for layer in copy) for copy in copies)
