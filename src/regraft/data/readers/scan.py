"""Finding image files on disk."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import Skipped

# Some of these need a plug-in, and are then skipped with a reason that names it.
READ = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
    | {".avif", ".heic", ".heif", ".hif", ".ppm", ".pgm", ".pbm", ".pnm", ".dcm", ".dicom", ".npy"}
)

# Images of other kinds: ignoring them in silence would lose somebody's pictures without a word.
NOT_READ = frozenset(
    {".jxl", ".jp2", ".j2k", ".svg", ".psd", ".eps", ".tga", ".ico", ".exr", ".hdr", ".npz"}
    | {
        ".dng",
        ".cr2",
        ".cr3",
        ".nef",
        ".arw",
        ".orf",
        ".rw2",
        ".raf",
        ".nii",
        ".svs",
        ".ndpi",
        ".czi",
        ".lif",
    }
)

DICOM_MARK, DICOM_MARK_END = b"DICM", 132

Identity = tuple[int, int]

# Parts, domains and classes may be links, even several to one folder; what lies deeper is walked once.
LINKED_LEVELS = 3


def is_hidden(name: str) -> bool:
    """Whether a file or folder is the system's and not the user's."""
    return name.startswith(".") or name == "__MACOSX" or name.casefold() in ("thumbs.db", "desktop.ini")


def visible(folder: Path | str) -> list[os.DirEntry[str]]:
    """A folder's entries without hidden ones, sorted by name.

    Raises:
        DataError: the folder cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted((e for e in entries if not is_hidden(e.name)), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"Cannot list the folder {folder}: {error.strerror or error}.") from error


def identities_above(folder: Path) -> set[Identity]:
    """A folder and everything above it, so that a link back up is recognised as a loop."""
    every = (above.stat() for above in (folder.resolve(), *folder.resolve().parents))
    return {(one.st_dev, one.st_ino) for one in every}


def walk(folder: Path | str, above: set[Identity], skipped: list[Skipped]) -> Iterator[Path]:
    """Every image file in a folder and below, in the order of names; what cannot be listed becomes skipped.

    A folder is not entered inside itself, so links in a circle end. Below the levels where a link may stand
    for a part, a domain or a class, no folder is entered twice by way of the same one. A folder may be
    deeper than Python's own stack.

    Args:
        folder: where to begin.
        above: the folder and everything above it, from `identities_above`.
        skipped: grows.
    """
    levels = [(_listed(folder, skipped), above)]
    while levels:
        entries, seen = levels[-1]
        entry = next(entries, None)
        if entry is None:
            levels.pop()
        elif is_folder(entry):
            identity = _identity(entry, skipped)
            if identity is not None and identity not in seen:
                inside = seen | {identity} if len(levels) <= LINKED_LEVELS else seen
                inside.add(identity)
                levels.append((_listed(entry.path, skipped), inside))
        elif is_image_name(entry, skipped):
            yield Path(entry.path)


def _listed(folder: Path | str, skipped: list[Skipped]) -> Iterator[os.DirEntry[str]]:
    try:
        return iter(visible(folder))
    except DataError as error:
        skipped.append(Skipped(Path(folder), str(error).rstrip(".")))
        return iter(())


def _identity(entry: os.DirEntry[str], skipped: list[Skipped]) -> Identity | None:
    try:
        status = entry.stat()
    except OSError as error:
        skipped.append(Skipped(Path(entry.path), f"cannot be entered: {error.strerror or error}"))
        return None
    return status.st_dev, status.st_ino


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link that leads nowhere is not."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def is_image_name(entry: os.DirEntry[str], skipped: list[Skipped]) -> bool:
    """Whether a file is named as an image that regraft reads; images of other kinds become skipped."""
    extension = os.path.splitext(entry.name)[1].casefold()  # noqa: PTH122 - a Path per file costs as much as the hash
    if extension in NOT_READ:
        kind = extension[1:].upper()
        skipped.append(Skipped(Path(entry.path), f"{kind} images are not read; save it as JPEG or PNG"))
    # Scanners name files by a number, or by one with dots, and not by what they are.
    return extension in READ or (not extension.lstrip(".0123456789") and _is_dicom(entry))


def _is_dicom(entry: os.DirEntry[str]) -> bool:
    try:
        if not entry.is_file():
            return False
        with open(entry.path, "rb") as stream:  # noqa: PTH123
            return stream.read(DICOM_MARK_END).endswith(DICOM_MARK)
    except OSError:
        return False


def find_images(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """The image files that these files and folders stand for; what is inside a folder is sorted.

    A file named outright is taken whatever its extension. No file comes twice.

    Raises:
        DataError: a path does not exist, or no image was found at all.
    """
    given = [Path(path).expanduser().absolute() for path in paths]
    found: dict[Path, None] = {}
    for path in given:
        if path.is_dir():
            found.update(dict.fromkeys(walk(path, identities_above(path), [])))
        elif path.exists():
            found[path] = None
        else:
            raise DataError(f"There is no file or folder {path}. Check the name.")
    if not found:
        where = ", ".join(map(str, given)) or "an empty list of paths"
        raise DataError(f"There is no image in {where}. Images end in {', '.join(sorted(READ))}.")
    return tuple(found)
