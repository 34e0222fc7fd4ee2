"""The books of a population in training: curves, best weights, and who still trains."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

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
        self.best = np.full((count, 2), np.inf)
        self.best_epoch = np.zeros(count, np.int64)
        self.diverged = np.zeros(count, bool)
        self.training = np.ones(count, bool)

    def open(self, team: "Team", *, counts: bool) -> None:
        """Note how a team's first weights do, which are nobody's best unless they count."""
        self._note(team, 0)
        if counts:
            self._keep_best(team, 0)

    def record(self, team: "Team", epoch: int) -> None:
        """Note how a team does; its improved members are copied, and those that are done leave it."""
        self._note(team, epoch)
        numbers = np.array(team.numbers)
        self._keep_best(team, epoch)
        finite = np.isfinite(self.losses[numbers, epoch])
        self.diverged[numbers] = ~finite
        patience = self.schedule.patience
        is_patient = patience is None or epoch - self.best_epoch[numbers] < patience
        self.training[numbers] = finite & is_patient
        if not self.training[numbers].all():
            team.keep(np.flatnonzero(self.training[numbers]).tolist())

    @property
    def ranking(self) -> Int[Array, " m"]:
        """All members by their best so far."""
        return np.lexsort((self.best[:, 1], self.best[:, 0]))

    def survivors(self) -> set[int]:
        """The best of those still training, at least one if any."""
        left = self.ranking[self.training[self.ranking]]
        kept = left[: int(np.ceil(self.schedule.kept_fraction * len(left)))]
        self.training[:] = False
        self.training[kept] = True
        return set(kept.tolist())

    def _note(self, team: "Team", epoch: int) -> None:
        self.losses[team.numbers, epoch], self.accuracies[team.numbers, epoch] = team.judge()

    def _keep_best(self, team: "Team", epoch: int) -> None:
        """Copy the weights of those that have never been so good, by the criterion; the loss breaks ties."""
        numbers = np.array(team.numbers)
        losses, accuracies = self.losses[numbers, epoch], self.accuracies[numbers, epoch]
        first = -accuracies if self.schedule.criterion == "accuracy" else losses
        ahead = first < self.best[numbers, 0]
        level = (first == self.best[numbers, 0]) & (losses < self.best[numbers, 1])
        better = np.flatnonzero(np.isfinite(losses) & (ahead | level))
        self.best[numbers[better]] = np.column_stack([first, losses])[better]
        self.best_epoch[numbers[better]] = epoch
        self.lowest[numbers] = np.fmin(self.lowest[numbers], losses)
        copies = [block.weights(better.tolist()) for block in team.blocks]
        for at, number in enumerate(numbers[better]):
            self.weights[number] = tuple(tuple(layer[at] for layer in copy) for copy in copies)
