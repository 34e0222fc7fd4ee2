"""Putting points into a study's queue, and taking values from a trial."""

from collections.abc import Sequence
from typing import Any

import optuna
from optuna.trial import TrialState

from regraft.core.hashing import fingerprint
from regraft.search.axis import Axis, Choice
from regraft.search.marks import INSTEAD, LEFT, ORIGIN
from regraft.search.space import Space, Values
from regraft.search.trial import Trial


def enqueue(study: optuna.Study, space: Space, values: Values, **marks: Any) -> None:
    """Put a point into the queue. None, where it is no choice, leaves a value to the head."""
    left = [name for name, v in values.items() if v is None and not isinstance(space.axes[name], Choice)]
    fixed = {name: value for name, value in values.items() if name not in left}
    study.enqueue_trial(fixed, user_attrs={LEFT: left, **marks})


def propose(
    study: optuna.Study,
    space: Space,
    values: Values,
    *,
    tried: Sequence[Trial],
    within_s: float,
    origin: str,
) -> None:
    """Put a point into the queue, unless it is there or was tried. None leaves a value to the head.

    One that was refused for want of time is tried once there is enough, `within_s`.
    """
    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    proposed = {fingerprint(frozen.user_attrs.get("proposed")) for frozen in waiting}
    key, marks = fingerprint(values), {ORIGIN: origin, "proposed": values}
    before = next((trial for trial in tried if trial.key == key), None)
    if key in proposed:
        return
    if before is None:
        enqueue(study, space, values, **marks)
    elif before.needs_s is not None and before.needs_s <= within_s:
        enqueue(study, space, values, **marks, **{INSTEAD: before.number})


def was_queued(trial: optuna.Trial) -> bool:
    """Whether a point came from the queue, not from the sampler."""
    frozen = trial.storage.get_trial(trial._trial_id)  # noqa: SLF001 - Optuna has no other way
    return "fixed_params" in frozen.system_attrs


def suggested(trial: optuna.Trial, space: Space, *, sees_conditions: bool) -> Values:
    """What the sampler, or the queue, says of every axis that exists.

    Args:
        trial: as asked for.
        space: its axes.
        sees_conditions: whether axes are asked for only where they exist.
    """
    left = trial.user_attrs.get(LEFT, ())
    values: Values = {}
    for name, axis in space.axes.items():
        if sees_conditions and (name in left or not space.is_active(name, values)):
            continue
        values[name] = _value(trial, name, axis)
    values |= dict.fromkeys(left)
    return {name: values[name] for name in space.axes if name in values and space.is_active(name, values)}


def _value(trial: optuna.Trial, name: str, axis: Axis) -> Any:
    if isinstance(axis, Choice):
        return trial.suggest_categorical(name, axis.values)
    high = axis.high if axis.step is None else axis.grid()[-1]
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(high), step=int(axis.step or 1), log=axis.log)
    return trial.suggest_float(name, axis.low, high, step=axis.step, log=axis.log)
