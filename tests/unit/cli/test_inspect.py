"""`regraft inspect` as a function: text, one JSON object, and a page."""

import json
from pathlib import Path

import pytest

from regraft.cli.inspect import inspect
from regraft.core.errors import ArtifactError


def test_text(image_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspect(image_folder)
    assert capsys.readouterr().out.startswith("40 images in 3 classes.\n")


def test_json_and_a_page_at_once(
    image_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "new" / "page.html"
    inspect(image_folder, page=page, json=True)
    assert json.loads(capsys.readouterr().out)["images"] == 40
    written = page.read_text(encoding="utf-8")
    assert written.startswith("<!doctype html>")
    assert written.count("<img ") == 18


def test_a_page_that_cannot_be_written_is_refused_before_any_work(image_folder: Path) -> None:
    with pytest.raises(ArtifactError, match="never written"):
        inspect(image_folder, page=image_folder / "page.html")
    assert not (image_folder / "page.html").exists()
