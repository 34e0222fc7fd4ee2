"""From a folder of images to a run, and everything a run is good for."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regraft.core.hashing import sha256_of_file


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_run_is_whole(finished: dict[str, Any], run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text())["files"]
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert set(manifest) == files - {"manifest.json"}
    assert {"report.html", "report.json", "recipe.json", "data.csv", "model/model.json"} <= files
    assert all(sha256_of_file(run / name) == sha for name, sha in manifest.items())
    assert "started.json" not in files
    page = (run / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert all(name in page for name in ("stripes", "discs", "gradients"))
    assert json.loads((run / "report.json").read_text()) == finished
    assert json.loads((run / "recipe.json").read_text()) == finished["chosen"]


def test_a_fit_finds_out_what_there_is_to_find(finished: dict[str, Any]) -> None:
    assert finished["images"] == 40
    assert finished["test"]["accuracy"]["value"] > 0.6
    assert [step["rung"] for step in finished["ladder"]][:2] == ["majority class", "probe"]
    assert finished["ladder"][0]["adopted"]
    assert sum(step["adopted"] for step in finished["ladder"]) >= 2


def test_predictions_of_a_folder_as_csv(regraft: Any, run: Path, image_folder: Path) -> None:
    rows = rows_of(regraft("predict", run, image_folder).out)
    assert list(rows[0]) == ["path", "label", "probability"]
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    assert len(rows) == 40
    right = [Path(row["path"]).parent.name == row["label"] for row in rows]
    assert sum(right) > 32
    assert all(1 / 3 < float(row["probability"]) <= 1 for row in rows)


def test_predictions_of_files_and_folders_as_json_lines(regraft: Any, run: Path, image_folder: Path) -> None:
    single = sorted((image_folder / "discs").iterdir())[3]
    lines = regraft("predict", run, single, image_folder / "stripes", "--json").out.splitlines()
    found = [json.loads(line) for line in lines]
    assert found[0]["path"] == str(single)
    assert len(found) == 1 + 14
    for one in found:
        assert set(one) == {"path", "label", "probability", "probabilities"}
        assert set(one["probabilities"]) == {"stripes", "discs", "gradients"}
        assert sum(one["probabilities"].values()) == pytest.approx(1, abs=1e-5)
        assert one["probability"] == max(one["probabilities"].values())


@pytest.mark.parametrize("name", ["new folder/out.csv", "out.jsonl"])
def test_predictions_in_a_file(regraft: Any, run: Path, image_folder: Path, name: str) -> None:
    assert regraft("predict", run / "model", image_folder / "discs", "--out", name).out == ""
    text = (regraft.folder / name).read_text(encoding="utf-8")
    rows = rows_of(text) if name.endswith("csv") else [json.loads(line) for line in text.splitlines()]
    assert {row["label"] for row in rows} <= {"stripes", "discs", "gradients"}
    assert len(rows) == 13


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_classified(
    regraft: Any, run: Path, image_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.png").write_text("no image")
    single = next((image_folder / "discs").iterdir())
    done = regraft.done("predict", run, tmp_path / "notes.png", single)
    assert done.status == 1
    assert [row["path"] for row in rows_of(done.out)] == [str(single)]
    assert f"{tmp_path / 'notes.png'}: it is no JPEG" in done.err
    assert "1 of 2 images could not be read; the others are classified." in done.err
    assert "Traceback" not in done.err


def test_evaluate(regraft: Any, run: Path, image_folder: Path, finished: dict[str, Any]) -> None:
    found = regraft("evaluate", run, image_folder, "--json").json
    assert found["seen_in_training"] == finished["parts"]["train"]
    assert found["forward_passes"] == 0
    shown = regraft("evaluate", run, image_folder).out
    assert shown.startswith("Right on ")
    assert "! The run learnt from " in shown


def test_report(regraft: Any, run: Path, finished: dict[str, Any]) -> None:
    assert regraft("report", run, "--json").json == finished
    shown = regraft("report", run, "--out", "again.html").out
    assert "test images it had never seen" in shown
    assert "regraft predict" in shown
    assert (regraft.folder / "again.html").read_bytes() == (run / "report.html").read_bytes()


def test_embed(regraft: Any, image_folder: Path) -> None:
    found = regraft("embed", image_folder, "--out", "features.npz", "--depths", "all", "--json").json
    with np.load(regraft.folder / "features.npz", allow_pickle=False) as arrays:
        assert arrays["features"].shape == (found["images"], found["width"]) == (40, 2096)
        assert np.isfinite(arrays["features"]).all()
    assert "40 x 1,280 features in " in regraft("embed", image_folder, "--out", "f.npz").out


def test_inspect(regraft: Any, image_folder: Path) -> None:
    found = regraft("inspect", image_folder, "--json").json
    assert found["classes"] == {"discs": 13, "gradients": 13, "stripes": 14}
    assert regraft("inspect", image_folder).out.startswith("40 images in 3 classes.\n")


def test_backbones(regraft: Any, finished: dict[str, Any]) -> None:
    here = regraft("backbones", "--here", "--json").json["backbones"]
    assert {"lite0", "lite1", "lite2"} <= {one["name"] for one in here}
    listed = regraft("backbones", "--json").json["backbones"]
    assert {"vgg16", "resnet50", "vit_s16"} <= {one["name"] for one in listed}
    assert "Apache-2.0" in regraft("backbones").out
    found = regraft("backbones", "lite0", "--json").json
    assert found["stages"][-1] == {"name": "head", "width": 1280, "is_map": False}
    assert "tf_efficientnet_lite0" in regraft("backbones", "lite0").out


def test_the_cache_is_listed_and_cleared(alone: Any, image_folder: Path) -> None:
    alone.fit(image_folder)
    found = alone("cache", "list", "--json").json
    assert found["folder"] == str(alone.cache)
    assert [(one["name"], one["images"]) for one in found["networks"]] == [("lite0", 40), ("thumbnails", 40)]
    assert found["trials"] > 0
    assert "lite0" in alone("cache", "list").out
    assert alone("cache", "clear", "--json").json["freed_mb"] > 1
    assert [*alone.cache.iterdir()] == []
    assert "Freed 0.0 MB" in alone("cache", "clear").out


def test_a_recipe_can_be_fitted_again_and_changed_by_flags(
    regraft: Any, run: Path, image_folder: Path, finished: dict[str, Any]
) -> None:
    again = regraft("fit", image_folder, "--recipe", run / "recipe.json", "--budget", "120s", "--json").json
    assert again["chosen"] == finished["chosen"]
    for name, interval in finished["test"].items():
        assert again["test"][name] == pytest.approx(interval, abs=5e-3), name
    assert [step["rung"] for step in again["ladder"]] == ["majority class", "recipe"]
    words = ("--head", "nearest_mean", "--class-weights", "balanced", "--seed", "3", "--json")
    other = regraft("fit", image_folder, "--recipe", run / "recipe.json", "--budget", "120s", *words).json
    assert other["chosen"]["head"]["kind"] == "nearest_mean"
    assert (other["chosen"]["class_weights"], other["chosen"]["seed"]) == ("balanced", 3)
    assert other["chosen"]["depths"] == finished["chosen"]["depths"]


def test_a_fit_tells_a_person_what_it_found(regraft: Any, image_folder: Path) -> None:
    words = ("--backbones", "lite0", "--depths", "last", "--scaling", "depth", "--head", "ridge")
    done = regraft("fit", image_folder, "--budget", "120s", *words)
    assert "Right on " in done.out
    assert "stripes" in done.out
    (folder,) = (regraft.folder / "runs").iterdir()
    assert folder.name in "".join(done.out.split())


@pytest.mark.slow
def test_demo(regraft: Any) -> None:
    found = regraft("demo", "--budget", "120s", "--json").json
    assert found["images"] == 1797
    assert found["test"]["accuracy"]["value"] > 0.9
    assert len(list((regraft.folder / "demo" / "digits").rglob("*.png"))) == 1797
