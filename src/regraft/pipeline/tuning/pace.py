"""How long a trial will take, from those that were timed, and the fit to all images that may follow it."""

from collections.abc import Hashable, Sequence

import numpy as np

from regraft.heads import Head, KernelRidge, LinearSvm, Logistic, Ridge
from regraft.heads.prepared import shares
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import SLOWEST_RATE_PER_S
from regraft.pipeline.recipe import kind_of
from regraft.search import OutOfTime, TooDear

FIRST_RATE_PER_S = 1.5e11
"""Multiplications, of a kind of head that was not timed yet: one that is refused unseen never would be. On
two shared AMD EPYC cores it was 1e11 to 2e11 for ridge and logistic regression and 1,100 to 1,700 examples
(2026-11-23, n = 1 of each); fewer take less than a second, whatever their rate."""

DECOMPOSING = ("ridge", "logistic", "linear_svm", "lda")
"""Kinds of heads that share what examples are decomposed into; see `heads.prepared.dealt`."""

MOST_FRACTION = 0.5
"""Of the budget: a trial that takes more is not worth it. One that takes less waits for whoever goes on."""

LATE_FRACTION = 0.1
"""Of the budget: how late a trial may end for which less time was expected."""

QUICKEST_S = 1e-3

REFIT = 0.5
"""Times as long as a trial took, which fits every fold."""

ALONE = 3.0
"""Times as long as the rate of held-out fits lets expect: of solvers, to the end and without company."""

FACTOR = 0.1
"""Of that time, where a factor is enough and what it is of is there: n^3 / 3 multiplications, not 12 n^3
for a decomposition and n^2 d for the sums; then some passes over the features."""


class Pace:
    """The rates at which kinds of heads were fitted here.

    Where heads share work, the first of them pays for it; what others take is known once one was timed.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._rates_per_s: dict[str, float] = {}
        self._seconds: dict[Hashable, float | None] = {}

    def cost_s(self, kind: str, work: float, *, shared: Hashable = None) -> float:
        """What a trial will take.

        Args:
            kind: of the head.
            work: multiplications, were nothing shared.
            shared: names the work that heads share on some features; None where they share nothing.
        """
        known = self._seconds.get(shared)
        return work / self._rate_per_s(kind) if known is None else known

    def fit_s(self, head: Head, work: float, *, trial_s: float, is_known: bool = True) -> float:
        """What a fit to all images will take.

        Args:
            head: with or without what it finds on its own.
            work: multiplications of one fit, were nothing shared.
            trial_s: what its trial took, or will take.
            is_known: whether a trial of its kind has left, or will leave, work on its features.
        """
        if not shares(head):
            return REFIT * trial_s
        times = 1.0
        if isinstance(head, Logistic | LinearSvm):
            times = ALONE
        elif is_known and isinstance(head, Ridge | KernelRidge):
            times = FACTOR
        return times * self.cost_s(kind_of(head), work)

    def require_time(self, cost_s: float, *, then_s: float = 0.0) -> None:
        """Raise unless there is time, also for what may follow.

        Raises:
            TooDear: it would take most of the whole budget.
            OutOfTime: it no longer fits.
        """
        if cost_s > MOST_FRACTION * self.budget.seconds:
            said = f"It would take {cost_s:.0f} of {self.budget.seconds:.0f} s."
            raise TooDear(said, needs_s=cost_s / MOST_FRACTION)
        if not self.budget.affords(cost_s + then_s):
            raise OutOfTime

    def require_patience(self) -> None:
        """Raise once the time has been up for a while.

        Raises:
            OutOfTime: what began in time may end late, but not so late.
        """
        if not self.budget.affords(-LATE_FRACTION * self.budget.seconds):
            raise OutOfTime

    def _rate_per_s(self, kind: str) -> float:
        """Of a kind that was not timed, that of those which do the same work on the same images."""
        known = self._rates_per_s
        alike = [known[each] for each in DECOMPOSING if each in known] if kind in DECOMPOSING else []
        return known.get(kind, max(alike, default=FIRST_RATE_PER_S))

    def timed(
        self, kind: str, work: float, seconds: float, *, shared: Hashable = None, helped: bool = False
    ) -> None:
        """Learn from a trial that was made.

        Args:
            kind: of its head.
            work: multiplications, were nothing shared.
            seconds: that it took.
            shared: as in `cost_s`.
            helped: whether others had paid for some of what it shares: where nobody has, it takes longer.
        """
        if shared is not None and shared in self._seconds:
            self._seconds[shared] = seconds
            return
        if not helped:
            # Of a small fit most of the time goes elsewhere, which would make a larger one look too dear.
            rate_per_s = work / max(seconds, QUICKEST_S)
            self._rates_per_s[kind] = max(rate_per_s, self._rates_per_s.get(kind, SLOWEST_RATE_PER_S))
        if shared is not None:
            self._seconds[shared] = None


def raced_share(epochs: int) -> float:
    """The share of all epochs that heads train on average whose worse half leaves after 1, 2, 4, ... epochs.

    >>> raced_share(1), raced_share(8)
    (1.0, 0.3125)
    """
    return float(min(1.0, (1 + 0.5 * np.log2(epochs)) / epochs))


def races(costs_s: Sequence[float], most_s: float) -> list[slice]:
    """Neighbours that take no longer together than a time; at least one each.

    >>> races([1, 1, 1, 5, 1], 2)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None), slice(4, 5, None)]
    """
    found, start, total = list[slice](), 0, 0.0
    for at, cost_s in enumerate(costs_s):
        if at > start and total + cost_s > most_s:
            found.append(slice(start, at))
            start, total = at, 0.0
        total += cost_s
    return [*found, slice(start, len(costs_s))]
