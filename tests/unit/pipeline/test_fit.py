"""The main job with a stand-in network: what is computed again, what is kept, what is asked for."""

import time
from pathlib import Path
from typing import Any

import pytest

from regraft.core.errors import BackboneError, DataError, RecipeError
from regraft.data import read
from regraft.heads import HEADS, KernelSvm, LinearSvm, Ridge
from regraft.pipeline import Recipe, fit, load, read_recipe
from regraft.pipeline.budget import Budget


def test_a_second_fit_computes_nothing_and_finds_the_same(paint: Any, networks: Any, tmp_path: Path) -> None:
    photos = paint(each=10)
    first, second = (fit(photos, budget="60s", out=tmp_path / name).report.data for name in "ab")
    assert first["forward_passes"] == 30 * len({*Recipe().backbones})
    assert second["forward_passes"] == 0
    for key in ("chosen", "validation", "test", "confusion", "parts"):
        assert second[key] == first[key], key


def test_ten_more_images_are_ten_more_passes(
    paint: Any, networks: Any, tmp_path: Path, as_it_is: Recipe
) -> None:
    fit(paint(each=10), recipe=as_it_is, budget="60s", out=tmp_path / "a")
    paint(each=10, seed=1, classes=("red",))
    second = fit(tmp_path / "photos", recipe=as_it_is, budget="60s", out=tmp_path / "b")
    assert second.report.data["forward_passes"] == 10


def test_further_views_are_embedded_once_of_images_that_are_learnt_from(
    paint: Any, networks: Any, tmp_path: Path
) -> None:
    photos = paint(each=10)
    chosen = {"backbones": ("lite0",), "depths": "all", "scaling": "depth"}
    plain, mirrored, again = (
        fit(photos, recipe=Recipe(**chosen, head=Ridge(), views=views), out=tmp_path / name).report.data
        for name, views in (("a", "plain"), ("b", "both"), ("c", "mirrored"))
    )
    assert plain["forward_passes"] == 30
    assert mirrored["forward_passes"] == 3 * (30 - mirrored["parts"]["test"])
    assert again["forward_passes"] == 0
    assert mirrored["chosen"]["views"] == "both"
    red = load(tmp_path / "b").predict(next((photos / "red").iterdir()))
    assert [one.label for one in red] == ["red"]


def test_features_may_vanish_while_trials_stay(
    paint: Any, networks: Any, tmp_path: Path, empty_cache: Path
) -> None:
    photos = paint(each=10)
    first = fit(photos, budget="60s", out=tmp_path / "a").report.data
    for file in empty_cache.glob("features-*"):
        file.unlink()
    second = fit(photos, budget="60s", out=tmp_path / "b").report.data
    assert (second["chosen"], second["test"]) == (first["chosen"], first["test"])


def test_a_damaged_trial_is_made_again(paint: Any, networks: Any, tmp_path: Path, empty_cache: Path) -> None:
    photos = paint(each=10)
    first = fit(photos, budget="60s", out=tmp_path / "a").report.data
    files = [*empty_cache.glob("trials/*/*")]
    assert files
    for file in files:
        file.write_bytes(file.read_bytes()[:20])
    second = fit(photos, budget="60s", out=tmp_path / "b").report.data
    assert (second["chosen"], second["validation"]) == (first["chosen"], first["validation"])


@pytest.mark.parametrize(("content", "reason"), [(b"no image", "it is no JPEG"), (b"", "0 bytes")])
def test_strict_refuses_what_cannot_be_used(
    paint: Any, networks: Any, tmp_path: Path, content: bytes, reason: str, as_it_is: Recipe
) -> None:
    photos = paint(each=6)
    given = {"recipe": as_it_is, "budget": "60s"}
    assert fit(photos, out=tmp_path / "a", strict=True, **given).report.data["images"] == 18
    (photos / "red" / "odd.png").write_bytes(content)
    with pytest.raises(DataError, match=rf"Not every file in .*photos can be used.*odd\.png.*{reason}"):
        fit(photos, out=tmp_path / "b", strict=True, **given)
    assert fit(photos, out=tmp_path / "c", **given).report.data["skipped"] == 1


def test_trials_of_other_weights_are_not_taken(
    paint: Any, networks: Any, tmp_path: Path, as_it_is: Recipe
) -> None:
    photos = paint(each=6)
    fit(photos, budget="60s", out=tmp_path / "a", recipe=as_it_is)
    networks.sha256 = "1" * 64
    run = fit(photos, budget="60s", out=tmp_path / "b", recipe=as_it_is)
    assert run.model.cards[0].sha256 == "1" * 64


SLOW = ("selected_ridge", "elastic", "perceptron")


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in SLOW else []) for kind in HEADS]
)
def test_the_chosen_recipe_is_made_again_exactly(
    kind: str, paint: Any, networks: Any, tmp_path: Path
) -> None:
    photos = paint(each=10)
    asked = Recipe(("lite0",), depths="all", scaling="depth", head=HEADS[kind]())
    first = fit(photos, budget="60s", out=tmp_path / "a", recipe=asked)
    again = fit(photos, budget="60s", out=tmp_path / "b", recipe=read_recipe(tmp_path / "a" / "recipe.json"))
    assert again.report.data["chosen"] == first.report.data["chosen"]
    for name, interval in first.report.data["test"].items():
        # Held out, a path is solved from one penalty to the next, a single one from nothing.
        assert again.report.data["test"][name] == pytest.approx(interval, abs=1e-3), name
    assert load(tmp_path / "b").recipe == load(tmp_path / "a").recipe


def test_a_data_set_may_be_given(paint: Any, networks: Any, tmp_path: Path, as_it_is: Recipe) -> None:
    photos = paint(each=6)
    run = fit(read(photos), budget=60.0, out=tmp_path / "run", recipe=as_it_is)
    assert run.report.data["images"] == 18
    assert [one.label for one in run.model.predict([photos / "red" / "0-00.png"])] == ["red"]


def test_more_images_than_a_head_can_take_are_refused_at_once(
    paint: Any, networks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KernelSvm, "most_examples", 10)
    with pytest.raises(DataError, match=r"kernel_svm head .* at most 10 of them; there are 14"):
        fit(paint(each=6), out=tmp_path / "run", recipe=Recipe(("lite0",), head=KernelSvm()))
    assert not networks.sizes


def test_nothing_is_begun_for_a_wish_that_makes_no_sense(paint: Any, networks: Any, tmp_path: Path) -> None:
    photos = paint(each=6)
    with pytest.raises(RecipeError, match="no duration"):
        fit(photos, budget="soon", out=tmp_path / "run")
    with pytest.raises(DataError, match="There is no folder or table"):
        fit(tmp_path / "none", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_first_network_is_said_at_once(paint: Any, networks: Any, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="no backbone 'vgg'"):
        fit(paint(each=6), out=tmp_path / "run", recipe=Recipe(("vgg",)))


def test_an_unknown_second_network_is_reported_and_does_no_harm(
    paint: Any, networks: Any, tmp_path: Path
) -> None:
    run = fit(paint(each=6), budget="60s", out=tmp_path / "run", recipe=Recipe(("lite0", "vgg")))
    assert any("no backbone 'vgg'" in step["reason"] for step in run.report.data["ladder"])


def test_stopped_at_once_there_is_still_a_model(
    paint: Any, networks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if Ctrl-C came right after the first look: only the majority class is left."""
    monkeypatch.setattr(Budget, "affords", lambda self, cost_s: setattr(self, "interrupted", True) or False)
    photos = paint(each=6)
    run = fit(photos, budget="60s", out=tmp_path / "run")
    assert load(run.folder).predict(photos / "red" / "0-00.png")[0].label in ("red", "green", "blue")
    assert (run.folder / "manifest.json").exists()


def test_heads_of_equal_settings_are_different_trials(networks, paint, tmp_path):
    """Ridge and a linear SVM both have a penalty and nothing else."""
    folder = paint(each=12)
    for number, head in enumerate((Ridge(), LinearSvm(), Ridge())):
        recipe = Recipe(("lite0",), "all", "depth", head)
        chosen = fit(folder, out=tmp_path / str(number), recipe=recipe).model.recipe.head
        assert type(chosen) is type(head)


def test_where_the_network_takes_all_the_time_few_images_are_looked_at(
    paint: Any, tmp_path: Path, networks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = paint(each=100)

    def slowly(name: str, **options: Any) -> Any:
        time.sleep(0.3)
        return networks.load(name, **options)

    monkeypatch.setattr("regraft.pipeline.trunk.load_backbone", slowly)
    found = fit(photos, budget=0.25, out=tmp_path / "run").report.data
    assert 0 < found["images"] < 200
    assert found["unreached"] == 300 - found["images"]
