"""Values against one axis at a time: where the good trials lie."""

from typing import Any

import numpy as np

from regraft.evaluation.phrases import count
from regraft.report.search.chart import Bands, Panel, Scale, mark, off_band
from regraft.report.search.progress import Figure
from regraft.report.search.story import Story, Trial, short
from regraft.search.space import KIND

BEST_SHARE, FEWEST_BEST = 0.1, 3


def slices(story: Story, kind: str) -> list[Figure]:
    """One panel per axis of a kind of head; also those that were given up or failed."""
    trials = [trial for trial in story.drawn if trial["values"][KIND] == kind]
    return [_slice(story, name, trials) for name in story.axes(kind)]


def slice_of_kinds(story: Story) -> Figure | None:
    """Values by kind of head."""
    if len(story.kinds) < 2:
        return None
    panel = Panel(Bands(story.kinds), story.up, "kind of head", story.measure)
    drawn = [_mark(story, panel, t, _strewn(panel, t, t["values"][KIND])) for t in story.drawn]
    bests = {kind: min(map(story.value, story.of_kind(kind)), default=None) for kind in story.kinds}
    ordered = ", ".join(f"{kind} {story.shown(v)}" for kind, v in bests.items() if v is not None)
    said = f"The best of each kind of head: {ordered}."
    return said, panel.drawn([m for m in drawn if m], alternative=said)


def _slice(story: Story, name: str, trials: list[Trial]) -> Figure:
    placed = [trial for trial in trials if story.setting(trial, name) is not None]
    scale = story.scale(name, placed)
    log = isinstance(scale, Scale) and scale.log
    panel = Panel(scale, story.up, f"{name}{' (log)' if log else ''}", story.measure)
    marks = []
    for trial in sorted(placed, key=lambda trial: trial["number"] == story.search["best"]):
        value = story.setting(trial, name)
        marks.append(_mark(story, panel, trial, _strewn(panel, trial, value)))
    said = _said(story, name, placed)
    return said, panel.drawn([m for m in marks if m], alternative=f"{name} against {story.measure}. {said}")


def _said(story: Story, name: str, trials: list[Trial]) -> str:
    """Where the best tenth lies."""
    complete = sorted((t for t in trials if t["state"] == "complete"), key=story.value)
    best = complete[: max(FEWEST_BEST, round(BEST_SHARE * len(complete)))]
    values = [story.setting(trial, name) for trial in best]
    if len(complete) < 2 * FEWEST_BEST:
        return f"{count(len(complete), 'trial')} finished, too few to say which {short(name)} is best."
    whose = f"The best {len(values)} of {len(complete)} trials have"
    if isinstance(story.scale(name, trials), Bands):
        counted = {str(value): sum(str(v) == str(value) for v in values) for value in values}
        named = ", ".join(f"{value} ({n})" if len(counted) > 1 else value for value, n in counted.items())
        return f"{whose} {short(name)} {named}."
    low, high = float(np.min(values)), float(np.max(values))
    span = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
    return f"{whose} {short(name)} {span}."


def _strewn(panel: Panel, trial: Trial, value: Any) -> float:
    return panel.along(panel.across(value) + off_band(panel.across, trial["number"]))


def _mark(story: Story, panel: Panel, trial: Trial, x: float) -> str:
    """What became of a trial: a dot, above the scale an arrow; given up; or failed, at the top."""
    style = story.colour(trial)
    if trial["state"] == "failed":
        return mark(x, panel.y(story.up.high), "cross", "wrong")
    if trial["value"] is None:
        return ""
    value = story.value(trial)
    if trial["number"] == story.search["best"]:
        return mark(x, panel.y(value), "dot", "winner")
    shape = "below" if trial["state"] == "pruned" else "dot" if story.up.holds(value) else "above"
    return mark(x, panel.y(value), shape, style)
