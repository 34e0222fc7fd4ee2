from pathlib import Path

import PIL.Image
import pytest

from regraft.data import look, read
from regraft.data.audit.exact_copies import Copies, find_copies


@pytest.fixture
def folder(tmp_path: Path, photo: PIL.Image.Image) -> Path:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(3):
            left = 40 * number + (200 if name == "b" else 0)
            photo.crop((left, 0, left + 30, 30)).save(tmp_path / name / f"{number}.png")
    return tmp_path


def found_in(source: Path) -> Copies:
    return find_copies(*look(read(source)))


def names(sets: tuple) -> list[list[str]]:
    return [[f"{e.path.parent.name}/{e.path.name}" for e in one] for one in sets]


def test_without_copies_nothing_is_found(folder: Path) -> None:
    assert found_in(folder) == Copies((), (), (), ())


def test_same_bytes_and_same_pixels_are_told_apart(folder: Path) -> None:
    (folder / "a" / "copy.png").write_bytes((folder / "a" / "0.png").read_bytes())
    PIL.Image.open(folder / "a" / "1.png").save(folder / "a" / "same.bmp")
    found = found_in(folder)
    assert names(found.same_bytes) == [["a/0.png", "a/copy.png"]]
    assert names(found.same_pixels) == [["a/1.png", "a/same.bmp"]]
    assert (found.conflicts, found.leaks) == ((), ())


def test_conflicts_go_by_pixels(folder: Path) -> None:
    PIL.Image.open(folder / "a" / "1.png").save(folder / "b" / "same.bmp")
    found = found_in(folder)
    assert names(found.conflicts) == names(found.same_pixels) == [["a/1.png", "b/same.bmp"]]


def test_leaks_go_by_pixels_and_groups_and_only_across_given_parts(folder: Path) -> None:
    PIL.Image.open(folder / "a" / "1.png").save(folder / "a" / "same.bmp")
    rows = [
        "path,label,group,split",
        "a/0.png,a,anna,train",
        "a/1.png,a,,train",
        "a/2.png,a,bert,train",
        "a/same.bmp,a,,test",
        "b/0.png,b,anna,val",
        "b/1.png,b,cleo,train",
        "b/2.png,b,cleo,train",
    ]
    (folder / "table.csv").write_text("\n".join(rows))
    assert names(found_in(folder / "table.csv").leaks) == [["a/0.png", "b/0.png"], ["a/1.png", "a/same.bmp"]]
