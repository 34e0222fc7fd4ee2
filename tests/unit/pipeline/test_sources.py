"""`fit` takes whatever `read` takes."""

import shutil
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from regraft.data import Labelled, from_images
from regraft.pipeline import Recipe, evaluate, fit

pytestmark = pytest.mark.usefixtures("networks")


@pytest.fixture
def source(paint: Any, tmp_path: Path) -> Path:
    return paint(each=6)


@pytest.fixture
def fitted(as_it_is: Recipe) -> Any:
    return lambda source, out: fit(source, budget="60s", out=out, recipe=as_it_is)


def test_an_archive_is_fitted_as_its_folder_is(source: Path, tmp_path: Path, fitted: Any) -> None:
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", source)
    run = fitted(archive, tmp_path / "run 1")
    assert run.model.classes == ("blue", "green", "red")
    assert run.report.data["test"] == fitted(source, tmp_path / "run 2").report.data["test"]
    assert evaluate(run.folder, Path(archive))["images"] == 18


def test_images_in_memory(source: Path, tmp_path: Path, fitted: Any) -> None:
    paths = sorted(source.rglob("*.png"))
    images = [PIL.Image.open(path) for path in paths]
    names = [path.parent.name for path in paths]
    run = fitted(from_images(images, names), tmp_path / "run 1")
    assert run.model.classes == ("blue", "green", "red")
    pairs = fitted([*zip(images, names, strict=True)], tmp_path / "run 2")
    assert pairs.report.data["test"] == run.report.data["test"]


def test_a_run_beside_the_images_that_a_table_names(source: Path, tmp_path: Path, fitted: Any) -> None:
    lines = [f"{path},x,{path.parent.name}" for path in sorted(source.rglob("*.png"))]
    table = tmp_path / "t.csv"
    table.write_text("\n".join(["path,label,label_colour", *lines]))
    run = fitted(Labelled(table, task="colour"), source / "run")
    assert run.model.classes == ("blue", "green", "red")
