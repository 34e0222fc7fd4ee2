"""The two most important axes at once: a smooth surface through the trials, only where there were some."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.report.search.chart import BOTTOM, LEFT, PAD, RIGHT, TOP, Bands, Panel, Scale, mark, off_band
from regraft.report.search.progress import Figure
from regraft.report.search.story import Story, Trial

CELLS = 24
"""Along an axis of numbers."""

BANDWIDTH = 0.09
"""Of an axis: the standard deviation of the weights that trials have at a cell."""

LEAST_WEIGHT = 0.3
"""A cell whose weights add up to less is left blank: no trial was near."""

LEVELS = 7
SURE = 8
"""Trials of both settings, before a surface is drawn."""


def contour(story: Story, kind: str) -> Figure | None:
    """Values over the two most important axes of a kind of head; None with less than two or few trials."""
    names = [name for name in story.search["importance"] if name in story.axes(kind)]
    names.sort(key=lambda name: -story.search["importance"][name])
    trials = [t for t in story.of_kind(kind) if all(story.setting(t, n) is not None for n in names[:2])]
    # Of a number and a choice the number goes to the right: it has more to show.
    scales = {name: story.scale(name, trials) for name in names[:2]}
    if len(scales) < 2 or len(trials) < SURE:
        return None
    first, second = sorted(scales, key=lambda name: isinstance(scales[name], Bands))
    across, up = scales[first], scales[second]
    panel = Panel(across, up, _label(first, across), _label(second, up), width=720, height=340)
    at = np.array([[across(story.setting(t, first)), up(story.setting(t, second))] for t in trials])
    # As high as they are drawn elsewhere: differences between hopeless trials would take all the colours.
    values = np.array([story.up(story.value(trial)) for trial in trials])
    grid = smoothed(at, values, (across, up))
    marks = [*_cells(panel, grid), *_marks(story, panel, trials, at)]
    said = (
        f"{first} and {second} together: the fuller the colour, the lower the {story.name}, smoothed over "
        f"the trials nearby, whatever their other settings. Each is drawn as a ring; blank is where none was."
    )
    return said, panel.drawn(marks, alternative=said)


def smoothed(
    at: Float[Array, "n 2"], values: Float[Array, " n"], scales: tuple[Scale | Bands, Scale | Bands]
) -> Float[Array, "rows columns"]:
    """Of every cell the mean of the values around it, NaN where no trial was near; rows count from below.

    Source: kernel regression with a Gaussian kernel, Nadaraya 1964, 10.1137/1109020; Watson 1964.
    Differs: a name is near itself only.

    Args:
        at: where the trials lie, from 0 to 1 on both axes.
        values: of the trials.
        scales: of the two axes.
    """
    columns, rows = (_middles(scale) for scale in scales)
    beside, above = (
        _nearness(cells, at[:, side], isinstance(scale, Bands))
        for side, (cells, scale) in enumerate(zip((columns, rows), scales, strict=True))
    )
    weights = above[:, None, :] * beside[None, :, :]
    total = weights.sum(axis=-1)
    near = total >= LEAST_WEIGHT
    return np.asarray(np.where(near, weights @ values / np.where(near, total, 1), np.nan))


def _middles(scale: Scale | Bands) -> Float[Array, " cells"]:
    count = len(scale.names) if isinstance(scale, Bands) else CELLS
    return (np.arange(count) + 0.5) / count


def _nearness(
    cells: Float[Array, " cells"],
    places: Float[Array, " n"],
    is_named: bool,  # noqa: FBT001 - private
) -> Float[Array, "cells n"]:
    away = cells[:, None] - places[None, :]
    if is_named:
        return np.asarray(np.abs(away) < 0.5 / len(cells), np.float64)
    return np.asarray(np.exp(-0.5 * (away / BANDWIDTH) ** 2))


def _cells(panel: Panel, grid: Float[Array, "rows columns"]) -> list[str]:
    """Rectangles, one for each run of cells of one level; the lowest values get the fullest colour."""
    seen = grid[np.isfinite(grid)]
    if not len(seen):
        return []
    span = max(float(seen.max() - seen.min()), 1e-12)
    levels = np.where(np.isfinite(grid), np.floor((seen.max() - grid) / span * (LEVELS - 1e-6)), -1)
    rows, columns = grid.shape
    width = (panel.width - LEFT - RIGHT) * (1 - 2 * PAD) / columns
    height = (panel.height - TOP - BOTTOM) * (1 - 2 * PAD) / rows
    left, bottom = panel.along(0), panel.height - BOTTOM - PAD * (panel.height - TOP - BOTTOM)
    found = []
    for row, own in enumerate(levels):
        edges = [0, *(np.flatnonzero(np.diff(own)) + 1), columns]
        for start, stop in pairwise(edges):
            if own[start] >= 0:
                x, y = left + start * width, bottom - (row + 1) * height
                place = f'x="{x:.1f}" y="{y:.1f}" width="{(stop - start) * width:.1f}" height="{height:.1f}"'
                found.append(f'<rect class="level" style="--s:{(own[start] + 0.5) / LEVELS:.2f}" {place}/>')
    return found


def _marks(story: Story, panel: Panel, trials: Sequence[Trial], at: Float[Array, "n 2"]) -> list[str]:
    """The trials; those of one name are strewn over its band."""
    found = []
    for trial, (share, height) in zip(trials, at, strict=True):
        is_best = trial["number"] == story.search["best"]
        shape, style = ("dot", "winner") if is_best else ("ring", "spot")
        x = share + off_band(panel.across, trial["number"])
        y = height + off_band(panel.up, trial["number"])
        found.append(mark(panel.along(x), panel.over(y), shape, style))
    return found


def _label(name: str, scale: Scale | Bands) -> str:
    return f"{name} (log)" if isinstance(scale, Scale) and scale.log else name
