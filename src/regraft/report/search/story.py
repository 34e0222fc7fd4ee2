"""A search's plain data made ready to be drawn: what was tried when, on which axes, and how it was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from regraft.core.errors import RecipeError
from regraft.report.expected import by_weight
from regraft.report.search.chart import Bands, Scale
from regraft.search import Range, parse_axis
from regraft.search.space import HEAD, KIND

Trial = Mapping[str, Any]
WIDE = 5
"""Times the lowest value: where a quarter of the trials lie further off, their scale is logarithmic."""

MOST_DRAWN = 1500
"""Of more trials the best are drawn: a page has to open."""


@dataclass(frozen=True)
class Story:
    """`search` is the report's: `trials`, `space`, `objective`, `weighted`, `best`, `importance` are read."""

    search: Mapping[str, Any]

    @property
    def objective(self) -> str:
        """What was made small; of several objectives the first."""
        return str(self.search["objective"]).split(",", maxsplit=1)[0]

    @property
    def measure(self) -> str:
        """What the values are, with their unit."""
        return f"{self.name}, nats" if self.objective == "loss" else f"{self.name}, %"

    @property
    def name(self) -> str:
        """What the values are."""
        name = "log-loss" if self.objective == "loss" else "wrong answers"
        return by_weight(name, self.search)

    @property
    def is_weighted(self) -> bool:
        """Whether images count by weight."""
        return bool(self.search.get("weighted"))

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """In the order in which they were asked for."""
        return tuple(self.search["trials"])

    @cached_property
    def complete(self) -> tuple[Trial, ...]:
        """Those with a value."""
        return tuple(trial for trial in self.trials if trial["state"] == "complete")

    @cached_property
    def best(self) -> Trial | None:
        """The one that was chosen."""
        return next((t for t in self.trials if t["number"] == self.search["best"]), None)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of head that were tried, in the order of their best value."""
        tried = dict.fromkeys(str(trial["values"][KIND]) for trial in self.trials)
        lowest = {kind: min((self.value(t) for t in self.of_kind(kind)), default=np.inf) for kind in tried}
        return tuple(sorted(tried, key=lambda kind: lowest[kind]))

    @property
    def kind(self) -> str:
        """The kind of head that won; the first one where none did."""
        return str(self.best["values"][KIND]) if self.best else self.kinds[0]

    @cached_property
    def drawn(self) -> tuple[Trial, ...]:
        """The trials that a plot of single trials shows."""
        if len(self.trials) <= MOST_DRAWN:
            return self.trials
        lowest = sorted(self.complete, key=self.value)[:MOST_DRAWN]
        kept = {trial["number"] for trial in lowest}
        return tuple(trial for trial in self.trials if trial["number"] in kept)

    @cached_property
    def up(self) -> Scale:
        """The scale of values: it tells the better trials apart, and hopeless ones lie beyond its top."""
        values = sorted(self.value(trial) for trial in self.complete)
        if not values:
            return Scale(0, 1)
        low, upper = values[0], values[3 * len(values) // 4]
        log = low > 0 and upper > WIDE * low
        high = min(values[-1], 3 * upper if log else upper + 1.5 * (upper - low))
        return Scale(low, high, log) if high > low else Scale(low - 0.5, low + 0.5)

    def of_kind(self, kind: str) -> list[Trial]:
        """The complete trials of one kind of head."""
        return [trial for trial in self.complete if trial["values"][KIND] == kind]

    def value(self, trial: Trial) -> float:
        """What a trial came to, as it is drawn: in nats or in per cent, low is good."""
        return float(trial["value"]) * (1 if self.objective == "loss" else 100)

    def shown(self, value: float) -> str:
        """A value of `value` in words."""
        return f"{value:.4f}" if self.objective == "loss" else f"{value:.1f} %"

    def colour(self, trial: Trial) -> str:
        """The style of a trial's kind of head."""
        return f"c{self.kinds.index(str(trial['values'][KIND])) % 8}"

    def setting(self, trial: Trial, name: str) -> Any:
        """A trial's value of an axis, also one that its head found on its own; None where it has none.

        Of a choice none is a value like others.
        """
        value = trial["values"].get(name)
        if value is not None or name not in trial["values"]:
            return value
        if "none" in str(self.search["space"].get(name, "")).split(","):
            return "none"
        head = trial["details"].get("head", {})
        return head.get(name.rpartition(".")[2]) if isinstance(head, Mapping) else None

    def axes(self, kind: str) -> list[str]:
        """The axes of one kind of head on which its trials differ, the most important first."""
        own = self.of_kind(kind)
        names = [
            n for n in self.search["space"] if n != KIND and (f"{HEAD}{kind}." in n or not n.startswith(HEAD))
        ]
        names = [n for n in names if len({str(self.setting(t, n)) for t in own} - {"None"}) > 1]
        shares = self.search["importance"]
        return sorted(names, key=lambda name: -shares.get(name, 0.0))

    def scale(self, name: str, trials: Sequence[Trial]) -> Scale | Bands:
        """The scale of an axis, over all that was searched and all that was tried."""
        found = [self.setting(trial, name) for trial in trials]
        values = [value for value in found if value is not None]
        axis = _range(name, str(self.search["space"].get(name, "")))
        is_number = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
        if axis is None or not is_number:
            return Bands(tuple(sorted({str(value) for value in values})))
        ends = [axis.low, axis.high, *values]
        return Scale(min(ends), max(ends), axis.log and min(ends) > 0, axis.whole)


def short(name: str) -> str:
    """An axis without what all of its kind share.

    >>> short("head.ridge.penalty"), short("depths")
    ('penalty', 'depths')
    """
    return name.rpartition(".")[2] if name.startswith(HEAD) and name != KIND else name


def settings_of(trial: Trial) -> str:
    """What a trial tried, in words."""
    values = trial["values"]
    rest = (
        f"{short(name)} {written(value)}"
        for name, value in values.items()
        if name != KIND and value is not None
    )
    return ", ".join([str(values[KIND]), *rest])


def written(value: Any) -> str:
    """A setting as it is written in a sentence.

    >>> written(0.00012345), written("all"), written(None)
    ('0.000123', 'all', 'left to the head')
    """
    if value is None:
        return "left to the head"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _range(name: str, text: str) -> Range | None:
    """The axis if it is of numbers. Names with a colon in them look like a range with marks, and are none."""
    if ".." not in text:
        return None
    try:
        axis = parse_axis(text, name)
    except RecipeError:
        return None
    return axis if isinstance(axis, Range) else None
