import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from regraft.data import describe_dataset, look, read
from regraft.data.audit.describe import balance, samples


def described(source: Path) -> dict[str, Any]:
    return describe_dataset(*look(read(source)))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three cats of different sizes and kinds, two dogs."""
    root = tmp_path / "photos"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    random = np.random.default_rng(0)
    for path, (height, width) in {
        "cat/1.png": (10, 20),
        "cat/2.png": (30, 40),
        "dog/1.png": (12, 12),
    }.items():
        PIL.Image.fromarray(random.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(root / path)
    PIL.Image.new("L", (50, 60), 7).save(root / "cat" / "3.jpg")
    PIL.Image.new("L", (50, 60), 90).save(root / "dog" / "2.jpg")
    return root


def test_counts_sizes_and_kinds(photos: Path) -> None:
    found = described(photos)
    assert found["images"] == 5
    assert found["classes"] == {"cat": 3, "dog": 2}
    assert found["kinds"] == {"PNG RGB": 3, "JPEG L": 2}
    assert found["width_px"] == {"least": 12, "median": 40, "most": 50}
    assert found["height_px"] == {"least": 10, "median": 30, "most": 60}
    assert found["aspect_ratio"] == {"least": 0.833, "median": 1, "most": 2}
    assert found["sizes"] == {"50 x 60": 2, "20 x 10": 1, "40 x 30": 1, "12 x 12": 1}
    assert found["bits"] == {"8": 5}
    assert found["jpeg_quality"]["median"] == pytest.approx(75, abs=1.5)
    assert found["file_bytes"]["most"] == (photos / "cat" / "2.png").stat().st_size
    assert found["parts"] == {"undecided": 5}
    assert (found["copies"], found["conflicts"], found["leaks"], found["skipped"]) == ([], [], [], 0)
    json.dumps(found, allow_nan=False)


def test_copies_and_copies_under_another_label(photos: Path) -> None:
    shutil.copy(photos / "cat" / "1.png", photos / "cat" / "9.png")
    shutil.copy(photos / "dog" / "1.png", photos / "cat" / "dog.png")
    found = described(photos)
    assert sorted(sorted(Path(path).name for path in paths) for paths in found["copies"]) == [
        ["1.png", "9.png"],
        ["1.png", "dog.png"],
    ]
    assert [sorted(Path(path).name for path in paths) for paths in found["conflicts"]] == [
        ["1.png", "dog.png"]
    ]


def test_files_that_do_not_decode_are_listed_with_the_reason(photos: Path) -> None:
    (photos / "cat" / "notes.png").write_text("no image")
    (photos / "cat" / "empty.jpg").write_bytes(b"")
    data = (photos / "cat" / "2.png").read_bytes()
    (photos / "dog" / "cut.png").write_bytes(data[: len(data) // 2])
    found = described(photos)
    assert (found["images"], found["skipped"]) == (5, 3)
    reasons = {Path(one["path"]).name: one["reason"] for one in found["skipped_files"]}
    assert set(reasons) == {"notes.png", "empty.jpg", "cut.png"}
    assert "no JPEG, PNG" in reasons["notes.png"]
    assert "empty" in reasons["empty.jpg"]


def test_groups_domains_and_leaks_of_a_table(photos: Path) -> None:
    rows = [
        "path,label,group,domain,split",
        "cat/1.png,cat,anna,day,train",
        "cat/2.png,cat,anna,night,test",
        "cat/3.jpg,cat,bert,day,train",
        "dog/1.png,dog,,day,train",
        "dog/2.jpg,dog,,day,test",
    ]
    (photos / "table.csv").write_text("\n".join(rows))
    found = described(photos / "table.csv")
    assert found["groups"] == 2
    assert found["domains"] == {"day": 4, "night": 1}
    assert found["parts"] == {"train": 3, "test": 2}
    assert [[Path(path).name for path in unit] for unit in found["leaks"]] == [["1.png", "2.png"]]


def test_nothing_usable_is_said_and_not_averaged(photos: Path) -> None:
    for file in [*photos.rglob("*.png"), *photos.rglob("*.jpg")]:
        file.write_text("no image")
    found = described(photos)
    assert (found["images"], found["width_px"], found["kinds"], found["balance"]) == (0, None, {}, None)


def test_lists_are_cut_and_their_totals_are_not(photos: Path) -> None:
    for number in range(103):
        data = (photos / "cat" / "1.png").read_bytes()
        PIL.Image.new("RGB", (30 + number, 40), (number, 9, 9)).save(photos / "cat" / f"a{number}.png")
        shutil.copy(photos / "cat" / f"a{number}.png", photos / "dog" / f"b{number}.png")
        (photos / "dog" / f"c{number}.png").write_bytes(data[:50] + bytes([number]))
    found = described(photos)
    assert found["totals"]["copies"] == found["totals"]["conflicts"] == 103
    assert found["totals"]["blank"] == 208
    assert len(found["copies"]) == len(found["conflicts"]) == len(found["extremes"]["blank"]) == 100
    assert (found["skipped"], len(found["skipped_files"])) == (103, 100)


def test_the_same_picture_in_another_file(photos: Path) -> None:
    PIL.Image.open(photos / "cat" / "1.png").save(photos / "dog" / "same.bmp")
    found = described(photos)
    same = [[str(photos / "cat" / "1.png"), str(photos / "dog" / "same.bmp")]]
    assert (found["copies"], found["pixel_copies"], found["conflicts"]) == ([], same, same)


def test_classes_that_are_probably_one(photos: Path) -> None:
    (photos / "Cat").mkdir()
    shutil.copy(photos / "cat" / "1.png", photos / "Cat" / "1.png")
    assert [sorted(names) for names in described(photos)["classes_alike"]] == [["Cat", "cat"]]


def test_balance_counts_classes_that_matter() -> None:
    assert balance({"a": 7, "b": 7, "c": 7}) == {
        "largest": "a",
        "smallest": "a",
        "ratio": 1.0,
        "effective_classes": 3.0,
    }
    uneven = balance({"a": 970, "b": 10, "c": 20, "d": 0})
    assert uneven is not None
    assert (uneven["largest"], uneven["smallest"], uneven["ratio"]) == ("a", "b", 97.0)
    assert 1 < uneven["effective_classes"] < 1.3


def test_samples_do_not_depend_on_names_and_show_no_picture_twice(photos: Path) -> None:
    for number in range(9):
        PIL.Image.new("RGB", (30, 40), (number, 9, 9)).save(photos / "cat" / f"a{number}.png")
        shutil.copy(photos / "cat" / f"a{number}.png", photos / "cat" / f"b{number}.png")
    before = samples(read(photos))
    assert (len(before["cat"]), len(before["dog"])) == (6, 2)
    contents = [Path(path).read_bytes() for path in before["cat"]]
    assert len(set(contents)) == 6
    for path in (photos / "cat").iterdir():
        path.rename(path.with_name(f"z{path.name}"))
    assert [Path(path).read_bytes() for path in samples(read(photos))["cat"]] == contents
