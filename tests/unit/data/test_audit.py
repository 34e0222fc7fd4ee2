import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.data import audit, read


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
    found = audit(read(photos))
    assert found["images"] == 5
    assert found["classes"] == {"cat": 3, "dog": 2}
    assert found["kinds"] == {"PNG RGB": 3, "JPEG L": 2}
    assert found["width_px"] == {"least": 12, "median": 40, "most": 50}
    assert found["height_px"] == {"least": 10, "median": 30, "most": 60}
    assert found["parts"] == {"undecided": 5}
    assert (found["copies"], found["conflicts"], found["leaks"], found["skipped"]) == ([], [], [], 0)
    json.dumps(found, allow_nan=False)


def test_copies_and_copies_under_another_label(photos: Path) -> None:
    shutil.copy(photos / "cat" / "1.png", photos / "cat" / "9.png")
    shutil.copy(photos / "dog" / "1.png", photos / "cat" / "dog.png")
    found = audit(read(photos))
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
    found = audit(read(photos))
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
    found = audit(read(photos / "table.csv"))
    assert found["groups"] == 2
    assert found["domains"] == {"day": 4, "night": 1}
    assert found["parts"] == {"train": 3, "test": 2}
    assert [[Path(path).name for path in unit] for unit in found["leaks"]] == [["1.png", "2.png"]]


def test_nothing_usable_is_said_and_not_averaged(photos: Path) -> None:
    for file in [*photos.rglob("*.png"), *photos.rglob("*.jpg")]:
        file.write_text("no image")
    found = audit(read(photos))
    assert (found["images"], found["width_px"], found["kinds"]) == (0, None, {})
