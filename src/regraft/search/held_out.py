"""Judging a head step by step on examples its fits did not see, so that a hopeless one can be given up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from regraft.core.arrays import Features, Folds, Mask, Scores, Truth, Weights
from regraft.core.errors import RecipeError, TrainingError, did_you_mean
from regraft.heads import Head, accuracy, held_out
from regraft.heads.selection import KnowsHeldOut, held_out_loss

Objective = Literal["loss", "accuracy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


@dataclass(frozen=True, eq=False)
class Task:
    """What heads are judged on. `rounds`: one or more ways to deal the examples to folds; see `held_out`."""

    features: Features
    labels: Truth
    class_count: int
    rounds: tuple[Folds, ...]
    weights: Weights | None = None

    @property
    def seen(self) -> Mask:
        """Which examples are held out at some time."""
        return np.asarray(self.rounds[0] >= 0)

    @property
    def steps(self) -> int:
        """The most steps a head can have."""
        return sum(len(np.unique(folds[folds >= 0])) for folds in self.rounds)


def steps(head: Head, task: Task) -> Iterator[Scores]:
    """Held-out scores [n, k] after each step, NaN where there are none yet; the last ones are complete.

    A step is one fold; of a head that knows all folds at once, one round. Where rounds repeat, scores are
    averaged.

    Raises:
        TrainingError: scores are no finite numbers.
    """
    shape = (len(task.labels), task.class_count)
    total, count = np.zeros(shape, np.float64), np.zeros(len(task.labels))
    for dealt in task.rounds:
        for part in _parts(head, dealt):
            scores = held_out(
                head,
                task.features,
                task.labels,
                class_count=task.class_count,
                folds=part,
                weights=task.weights,
            )
            out = part >= 0
            if not np.isfinite(scores[out]).all():
                raise TrainingError("Its scores are no finite numbers: the fit diverged.")
            total[out] += scores[out]
            count[out] += 1
            yield np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan).astype(
                np.float32
            )


def _parts(head: Head, dealt: Folds) -> Iterator[Folds]:
    """One fold at a time, the others always trained on; or all at once."""
    if isinstance(head, KnowsHeldOut):
        yield dealt
        return
    for number in np.unique(dealt[dealt >= 0]):
        yield np.where(dealt == number, 0, -1)


def value_of(scores: Scores, task: Task, objective: Objective) -> float:
    """What is to be made small: the log-loss at the best calibration, or the share of wrong answers."""
    if objective == "loss":
        return held_out_loss(scores, task.labels, weights=task.weights)
    return 1 - accuracy(scores, task.labels, weights=task.weights)


def require_objective(name: str, labels: Truth) -> Objective:
    """The name, if there is such an objective for these labels.

    Raises:
        RecipeError: there is none of that name, or images have several labels and no one answer.
    """
    if name not in OBJECTIVES:
        raise RecipeError(f"There is no objective {name!r}. {did_you_mean(name, OBJECTIVES)}")
    if name == "accuracy" and labels.ndim == 2:
        raise RecipeError("The images have several labels or none, so none has one right answer. Take loss.")
    return "loss" if name == "loss" else "accuracy"
