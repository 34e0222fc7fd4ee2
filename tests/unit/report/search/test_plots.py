"""Scales, places on them, and what plots leave out."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from regraft.report.search.chart import Bands, Scale
from regraft.report.search.parallel import parallel
from regraft.report.search.progress import best_so_far, busy_s, learning_curves
from regraft.report.search.slices import slices
from regraft.report.search.story import MOST_DRAWN, Story
from regraft.report.search.surface import contour, smoothed

Search = dict[str, Any]


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1), ["0", "0.5", "1"]),
        (Scale(0, 60), ["0", "20", "40", "60"]),
        (Scale(1e-4, 1e4, log=True), ["0.0001", "0.01", "1", "100", "1e+04"]),
        (Scale(0.01, 0.6, log=True), ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]),
        (Scale(2.0, 3.0, log=True), ["2", "2.5", "3"]),
        (Scale(3, 3), ["3"]),
        (Scale(0, 2, whole=True), ["0", "1", "2"]),
        (Scale(1, 4, log=True, whole=True), ["1", "2", "3", "4"]),
        (Scale(0, 60, whole=True), ["0", "20", "40", "60"]),
    ],
)
def test_ticks_are_round_and_few(scale: Scale, ticks: list[str]) -> None:
    assert [shown for _, shown in scale.ticks] == ticks


def test_scales_place_values() -> None:
    assert Scale(1, 100, log=True)(10) == pytest.approx(0.5)
    assert Scale(0, 4)(1) == 0.25
    assert (Scale(0, 4)(9), Scale(0, 4)(-9), Scale(2, 2)(2)) == (1, 0, 0.5)
    assert not Scale(0, 4).holds(4.1)
    assert [Bands(("a", "b"))(name) for name in "ab"] == [0.25, 0.75]
    assert Bands(("nearest_neighbours", "a")).ticks[0][1] == "nearest_neigh…"


def test_time_counts_once_where_trials_overlap_and_not_where_none_ran() -> None:
    def at(number: int, start: float, seconds: float) -> dict[str, Any]:
        return {"number": number, "started_s": 1e9 + start, "seconds": seconds}

    # Two of one batch; one that overlaps their end; one after a night.
    trials = [at(0, 0, 10), at(1, 0, 10), at(2, 8, 6), at(3, 50_000, 5)]
    assert busy_s(trials) == {0: 10.0, 1: 10.0, 2: 14.0, 3: 19.0}


def test_time_is_added_up_where_nothing_is_known_of_starts() -> None:
    assert busy_s([{"number": n, "seconds": 2.0} for n in range(3)]) == {0: 2.0, 1: 4.0, 2: 6.0}


def test_the_stair_of_the_best_only_falls(search: Search) -> None:
    (_, plot), _ = best_so_far(Story(search))
    stairs = re.search(r'class="curve winner"[^>]*points="([^"]*)"', str(plot))
    assert stairs is not None
    heights = [float(point.split(",")[1]) for point in stairs[1].split()]
    # Down is up in SVG.
    assert heights == sorted(heights)
    assert len(set(heights)) > 2


def test_hopeless_values_lie_beyond_the_scale_and_not_on_it(search: Search) -> None:
    search["trials"][3]["value"] = 1e6
    story = Story(search)
    assert story.up.high < 10
    (_, plot), _ = best_so_far(story)
    assert str(plot).count('class="above') == 1


def test_values_over_decades_get_a_logarithmic_scale(search: Search) -> None:
    assert not Story(search).up.log
    for trial, value in zip(search["trials"][:30], np.geomspace(1e-3, 2, 30), strict=True):
        trial["value"] = float(value)
    assert Story(search).up.log


def test_a_slice_shows_all_trials_of_its_kind_and_what_the_head_found(search: Search) -> None:
    search["trials"][0]["values"]["head.ridge.penalty"] = None
    search["trials"][0]["details"]["head"] = {"penalty": 0.5}
    penalty = next(str(plot) for said, plot in slices(Story(search), "ridge") if "penalty" in said)
    assert penalty.count("<circle") == 24
    mine = next(str(plot) for said, plot in slices(Story(search), "<i>mine</i>") if "pull" in said)
    assert (mine.count('class="cross'), mine.count('class="below')) == (1, 1)
    assert mine.count("<circle") + mine.count('class="above') == 6


def test_none_among_choices_is_drawn_like_others(search: Search) -> None:
    search["space"]["head.ridge.penalty"] = "none,1.0"
    for trial in search["trials"]:
        if "head.ridge.penalty" in trial["values"]:
            trial["values"]["head.ridge.penalty"] = (None, 1.0)[trial["number"] % 2]
            trial["details"]["head"] = {"penalty": 0.37}
    story = Story(search)
    assert "head.ridge.penalty" in story.axes("ridge")
    assert story.scale("head.ridge.penalty", story.of_kind("ridge")) == Bands(("1.0", "none"))
    penalty = next(str(plot) for said, plot in slices(story, "ridge") if "penalty" in said)
    assert penalty.count("<circle") == 24


def test_a_name_with_a_colon_is_no_range(search: Search) -> None:
    names = ["lite0:96px:int8", "lite0", "a..b"]
    search["space"]["backbones"] = ",".join(names)
    for trial in search["trials"]:
        trial["values"]["backbones"] = names[trial["number"] % 3]
    story = Story(search)
    assert story.scale("backbones", story.complete) == Bands(tuple(sorted(names)))


def test_learning_curves_are_of_reports_or_of_epochs(search: Search) -> None:
    found = learning_curves(Story(search))
    assert found is not None
    assert str(found[1]).count("<polyline") == 7
    for trial in search["trials"]:
        trial["reports"] = []
    assert learning_curves(Story(search)) is None
    search["trials"][0]["details"]["losses"] = [1.0, 0.6, None, 0.5]
    epochs = learning_curves(Story(search))
    assert epochs is not None
    assert "1 trial reported after each of up to 3 steps" in epochs[0]


def test_of_very_many_trials_the_best_are_drawn(search: Search) -> None:
    template = search["trials"][5]
    search["trials"] = [
        {**template, "number": n, "value": 0.2 + (n * 7919 % 3000) / 3000} for n in range(MOST_DRAWN + 500)
    ]
    story = Story(search | {"best": 0})
    assert len(story.drawn) == MOST_DRAWN
    undrawn = {t["number"] for t in story.trials} - {t["number"] for t in story.drawn}
    assert min(story.trials[n]["value"] for n in undrawn) >= max(t["value"] for t in story.drawn)


def test_the_surface_is_near_the_trials_and_blank_elsewhere() -> None:
    at = np.array([[0.1, 0.25], [0.12, 0.25], [0.9, 0.75]])
    values = np.array([1.0, 1.0, 5.0])
    grid = smoothed(at, values, (Scale(0, 1), Bands(("a", "b"))))
    assert grid.shape == (2, 24)
    assert grid[0, 2] == pytest.approx(1.0)
    assert grid[1, 21] == pytest.approx(5.0)
    # Names know nothing of each other, and in the middle there was no trial.
    assert np.isnan(grid[1, 2])
    assert np.isnan(grid[:, 12]).all()


def test_the_surface_falls_where_values_do() -> None:
    random = np.random.default_rng(0)
    at = random.uniform(0, 1, (200, 2))
    grid = smoothed(at, ((at - 0.5) ** 2).sum(axis=1), (Scale(0, 1), Scale(0, 1)))
    assert np.isfinite(grid).mean() > 0.95
    lowest = np.unravel_index(np.nanargmin(grid), grid.shape)
    assert np.abs(np.array(lowest) - 11.5).max() <= 3


def test_a_contour_needs_two_settings_and_some_trials(
    search: Search, with_trials: Callable[..., Search]
) -> None:
    found = contour(Story(search), "ridge")
    assert found is not None
    assert "head.ridge.penalty and depths together" in found[0]
    assert str(found[1]).count("<circle") == 24
    assert contour(Story(with_trials(search["trials"][:5])), "ridge") is None
    assert contour(Story(search | {"importance": {"depths": 1.0}}), "ridge") is None


def test_parallel_lines_are_of_one_kind_the_best_on_top(search: Search) -> None:
    found = parallel(Story(search), "ridge")
    assert found is not None
    lines = re.findall(r'<polyline class="([^"]*)"', str(found[1]))
    assert len(lines) == 24
    assert lines[-3:] == ["thread best"] * 3
    assert "best" not in " ".join(lines[:-3])
    assert "The best 3 of 24 trials of ridge are drawn thick" in found[0]
