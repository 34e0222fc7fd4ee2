"""The whole look: every key, what is mentioned, and where the page may lie."""

import json
import shutil
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError, DataError
from regraft.data import read
from regraft.pipeline.audit import audit, check_page


@pytest.fixture
def copied(image_folder: Path, tmp_path: Path) -> Path:
    root = tmp_path / "images"
    shutil.copytree(image_folder, root)
    first = min((root / "discs").iterdir())
    shutil.copy(first, root / "stripes" / f"copy{first.suffix}")
    return root


def test_a_sound_set(image_folder: Path) -> None:
    found = audit(image_folder)
    assert found["images"] == 40
    assert [one["level"] for one in found["findings"] if one["level"] == "warning"] == []
    assert found["shortcuts"]["images"] == 40
    assert found["near_copies"] == found["suspected_groups"] == []
    json.dumps(found, allow_nan=False)


def test_what_is_wrong_is_found_and_described(copied: Path) -> None:
    found = audit(read(copied))
    assert found["findings"][0]["about"] == "conflicts"
    (conflict,) = found["conflicts"]
    assert [found["mentioned"][path]["class"] for path in conflict] == ["discs", "stripes"]
    assert found["findings"][0]["examples"] == conflict


def test_every_image_that_is_named_is_described(copied: Path) -> None:
    rows = [
        f"{path.relative_to(copied)},{path.parent.name},{'anna' if 'discs' in str(path) else ''},train"
        for path in sorted(copied.rglob("*.*"))
    ]
    (copied / "table.csv").write_text("\n".join(["path,label,group,split", *rows]))
    found = audit(copied / "table.csv")
    named = {path for paths in found["samples"].values() for path in paths}
    named |= {path for paths in found["conflicts"] for path in paths}
    assert named == set(found["mentioned"])
    disc = next(path for path in found["samples"]["discs"])
    assert found["mentioned"][disc] == {"class": "discs", "part": "train", "group": "anna"}


def test_nothing_is_written_where_the_images_are(copied: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copied.rglob("*")}
    audit(copied)
    assert {path: path.stat().st_mtime_ns for path in copied.rglob("*")} == before


def test_a_page_among_the_images_is_refused(copied: Path, tmp_path: Path) -> None:
    for page in (
        copied / "page.html",
        copied / "deep" / "page.html",
        tmp_path / "x" / ".." / "images" / "p.html",
    ):
        with pytest.raises(ArtifactError, match="which is never written"):
            check_page(page, copied)
    check_page(tmp_path / "page.html", copied)
    check_page(copied / "page.html", copied / "table.csv")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no folder"):
        audit(tmp_path / "none")
