"""The flags that say where labels are, on every command that takes labelled images."""

import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from regraft.cli import main
from regraft.cli.app import app
from regraft.cli.sources import AS_LAID_OUT, SourceFlags
from regraft.data import Labelled, read

TAKING = ("fit", "evaluate", "embed", "inspect")


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Twelve images of two kinds, named after what they show, and a table beside the folder."""
    folder = tmp_path / "flat"
    folder.mkdir()
    random = np.random.default_rng(0)
    lines = ["path,label,label_size"]
    for i in range(12):
        name = f"{'cat' if i % 2 else 'dog'}_{i}.png"
        pixels = random.integers(0, 255, (8 + i, 9, 3), np.uint8)
        PIL.Image.fromarray(pixels).save(folder / name)
        lines.append(f"flat/{name},{name[:3]},{'small' if i < 6 else 'large'}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    return folder


def inspected(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> dict:
    monkeypatch.setattr(sys, "argv", ["regraft", "inspect", *map(str, words), "--json"])
    main()
    return json.loads(capsys.readouterr().out)["classes"]


@pytest.mark.parametrize("verb", TAKING)
def test_every_command_takes_them(verb: str) -> None:
    flags = {name for argument in app[verb].assemble_argument_collection() for name in argument.names}
    assert {"--label-from", "--task"} <= flags


def test_what_they_make_of_a_source() -> None:
    assert AS_LAID_OUT.of(Path("x")) == Labelled(Path("x"))
    assert SourceFlags("{label}_*", "size").of(Path("x")) == Labelled(Path("x"), "{label}_*", "size")


def test_from_the_command_line(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspected(capsys, monkeypatch, flat, "--label-from", "{label}_*") == {"cat": 6, "dog": 6}
    assert inspected(capsys, monkeypatch, tmp_path / "t.csv", "--task", "size") == {"large": 6, "small": 6}


@pytest.mark.usefixtures("empty_cache")
def test_an_archive_from_the_command_line(
    flat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "t.csv", "labels.csv")
        for path in flat.iterdir():
            archive.write(path, f"flat/{path.name}")
    assert inspected(capsys, monkeypatch, tmp_path / "all.zip") == {"cat": 6, "dog": 6}
    assert read(tmp_path / "all.zip").tasks == ("size",)
