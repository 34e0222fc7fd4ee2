"""With torchvision's own classes, on small sets laid out as theirs are: nothing is fetched."""

import urllib.error
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torchvision.datasets
from torchvision.datasets import FakeData

from regraft.core.errors import DataError
from regraft.data import PUBLIC_SETS, read, write_public_set
from regraft.data.readers import public_sets as module


@pytest.fixture
def photo_at(tmp_path: Path):
    def write(name: str, seed: int) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 255, (9, 9, 3), np.uint8)).save(path)

    return write


@pytest.fixture
def textures(tmp_path: Path, photo_at) -> Path:
    """Six images laid out as the Describable Textures Dataset."""
    home = "downloads/dtd/dtd"
    (tmp_path / home / "labels").mkdir(parents=True)
    for number, part in enumerate(("train", "val", "test")):
        names = [f"{kind}/{kind}_{number}.jpg" for kind in ("banded", "dotted")]
        (tmp_path / home / "labels" / f"{part}1.txt").write_text("\n".join(names) + "\n")
        for place, name in enumerate(names):
            photo_at(f"{home}/images/{name}", 2 * number + place)
    return tmp_path


def test_files_are_linked_as_they_were_published(textures: Path) -> None:
    folder = write_public_set("dtd", textures / "dtd")
    dataset = read(folder)
    assert dataset.classes == ("banded", "dotted")
    assert [e.part for e in dataset.examples] == ["test"] * 2 + ["train"] * 2 + ["val"] * 2
    original = textures / "downloads/dtd/dtd/images/banded/banded_0.jpg"
    assert (folder / "train/banded/banded_0.jpg").samefile(original)
    assert sorted(path.name for path in textures.iterdir()) == ["downloads", "dtd"]


def test_a_set_without_parts(tmp_path: Path, photo_at) -> None:
    for place, name in enumerate(["River/River_1.jpg", "Forest/Forest_1.jpg"]):
        photo_at(f"downloads/eurosat/2750/{name}", place)
    dataset = read(write_public_set("eurosat", tmp_path / "eurosat"))
    assert dataset.classes == ("Forest", "River")
    assert {e.part for e in dataset.examples} == {None}


def test_what_is_there_is_not_fetched_again(textures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_public_set("dtd", textures / "dtd")
    monkeypatch.setattr(torchvision.datasets, "DTD", None)
    assert write_public_set("dtd", folder) == folder


class InOneFile(FakeData):
    """Images that lie in one file, as CIFAR-10's do."""

    classes = ("cat", "T-shirt/top")

    def __init__(self, root: Path, *, train: bool, download: bool) -> None:
        print("Files already downloaded and verified")
        super().__init__(12 if train else 6, (3, 8, 8), num_classes=2, random_offset=100 * train)


def test_images_in_one_file_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", InOneFile)
    dataset = read(write_public_set("cifar10", tmp_path / "data"))
    assert dataset.classes == ("cat", "T-shirt-top")
    assert (len(dataset.part("train")), len(dataset.part("test"))) == (12, 6)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("Name or service not known"),
        RuntimeError("Error downloading cifar-10-python.tar.gz"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", refuse)
    with pytest.raises(
        DataError, match=r"Cannot fetch cifar10 from www.cs.toronto.edu: .*'regraft demo' runs on"
    ):
        write_public_set("cifar10", tmp_path / "cifar10")
    assert [path.name for path in tmp_path.iterdir()] == ["downloads"]


def test_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no public data set 'cifar' here. Did you mean cifar10"):
        write_public_set("cifar", tmp_path)


@pytest.mark.parametrize("name", PUBLIC_SETS)
def test_torchvision_has_what_the_table_names(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every set is asked for by options that its class knows, and its files by names that its source has."""
    wanted = PUBLIC_SETS[name]
    source = Path(__import__(getattr(torchvision.datasets, wanted.kind).__module__, fromlist=["_"]).__file__)
    text = source.read_text(encoding="utf-8")
    inherited = Path(torchvision.datasets.folder.__file__).read_text(encoding="utf-8")
    assert all(f"self.{attribute} = " in text + inherited for attribute in wanted.files)
    for options in wanted.parts.values():
        # Without a download each class finds nothing in an empty folder, and says so after its options.
        with pytest.raises((RuntimeError, FileNotFoundError), match=r"(?i)not found|no such file|corrupted"):
            getattr(torchvision.datasets, wanted.kind)(tmp_path, download=False, **options)


def test_the_help_of_the_demo_names_every_set() -> None:
    from regraft.cli.demo import demo

    assert all(name in demo.__doc__ for name in module.PUBLIC_SETS)
