"""What the evidence of a search suggests to do next, in sentences with the numbers they rest on.

Each rule is silent unless its evidence is more than chance would show: few trials say nothing, and neither
does a difference that cannot be told from none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from regraft.evaluation import Interval
from regraft.evaluation.phrases import count, percent
from regraft.pipeline.tuning.finetune_axes import KNOBS
from regraft.pipeline.tuning.progress import Comparisons, of_kinds, of_progress, of_ties
from regraft.search import Choice, Space, Trial
from regraft.search.findings import FEWEST, AtEdge, at_edges, of_kind
from regraft.search.space import KIND

IDLE, IDLE_FOR_BEST = 0.03, 0.1
"""An axis of less importance, by fANOVA and by PED-ANOVA, does not matter."""

ENOUGH = 20
"""Trials of one kind of head, before an axis is said not to matter."""

SPREAD, OFTEN = 0.5, 3
"""Of a range, or so many trials of a second choice: else it was not tried whether an axis matters."""

GAP, SMALL_GAP, FAR = 0.05, 0.02, 0.9
"""Between training and held-out images; and what is far from always right on images that were learnt."""

MOST_GIVEN_UP = 0.8
REMEMBERS = ("nearest_neighbours",)
"""They hold their images, and know each by itself."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What advice is drawn from.

    Attributes:
        trials: of the study.
        space: that was searched.
        best: the trial that was chosen.
        shares: the importance of axes by fANOVA.
        shares_for_best: by PED-ANOVA.
        compared: the trials on held-out images.
        training: the winner's score on the images that it learned from, and on those held out.
        ablation: its rows; see `ablation`.
        is_exhausted: whether every point of the space was tried.
        is_grid: whether the points of a grid were tried, drawn by lot.
    """

    trials: Sequence[Trial]
    space: Space
    best: Trial | None
    shares: Mapping[str, float] = field(default_factory=dict)
    shares_for_best: Mapping[str, float] = field(default_factory=dict)
    compared: Comparisons = field(default_factory=Comparisons)
    training: tuple[float, Interval] | None = None
    ablation: Sequence[Mapping[str, Any]] = ()
    is_exhausted: bool = False
    is_grid: bool = False

    @cached_property
    def complete(self) -> list[Trial]:
        """Trials with a value, in the order in which they were asked for."""
        return [trial for trial in self.trials if trial.state == "complete"]


def advice(found: Evidence) -> list[str]:
    """What the evidence suggests to do next, in sentences; none where it suggests nothing."""
    said = [*_of_failures(found.trials), *_of_given_up(found)]
    if found.best is None:
        return said
    ranked = sorted(found.complete, key=lambda trial: trial.value or 0.0)
    said += _of_ranges(found, found.best)
    said += _of_idle(found, found.best)
    said += of_kinds(found.best, found.trials, found.space, found.compared)
    said += of_ties(found.best, ranked, found.compared)
    if found.is_grid and not found.is_exhausted:
        said.append(
            f"The grid has more points than the {len(found.trials)} that were tried, drawn by lot: with more "
            f"trials it goes on."
        )
    elif not found.is_exhausted:
        said += of_progress(found.complete, found.compared)
    return [*said, *_of_ablation(found.ablation), *_of_training(found, found.best)]


def _of_failures(trials: Sequence[Trial]) -> Iterator[str]:
    failed = [trial.reason for trial in trials if trial.state == "failed"]
    if failed:
        most = max(set(failed), key=failed.count)
        times = count(failed.count(most), "time")
        yield f"{len(failed)} of {len(trials)} trials failed, most often so ({times}): {most}"


def _of_given_up(found: Evidence) -> Iterator[str]:
    """A pruner that leaves too few trials to learn from."""
    given_up = sum(trial.state == "pruned" for trial in found.trials)
    if given_up >= MOST_GIVEN_UP * len(found.trials) > 0 and len(found.complete) < FEWEST:
        whole_s = sum(trial.seconds for trial in found.trials) or 1.0
        part = sum(trial.seconds for trial in found.trials if trial.state == "pruned") / whole_s
        yield (
            f"{given_up} of {len(found.trials)} trials were given up, in {percent(part)} of the time, and "
            f"only {len(found.complete)} finished: too few to learn from. A milder pruner: --pruner median."
        )


def _of_ranges(found: Evidence, best: Trial) -> Iterator[str]:
    """Ranges to be widened; where an axis does not matter, its best values lie somewhere by chance."""
    for edge in at_edges(found.trials, found.space, best.values[KIND], others=KNOBS):
        if edge.name not in found.shares or found.shares[edge.name] >= IDLE:
            yield _of_edge(edge)


def _of_edge(edge: AtEdge) -> str:
    where = (
        f"The best values of {edge.name} lie at the {edge.side} edge of {edge.axis} ({edge.near} of the best "
        f"{edge.best} trials)"
    )
    if edge.wider is None:
        return f"{where}, and there are none beyond it."
    return f"{where}: widen it, --space {edge.name}={edge.wider}"


def _of_idle(found: Evidence, best: Trial) -> Iterator[str]:
    own = of_kind(found.trials, best.values[KIND], found.space)
    if len(own) < ENOUGH:
        return
    for name, share in found.shares.items():
        for_best = found.shares_for_best.get(name, 0.0)
        if share < IDLE and for_best < IDLE_FOR_BEST and _was_tried(name, own, found.space):
            yield (
                f"{name} hardly matters here: it explains {percent(share)} of the differences among the "
                f"better half of {len(own)} trials. Fix it."
            )


def _was_tried(name: str, own: Sequence[Trial], space: Space) -> bool:
    """Whether the better half differs enough in an axis to say that it does not matter."""
    better = sorted(own, key=lambda trial: trial.value or 0.0)[: len(own) // 2]
    values, axis = [trial.values[name] for trial in better], space.axes[name]
    if isinstance(axis, Choice):
        counts = sorted((sum(v == other for v in values) for other in set(values)), reverse=True)
        return len(counts) > 1 and counts[1] >= OFTEN
    places = [axis.place(value) for value in values]
    return float(np.ptp(places)) >= SPREAD


def _of_ablation(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A change that made the winner better: the search was not at its end."""
    done = [row for row in rows if row["difference"] is not None]
    lowest = min(done, key=lambda row: row["difference"]["value"], default=None)
    if lowest is not None and lowest["difference"]["high"] < 0:
        less, least, most = (-lowest["difference"][end] for end in ("value", "high", "low"))
        name, before, after = (lowest[what] for what in ("name", "before", "after"))
        yield (
            f"With {name} {after} in place of {before} the winner has {less:.4f} nats less ({least:.4f} to "
            f"{most:.4f}): search on with --space {name}={after}"
        )


def _of_training(found: Evidence, best: Trial) -> Iterator[str]:
    """The winner on what it learned from against what it did not."""
    if found.training is None or best.values[KIND] in REMEMBERS:
        return
    learnt, held_out = found.training
    gap = f"{100 * (learnt - held_out.value):.1f} points"
    ends = f"{100 * (learnt - held_out.high):.1f} to {100 * (learnt - held_out.low):.1f}"
    both = f"{percent(learnt)} on the images it learned from, {percent(held_out.value)} on those held out"
    if learnt - held_out.high > GAP:
        yield (f"Training and validation differ by {gap} ({ends}): {both}. More images may help most.")
    elif learnt < FAR and learnt - held_out.low < SMALL_GAP + GAP and learnt - held_out.value < SMALL_GAP:
        yield (
            f"Training and validation differ by {gap} only ({ends}): {both}. More images of the same kind "
            f"will hardly help; another network may, see regraft rank."
        )
