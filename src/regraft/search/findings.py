"""What a study has shown about its axes: which matter, and where the range should go on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from regraft.core.settings import Knob, knobs
from regraft.search.axis import Range
from regraft.search.space import HEAD, KIND, Space
from regraft.search.trial import Trial

FEWEST = 8
"""Complete trials of one kind of head, before anything is said of its axes."""

BEST_SHARE = 0.15
EDGE = 0.1
"""Of a range: the best trials lie this close to its end where it should go on."""

WIDER = 100

IDLE = 0.03
"""An axis of less importance does not matter."""


@dataclass(frozen=True)
class AtEdge:
    """The best trials lie at one end of a range; `wider` is None where the field takes nothing beyond it."""

    name: str
    side: str
    axis: Range
    wider: Range | None


def importance(trials: Sequence[Trial], space: Space, kind: str) -> dict[str, float]:
    """Each axis's share of the variance of the values of one kind of head, adding up to 1.

    Source: fANOVA, Hutter et al. 2014, as Optuna has it.
    Differs: values beyond the median are taken for the median, so that it tells what makes good trials
        better, and not what ruins one.
    Cost: a random forest over the trials.
    """
    import optuna
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    from regraft.search.numbered import distribution

    own = of_kind(trials, kind)
    names = [n for n in space.axes if n != KIND and own and all(t.values.get(n) is not None for t in own)]
    names = [name for name in names if len({t.values[name] for t in own}) > 1]
    if len(own) < FEWEST or not names or len({t.value for t in own}) == 1:
        return {}
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    axes = {name: distribution(space.axes[name]) for name in names}
    middle = float(np.median([trial.value for trial in own if trial.value is not None]))
    for trial in own:
        value = min(trial.value or 0.0, middle)
        params = {name: trial.values[name] for name in names}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=axes, value=value))
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    total = sum(shares.values())
    return {name: float(share / total) if total else 0.0 for name, share in shares.items()}


def at_edges(trials: Sequence[Trial], space: Space, kind: str) -> list[AtEdge]:
    """The ranges at whose end the best trials of one kind lie."""
    own = sorted(of_kind(trials, kind), key=lambda trial: trial.value or 0.0)
    if len(own) < FEWEST:
        return []
    best = own[: max(3, round(BEST_SHARE * len(own)))]
    found = []
    for name, axis in space.axes.items():
        values = [t.values[name] for t in best if t.values.get(name) is not None]
        if not isinstance(axis, Range) or len(values) < 3:
            continue
        place = float(np.median([axis.place(value) for value in values]))
        if place < EDGE or place > 1 - EDGE:
            side = "lower" if place < EDGE else "upper"
            found.append(AtEdge(name, side, axis, _wider(space, kind, name, side)))
    return found


def of_kind(trials: Sequence[Trial], kind: str) -> list[Trial]:
    """Complete trials of one kind of head whose values were all asked for, none left to the head."""
    complete = (trial for trial in trials if trial.state == "complete" and trial.values[KIND] == kind)
    return [trial for trial in complete if None not in trial.values.values()]


def advice(trials: Sequence[Trial], space: Space) -> list[str]:
    """What the evidence suggests to do next, in sentences."""
    complete = [trial for trial in trials if trial.state == "complete"]
    said = list(_of_failures(trials))
    if not complete:
        return said
    best = min(complete, key=lambda trial: trial.value or 0.0)
    kind = best.values[KIND]
    said += [_of_edge(edge) for edge in at_edges(trials, space, kind)]
    shares = importance(trials, space, kind)
    if idle := [name for name, share in shares.items() if share < IDLE]:
        said.append(f"{', '.join(idle)} hardly {'matters' if len(idle) == 1 else 'matter'} here; fix it.")
    if best.number == complete[0].number and len(complete) >= FEWEST:
        said.append("Nothing beat the first trial, the defaults: more trials will hardly help.")
    return said


def _of_failures(trials: Sequence[Trial]) -> Sequence[str]:
    failed = [trial.reason for trial in trials if trial.state == "failed"]
    if not failed:
        return []
    most = max(set(failed), key=failed.count)
    return [f"{len(failed)} of {len(trials)} trials failed, most often so: {most}"]


def _of_edge(edge: AtEdge) -> str:
    where = f"The best values of {edge.name} lie at the {edge.side} edge of {edge.axis}"
    if edge.wider is None:
        return f"{where}, and there are none beyond it."
    return f"{where}: widen it, --space {edge.name}={edge.wider}"


def _wider(space: Space, kind: str, name: str, side: str) -> Range | None:
    """The range with a hundred times as much at one end, or twice as long; as far as the field goes."""
    axis = space.axes[name]
    assert isinstance(axis, Range), "choices have no ends"
    field = name.removeprefix(f"{HEAD}{kind}.")
    knob = knobs(space.heads[kind]).get(field, Knob(""))
    span = axis.high - axis.low
    if side == "lower":
        low = axis.low / WIDER if axis.log else axis.low - span
        axis = replace(axis, low=_whole(max(low, -math.inf if knob.low is None else knob.low), axis))
    else:
        high = axis.high * WIDER if axis.log else axis.high + span
        axis = replace(axis, high=_whole(min(high, math.inf if knob.high is None else knob.high), axis))
    return None if axis == space.axes[name] else axis


def _whole(end: float, axis: Range) -> float:
    """The end as it will be written; of whole numbers above 0 where logarithms are taken."""
    if not axis.whole:
        return float(f"{end:.2g}")
    return max(round(end), 1) if axis.log else round(end)
