from typing import Any

import pytest

from regraft.core.errors import DataError
from regraft.data import read
from regraft.heads import Ridge
from regraft.pipeline import Recipe, evaluate, fit
from regraft.pipeline.evaluate import relabelled


@pytest.fixture
def model(colour_model: Any) -> Any:
    return colour_model(Ridge(penalty=1.0))


def test_every_number_of_an_evaluation(model: Any, paint: Any) -> None:
    found = evaluate(model, paint(each=10))
    assert (found["images"], found["skipped"], found["forward_passes"]) == (30, 0, 30)
    assert found["seen_in_training"] is None
    assert found["classes"] == ["red", "green", "blue"]
    assert found["metrics"]["accuracy"]["value"] == 1
    assert found["metrics"]["accuracy"]["low"] < 1
    assert found["confusion"] == [[10, 0, 0], [0, 10, 0], [0, 0, 10]]
    assert [row["name"] for row in found["per_class"]] == found["classes"]


def test_a_second_evaluation_computes_nothing(model: Any, paint: Any) -> None:
    photos = paint(each=4)
    first = evaluate(model, photos)
    second = evaluate(model, read(photos))
    assert second["forward_passes"] == 0
    assert second["metrics"] == first["metrics"]


def test_some_of_the_classes_will_do(model: Any, paint: Any) -> None:
    found = evaluate(model, paint("two", classes=("blue", "red"), each=5))
    assert found["confusion"] == [[5, 0, 0], [0, 0, 0], [0, 0, 5]]
    assert [row["count"] for row in found["per_class"]] == [5, 0, 5]


def test_a_single_class_gives_no_number_that_json_does_not_know(model: Any, paint: Any) -> None:
    from regraft.cli.output import json_line

    found = evaluate(model, paint("one", classes=("green",), each=3))
    assert '"accuracy"' in json_line(found)


def test_an_unknown_class_is_named_with_close_matches(model: Any, paint: Any) -> None:
    photos = paint(each=2)
    (photos / "red").rename(photos / "reed")
    (photos / "blue").rename(photos / "bleu")
    with pytest.raises(DataError, match=r"'bleu'.*1 more such class.*Did you mean blue"):
        evaluate(model, photos)


def test_relabelling_keeps_everything_else(model: Any, paint: Any) -> None:
    dataset = read(paint(each=2))
    assert dataset.classes == ("blue", "green", "red")
    changed = relabelled(dataset, model.classes)
    assert changed.classes == model.classes
    for before, after in zip(dataset.examples, changed.examples, strict=True):
        assert model.classes[after.label] == dataset.classes[before.label]
        assert (after.path, after.sha256) == (before.path, before.sha256)


def test_broken_files_are_counted(model: Any, paint: Any) -> None:
    photos = paint(each=3)
    (photos / "red" / "notes.png").write_text("no image")
    found = evaluate(model, photos)
    assert (found["images"], found["skipped"]) == (9, 1)
    assert found["skipped_files"][0]["path"].endswith("notes.png")
    for file in photos.rglob("0-*.png"):
        file.unlink()
    with pytest.raises(DataError, match=r"No image in .* can be used"):
        evaluate(model, photos)


def test_a_run_says_which_images_it_has_learnt_from(
    paint: Any, networks: Any, tmp_path: Any, as_it_is: Recipe
) -> None:
    photos = paint(each=10)
    run = fit(photos, budget="60s", out=tmp_path / "run", recipe=as_it_is)
    learnt = run.report.data["parts"]["train"]
    assert evaluate(run.folder, photos)["seen_in_training"] == learnt
    assert evaluate(run.folder / "model", photos)["seen_in_training"] is None
    assert evaluate(str(run.folder), paint("other", seed=1, each=3))["seen_in_training"] == 0
