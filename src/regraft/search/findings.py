"""What a study has shown about its ranges: where one should go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from regraft.core.settings import Knob, knobs
from regraft.search.axis import Choice, Range
from regraft.search.space import HEAD, KIND, Space
from regraft.search.trial import Trial

FEWEST = 8
"""Complete trials of one kind of head, before anything is said of its axes."""

BEST_SHARE = 0.15
EDGE = 0.1
"""Of a range: the best trials lie this close to its end where it should go on."""

FEWEST_AT_EDGE = 3
"""Of three random places two lie in one last tenth one time in twenty, three one time in five hundred."""

WIDER = 100
NO_OTHERS: Mapping[str, Knob] = {}


@dataclass(frozen=True)
class AtEdge:
    """The best trials lie at one end of a range; `wider` is None where the field takes nothing beyond it.

    Of the `best` trials, `near` lie in the last tenth before that end.
    """

    name: str
    side: str
    axis: Range
    wider: Range | None
    near: int
    best: int


def at_edges(
    trials: Sequence[Trial], space: Space, kind: str, *, others: Mapping[str, Knob] = NO_OTHERS
) -> list[AtEdge]:
    """The ranges at whose end the best trials of one kind lie.

    `others` say how far axes go that are no head's.
    """
    own = sorted(of_kind(trials, kind, space), key=lambda trial: trial.value or 0.0)
    if len(own) < FEWEST:
        return []
    best = own[: max(3, round(BEST_SHARE * len(own)))]
    found = []
    for name, axis in space.axes.items():
        values = [t.values[name] for t in best if t.values.get(name) is not None]
        if not isinstance(axis, Range) or len(values) < 3:
            continue
        places = np.array([axis.place(value) for value in values])
        side = "lower" if np.median(places) < 0.5 else "upper"
        near = int((places < EDGE if side == "lower" else places > 1 - EDGE).sum())
        if near >= FEWEST_AT_EDGE and 2 * near > len(places):
            knob = knobs(space.heads[kind]).get(name.removeprefix(f"{HEAD}{kind}."), others.get(name))
            wider = None if knob is None else _wider(axis, knob, side)
            found.append(AtEdge(name, side, axis, wider, near, len(places)))
    return found


def of_kind(trials: Sequence[Trial], kind: str, space: Space) -> list[Trial]:
    """Complete trials of one kind of head whose values were all asked for, none left to the head."""
    complete = (trial for trial in trials if trial.state == "complete" and trial.values[KIND] == kind)
    return [trial for trial in complete if not _is_left_to_head(trial, space)]


def _is_left_to_head(trial: Trial, space: Space) -> bool:
    """Whether any value is: of a choice None is one like others."""
    without = (name for name, value in trial.values.items() if value is None)
    return any(not isinstance(space.axes.get(name), Choice) for name in without)


def _wider(axis: Range, knob: Knob, side: str) -> Range | None:
    """The range with a hundred times as much at one end, or twice as long; as far as the field goes."""
    span = axis.high - axis.low
    if side == "lower":
        end = _whole(axis.low / WIDER if axis.log else axis.low - span, axis)
        wider = replace(axis, low=end if knob.low is None else max(end, knob.low))
    else:
        end = _whole(axis.high * WIDER if axis.log else axis.high + span, axis)
        wider = replace(axis, high=end if knob.high is None else min(end, knob.high))
    return None if wider == axis else wider


def _whole(end: float, axis: Range) -> float:
    """The end in two digits; of whole numbers above 0 where logarithms are taken."""
    if not axis.whole:
        return float(f"{end:.2g}")
    return max(round(end), 1) if axis.log else round(end)
