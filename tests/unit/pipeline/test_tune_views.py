"""Searching which views of the images a head learns from."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from regraft.pipeline import Recipe, load
from regraft.pipeline.run import Run
from regraft.pipeline.trunk import Trunk
from regraft.pipeline.tuning.asked import Search

# The package offers the function under the module's name.
tune = importlib.import_module("regraft.pipeline.tune").tune

pytestmark = pytest.mark.usefixtures("networks")
RIDGE, LITE = ("head.kind=ridge", "scaling=depth"), Recipe(("lite0",), depths="grid")


@pytest.fixture
def tuned(paint: Callable[..., Path], tmp_path: Path) -> Callable[..., Run]:
    """Search on painted images, in a file of studies that all searches of a test share."""
    photos = paint(each=10)

    def run(*space: str, out: str = "run", recipe: Recipe = LITE, **search: Any) -> Run:
        wanted = Search((*RIDGE, *space), **{"storage": str(tmp_path / "shared.log"), "trials": 4, **search})
        return tune(photos, search=wanted, budget="60s", out=tmp_path / out, recipe=recipe)

    return run


def test_views_are_an_axis_like_any_other(tuned: Callable[..., Run]) -> None:
    run = tuned("views=plain,mirrored,both", "head.penalty=0.01,1,9", sampler="grid", trials=9, ablate=True)
    found, parts = run.report.data["search"], run.report.data["parts"]
    assert found["space"]["views"] == "plain,mirrored,both"
    assert found["counts"]["complete"] == 9
    assert {trial["values"]["views"] for trial in found["trials"]} == {"plain", "mirrored", "both"}
    # The axis was embedded once: every plain image, and three further views of those that are learnt from.
    assert run.report.data["forward_passes"] == 30 + 3 * (30 - parts["test"])
    changed = [row for row in found["ablation"] if row["name"] == "views"]
    assert len(changed) == 2
    assert all(row["difference"] is not None for row in changed)
    assert found["importance"]["views"] > 0
    assert "views" in (run.folder / "report.html").read_text()


def test_views_that_the_recipe_names_are_what_every_trial_learns_from(tuned: Callable[..., Run]) -> None:
    run = tuned(recipe=Recipe(("lite0",), depths="grid", views="mirrored"))
    assert "views" not in run.report.data["search"]["space"]
    assert run.report.data["chosen"]["views"] == "mirrored"
    assert load(run.folder).recipe.views == "mirrored"
    # Of a study of plain views nothing is taken over.
    plain = tuned(out="plain", trials=2).report.data
    assert len(plain["search"]["trials"]) == 2
    assert plain["chosen"]["views"] == "plain"


def test_without_time_for_views_the_others_are_tried(
    tuned: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Trunk, "views_cost_s", lambda self, name, views, dataset: 0.0 if views == "plain" else 500.0
    )
    found = tuned("views=plain,both", sampler="random").report.data["search"]
    states = {trial["values"]["views"]: trial["state"] for trial in found["trials"]}
    assert states == {"plain": "complete", "both": "failed"}
    assert "lite0 with both views would take 500 s" in found["advice"][0]


@pytest.mark.parametrize("is_quick", [True, False])
def test_whoever_goes_on_without_the_features_embeds_what_the_best_learnt_from(
    tuned: Callable[..., Run], empty_cache: Path, monkeypatch: pytest.MonkeyPatch, is_quick: bool
) -> None:
    only_views = ("views=mirrored,both",)
    first = tuned(*only_views, sampler="random").report.data["search"]
    for file in [*empty_cache.glob("features-*"), *empty_cache.glob("trials/*/*")]:
        file.unlink()
    if not is_quick:
        monkeypatch.setattr(
            Trunk, "views_cost_s", lambda self, name, views, dataset: 500.0 * (views != "plain")
        )
    second = tuned(*only_views, out="later", sampler="random").report.data
    assert second["search"]["trials"] == first["trials"]
    if is_quick:
        assert second["search"]["best"] == first["best"]
        assert second["search"]["training"] is not None
    else:
        assert second["search"]["best"] is None
        assert "would take 500 s" in second["ladder"][-1]["reason"]
        assert second["test"] is not None
