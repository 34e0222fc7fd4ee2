"""The main job where an image may have several labels or none: here, which colour channels are bright."""

import csv
import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.core.errors import ArtifactError, DataError, RecipeError, TrainingError
from regraft.data import Dataset, read
from regraft.heads import Logistic, NearestMean, NearestNeighbours, Ridge
from regraft.pipeline import Recipe, Run, embed, evaluate, fit, load, read_report
from regraft.pipeline.fit import drop_small_classes
from regraft.pipeline.tuning.asked import Search

# The package offers the function under the module's name.
tune = importlib.import_module("regraft.pipeline.tune").tune

CHANNELS = ("red", "green", "blue")
ONE_FIT = Recipe(("lite0",), depths="last", scaling="depth", head=Ridge())


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write images of any mixture of bright channels, and the table that says which."""

    def write(name: str = "mixtures", *, count: int = 40, seed: int = 0) -> Path:
        random = np.random.default_rng(seed)
        folder = tmp_path / name
        folder.mkdir()
        bright = random.random((count, 3)) < 0.5
        rows = []
        for index, row in enumerate(bright):
            pixels = random.normal(np.where(row, 200, 60), 25, (12, 16, 3)).clip(0, 255).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(folder / f"{index:02}.png")
            rows.append((f"{index:02}.png", "|".join(np.array(CHANNELS)[row])))
        text = "\n".join(f"{path},{label}" for path, label in rows)
        (folder / "table.csv").write_text(f"path,label\n{text}\n")
        return folder / "table.csv"

    return write


@pytest.fixture
def run(table: Any, networks: Any, tmp_path: Path) -> Run:
    return fit(table(), recipe=ONE_FIT, budget="60s", out=tmp_path / "run")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_table_with_several_labels_per_image_is_learnt(run: Run) -> None:
    found = run.report.data
    assert found["multilabel"] is True
    assert found["classes"] == ["blue", "green", "red"]
    assert found["confusion"] == []
    assert found["test"]["mean_average_precision"]["value"] > 0.9
    assert found["test"]["mean_average_precision"]["value"] > found["ladder"][0]["validation"]["value"] + 0.2
    assert [step["rung"] for step in found["ladder"]] == ["label frequencies", "recipe"]
    assert [row["name"] for row in found["per_class"]] == found["classes"]
    assert read_report(run.folder) == run.report


def test_the_whole_ladder_is_climbed(table: Any, networks: Any, tmp_path: Path) -> None:
    found = fit(table(), budget="60s", out=tmp_path / "run").report.data
    rungs = [step["rung"] for step in found["ladder"]]
    assert rungs == ["label frequencies", "probe", "depths", "scaling", "backbones", "heads"]
    assert all(step["validation"] for step in found["ladder"])
    again = fit(tmp_path / "mixtures" / "table.csv", budget="60s", out=tmp_path / "again").report.data
    assert again["forward_passes"] == 0
    for key in ("chosen", "validation", "test", "per_class"):
        assert again[key] == found[key], key


def test_the_baseline_knows_only_frequencies(table: Any, networks: Any, tmp_path: Path) -> None:
    found = fit(table(), recipe=ONE_FIT, budget="60s", out=tmp_path / "run").report.data
    rows = [row for row in rows_of(tmp_path / "run" / "data.csv") if row["split"] == "train"]
    shares = [np.mean([name in row["label"].split("|") for row in rows]) for name in found["classes"]]
    assert found["ladder"][0]["validation"]["value"] == pytest.approx(np.mean(shares))


def test_a_prediction_names_the_labels_that_reach_their_thresholds(run: Run) -> None:
    purple, black = (PIL.Image.new("RGB", (16, 12), rgb) for rgb in ((210, 40, 210), (50, 50, 50)))
    first, second = run.model.predict([purple, black])
    assert first.labels is not None
    assert [*first.labels] == ["blue", "red"]
    assert first.given == first.labels
    assert first.probability == first.probabilities[first.label] == max(first.probabilities.values())
    assert sum(first.probabilities.values()) > 1.3
    assert second.labels == {}
    assert second.label in CHANNELS


def test_a_loaded_model_says_the_same(run: Run) -> None:
    image = PIL.Image.new("RGB", (16, 12), (210, 220, 60))
    again = load(run.folder)
    assert again.thresholds == run.model.thresholds
    assert again.predict(image) == run.model.predict(image)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ([0.5], "1 thresholds for 3 labels"),
        ("abc", "must be of type float"),
        (0.5, "no model that can be used"),
    ],
)
def test_thresholds_that_were_tampered_with(run: Run, thresholds: Any, message: str) -> None:
    file = run.folder / "model" / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"thresholds": thresholds}))
    with pytest.raises(ArtifactError, match=message):
        load(run.folder)


def test_a_model_without_thresholds_was_written_before_there_were_any(run: Run) -> None:
    file = run.folder / "model" / "model.json"
    settings = json.loads(file.read_text())
    del settings["thresholds"]
    file.write_text(json.dumps(settings))
    assert load(run.folder).thresholds is None


def test_the_tables_of_a_run_hold_all_labels(run: Run) -> None:
    rows = rows_of(run.folder / "data.csv")
    truth = {Path(row["path"]).name: row["label"] for row in rows}
    given = {row["path"]: row["label"] for row in rows_of(run.folder.parent / "mixtures" / "table.csv")}
    assert truth == {name: "|".join(sorted(filter(None, label.split("|")))) for name, label in given.items()}
    tested = rows_of(run.folder / "predictions.csv")
    assert [row["label"] == row["predicted"] for row in tested].count(True) > 0.6 * len(tested)
    for row in tested:
        assert row["predicted"].count("|") == row["probability"].count("|")


def test_an_evaluation_has_the_same_scores(run: Run, table: Any) -> None:
    found = evaluate(run.folder, table("more", seed=5, count=30))
    assert found["multilabel"] is True
    assert found["metrics"]["mean_average_precision"]["value"] > 0.9
    assert found["metrics"].keys() == run.report.data["test"].keys()
    assert [row["threshold"] for row in found["per_class"]] == pytest.approx(run.model.thresholds)


def test_images_of_one_class_each_are_a_case_of_several_labels(run: Run, paint: Any) -> None:
    found = evaluate(run.folder, paint(each=10))
    assert [row["count"] for row in found["per_class"]] == [10, 10, 10]
    assert found["metrics"]["mean_average_precision"]["value"] > 0.9


def test_a_model_of_one_class_each_cannot_be_asked_for_several(colour_model: Any, table: Any) -> None:
    with pytest.raises(DataError, match="the model gives every image one class"):
        evaluate(colour_model(Ridge(penalty=1.0)), table())


def test_labels_are_counted_as_the_model_counts_them(run: Run, table: Any) -> None:
    dataset = read(table("more", seed=7))
    swapped = replace(
        dataset,
        classes=dataset.classes[::-1],
        examples=tuple(
            replace(e, labels=tuple(sorted(2 - label for label in e.labels))) for e in dataset.examples
        ),
    )
    assert evaluate(run.folder, swapped)["metrics"] == evaluate(run.folder, dataset)["metrics"]


@pytest.mark.parametrize("head", [NearestMean(), NearestNeighbours()], ids=repr)
def test_a_head_of_one_class_each_is_refused_at_once(
    head: Any, table: Any, networks: Any, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="Take ridge or logistic"):
        fit(table(), recipe=replace(ONE_FIT, head=head), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert networks.sizes == []


@pytest.mark.parametrize("head", [Logistic(), Logistic(1e-2), Ridge(0.1)], ids=repr)
def test_heads_that_learn_several_labels(head: Any, table: Any, networks: Any, tmp_path: Path) -> None:
    run = fit(table(), recipe=replace(ONE_FIT, head=head), budget="60s", out=tmp_path / "run")
    assert run.report.data["test"]["mean_average_precision"]["value"] > 0.9


def test_balanced_classes_are_refused_at_once(table: Any, networks: Any, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="class_weights is 'balanced'"):
        fit(table(), recipe=Recipe(class_weights="balanced"), out=tmp_path / "run")


def test_the_chosen_recipe_is_made_again(table: Any, networks: Any, tmp_path: Path) -> None:
    source = table()
    first = fit(source, recipe=Recipe(("lite0",)), budget="60s", out=tmp_path / "a").report.data
    chosen = Recipe.from_json(first["chosen"])
    second = fit(source, recipe=chosen, budget="60s", out=tmp_path / "b").report.data
    for name, interval in first["test"].items():
        assert second["test"][name] == pytest.approx(interval, abs=1e-3), name


def test_groups_and_given_parts(table: Any, networks: Any, tmp_path: Path) -> None:
    dataset = read(table(count=60))
    grouped = [replace(e, group=f"g{i // 3}") for i, e in enumerate(dataset.examples)]
    found = fit(
        replace(dataset, examples=tuple(grouped)), recipe=ONE_FIT, budget="60s", out=tmp_path / "a"
    ).report.data
    assert found["test"]["mean_average_precision"]["value"] > 0.8
    parted = [replace(e, part=("train", "val", "test")[i % 3]) for i, e in enumerate(dataset.examples)]
    found = fit(
        replace(dataset, examples=tuple(parted)), recipe=ONE_FIT, budget="60s", out=tmp_path / "b"
    ).report.data
    assert found["parts"] == {"train": 20, "val": 20, "test": 20}


def test_weights_move_the_fit(table: Any, networks: Any, tmp_path: Path) -> None:
    dataset = read(table())
    heavy = [replace(e, weight=1.0 + 9 * (i % 2)) for i, e in enumerate(dataset.examples)]
    runs = [
        fit(source, recipe=ONE_FIT, budget="60s", out=tmp_path / name)
        for name, source in (("a", dataset), ("b", replace(dataset, examples=tuple(heavy))))
    ]
    assert not np.allclose(runs[0].model.classifier.weights, runs[1].model.classifier.weights, rtol=1e-3)


def test_the_features_of_a_table(table: Any, networks: Any, tmp_path: Path) -> None:
    source = table()
    embed(source, tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["labels"], read(source).label_matrix)


def labelled(*labels: tuple[int, ...]) -> Dataset:
    from regraft.data import Example

    examples = [Example(Path(f"/{i}.png"), -1, f"{i:064x}", labels=own) for i, own in enumerate(labels)]
    return Dataset(Path("/"), ("a", "b", "c"), tuple(examples), is_multilabel=True)


def test_an_early_end_takes_labels_out_and_keeps_their_images() -> None:
    dataset = labelled((0, 1, 2), (1, 2), (1,), (2,), (2,))
    kept = drop_small_classes(dataset)
    # Two images lack neither "a", which only one has, nor "c", which only one lacks.
    assert kept.classes == ("b",)
    assert [e.labels for e in kept.examples] == [(0,), (0,), (0,), (), ()]
    with pytest.raises(TrainingError, match="The time was up after 2 images"):
        drop_small_classes(dataset.select([0, 1]))


def test_a_search_over_several_labels_is_analysed(table: Any, networks: Any, tmp_path: Path) -> None:
    search = Search(space=("head.kind=ridge", "depths=last,all"), trials=4, ablate=True, report=True)
    run = tune(table(), search=search, budget="60s", out=tmp_path / "run")
    found = run.report.data["search"]
    assert {row["name"] for row in found["ablation"]} == {"depths", "scaling", "head.ridge.penalty"}
    assert all(row["difference"] is not None for row in found["ablation"])
    assert found["training"]["learnt"]["value"] >= found["training"]["held_out"]["value"] - 0.05
    page = (run.folder / "search.html").read_text("utf-8")
    assert "The best of 4 trials has log-loss" in page
