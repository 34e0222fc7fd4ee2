"""Parallel coordinates: every trial a line across all axes, the best ones on top."""

from typing import Any

from regraft.report.search.chart import BOTTOM, TOP, Bands, Scale, line, path, text
from regraft.report.search.progress import Figure
from regraft.report.search.story import Story, Trial, short, written

WIDTH, HEIGHT, SIDE = 720, 300, 62
BEST_SHARE, FEWEST_BEST = 0.1, 3


def parallel(story: Story, kind: str) -> Figure | None:
    """The complete trials of one kind of head over its axes and their value; None with less than two axes."""
    names = story.axes(kind)
    found = [t for t in story.of_kind(kind) if all(story.setting(t, name) is not None for name in names)]
    drawn = {trial["number"] for trial in story.drawn}
    trials = sorted((t for t in found if t["number"] in drawn), key=story.value, reverse=True)
    if len(names) < 2 or len(trials) < 2:
        return None
    scales = {name: story.scale(name, trials) for name in names}
    places = [SIDE + number * (WIDTH - 2 * SIDE) / len(names) for number in range(len(names) + 1)]
    best = min(max(FEWEST_BEST, round(BEST_SHARE * len(trials))), len(trials) // 2)
    marks = []
    for rank, trial in enumerate(trials):
        heights = [_height(scales[name], story.setting(trial, name)) for name in names]
        points = list(zip(places, [*heights, _height(story.up, story.value(trial))], strict=True))
        style = "thread best" if rank >= len(trials) - best else "thread"
        marks.append(path(points, style, share=rank / (len(trials) - 1)))
    sides = [_side(x, short(name), scales[name]) for x, name in zip(places, names, strict=False)]
    sides.append(_side(places[-1], story.measure, story.up))
    common = _bundled(story, names, trials[-best:])
    said = f"The best {best} of {len(trials)} trials of {kind} are drawn thick: {common}"
    return said, _drawn(marks, sides, f"Parallel coordinates. {said}")


def _bundled(story: Story, names: list[str], best: list[Trial]) -> str:
    """What the best have in common."""
    shared = {name: {written(story.setting(t, name)) for t in best} for name in names}
    agreed = [f"{short(name)} {values.pop()}" for name, values in shared.items() if len(values) == 1]
    return f"all have {', '.join(agreed)}." if agreed else "they share no setting."


def _height(scale: Scale | Bands, value: Any) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - scale(value))


def _side(x: float, name: str, scale: Scale | Bands) -> str:
    """An upright axis with its name below and its ticks beside it."""
    parts = [line((x, TOP), (x, HEIGHT - BOTTOM), "upright"), text(x, HEIGHT - 18, name, "middle", "name")]
    if isinstance(scale, Scale) and scale.log:
        parts.append(text(x, HEIGHT - 4, "(log)", "middle"))
    parts += [text(x + 5, _height(scale, value) + 4, shown, "start", "tick") for value, shown in scale.ticks]
    return "".join(parts)


def _drawn(marks: list[str], sides: list[str], alternative: str) -> Any:
    from markupsafe import Markup, escape

    opened = (
        f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(alternative)}">'
    )
    return Markup("".join([opened, *marks, *sides, "</svg>"]))  # noqa: S704 - names are escaped
