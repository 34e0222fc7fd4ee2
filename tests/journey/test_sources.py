"""Labelled images that are no folder of class folders, from the command line and through a real network."""

import shutil
from pathlib import Path
from typing import Any

import pytest

AS_IT_IS = ("--depths", "last", "--scaling", "depth", "--head", "ridge")


@pytest.fixture
def flat(tmp_path: Path, image_folder: Path) -> Path:
    """The images side by side, named after what they show."""
    folder = tmp_path / "flat"
    folder.mkdir()
    for path in image_folder.rglob("*.*"):
        shutil.copy(path, folder / f"{path.parent.name}_{path.name}")
    return folder


def test_an_archive_and_names_are_the_same_data_as_folders(
    regraft: Any, tmp_path: Path, image_folder: Path, flat: Path
) -> None:
    archive = shutil.make_archive(str(tmp_path / "packed"), "gztar", image_folder)
    from_archive = regraft.fit(Path(archive), *AS_IT_IS)
    from_names = regraft.fit(flat, "--label-from", "{label}_*", *AS_IT_IS)
    assert from_archive["classes"] == from_names["classes"]
    assert from_archive["test"] == from_names["test"]
    assert from_names["forward_passes"] == 0
    evaluated = regraft("evaluate", from_archive["run"], flat, "--label-from", "{label}_*", "--json").json
    assert evaluated["images"] == 40
    assert evaluated["seen_in_training"] == evaluated["images"] - from_archive["parts"]["test"]


def test_a_flat_folder_is_told_what_to_do(regraft: Any, flat: Path) -> None:
    message = regraft.fails("fit", flat)
    assert "holds 40 images but no class folder" in message
    assert "--label-from '{label}_{number}.*'" in message


def test_a_public_set_without_a_network(regraft: Any) -> None:
    message = regraft.fails("demo", "--data", "flowers")
    assert "There is no public data set 'flowers' here. Did you mean flowers102?" in message
