"""The winner of a search with one setting changed at a time: what each is worth, everything else equal.

Of a range the setting goes back to what holds where nobody tunes it, because that is the question: what did
tuning it bring? Where the winner stands at that value, it goes to the best other one that was tried. Of a
choice every other value is tried. Another kind of head cannot come alone: it brings its own settings, those
of its best trial.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.core.errors import RegraftError
from regraft.core.hashing import plain
from regraft.pipeline.budget import Budget
from regraft.pipeline.judging import Candidate
from regraft.pipeline.tuning.paired import MOST_LOSS, difference
from regraft.pipeline.tuning.plan import recipe_of
from regraft.pipeline.tuning.tasks import Tasks
from regraft.search import Choice, Range, Space, Trial, Values
from regraft.search.space import HEAD, KIND, within

AWAY = 0.1
"""Of a range: nearer values are no other values."""

MOST_FRACTION = 0.25
"""Of the budget: kept back for it, at most."""

REFIT = 2.0
"""Times as long as a trial of that kind took: fitted to folds once more, and then to all images."""


@dataclass(frozen=True)
class Change:
    """One setting of the winner changed; `values` are the whole point."""

    name: str
    before: Any
    after: Any
    why: str
    values: Values


def changes(best: Trial, trials: Sequence[Trial], space: Space) -> list[Change]:
    """What is to be tried: first the settings beside the kind of head, then other kinds."""
    found: list[Change] = []
    for name, axis in space.axes.items():
        if name == KIND or best.values.get(name, ...) is ...:
            continue
        before = best.values[name]
        if isinstance(axis, Choice):
            others = [value for value in axis.grid() if value != before or type(value) is not type(before)]
            found += [_changed(best, name, value, "another choice") for value in others]
        else:
            found += _of_range(best, trials, space, name)
    others = [kind for kind in space.kinds if kind != best.values[KIND]]
    return found + [_of_kind(best, trials, space, kind) for kind in map(str, others)]


def cost_s(best: Trial, trials: Sequence[Trial], space: Space) -> float:
    """What an ablation of a trial would take: each change as long as the slowest trial of its kind of head.

    Others found ready what such a trial has to make, and so does a fit: features scaled, folds decomposed.
    """
    whole = [trial.seconds for trial in trials if trial.state == "complete"]
    total = 0.0
    for change in changes(best, trials, space):
        own = [t.seconds for t in trials if t.state == "complete" and t.values[KIND] == change.values[KIND]]
        total += REFIT * max(own or whole)
    return total


def reserved_s(best: Trial, trials: Sequence[Trial], space: Space, budget: Budget) -> float:
    """What a search that is to end in an ablation leaves of its time."""
    return min(cost_s(best, trials, space), MOST_FRACTION * budget.seconds)


def ablation(
    best: Trial, winner: Candidate, trials: Sequence[Trial], *, space: Space, tasks: Tasks
) -> list[Any]:
    """Every change tried on the folds of the search, the most harmful first; last those that were not tried.

    A row has `name`, `before`, `after`, `why` and `seconds`; the paired `difference` of the log-loss and
    `accuracy_difference`, both changed minus unchanged with intervals; or, with `difference` None, in
    `refused` why it was not tried.

    Args:
        best: the trial that won.
        winner: what became of it.
        trials: of the study.
        space: that was searched.
        tasks: what heads are judged on, with what trials have left of the work.
    """
    rows = [_tried(change, winner, space, tasks) for change in changes(best, trials, space)]
    return sorted(rows, key=lambda row: -row["difference"]["value"] if row["difference"] else np.inf)


def _of_range(best: Trial, trials: Sequence[Trial], space: Space, name: str) -> Iterator[Change]:
    """Back to the rule of thumb; from there, to the best value elsewhere."""
    before, axis = best.values[name], space.axes[name]
    assert isinstance(axis, Range), "choices are changed to every other value"
    thumbs = (thumb for thumb in space.rules_of_thumb() if thumb[KIND] == best.values[KIND])
    thumb = next(thumbs)
    # What another axis has to switch on is in no rule of thumb.
    usual = thumb[name] if name in thumb else within(axis, space.defaults.get(name))
    if usual is None and before is not None:
        yield _changed(best, name, None, "the head finds it")
    elif usual is not None and before is not None and abs(axis.place(usual) - axis.place(before)) >= AWAY:
        yield _changed(best, name, usual, "not tuned")
    else:
        at = before if before is not None else _found(best, name)
        own = sorted((t for t in trials if t.state == "complete"), key=lambda trial: trial.value or 0.0)
        tried = [t.values[name] for t in own if t.values.get(name) is not None]
        away = [v for v in tried if at is None or abs(axis.place(v) - axis.place(at)) >= AWAY]
        if away:
            yield _changed(best, name, away[0], "the best tried elsewhere")


def _found(best: Trial, name: str) -> float | None:
    """What the head found on its own, where its trial says so."""
    found = best.details.get("head", {}).get(name.rpartition(".")[2])
    return float(found) if isinstance(found, int | float) and found > 0 else None


def _of_kind(best: Trial, trials: Sequence[Trial], space: Space, kind: str) -> Change:
    """Another kind of head with the settings of its best trial, or its defaults; the rest as it was."""
    own = [trial for trial in trials if trial.state == "complete" and trial.values[KIND] == kind]
    thumbs = (thumb for thumb in space.rules_of_thumb() if thumb[KIND] == kind)
    source, why = next(thumbs), "with its defaults"
    if own:
        lowest = min(own, key=lambda trial: trial.value or 0.0)
        source, why = lowest.values, f"set as in trial {lowest.number}"
    shared = {name: value for name, value in best.values.items() if not name.startswith(HEAD)}
    settings = {name: value for name, value in source.items() if name.startswith(HEAD)}
    return Change(KIND, best.values[KIND], kind, why, {**settings, **shared})


def _changed(best: Trial, name: str, value: Any, why: str) -> Change:
    return Change(name, best.values[name], value, why, {**best.values, name: value})


def _tried(change: Change, winner: Candidate, space: Space, tasks: Tasks) -> dict[str, Any]:
    climb = tasks.climb
    row = {"name": change.name, "before": change.before, "after": change.after, "why": change.why}
    began_s = time.monotonic()
    try:
        recipe = recipe_of(climb.asked, space, change.values)
        refused = climb.refuses(recipe)
        candidate = None if refused else tasks.attempt(recipe)
    except RegraftError as error:
        refused, candidate = str(error), None
    except Exception as error:  # noqa: BLE001 - whatever a head raises, the others are still to be tried
        refused, candidate = f"{type(error).__name__}: {error}", None
    row |= {"seconds": time.monotonic() - began_s, "refused": refused}
    if candidate is None:
        return row | {"difference": None, "accuracy_difference": None}
    one, other, codes = winner.answers, candidate.answers, winner.answers.units
    seed, weights = climb.asked.seed, climb.held_out_weights
    losses = difference(one.losses, other.losses, codes, most=MOST_LOSS, seed=seed, weights=weights)
    right = difference(one.right, other.right, codes, most=None, seed=seed, weights=weights)
    return row | {"difference": plain(losses), "accuracy_difference": plain(right)}
