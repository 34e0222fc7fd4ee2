"""Heads that train by gradient descent, tried as a population: halved on the way, the rest told in full."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from regraft.core.arrays import Scores
from regraft.core.errors import RecipeError
from regraft.heads.together import Together, held_out_together
from regraft.heads.trained_linear import TrainedLinear
from regraft.search.held_out import Objective, Task
from regraft.search.space import Space
from regraft.search.trial import Asked, Dropped, Failed, Outcome, Result

if TYPE_CHECKING:
    from regraft.search.study import Study

Judge = Callable[[int, Scores], Outcome]
"""What a head's place among those tried together, and its held-out scores, come to."""

FIRST, MOST = 16, 64
"""Points asked for at once: at the start, and at most."""

LEARNERS = ("tpe", "gp", "cmaes")
"""Samplers whose next point depends on what was told before."""


def trains_together(head: Any) -> TypeGuard[TrainedLinear]:
    """Whether many such heads are trained faster side by side than one after the other."""
    return isinstance(head, TrainedLinear)


def tried_together(
    heads: Sequence[TrainedLinear], task: Task, judge: Judge, *, objective: Objective, halve: bool = True
) -> list[Result]:
    """Train heads side by side, the worse half leaving now and then, and judge those that finish.

    Args:
        heads: settings.
        task: what they are judged on.
        judge: makes an outcome of scores.
        objective: what is made small. Where it is no loss, those that were dropped have no value.
        halve: whether any are dropped.
    """
    rows, count = task.rows, len(task.labels)
    found = held_out_together(
        heads,
        rows.features,
        rows.labels,
        class_count=rows.class_count,
        rounds=rows.rounds,
        weights=rows.weights,
        halve=halve and len(heads) > 1,
        criterion=objective,
    )
    plain = [replace(one, scores=None if one.scores is None else one.scores[:count]) for one in found]
    return [_result(at, one, judge, objective) for at, one in enumerate(plain)]


def ask_for(study: "Study") -> int:
    """How many points to ask for next: one, or where some train side by side, enough to fill a population.

    A sampler that learns is asked for half as many as it knows the answers of, so that it soon learns from
    what it proposed. Others are asked for as many as there is use for.
    """
    if not has_population(study.space):
        return 1
    if study.settings.sampler not in LEARNERS:
        return MOST
    known = sum(trial.state != "running" for trial in study.trials)
    return min(MOST, max(FIRST, known // 2))


def has_population(space: Space) -> bool:
    """Whether some of its heads train side by side."""
    return any(issubclass(space.heads[kind], TrainedLinear) for kind in space.kinds)


def population_of(space: Space, asked: Asked, *shared: Any) -> Hashable:
    """Equal for points whose heads train side by side, if they also share what else is named; else None."""
    try:
        head = space.head(asked.values)
    except RecipeError:
        # It fails for that reason when it is tried.
        return None
    return ("population", *shared) if trains_together(head) else None


def _result(at: int, one: Together, judge: Judge, objective: Objective) -> Result:
    epochs = len(one.losses)
    if one.state == "diverged":
        return Failed(f"its loss became {one.losses[-1]:g} in epoch {epochs}: lower the learning rate")
    if one.scores is None:
        return Dropped(float(one.losses[-1]) if objective == "loss" else None, epochs)
    outcome = judge(at, one.scores)
    losses = [round(float(loss), 5) for loss in one.losses]
    return replace(outcome, details={**outcome.details, "losses": losses})
