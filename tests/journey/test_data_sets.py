"""Data sets as people have them: tables, given parts, groups, odd names, hardly any images."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from regraft.heads import HEADS

AS_IT_IS = ("--depths", "last", "--scaling", "depth", "--head", "ridge")
ODD_NAMES = {
    "stripes": "Größe mit Streifen",
    "discs": "<script>alert(1)</script>",
    "gradients": '渐变, "soft"',
}


@pytest.fixture
def table(tmp_path: Path, image_folder: Path) -> Any:
    """Writes a table of the images; `extra` gives the further columns of the n-th image of a class."""

    def write(name: str, columns: tuple[str, ...], extra: Any) -> Path:
        file = tmp_path / name
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(("path", "label", *columns))
            for folder in sorted(image_folder.iterdir()):
                for number, path in enumerate(sorted(folder.iterdir())):
                    writer.writerow((path, folder.name, *extra(folder.name, number)))
        return file

    return write


def parts_of(run: str) -> list[dict[str, str]]:
    with (Path(run) / "data.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.slow
def test_names_in_any_script_and_with_any_sign(regraft: Any, tmp_path: Path, image_folder: Path) -> None:
    root = tmp_path / "my photos ü"
    table = tmp_path / "odd, labels.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(("path", "label"))
        for folder in image_folder.iterdir():
            odd = root / ODD_NAMES[folder.name].replace("/", "|")
            shutil.copytree(folder, odd)
            csv.writer(stream).writerows((path, ODD_NAMES[folder.name]) for path in odd.iterdir())
    for source, names in ((root, {path.name for path in root.iterdir()}), (table, set(ODD_NAMES.values()))):
        found = regraft.fit(source, *AS_IT_IS)
        assert set(found["classes"]) == names
        run = Path(found["run"])
        page = (run / "report.html").read_text(encoding="utf-8")
        assert "<script>alert" not in page
        assert "Größe mit Streifen" in page
        rows = list(csv.DictReader(regraft("predict", run, root).out.splitlines()))
        assert {row["label"] for row in rows} == names
        line = json.loads(regraft("predict", run, Path(rows[0]["path"]), "--json").out)
        assert set(line["probabilities"]) == names
        assert regraft("report", run).out
    assert "<script>" in regraft("inspect", root).out


def test_two_images_of_each_class(regraft: Any, tmp_path: Path, image_folder: Path) -> None:
    for folder in image_folder.iterdir():
        (tmp_path / "few" / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[:2]:
            shutil.copy(path, tmp_path / "few" / folder.name)
    found = regraft.fit(tmp_path / "few")
    assert found["images"] == 6
    assert found["parts"]["train"] >= 3
    assert regraft("report", found["run"]).out


def test_groups_never_straddle_a_split(regraft: Any, table: Any) -> None:
    source = table("grouped.csv", ("group",), lambda name, number: (f"{name} {number // 3}",))
    found = regraft.fit(source, *AS_IT_IS)
    parts: dict[str, set[str]] = {}
    for row in parts_of(found["run"]):
        parts.setdefault(row["group"], set()).add(row["split"])
    assert len(parts) == 15
    assert all(len(one) == 1 for one in parts.values())
    assert found["parts"].keys() == {"train", "test"}


def test_given_validation_images_are_those_that_judge(regraft: Any, table: Any) -> None:
    split = ("train", "train", "val", "test")
    source = table("given.csv", ("split",), lambda _, number: (split[number % 4],))
    found = regraft.fit(source, *AS_IT_IS)
    assert found["parts"] == {"train": 22, "val": 9, "test": 9}
    again = {row["path"]: row["split"] for row in parts_of(found["run"])}
    with source.open(newline="", encoding="utf-8") as stream:
        assert again == {row["path"]: row["split"] for row in csv.DictReader(stream)}


def test_a_given_test_part_alone(regraft: Any, tmp_path: Path, image_folder: Path) -> None:
    for folder in image_folder.iterdir():
        for number, path in enumerate(sorted(folder.iterdir())):
            part = tmp_path / "photos" / ("test" if number % 4 == 0 else "train") / folder.name
            part.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, part)
    found = regraft.fit(tmp_path / "photos", *AS_IT_IS)
    assert found["parts"] == {"train": 28, "test": 12}


QUICK = ("lda", "kernel_svm", "trained_linear")


@pytest.mark.parametrize(
    "head", [pytest.param(head, marks=[] if head in QUICK else [pytest.mark.slow]) for head in HEADS]
)
def test_every_head_from_the_command_line(regraft: Any, image_folder: Path, head: str) -> None:
    words = ("--depths", "all", "--scaling", "feature", "--head", head, "--class-weights", "balanced")
    found = regraft.fit(image_folder, *words)
    assert found["chosen"]["head"]["kind"] == head
    assert found["test"]["accuracy"]["value"] > 0.5


@pytest.mark.slow
def test_two_networks_together(regraft: Any, image_folder: Path) -> None:
    words = ("--backbones", "lite0,lite1", "--budget", "200s", "--json", *AS_IT_IS)
    found = regraft("fit", image_folder, *words).json
    assert found["chosen"]["backbones"] == ["lite0", "lite1"]
    assert regraft("predict", found["run"], image_folder).out.count("\n") == 41
