"""Reading a folder whose sub-folders are the classes.

    flowers/                     flowers/
    ├── daisy/                   ├── train/
    │   ├── 1.jpg                │   ├── daisy/
    │   └── field/2.jpg          │   └── rose/
    └── rose/                    └── test/
        └── 3.png                    ├── daisy/
                                     └── rose/

Images may lie deeper inside a class folder. `train`, `val` (`valid`, `validation`) and `test` in any case
are parts and are honoured as given; `train` beside ordinary class folders, as in a data set of vehicles,
is a class. Hidden files and files that are not named as images are ignored.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import (
    Dataset,
    Example,
    Part,
    Skipped,
    clean_name,
    natural_key,
    part_of_name,
    require_parts,
)
from regraft.data.scan import hash_files, identities_above, is_folder, is_image_name, visible, walk

LAYOUT = "Put the images of each class in a sub-folder named after the class."
IN_NO_CLASS = "lies in no class folder"


@dataclass(frozen=True, slots=True)
class Found:
    """An image file, the class folder it lies in and the part that folder lies in."""

    path: Path
    class_name: str
    part: Part | None


@dataclass(slots=True)
class _Listing:
    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def read_folder(path: Path | str) -> Dataset:
    """Read a folder of class folders, or of parts that hold class folders.

    Every file is hashed; files that cannot be read are listed in `Dataset.skipped`, and so are images
    that lie in no class folder. Nothing is written.

    Raises:
        DataError: the path is no folder, holds no class folder or no image, or its train part lacks a
            class that another part has.
    """
    root = Path(path).expanduser().absolute()
    if not root.exists():
        raise DataError(f"There is no folder {root}. Check the name.")
    if not root.is_dir():
        raise DataError(f"{root} is a file, not a folder. Give the folder that holds the class folders.")
    listing = _list_root(root)
    return _to_dataset(root, listing)


def _list_root(root: Path) -> _Listing:
    listing = _Listing()
    folders = _folders(root, listing)
    if not _is_parts_layout(folders):
        _list_classes(root, folders, None, listing)
        return listing
    for folder in folders:
        part = part_of_name(folder.name)
        if part is None:
            listing.skipped.append(Skipped(Path(folder.path), "lies beside train and test but is no part"))
        else:
            _list_classes(root, _folders(folder.path, listing), part, listing)
    return listing


def _folders(parent: Path | str, listing: _Listing) -> list[os.DirEntry[str]]:
    """The folders in a folder; images that lie beside them are listed as skipped."""
    folders = []
    for entry in visible(parent):
        if is_folder(entry):
            folders.append(entry)
        elif is_image_name(entry, listing.skipped):
            listing.skipped.append(Skipped(Path(entry.path), IN_NO_CLASS))
    return folders


def _is_parts_layout(folders: list[os.DirEntry[str]]) -> bool:
    """Whether these folders are parts: named as parts alone, or train and another one with folders inside."""
    parts = [part_of_name(folder.name) for folder in folders]
    if None not in parts:
        return bool(folders)
    with_classes = {
        part for part, folder in zip(parts, folders, strict=True) if part and _holds_folder(folder)
    }
    return "train" in with_classes and len(with_classes) > 1


def _holds_folder(folder: os.DirEntry[str]) -> bool:
    try:
        return any(map(is_folder, visible(folder.path)))
    except DataError:
        return False


def _list_classes(root: Path, folders: list[os.DirEntry[str]], part: Part | None, listing: _Listing) -> None:
    above = identities_above(root)
    for folder in folders:
        stat = folder.stat()
        if (stat.st_dev, stat.st_ino) in above:
            continue
        seen = above | {(stat.st_dev, stat.st_ino)}
        name = clean_name(folder.name)
        listing.found += [Found(path, name, part) for path in walk(folder.path, seen, listing.skipped)]


def _to_dataset(root: Path, listing: _Listing) -> Dataset:
    found = sorted(listing.found, key=lambda one: one.path.parts)
    hashes = hash_files([one.path for one in found])
    usable = [(one, sha) for one, sha in zip(found, hashes, strict=True) if isinstance(sha, str)]
    skipped = listing.skipped + [sha for sha in hashes if isinstance(sha, Skipped)]
    if not usable:
        raise _nothing_usable(root, skipped)
    classes = tuple(sorted({one.class_name for one, _ in usable}, key=natural_key))
    label = {name: i for i, name in enumerate(classes)}
    examples = tuple(Example(one.path, label[one.class_name], sha, part=one.part) for one, sha in usable)
    dataset = Dataset(root, classes, examples, tuple(sorted(skipped, key=lambda one: one.path.parts)))
    require_parts(dataset)
    return dataset


def _nothing_usable(root: Path, skipped: list[Skipped]) -> DataError:
    loose = sum(one.reason == IN_NO_CLASS for one in skipped)
    if loose:
        return DataError(f"{root} holds {loose} images but no class folder with images. {LAYOUT}")
    if skipped:
        return DataError(
            f"No image in {root} can be read; the first is {skipped[0].path}: {skipped[0].reason}."
        )
    return DataError(f"There is no image in {root}. {LAYOUT}")
