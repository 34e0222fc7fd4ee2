"""Public data sets that torchvision knows how to fetch, as folders of images."""

import http.client
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PIL.Image

from regraft.core.errors import DataError, did_you_mean
from regraft.core.progress import progress

TRAIN_TEST = {"train": {"split": "train"}, "test": {"split": "test"}}
THREE = {"train": {"split": "train"}, "val": {"split": "val"}, "test": {"split": "test"}}
WHOLE: Mapping[str, Mapping[str, Any]] = {"": {}}


@dataclass(frozen=True)
class PublicSet:
    """Where a data set comes from.

    Args:
        kind: its class in `torchvision.datasets`.
        host: what has to be reached.
        size_mb: of the download.
        parts: what that class is called with for each part; "" is a set without parts.
        files: the attributes that name its files and their labels; none where the images are in one file.
    """

    kind: str
    host: str
    size_mb: int
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: TRAIN_TEST)
    files: tuple[str, ...] = ()


IN_ONE_FILE = {"train": {"train": True}, "test": {"train": False}}
FILES = ("_image_files", "_labels")
OXFORD, TORONTO = "www.robots.ox.ac.uk", "www.cs.toronto.edu"

PUBLIC_SETS = {
    "aircraft": PublicSet("FGVCAircraft", OXFORD, 2750, THREE, FILES),
    "cifar10": PublicSet("CIFAR10", TORONTO, 170, IN_ONE_FILE),
    "cifar100": PublicSet("CIFAR100", TORONTO, 169, IN_ONE_FILE),
    "dtd": PublicSet("DTD", OXFORD, 600, THREE, FILES),
    "eurosat": PublicSet("EuroSAT", "huggingface.co", 94, WHOLE, ("samples",)),
    "fashion_mnist": PublicSet(
        "FashionMNIST", "fashion-mnist.s3-website.eu-central-1.amazonaws.com", 31, IN_ONE_FILE
    ),
    "flowers102": PublicSet("Flowers102", OXFORD, 345, THREE, FILES),
    "food101": PublicSet("Food101", "data.vision.ee.ethz.ch", 5000, TRAIN_TEST, FILES),
    "imagenette": PublicSet(
        "Imagenette",
        "s3.amazonaws.com",
        99,
        {"train": {"split": "train", "size": "160px"}, "val": {"split": "val", "size": "160px"}},
        ("_samples",),
    ),
    "oxford_pets": PublicSet(
        "OxfordIIITPet",
        OXFORD,
        800,
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        ("_images", "_labels"),
    ),
    "svhn": PublicSet("SVHN", "ufldl.stanford.edu", 246, TRAIN_TEST),
}


def write_public_set(name: str, folder: Path) -> Path:
    """Fetch a data set, if it is not there, and write it as class folders, below its parts if it has some.

    What was fetched stays beside it, in `downloads`; image files are linked from there where links are
    possible.

    Args:
        name: a key of `PUBLIC_SETS`.
        folder: where the class folders go; it appears whole or not at all.

    Raises:
        DataError: there is no such set, or it cannot be fetched.
    """
    if name not in PUBLIC_SETS:
        raise DataError(f"There is no public data set {name!r} here. {did_you_mean(name, PUBLIC_SETS)}")
    folder = folder.absolute()
    if folder.is_dir():
        return folder
    wanted = PUBLIC_SETS[name]
    # What is printed there belongs to results; torchvision would say there how it fares.
    with redirect_stdout(sys.stderr):
        fetched = {
            part: _fetch(name, wanted, options, folder.parent) for part, options in wanted.parts.items()
        }
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for part, source in fetched.items():
            _write(source, wanted.files, temporary / part)
        temporary.chmod(0o755)
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _fetch(name: str, wanted: PublicSet, options: Mapping[str, Any], folder: Path) -> Any:
    from torchvision import datasets

    try:
        downloads = folder / "downloads"
        downloads.mkdir(parents=True, exist_ok=True)
        return getattr(datasets, wanted.kind)(downloads, download=True, **options)
    except (OSError, RuntimeError, ValueError, http.client.HTTPException) as error:
        raise DataError(
            f"Cannot fetch {name} from {wanted.host}: {error}. It needs a network that reaches there, and "
            f"room for {wanted.size_mb:,} MB. Without one, 'regraft demo' runs on images of scikit-learn's."
        ) from error


def _write(source: Any, files: tuple[str, ...], folder: Path) -> None:
    total = len(source)
    width = len(str(total))
    with progress("Writing images", total) as advance:
        for number, (image, label) in enumerate(_items(source, files)):
            into = folder / _class_name(source, label)
            into.mkdir(parents=True, exist_ok=True)
            if isinstance(image, PIL.Image.Image):
                image.save(into / f"{number:0{width}}.png")
            else:
                _link(Path(image), into / Path(image).name)
            advance(1)


def _items(source: Any, files: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Each image, or the file that it lies in as it was published, and its label."""
    if not files:
        yield from (source[i] for i in range(len(source)))
    elif len(files) == 1:
        yield from getattr(source, files[0])
    else:
        named: list[Iterable[Any]] = [getattr(source, name) for name in files]
        yield from zip(*named, strict=True)


def _class_name(source: Any, label: Any) -> str:
    classes = getattr(source, "classes", None)
    name = classes[label] if classes else str(label)
    # Imagenette has several names for each class.
    first = name[0] if isinstance(name, tuple) else str(name)
    return str(first).replace("/", "-").strip(". ") or str(label)


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, target)
