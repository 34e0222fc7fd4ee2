"""What a template needs to show a search: plots, tables and sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from regraft.evaluation.phrases import count, percent
from regraft.report.expected import expected
from regraft.report.phrases import duration
from regraft.report.search.ablation_table import ablation_table
from regraft.report.search.parallel import parallel
from regraft.report.search.progress import best_so_far, learning_curves, time_per_trial
from regraft.report.search.slices import slice_of_kinds, slices
from regraft.report.search.story import MOST_DRAWN, Story, Trial, settings_of
from regraft.report.search.surface import contour
from regraft.report.search.tradeoff import tradeoffs

BEST_SHOWN = 10


def search_part(search: Mapping[str, Any]) -> dict[str, Any]:
    """What `search_part.html.jinja` shows of a report's `search`."""
    story = Story(search)
    if not story.trials:
        said = {"headline": "No trial was made", "settings": "", "expected": []}
        return said | {"advice": search["advice"], "trials": 0}
    return {
        "headline": headline(story),
        "settings": settings_of(story.best) if story.best else "",
        "expected": expected(search),
        "advice": search["advice"],
        "trials": len(story.trials),
        "undrawn": len(story.trials) - len(story.drawn),
        "most_drawn": MOST_DRAWN,
        "legend": [(kind, f"c{number % 8}") for number, kind in enumerate(story.kinds)],
        "states": _states(story),
        "kind": story.kind,
        "of_kind": len(story.of_kind(story.kind)),
        "tradeoffs": tradeoffs(story),
        "progress": best_so_far(story),
        "best": _best_rows(story),
        "measure": story.measure,
        "measured": story.name,
        "right": "Right, by weight" if story.is_weighted else "Right",
        "has_accuracy": any("accuracy" in trial["details"] for trial in story.complete),
        "importance": _importance(search),
        "ablation": ablation_table(search),
        "of_kinds": slice_of_kinds(story),
        "slices": slices(story, story.kind),
        "other_slices": [(kind, slices(story, kind)) for kind in story.kinds if kind != story.kind],
        "contour": contour(story, story.kind),
        "parallel": parallel(story, story.kind),
        "curves": learning_curves(story),
        "time": time_per_trial(story),
        "by_kind": _by_kind(story),
    }


def headline(story: Story) -> str:
    """How it ended, in one sentence."""
    tried = count(len(story.trials), "trial")
    if story.best is None:
        return f"None of {tried} was finished"
    if story.objective == "accuracy":
        images = "held-out images, by weight" if story.is_weighted else "held-out images"
        return f"The best of {tried} is right on {percent(1 - story.best['value'])} of the {images}"
    value = story.shown(story.value(story.best))
    return f"The best of {tried} has {story.name} {value} on held-out images"


def _states(story: Story) -> list[tuple[str, str, str]]:
    """Shapes in use, with what they mean; circles need no word."""
    states = {trial["state"] for trial in story.trials}
    shown = [("below", "c0", "given up on the way")] * ("pruned" in states)
    shown += [("cross", "wrong", "failed")] * ("failed" in states)
    beyond = any(not story.up.holds(story.value(trial)) for trial in story.complete)
    return shown + [("above", "c0", "above the scale")] * beyond


def _best_rows(story: Story) -> list[dict[str, Any]]:
    rows = sorted(story.complete, key=story.value)[:BEST_SHOWN]
    return [
        {
            "number": trial["number"],
            "value": story.shown(story.value(trial)),
            "accuracy": trial["details"].get("accuracy"),
            "seconds": duration(trial["seconds"]),
            "settings": settings_of(trial),
        }
        for trial in rows
    ]


def _importance(search: Mapping[str, Any]) -> list[tuple[str, float, float | None]]:
    """Of each axis its share by fANOVA and by PED-ANOVA, the most important first."""
    best = search.get("importance_for_best", {})
    ordered = sorted(search["importance"].items(), key=lambda one: -one[1])
    return [(name, share, best.get(name)) for name, share in ordered]


def _by_kind(story: Story) -> list[dict[str, Any]]:
    """What each kind of head took and brought."""
    whole = sum(trial["seconds"] for trial in story.trials) or 1.0
    return [_row(story, kind, whole) for kind in story.kinds]


def _row(story: Story, kind: str, whole_s: float) -> dict[str, Any]:
    trials: Sequence[Trial] = [trial for trial in story.trials if trial["values"]["head.kind"] == kind]
    seconds = sorted(trial["seconds"] for trial in trials)
    finished = [story.value(trial) for trial in story.of_kind(kind)]
    return {
        "kind": kind,
        "trials": len(trials),
        "pruned": sum(trial["state"] == "pruned" for trial in trials),
        "failed": sum(trial["state"] == "failed" for trial in trials),
        "best": story.shown(min(finished)) if finished else None,
        "middle": duration(seconds[len(seconds) // 2]),
        "total": duration(sum(seconds)),
        "share": sum(seconds) / whole_s,
    }
