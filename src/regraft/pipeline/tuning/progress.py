"""Whether a search went on getting better, what is as good as its best, and which kinds of head are not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from regraft.evaluation import Interval
from regraft.evaluation.phrases import percent
from regraft.report.phrases import duration
from regraft.search import Space, Trial
from regraft.search.findings import FEWEST
from regraft.search.space import KIND


@dataclass(frozen=True)
class Comparisons:
    """Trials against each other on the same images.

    Attributes:
        difference: how much more of what is to be made small the second of two numbers has; None if unknown.
        images: how many there are.
        objective: what is to be made small, log-loss or the share of wrong answers.
    """

    difference: Callable[[int, int], Interval | None] = lambda *_: None
    images: int = 0
    objective: str = "loss"

    def written(self, apart: Interval) -> str:
        """A difference with its interval, and its unit."""
        ends = (apart.value, apart.low, apart.high)
        if self.objective == "loss":
            value, low, high = (f"{end:.4f}" for end in ends)
            return f"{value} nats ({low} to {high})"
        value, low, high = (f"{100 * end:.1f}" for end in ends)
        return f"{value} points ({low} to {high})"


ENOUGH = 20
"""Complete trials, before it is said whether more will help."""

FEWEST_OF_KIND = 5
"""Trials of a kind of head, before it is said that another is better."""

FEWEST_ALIKE, MOST_COMPARED = 3, 200
MUCH_FASTER, LONG_S = 0.5, 1.0
"""Of the winner's time; and from where on it matters."""

MOST_OF_TIME = 0.5


def of_ties(best: Trial, ranked: Sequence[Trial], compared: Comparisons) -> Iterator[str]:
    """How many of the best cannot be told apart, and which of them is much faster.

    Args:
        best: the trial that was chosen.
        ranked: complete trials, the lowest value first.
        compared: the trials on held-out images.
    """
    if len(ranked) < FEWEST or ranked[0].number != best.number:
        return
    rank, behind = _last_alike(best, ranked, compared)
    if behind is None or rank + 1 < FEWEST_ALIKE:
        return
    count = f"{rank + 1}{' or more' if rank == MOST_COMPARED else ''}"
    said = (
        f"The best {count} of {len(ranked)} trials cannot be told apart on {compared.images} images: the "
        f"last of them is {compared.written(behind)} behind."
    )
    fastest = min(ranked[1 : rank + 1], key=lambda trial: trial.seconds)
    if best.seconds >= LONG_S and fastest.seconds < MUCH_FASTER * best.seconds:
        times = f"{duration(fastest.seconds)} instead of {duration(best.seconds)}"
        said += f" Trial {fastest.number}, {fastest.values[KIND]}, takes {times}."
    yield said


def _last_alike(best: Trial, ranked: Sequence[Trial], compared: Comparisons) -> tuple[int, Interval | None]:
    """The last rank that cannot be told from the best, halving what is left: comparing all takes too long."""
    low, high, behind = 0, min(len(ranked) - 1, MOST_COMPARED), None
    while low < high:
        middle = (low + high + 1) // 2
        found = compared.difference(best.number, ranked[middle].number)
        if found is not None and found.low <= 0:
            low, behind = middle, found
        else:
            high = middle - 1
    return low, behind


def of_kinds(best: Trial, trials: Sequence[Trial], space: Space, compared: Comparisons) -> Iterator[str]:
    """Kinds of head that are behind at their best, or take most of the time for nothing."""
    kind, behind = best.values[KIND], {}
    whole_s = sum(trial.seconds for trial in trials) or 1.0
    for other in space.kinds:
        own = [trial for trial in trials if trial.values[KIND] == other]
        complete = [trial for trial in own if trial.state == "complete"]
        if other == kind or len(complete) < FEWEST_OF_KIND:
            continue
        apart = compared.difference(best.number, min(complete, key=lambda trial: trial.value or 0.0).number)
        share = sum(trial.seconds for trial in own) / whole_s
        if apart is not None and (apart.low > 0 or share >= MOST_OF_TIME):
            verb = "is" if apart.low > 0 else "cannot be told from the winner, and is"
            behind[other] = (
                f"{other} {verb} {compared.written(apart)} behind at the best of {len(complete)} trials, in "
                f"{percent(share)} of the time"
            )
    if behind:
        kept = ",".join(one for one in space.kinds if one not in behind)
        them = "it" if len(behind) == 1 else "them"
        yield f"{'; '.join(behind.values())}. Leave {them} out, --space {KIND}={kept}"


def of_progress(complete: Sequence[Trial], compared: Comparisons) -> Iterator[str]:
    """What the second half of the trials brought."""
    lowest = min(complete, key=lambda trial: trial.value or 0.0)
    if lowest is complete[0] and len(complete) >= FEWEST:
        others = len(complete) - 1
        yield f"None of {others} trials beat the first one, the defaults: more trials will hardly help."
        return
    half = len(complete) // 2
    if len(complete) < ENOUGH:
        return
    before = min(complete[:half], key=lambda trial: trial.value or 0.0)
    later = f"the last {len(complete) - half} of {len(complete)} finished trials"
    if (before.value or 0.0) <= (lowest.value or 0.0):
        yield f"Nothing in {later} was better than trial {before.number}: more trials will hardly help."
        return
    gained = compared.difference(lowest.number, before.number)
    if gained is None:
        return
    if gained.low > 0:
        yield f"{later.capitalize()} still gained {compared.written(gained)}: more of them may help."
    else:
        yield (
            f"{later.capitalize()} gained {compared.written(gained)}, which cannot be told from nothing: "
            f"more trials will hardly help."
        )
