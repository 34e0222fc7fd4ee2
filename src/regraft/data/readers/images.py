"""Images that a program holds in memory become files in the cache, and so a data set like any other.

Arrays and Pillow images are kept as PNG of the pixels that `decode` gives, bytes as they are; files stay
where they are. A file in the cache is named after what it holds, so that the same images are the same data
set, and features of them that are known need not be computed again.
"""

import io
import itertools
import operator
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from regraft.core.arrays import Array
from regraft.core.errors import ArtifactError, DataError
from regraft.core.files import cache_folder
from regraft.core.hashing import sha256_of_bytes
from regraft.core.progress import progress
from regraft.data.dataset import Dataset, Skipped
from regraft.data.formats.decode import Source, decode_plainly
from regraft.data.names import Part, clean_name, part_of_name
from regraft.data.readers.listing import Entry, Listing, to_dataset
from regraft.data.requirements import require_parts

AHEAD = 64
"""Images held in memory at once."""

THREADS = min(4, os.cpu_count() or 1)
NOWHERE = Path()


def from_images(
    images: Iterable[Source],
    labels: Collection[Any] | Array,
    *,
    classes: Sequence[str] | None = None,
    groups: Sequence[object] | None = None,
    domains: Sequence[object] | None = None,
    parts: Sequence[str | None] | None = None,
) -> Dataset:
    """A data set of images in memory, in the order given.

    An image that cannot be used is listed in `Dataset.skipped` under its number.

    Args:
        images: arrays (see `pixels.from_array`), Pillow images, bytes of image files, or paths.
        labels: for each image its class, as a name or a number; or several in a list, or an array of ones and
            zeros, which makes the data set multi-label. None and -1 say nothing, and the image is skipped.
        classes: what numbers stand for; without it a number is its own name.
        groups: for each image whom it must not be torn from.
        domains: for each image where it comes from.
        parts: for each image train, val, test or None.

    Raises:
        DataError: the lists differ in length, a number has no name, a part is unknown, or no image can be
            used.
        ArtifactError: the cache cannot be written.
    """
    pictures = images if isinstance(images, Sequence) else [*images]
    count = len(pictures)
    for name, values in (("labels", labels), ("groups", groups), ("domains", domains), ("parts", parts)):
        if values is not None and len(values) != count:
            raise DataError(f"There are {count} images but {len(values)} {name}. Give one for each image.")
    entries = [
        Entry(
            NOWHERE,
            label_names(label, classes),
            group="" if groups is None else str(groups[i]),
            domain="" if domains is None else str(domains[i]),
            part=_part(parts[i], i) if parts is not None else None,
        )
        for i, label in enumerate(labels)
    ]
    several = any(map(is_several, labels))
    return keep_images(zip(pictures, entries, strict=True), count=count, is_multilabel=several)


def keep_images(
    items: Iterable[tuple[Source | Skipped, Entry]], *, count: int = 0, is_multilabel: bool = False
) -> Dataset:
    """Write images into the cache as they come, and make a data set of them.

    Args:
        items: each image, or why there is none, and an entry with everything but the path.
        count: how many there will be, for the progress bar; 0 if nobody knows.
        is_multilabel: whether an image may have any number of labels; otherwise those with none are skipped.
    """
    folder = cache_folder() / "images"
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    seen: Counter[Path] = Counter()
    for number, (entry, kept) in enumerate(_kept(items, folder, count)):
        if isinstance(kept, str):
            skipped.append(Skipped(Path(f"image {number}"), kept))
        elif not entry.labels and not is_multilabel:
            skipped.append(Skipped(Path(f"image {number}"), "has no label"))
        else:
            entries.append(replace(entry, path=_own_name(kept, seen, folder)))
    dataset = to_dataset(Listing(folder, entries, skipped, is_multilabel=is_multilabel))
    if not len(dataset):
        first = f" The first is {skipped[0].path}: {skipped[0].reason}." if skipped else ""
        raise DataError(f"None of the {len(skipped)} images given can be used.{first}")
    require_parts(dataset)
    return dataset


def label_names(label: Any, classes: Sequence[str] | None) -> tuple[str, ...]:
    """The names of an image's labels, however they are given."""
    if label is None:
        return ()
    if isinstance(label, str):
        return (clean_name(label),)
    if is_several(label):
        if not isinstance(label, (list, tuple, set, frozenset)):
            label = np.flatnonzero(np.asarray(label)).tolist()
        return tuple(dict.fromkeys(name for one in label for name in label_names(one, classes)))
    try:
        number = operator.index(label)
    except TypeError:
        raise DataError(f"A label is {label!r}. Give names or whole numbers, or a list of them.") from None
    if number < 0:
        return ()
    if classes is None:
        return (str(number),)
    if number >= len(classes):
        raise DataError(f"A label is {number}, but there are names for {len(classes)} classes, from 0 on.")
    return (clean_name(str(classes[number])),)


def is_several(label: Any) -> bool:
    """Whether a label is a set of labels: a list, or a row of ones and zeros."""
    return isinstance(label, (list, tuple, set, frozenset)) or getattr(label, "ndim", 0) == 1


def _part(name: str | None, number: int) -> Part | None:
    part = part_of_name(name or "")
    if name and part is None:
        raise DataError(f"The part of image {number} is {name!r}. It must be train, val, test or None.")
    return part


def _kept(
    items: Iterable[tuple[Source | Skipped, Entry]], folder: Path, count: int
) -> Iterator[tuple[Entry, Path | str]]:
    """Each entry with the file that its image is kept in, or why there is none."""
    rest = iter(items)
    with ThreadPoolExecutor(THREADS) as pool, progress("Keeping images", count) as advance:
        while block := [*itertools.islice(rest, AHEAD)]:
            kept = pool.map(lambda item: _keep(item[0], folder), block)
            yield from zip((entry for _, entry in block), kept, strict=True)
            advance(len(block))


def _keep(source: Source | Skipped, folder: Path) -> Path | str:
    if isinstance(source, Skipped):
        return source.reason
    if isinstance(source, (Path, str)):
        return Path(source).expanduser().absolute()
    if isinstance(source, bytes):
        return _written(folder, sha256_of_bytes(source), lambda: source)
    try:
        pixels = decode_plainly(source)
    except DataError as error:
        return str(error)
    name = sha256_of_bytes(f"{pixels.shape}".encode() + pixels.tobytes())
    return _written(folder, f"{name}.png", lambda: _png(pixels))


def _png(pixels: Array) -> bytes:
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def _written(folder: Path, name: str, content: Callable[[], bytes]) -> Path:
    """A file in the cache with this content, written now if it is not there."""
    path = folder / name[:2] / name
    try:
        if not path.exists() or not path.stat().st_size:
            path.parent.mkdir(parents=True, exist_ok=True)
            # No wait for the disk, as there is for results: a hundred thousand of them would take minutes.
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as stream:
                stream.write(content())
            Path(stream.name).replace(path)
    except OSError as error:
        raise ArtifactError(
            f"Cannot keep images in the cache {folder}: {error.strerror or error}. Free some space or name "
            f"another cache folder in REGRAFT_CACHE."
        ) from error
    return path


def _own_name(kept: Path, seen: Counter[Path], folder: Path) -> Path:
    """A second name for an image that comes again, so that both can be told apart where they are listed."""
    seen[kept] += 1
    if seen[kept] == 1 or not kept.is_relative_to(folder):
        return kept
    other = kept.with_name(f"{kept.stem}-{seen[kept] - 1}{kept.suffix}")
    if not other.exists():
        try:
            other.hardlink_to(kept)
        except OSError:
            shutil.copyfile(kept, other)
    return other
