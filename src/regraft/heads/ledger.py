"""The books of a population in training: curves, best weights, and who still trains."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from regraft.heads.block import Block


class Ledger:
    """Curves, best weights and standing of all members while they train."""

    def __init__(self, count: int, epochs: int, shape: tuple[int, ...]) -> None:
        """Shape: replicas, classes and padded width of one member's weights."""
        self.losses = np.full((count, epochs + 1), np.nan, np.float32)
        self.accuracies = self.losses.copy()
        self.weights = np.zeros((count, *shape), np.float32)
        self.lowest = np.full(count, np.inf)
        self.best_epoch = np.zeros(count, np.int64)
        self.diverged = np.zeros(count, bool)
        self.training = np.ones(count, bool)

    def record(self, block: "Block", epoch: int, *, patience: int | None, counts: bool) -> None:
        """Note how a block does; its improved members are copied, and those that are done leave it.

        What does not count is written down, but is nobody's best.
        """
        numbers = np.array(block.numbers)
        losses, accuracies = block.judge()
        self.losses[numbers, epoch], self.accuracies[numbers, epoch] = losses, accuracies
        finite = np.isfinite(losses)
        better = np.flatnonzero(counts & finite & (losses < self.lowest[numbers]))
        self.weights[numbers[better]] = block.weights(better.tolist())
        self.lowest[numbers[better]], self.best_epoch[numbers[better]] = losses[better], epoch
        self.diverged[numbers] = ~finite
        patient = (
            np.full(len(numbers), True) if patience is None else epoch - self.best_epoch[numbers] < patience
        )
        self.training[numbers] = finite & patient
        if not self.training[numbers].all():
            block.keep(np.flatnonzero(self.training[numbers]).tolist())

    def survivors(self, share: float) -> set[int]:
        """The best of those still training, at least one if any."""
        left = np.flatnonzero(self.training)
        order = left[np.argsort(self.lowest[left], kind="stable")]
        kept = order[: int(np.ceil(share * len(left)))]
        self.training[:] = False
        self.training[kept] = True
        return set(kept.tolist())
