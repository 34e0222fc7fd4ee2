"""Turned and mirrored copies of few pictures: found, kept together, said, and taken out when asked."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import skimage.data

COPIES = 5
AS_IT_IS = ("--depths", "last", "--scaling", "depth", "--head", "ridge")


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty cuts of two photographs in two classes that mean nothing, each turned five ways."""
    root = tmp_path_factory.mktemp("copied")
    random = np.random.default_rng(0)
    order = iter(random.permutation(40 * COPIES))
    for number in range(40):
        whole = PIL.Image.fromarray((skimage.data.astronaut(), skimage.data.coffee())[number % 2])
        left, top = (int(random.integers(0, side - 140)) for side in whole.size)
        cut = whole.crop((left, top, left + 140, top + 140))
        folder = root / ("ant" if random.random() < 0.5 else "bee")
        folder.mkdir(exist_ok=True)
        for copy in range(COPIES):
            turned = cut.rotate(int(random.integers(-20, 21)), PIL.Image.Resampling.BICUBIC)
            turned = turned.transpose(PIL.Image.Transpose.FLIP_LEFT_RIGHT) if copy % 2 else turned
            turned.save(folder / f"{next(order):03}.jpg", quality=85)
    return root


def rows(run: str) -> list[dict[str, str]]:
    with (Path(run) / "data.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_copies_stay_on_one_side_and_are_told(regraft: Any, copied: Path) -> None:
    data = regraft.fit(copied, *AS_IT_IS, "--out", "run")
    found = data["relatives"]
    assert found["looked"]
    assert found["near_copies"]["images"] >= 0.95 * 40 * COPIES
    assert any("near copies of one another" in one["sentence"] for one in data["verdicts"])
    sides: dict[str, set[str]] = {}
    for row in rows(data["run"]):
        if row["group"]:
            sides.setdefault(row["group"], set()).add(row["split"])
    assert all(len(parts) == 1 for parts in sides.values())
    # The classes mean nothing, so nothing can be known of pictures that were not seen.
    assert data["test"]["accuracy"]["low"] < 0.7
    assert data["validation"]["accuracy"]["low"] < 0.6


def test_without_them_the_same_run_deceives(regraft: Any, copied: Path) -> None:
    data = regraft.fit(copied, *AS_IT_IS, "--together", "given")
    assert data["test"]["accuracy"]["value"] > 0.85
    assert not data["relatives"]["looked"]


def test_a_column_of_groups_that_contradicts_the_pictures_gives_way(
    regraft: Any, copied: Path, tmp_path: Path
) -> None:
    """Groups dealt at random: as many as there are pictures, and nearly every copy in another one."""
    table, random = tmp_path / "groups.csv", np.random.default_rng(1)
    files = sorted(copied.glob("*/*.jpg"))
    lines = [f"{f},{f.parent.name},{random.integers(40)}" for f in files]
    table.write_text("\n".join(["path,label,group", *lines]), encoding="utf-8")
    data = regraft.fit(table, *AS_IT_IS)
    assert data["relatives"]["regrouped"] > len(files) / 2
    assert data["relatives"]["tangled"] == 0
    assert data["test"]["accuracy"]["low"] < 0.7
    assert any("Check the column of groups" in one["sentence"] for one in data["verdicts"])


def test_a_second_fit_looks_nowhere_again(regraft: Any, copied: Path) -> None:
    first = regraft.fit(copied, *AS_IT_IS)
    second = regraft.fit(copied, *AS_IT_IS)
    assert second["relatives"] == first["relatives"]
    assert second["forward_passes"] == 0


def test_leaks_of_given_parts_are_said_and_mended(regraft: Any, copied: Path, tmp_path: Path) -> None:
    table = tmp_path / "parts.csv"
    files = sorted(copied.glob("*/*.jpg"))
    lines = [f"{f},{f.parent.name},{'test' if i % 4 == 0 else 'train'}" for i, f in enumerate(files)]
    table.write_text("\n".join(["path,label,split", *lines]), encoding="utf-8")
    leaking = regraft.fit(table, *AS_IT_IS)
    assert leaking["relatives"]["leaks"] > 5  # cuts overlap, so some sets are large
    assert any(one["name"] == "leaks" and one["level"] == "warning" for one in leaking["verdicts"])
    mended = regraft.fit(table, *AS_IT_IS, "--fix-leaks")
    assert mended["relatives"]["leaks"] == 0
    removed = mended["relatives"]["leaks_removed"]
    assert removed > 50
    assert mended["parts"]["test"] == leaking["parts"]["test"]
    assert mended["parts"]["train"] == leaking["parts"]["train"] - removed


def test_inspect_names_them(regraft: Any, copied: Path) -> None:
    regraft.fit(copied, *AS_IT_IS)
    found = regraft("inspect", copied, "--json").json
    assert sum(len(one["images"]) for one in found["near_copies"]) >= 0.95 * 40 * COPIES
    assert "mirrored" in found["near_copies"][0]["how"]


def test_a_split_is_used_again(regraft: Any, copied: Path) -> None:
    first = regraft.fit(copied, *AS_IT_IS, "--out", "first")
    again = regraft.fit(Path(first["run"]) / "data.csv", *AS_IT_IS, "--seed", "5", "--out", "again")
    parts = [{row["sha256"]: row["split"] for row in rows(one["run"])} for one in (first, again)]
    assert parts[0] == parts[1]
