"""Judging a head step by step on examples its fits did not see, so that a hopeless one can be given up."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal, TypeVar, get_args

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Folds, Mask, Scores, Truth, Weights
from regraft.core.errors import RecipeError, TrainingError, did_you_mean
from regraft.heads import Classifier, Head, Ridge, accuracy, held_out
from regraft.heads.prepared import Dealt, Gathered, Key, KnowsPaths, Prepared, penalties
from regraft.heads.selection import KnowsHeldOut, held_out_loss, lowest
from regraft.heads.viewed import rows_of
from regraft.heads.weighting import fold_numbers

Objective = Literal["loss", "accuracy"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
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
        in_one: whether a head that shares work answers for all folds at once, side by side; to be chosen
            where nobody asks in between, as a pruner does.
    """

    features: Float[Array, "vn d"]
    labels: Truth
    class_count: int
    rounds: tuple[Folds, ...]
    weights: Weights | None = None
    in_one: bool = False

    @property
    def rows(self) -> "Task":
        """The same with an example for each view."""
        return self if len(self.features) == len(self.labels) else self._rows

    @cached_property
    def _rows(self) -> "Task":
        views = len(self.features) // len(self.labels)
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

    @cached_property
    def prepared(self) -> Prepared:
        """The work that heads share, done when the first of them asks for it."""
        given = (self.features, self.labels)
        gathered = Gathered(*given, class_count=self.class_count, weights=self.weights)
        return Prepared(Dealt(gathered, self.rounds))

    @property
    def nbytes(self) -> int:
        """Of the features, and of what heads made of them."""
        # Once it has been asked for: examples that nobody has asked about are not checked for that.
        known = vars(self.rows).get("prepared")
        return self.features.nbytes + (0 if known is None else known.nbytes)


def steps(head: Head, task: Task) -> Iterator[Scores]:
    """Held-out scores [n, k] after each step, NaN where there are none yet; the last ones are complete.

    A step is one fold; of a head that knows all folds of a round at once, one round; of one that shares work,
    where that was chosen, all. Where rounds repeat, scores are averaged.

    Raises:
        TrainingError: scores are no finite numbers.
    """
    rows, count = task.rows, len(task.labels)
    prepared = rows.prepared.of(head)
    if prepared is not None and _in_one(head, task):
        scores = prepared.held_out(head, rows.prepared.dealt.keys)[:count]
        require_finite(scores[task.seen])
        yield scores
        return
    total, times = np.zeros((count, task.class_count), np.float64), np.zeros(count)
    for keys in _asked(head, task):
        at, numbers = keys[0][0], tuple(number for _, number in keys)
        out = np.isin(task.rounds[at], numbers)
        if prepared is None:
            scores = _of_folds(head, rows, at, numbers)[:count]
        else:
            scores = prepared.held_out(head, keys)[:count]
        require_finite(scores[out])
        total[out] += scores[out]
        times[out] += 1
        mean = np.where(times[:, None] > 0, total / np.maximum(times, 1)[:, None], np.nan)
        yield mean.astype(np.float32)


def _asked(head: Head, task: Task) -> list[tuple[Key, ...]]:
    """The folds that a head is asked for at a time: all; those of one round; or one after the other."""
    if _in_one(head, task):
        return [task.rows.prepared.dealt.keys]
    found = list[tuple[Key, ...]]()
    for at, folds in enumerate(task.rounds):
        keys = [(at, number) for number in fold_numbers(folds).tolist()]
        found += [(*keys,)] if isinstance(head, KnowsHeldOut) else [(key,) for key in keys]
    return found


def _in_one(head: Head, task: Task) -> bool:
    """Whether a head answers for all folds of all rounds at once."""
    return task.in_one and task.rows.prepared.of(head) is not None


def each_alone(head: Head, task: Task) -> Scores:
    """Scores of every example by a fit to all others, of examples with one view each."""
    prepared = task.prepared.of(head)
    if prepared is not None:
        return prepared.held_out(head, None)
    given = (head, task.features, task.labels)
    return held_out(*given, class_count=task.class_count, folds=None, weights=task.weights)


def fitted(head: Head, task: Task) -> Classifier:
    """A head fitted to all examples, from what was prepared where it is of a kind that shares its work."""
    rows = task.rows
    if (prepared := rows.prepared.of(head)) is not None:
        return prepared.fit(head)
    return head.fit(rows.features, rows.labels, class_count=rows.class_count, weights=rows.weights)


def chosen_and_scored(
    head: H,
    task: Task,
    *,
    alone: bool,
    after_step: Callable[[Scores, int], None] | None = None,
    pause: Callable[[], None] = lambda: None,
    is_enough: Callable[[], bool] | None = None,
) -> tuple[H, Scores]:
    """A head with the penalty that it chose, if that was left to it, and its held-out scores [n, k].

    Args:
        head: what to judge.
        task: what it is judged on.
        alone: whether every example is left out alone.
        after_step: takes what `steps` gives, and of how many folds that is, so that heads are compared on the
            same images; it may raise.
        pause: see `best_of_path`.
        is_enough: see `best_of_path`.
    """
    if penalties(head):
        return best_of_path(head, task, alone=alone, pause=pause, is_enough=is_enough)
    head = task.rows.prepared.settled(head)
    if alone:
        return head, each_alone(head, task)
    scores, seen = np.empty(0), accumulate(map(len, _asked(head, task)))
    for step, scores in zip(seen, steps(head, task), strict=True):
        if after_step:
            after_step(scores, step)
    return head, scores


def best_of_path(
    head: H,
    task: Task,
    *,
    alone: bool,
    pause: Callable[[], None],
    is_enough: Callable[[], bool] | None = None,
) -> tuple[H, Scores]:
    """The penalty of the lowest loss among those that a head chooses from, and its held-out scores.

    For ridge any penalty takes as long as another, see `lowest`; with each example alone all are looked at.
    Of other heads the weaker ones take longest: from the strongest on, until the loss is clearly rising.

    Args:
        head: of a kind that shares its work; see `penalties`.
        task: what it is judged on.
        alone: whether every example is left out alone.
        pause: called between penalties; it may raise.
        is_enough: asked by ridge in its place, and between looks alone: it can settle for the best so far.
    """
    heads = [replace(head, penalty=penalty) for penalty in penalties(head)]  # type: ignore[type-var]
    best: tuple[float, int, Scores] = np.inf, 0, np.empty(0)
    settles = isinstance(head, Ridge) and is_enough is not None

    def losses(asked: Sequence[int]) -> Iterator[float]:
        nonlocal best
        along = _along([heads[at] for at in asked], task, alone=alone)
        for at in asked:
            if len(best[2]) and not settles:
                pause()
            scores = next(along)
            require_finite(scores[task.seen])
            loss = held_out_loss(scores, task.labels, weights=task.weights)
            # Of equal losses the strongest penalty's, which comes first.
            best = min(best, (loss, at, scores), key=lambda each: each[:2])
            yield loss

    if isinstance(head, Ridge) and alone:
        # As in a fit on its own: one penalty more costs next to nothing.
        deque(losses(range(len(heads))), maxlen=0)
    elif isinstance(head, Ridge):
        lowest(len(heads), losses, is_enough=is_enough or (lambda: False))
    else:
        for loss in losses(range(len(heads))):
            if loss > RISING * best[0]:
                break
    return heads[best[1]], best[2]


def _along(heads: Sequence[H], task: Task, *, alone: bool) -> Iterator[Scores]:
    """Held-out scores of one head after another, the next ones computed when they are asked for."""
    rows = task.rows
    prepared = rows.prepared.of(heads[0])
    assert isinstance(prepared, KnowsPaths), "heads that choose among penalties share their work"
    for scores in prepared.path(heads, None if alone else rows.prepared.dealt.keys):
        yield scores[: len(task.labels)]


def require_finite(scores: Scores) -> None:
    """Raise `TrainingError` where scores are no finite numbers."""
    if not np.isfinite(scores).all():
        raise TrainingError("Its scores are no finite numbers: the fit diverged.")


def _of_folds(head: Head, task: Task, at: int, numbers: tuple[int, ...]) -> Scores:
    """Scores of some folds of one round."""
    folds = np.where(np.isin(task.rounds[at], numbers), task.rounds[at], -1)
    given = (head, task.features, task.labels)
    return held_out(*given, class_count=task.class_count, folds=folds, weights=task.weights)


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
