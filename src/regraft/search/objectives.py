"""What a search makes small: a score, and maybe what a model of that score may cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from regraft.core.errors import RecipeError, did_you_mean
from regraft.search.held_out import OBJECTIVES, Objective
from regraft.search.trial import Trial

Cost = Literal["latency", "size"]
COSTS: tuple[Cost, ...] = get_args(Cost)


@dataclass(frozen=True)
class Objectives:
    """A score on held-out images, and the costs it is weighed against, if any."""

    score: Objective
    costs: tuple[Cost, ...] = ()


def parse_objectives(text: str) -> Objectives:
    """The score and the costs that a text such as `loss,latency` names.

    Raises:
        RecipeError: a name is unknown or given twice, or the first is no score.

    >>> parse_objectives("accuracy, size")
    Objectives(score='accuracy', costs=('size',))
    """
    first, *rest = (word.strip() for word in text.split(","))
    if first in COSTS:
        raise RecipeError(f"The objective {text!r} must begin with a score, {' or '.join(OBJECTIVES)}.")
    score = next((known for known in OBJECTIVES if known == first), None)
    if score is None:
        raise RecipeError(f"There is no objective {first!r}. {did_you_mean(first, OBJECTIVES)}")
    for word in rest:
        if word not in COSTS:
            raise RecipeError(
                f"{first} can be weighed against {' and '.join(COSTS)}, not {word!r}. "
                f"{did_you_mean(word, COSTS)}"
            )
    if len(set(rest)) != len(rest):
        raise RecipeError(f"The objective {text!r} names a cost twice.")
    return Objectives(score, tuple(cost for word in rest for cost in COSTS if cost == word))


def front(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """The complete trials that no other beats in one respect without losing in another, the best score first.

    Of trials that are equal in all respects the first.
    """
    complete = sorted((trial for trial in trials if trial.state == "complete"), key=_values)
    found: list[Trial] = []
    for trial in complete:
        # Whoever dominates it comes before it in this order, and so does whoever dominates that one.
        if not any(_beats_or_equals(other, trial) for other in found):
            found.append(trial)
    return tuple(found)


def affordable(
    trials: Sequence[Trial], costs: Sequence[Cost], limits: Mapping[Cost, float | None]
) -> list[Trial]:
    """The complete trials that keep within all limits."""
    most = [limits.get(cost) for cost in costs]
    return [
        trial
        for trial in trials
        if trial.state == "complete"
        and all(end is None or cost <= end for end, cost in zip(most, trial.costs, strict=True))
    ]


def cheapest_best(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial of the lowest value; of equal ones the cheapest, then the first."""
    complete = (trial for trial in trials if trial.state == "complete")
    return min(complete, key=_values, default=None)


def _values(trial: Trial) -> tuple[float, ...]:
    return (trial.value or 0.0, *trial.costs)


def _beats_or_equals(one: Trial, other: Trial) -> bool:
    return all(a <= b for a, b in zip(_values(one), _values(other), strict=True))
