"""Judging a head step by step on examples its fits did not see, so that a hopeless one can be given up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar, get_args

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Folds, Mask, Scores, Truth, Weights
from regraft.core.errors import RecipeError, TrainingError, did_you_mean
from regraft.heads import Head, accuracy, held_out
from regraft.heads.prepared import Dealt, KnowsPaths, Preparation, penalties, sharing
from regraft.heads.selection import KnowsHeldOut, held_out_loss
from regraft.heads.viewed import rows_of
from regraft.search.shelf import Shelf

Objective = Literal["loss", "accuracy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
ROOM_BYTES = 1 << 30
RISING = 1.02
"""A loss so many times the lowest: of weaker penalties none will be lower."""

H = TypeVar("H", bound=Head)


@dataclass(frozen=True, eq=False)
class Task:
    """What heads are judged on.

    Attributes:
        features: of all examples; or of v views of each, the plain ones of all examples first. Heads learn
            from all views of an example, which are left out together, and its plain one is judged.
        rounds: one or more ways to deal the examples to folds; see `held_out`.
        shelf: where heads of one kind keep the work that they share.
        in_one: whether a head that shares work answers for all folds of a round at once, side by side; to be
            chosen where nobody asks in between, as a pruner does.
    """

    features: Float[Array, "vn d"]
    labels: Truth
    class_count: int
    rounds: tuple[Folds, ...]
    weights: Weights | None = None
    shelf: Shelf = field(default_factory=lambda: Shelf(ROOM_BYTES))
    in_one: bool = False

    @property
    def rows(self) -> "Task":
        """The same with an example for each view."""
        views = len(self.features) // len(self.labels)
        if views == 1:
            return self
        labels, weights = rows_of(self.labels, self.weights, views=views)
        rounds = tuple(np.tile(dealt, views) for dealt in self.rounds)
        return replace(self, labels=labels, weights=weights, rounds=rounds)

    @property
    def seen(self) -> Mask:
        """Which examples are held out at some time."""
        return np.asarray(self.rounds[0] >= 0)

    @property
    def steps(self) -> int:
        """The most steps a head can have."""
        return sum(len(np.unique(folds[folds >= 0])) for folds in self.rounds)

    @property
    def nbytes(self) -> int:
        """Of the features, and of what heads made of them."""
        return self.features.nbytes + self.shelf.nbytes


def steps(head: Head, task: Task) -> Iterator[Scores]:
    """Held-out scores [n, k] after each step, NaN where there are none yet; the last ones are complete.

    A step is one fold; of a head that knows all folds at once, one round. Where rounds repeat, scores are
    averaged.

    Raises:
        TrainingError: scores are no finite numbers.
    """
    shape = (len(task.labels), task.class_count)
    total, count = np.zeros(shape, np.float64), np.zeros(len(task.labels))
    rows = task.rows
    for at, dealt in enumerate(task.rounds):
        for numbers in _together(head, dealt, in_one=task.in_one):
            scores, out = _of_folds(head, rows, at, numbers)[: len(dealt)], np.isin(dealt, numbers)
            require_finite(scores[out])
            total[out] += scores[out]
            count[out] += 1
            yield np.where(count[:, None] > 0, total / np.maximum(count, 1)[:, None], np.nan).astype(
                np.float32
            )


def each_alone(head: Head, task: Task) -> Scores:
    """Scores of every example by a fit to all others, of examples with one view each."""
    prepared = _prepared(head, task, None)
    if prepared is not None:
        return prepared.held_out(head, None)
    given = (head, task.features, task.labels)
    return held_out(*given, class_count=task.class_count, folds=None, weights=task.weights)


def best_of_path(head: H, task: Task, *, alone: bool, pause: Callable[[], None]) -> tuple[H, Scores]:
    """The penalty of the lowest loss among those that a head chooses from, and its held-out scores.

    From the strongest on, until the loss is clearly rising: weaker penalties take the longest, and are worse.

    Args:
        head: of a kind that shares its work; see `penalties`.
        task: what it is judged on.
        alone: whether every example is left out alone.
        pause: called between penalties; it may raise.
    """
    heads = [replace(head, penalty=penalty) for penalty in penalties(head)]  # type: ignore[type-var]
    best, lowest, said = head, np.inf, np.empty(0)
    for one, scores in zip(heads, _along(heads, task, alone=alone), strict=True):
        require_finite(scores[task.seen])
        loss = held_out_loss(scores, task.labels, weights=task.weights)
        if loss < lowest:
            # Of equal losses the strongest penalty's, which comes first.
            best, lowest, said = one, loss, scores
        if loss > RISING * lowest:
            break
        if one is not heads[-1]:
            pause()
    return best, said


def _along(heads: Sequence[H], task: Task, *, alone: bool) -> Iterator[Scores]:
    """Held-out scores of one head after another, the next ones computed when they are asked for."""
    rows, count = task.rows, len(task.labels)
    rounds = [None] if alone else [*range(len(task.rounds))]
    prepared = [_prepared(heads[0], rows, at) for at in rounds]
    knowing = [each for each in prepared if isinstance(each, KnowsPaths)]
    assert len(knowing) == len(rounds), "heads that choose among penalties share their work"
    numbers = [None if at is None else numbers_of(task.rounds[at]) for at in rounds]
    walks = [each.path(heads, own) for each, own in zip(knowing, numbers, strict=True)]
    for each in zip(*walks, strict=True):
        yield np.asarray(np.mean([scores[:count] for scores in each], axis=0), np.float32)


def require_finite(scores: Scores) -> None:
    """Raise `TrainingError` where scores are no finite numbers."""
    if not np.isfinite(scores).all():
        raise TrainingError("Its scores are no finite numbers: the fit diverged.")


def _of_folds(head: Head, task: Task, at: int, numbers: tuple[int, ...]) -> Scores:
    """Scores of some folds of one round."""
    prepared = _prepared(head, task, at)
    if prepared is not None:
        return prepared.held_out(head, numbers)
    folds = np.where(np.isin(task.rounds[at], numbers), task.rounds[at], -1)
    given = (head, task.features, task.labels)
    return held_out(*given, class_count=task.class_count, folds=folds, weights=task.weights)


def _prepared(head: Head, task: Task, at: int | None) -> Preparation | None:
    """What the head shares with others of its kind in one round, or where each example is left out alone."""
    shared = sharing(head)
    if shared is None:
        return None
    name, prepare = shared

    def make() -> Preparation:
        folds, given = None if at is None else task.rounds[at], (task.features, task.labels)
        return prepare(Dealt.of(*given, class_count=task.class_count, folds=folds, weights=task.weights))

    return task.shelf.get((name, at), make)


def _together(head: Head, dealt: Folds, *, in_one: bool) -> Iterator[tuple[int, ...]]:
    """The folds that a head is asked for at a time: all, or one after the other."""
    numbers = numbers_of(dealt)
    knows_all = isinstance(head, KnowsHeldOut) or (in_one and sharing(head) is not None)
    yield from [numbers] if knows_all else [(number,) for number in numbers]


def numbers_of(dealt: Folds) -> tuple[int, ...]:
    """Of the folds that are held out."""
    return (*np.unique(dealt[dealt >= 0]).tolist(),)


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
