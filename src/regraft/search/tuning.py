"""Searching heads on features that are there already: also heads of one's own.

@dataclass(frozen=True)
class Mine:
    pull: Annotated[float, Knob("toward the middle", low=0.1, high=10, log=True)] = 1.0

    def fit(self, features, labels, *, class_count, weights=None) -> Classifier: ...

study = search_heads(Task(features, labels, class_count, (folds,)), {"mine": Mine}, trials=30)
study.best.values
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from regraft.core.arrays import Scores
from regraft.core.hashing import fingerprint, sha256_of_bytes
from regraft.core.seeds import generator
from regraft.heads import Head
from regraft.search.axis import Axis
from regraft.search.held_out import Objective, Task, steps, value_of
from regraft.search.memory import with_half_the_batch
from regraft.search.pruners import UNASKED
from regraft.search.space import Space, Values, space_of
from regraft.search.study import Settings, Study, open_study
from regraft.search.together import ask_for, population_of, tried_together
from regraft.search.trial import Asked, Outcome, Result
from regraft.search.work import Batches, Report, work

ROWS_TOLD_BY = 1000
"""Of the features: by these, and by all labels, examples are told from others."""


def search_heads(  # noqa: PLR0913 - all but the first two are options
    task: Task,
    heads: Mapping[str, type],
    *,
    trials: int,
    changes: Mapping[str, Axis] | None = None,
    objective: Objective = "loss",
    storage: str | Path | None = None,
    settings: Settings | None = None,
) -> Study:
    """Try so many settings of some heads on held-out examples; each head's defaults come first.

    Args:
        task: features, labels, and folds.
        heads: settings by kind: frozen dataclasses with annotated fields and a `fit`.
        trials: of the whole study, those of before included.
        changes: axes in place of what the annotations say; see `space_of`.
        objective: what is made small.
        storage: a file or a database in which the study can be gone on with, by whoever asks for the same of
            the same examples; by default memory.
        settings: how points are proposed and given up.

    Raises:
        RecipeError: an axis is unknown, or lies outside what its field takes.
    """
    space = space_of(heads, changes=changes)
    name = f"heads-{fingerprint([_content(task), objective, space.choices])[:24]}"
    study = open_study(space, name=name, storage=storage, settings=settings or Settings(steps=task.steps))
    propose_defaults(study, trials)
    task = replace(task, in_one=task.in_one or study.settings.pruner in UNASKED)

    def evaluate(asked: Asked, report: Report) -> Outcome:
        return judged(space, asked, task, objective=objective, report=report)

    def evaluate_together(group: Sequence[Asked]) -> list[Result]:
        heads = [space.head(asked.values) for asked in group]
        halve = study.settings.pruner != "none"
        return tried_together(heads, task, judge, objective=objective, halve=halve)

    def judge(_at: int, scores: Scores) -> Outcome:
        return Outcome(value_of(scores, task, objective))

    batches = Batches(lambda: ask_for(study), lambda asked: population_of(space, asked), evaluate_together)
    work(study, evaluate, should_stop=lambda: False, most=trials, batches=batches)
    return study


def _content(task: Task) -> list[object]:
    """Equal for equal examples and folds. Of many features a fair sample is looked at."""
    rows = generator(0, "rows").permutation(len(task.features))[:ROWS_TOLD_BY]
    arrays = (task.features[np.sort(rows)], task.labels, *task.rounds)
    weights = () if task.weights is None else (task.weights,)
    told = [sha256_of_bytes(np.ascontiguousarray(each).tobytes()) for each in (*arrays, *weights)]
    return [task.features.shape, str(task.features.dtype), task.class_count, *told]


def propose_defaults(
    study: Study, trials: int | None, *, points: Sequence[Values] | None = None
) -> list[Values]:
    """Ask first for what each kind of head does by default; returns what is asked for.

    Of few trials at most a quarter goes there.

    Args:
        study: where they are put into the queue.
        trials: of the whole study, at most.
        points: what to ask for in place of the rules of thumb.
    """
    if study.settings.sampler == "grid":
        return []
    thumbs = study.space.rules_of_thumb() if points is None else points
    proposed = [*thumbs[: len(thumbs) if trials is None else max(1, trials // 4)]]
    for values in proposed:
        study.propose(values)
    return proposed


def judged(space: Space, asked: Asked, task: Task, *, objective: Objective, report: Report) -> Outcome:
    """The value of a head on held-out examples, reported after every step."""

    def fit(head: Head) -> float:
        value = float("nan")
        for step, scores in enumerate(steps(head, task), start=1):
            value = value_of(scores, task, objective)
            report(value, step)
        return value

    return Outcome(*with_half_the_batch(space.head(asked.values), fit))
