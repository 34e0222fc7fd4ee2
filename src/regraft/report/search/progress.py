"""How a search went: the best so far by trial and by time, learning curves, and the time of each trial."""

from collections.abc import Sequence
from typing import Any

from regraft.evaluation.phrases import count
from regraft.report.phrases import duration
from regraft.report.search.chart import Panel, Scale, mark, path
from regraft.report.search.story import WIDE, Story, Trial, settings_of
from regraft.search.space import KIND

MINUTE_S = 60
MOST_CURVES = 150
STEP = "step: held-out fold, or epoch"
MANY = 300
"""Of more trials their settings are not shown under the pointer: the page would grow by half."""

Figure = tuple[str, Any]
"""A sentence on what is to be seen, and the plot."""


def best_so_far(story: Story) -> list[Figure]:
    """By trial and by the time spent in trials."""
    if not story.complete:
        return []
    first, winner = story.complete[0], min(story.complete, key=story.value)
    spent = busy_s(story.trials)
    whole_s = max(spent.values())
    unit, divisor = ("minutes", MINUTE_S) if whole_s > 3 * MINUTE_S else ("seconds", 1)
    numbers = {trial["number"]: float(trial["number"]) for trial in story.trials}
    times = {number: seconds / divisor for number, seconds in spent.items()}
    fell = f"from {story.shown(story.value(first))} to {story.shown(story.value(winner))}"
    went = "Nothing was better than the first" if winner is first else f"The lowest {story.name} fell {fell}"
    by_time = f"It took {duration(spent[winner['number']])} of {duration(whole_s)} spent in trials."
    return [
        (f"{went}, in trial {winner['number']}.", _curve(story, numbers, "number of the trial", whole=True)),
        (by_time, _curve(story, times, f"time in trials, {unit}", whole=False)),
    ]


def busy_s(trials: Sequence[Trial]) -> dict[int, float]:
    """For each trial the seconds in which some trial ran, from the first until this one's end.

    Trials of one batch, or of several processes, overlap; between a kill and the next start none ran.
    """
    found, busy, until = {}, 0.0, 0.0
    for trial in sorted(trials, key=lambda t: t.get("started_s", 0.0) + t["seconds"]):
        start = trial.get("started_s", 0.0)
        end = start + trial["seconds"]
        # What overlaps an earlier end was counted there.
        busy += max(0.0, end - max(start, until)) if start else trial["seconds"]
        until = max(until, end)
        found[trial["number"]] = busy
    return found


def learning_curves(story: Story) -> Figure | None:
    """Values after each step of the trials that reported some; None where none reported twice."""
    curves = {trial["number"]: _curve_of(story, trial) for trial in story.drawn}
    curves = {number: values for number, values in curves.items() if len(values) > 1}
    if not curves:
        return None
    reported = len(curves)
    lowest = sorted(curves, key=lambda number: curves[number][-1])[:MOST_CURVES]
    curves = {number: curves[number] for number in lowest}
    longest = max(map(len, curves.values()))
    everything = sorted(value for values in curves.values() for value in values)
    low, high = min(everything[0], story.up.low), max(everything[9 * len(everything) // 10], story.up.high)
    # Few held-out images may all be right with certainty.
    low = max(low, story.up.low / WIDE) if story.up.log else low
    panel = Panel(Scale(1, longest, whole=True), Scale(low, high, story.up.log), STEP, story.measure)
    shown = [trial for trial in story.drawn if trial["number"] in curves]
    shown.sort(key=lambda trial: trial["number"] == story.search["best"])
    marks = []
    for trial in shown:
        points = [(panel.x(step), panel.y(v)) for step, v in enumerate(curves[trial["number"]], start=1)]
        style = "winner" if trial["number"] == story.search["best"] else f"thin {story.colour(trial)}"
        marks.append(path(points, f"curve {style}"))
        if trial["state"] == "pruned":
            marks.append(mark(*points[-1], "below", story.colour(trial)))
    ended = sum(trial["state"] == "pruned" for trial in shown)
    given_up = f" Given up, where a triangle stands: {ended}." if ended else ""
    some = f" The best {len(shown)} are drawn." if len(shown) < reported else ""
    said = f"{count(reported, 'trial')} reported after each of up to {longest} steps.{some}{given_up}"
    return said, panel.drawn(marks, alternative=f"Learning curves. {said}")


def time_per_trial(story: Story) -> Figure | None:
    """Seconds of each trial, by kind of head."""
    timed = [trial for trial in story.drawn if trial["seconds"] > 0]
    if not timed:
        return None
    seconds = [trial["seconds"] for trial in timed]
    low, high = min(seconds), max(seconds)
    across = Scale(timed[0]["number"], timed[-1]["number"], whole=True)
    panel = Panel(across, Scale(low, high, log=high > 5 * low), "number of the trial", "seconds per trial")
    marks = []
    for trial in timed:
        shape = {"complete": "dot", "pruned": "below"}.get(trial["state"], "cross")
        x, y = panel.x(trial["number"]), panel.y(trial["seconds"])
        marks.append(mark(x, y, shape, story.colour(trial), hint=_hint(story, trial)))
    longest = max(timed, key=lambda trial: trial["seconds"])
    middle = sorted(seconds)[len(seconds) // 2]
    said = (
        f"Half of the trials took {duration(middle)} or less, the longest {duration(high)} "
        f"({longest['values'][KIND]})."
    )
    return said, panel.drawn(marks, alternative=f"Time per trial. {said}")


def _curve(story: Story, at: dict[int, float], label: str, *, whole: bool) -> Any:
    """All trials at their places, and the lowest value so far as a stair."""
    panel = Panel(Scale(min(at.values()), max(at.values()), whole=whole), story.up, label, story.measure)
    marks = []
    for trial in story.drawn:
        x = panel.x(at[trial["number"]])
        if trial["state"] == "complete":
            value = story.value(trial)
            shape = "dot" if story.up.holds(value) else "above"
            marks.append(mark(x, panel.y(value), shape, story.colour(trial), hint=_hint(story, trial)))
        elif trial["state"] == "failed":
            marks.append(mark(x, panel.y(panel.up.high), "cross", "wrong"))  # type: ignore[union-attr]
    lowest, stairs = float("inf"), []
    for trial in sorted(story.complete, key=lambda trial: at[trial["number"]]):
        if story.value(trial) < lowest:
            x, before = panel.x(at[trial["number"]]), lowest
            lowest = story.value(trial)
            stairs += [(x, panel.y(before))] * (before < float("inf")) + [(x, panel.y(lowest))]
    stairs.append((panel.x(max(at.values())), panel.y(lowest)))
    alternative = f"Best so far against {label}: {story.measure}, ending at {story.shown(lowest)}."
    return panel.drawn([*marks, path(stairs, "curve winner")], alternative=alternative)


def _hint(story: Story, trial: Trial) -> str:
    """What is said of a trial under the pointer."""
    if len(story.drawn) > MANY:
        return ""
    value = "" if trial["value"] is None else f": {story.shown(story.value(trial))}"
    return f"trial {trial['number']}{value}, {settings_of(trial)}"


def _curve_of(story: Story, trial: Trial) -> list[float]:
    """What a trial reported, or the losses of its epochs where these are kept among its details."""
    epochs = trial["details"].get("losses", ()) if story.objective == "loss" else ()
    reports = trial.get("reports") or epochs or ()
    unit = 1 if story.objective == "loss" else 100
    return [unit * float(value) for value in reports if value is not None]
