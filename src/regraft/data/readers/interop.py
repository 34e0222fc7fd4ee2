"""Data set objects of torchvision and Hugging Face, known by what they have: neither is imported.

- A torchvision image folder, or anything with `samples`: its files are used where they lie.
- Another torchvision data set, or any sequence of (image, label): every image is kept in the cache. Its
  transforms are left out: they make tensors for a network, often by chance, where the images are wanted.
- A Hugging Face `Dataset` with a column of images and one of labels, or a `DatasetDict` whose splits are
  parts: an image's original bytes are kept.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from regraft.core.errors import DataError, did_you_mean
from regraft.data.dataset import Dataset, Skipped
from regraft.data.formats.decode import Source
from regraft.data.names import Part, part_of_name
from regraft.data.readers.images import NOWHERE, is_several, keep_images, label_names
from regraft.data.readers.listing import Entry

TRANSFORMS = ("transform", "target_transform", "transforms")
IMAGE_COLUMNS = ("image", "img", "images")
LABEL_COLUMNS = ("label", "labels")


@runtime_checkable
class Indexed(Protocol):
    """Anything with a length and items: what data sets of other libraries have in common."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


def read_object(source: Any, *, task: str | None = None) -> Dataset:
    """Read another library's data set, in its order.

    Args:
        source: a torchvision or Hugging Face data set, or a sequence of (image, label).
        task: of a Hugging Face data set, the column of labels.

    Raises:
        DataError: it has no images or labels that can be recognised, or a split that is no part.
        ArtifactError: the cache cannot be written.
    """
    if not isinstance(source, Indexed):
        raise DataError(
            f"A {type(source).__name__} cannot be read: it has no length or no items. Give a folder, a "
            f"table, an archive, or a data set that knows how many images it has."
        )
    tables = dict(source) if isinstance(source, Mapping) else {"": source}
    if all(hasattr(table, "features") and hasattr(table, "column_names") for table in tables.values()):
        return _read_tables(tables, task)
    if isinstance(source, Mapping):
        raise DataError(
            f"A {type(source).__name__} is no data set. Give a DatasetDict, or see regraft.from_images."
        )
    if task is not None:
        raise DataError(f"A {type(source).__name__} has no label columns to choose the task {task!r} from.")
    return _read_sequence(source)


def _read_sequence(source: Indexed) -> Dataset:
    whole, indices = _unwrapped(source)
    classes = getattr(whole, "classes", None)
    samples = getattr(whole, "samples", None)
    if isinstance(samples, list) and samples and isinstance(samples[0][0], (str, Path)):
        files = ((Path(samples[i][0]), samples[i][1]) for i in indices)
        return keep_images((path, Entry(NOWHERE, label_names(label, classes))) for path, label in files)
    pairs = (_pair(whole, i) for i in indices)
    first = next(pairs, None)
    every = itertools.chain([] if first is None else [first], pairs)
    items = ((_image(image), Entry(NOWHERE, label_names(label, classes))) for image, label in every)
    several = first is not None and is_several(first[1])
    return keep_images(items, count=len(indices), is_multilabel=several)


def _unwrapped(source: Indexed) -> tuple[Any, Sequence[int]]:
    """The data set below a `Subset`, without its transforms, and which of its items are meant."""
    indices: Sequence[int] = range(len(source))
    while hasattr(source, "indices") and hasattr(source, "dataset"):
        indices = [int(source.indices[i]) for i in indices]
        source = source.dataset
    if any(getattr(source, name, None) is not None for name in TRANSFORMS):
        source = copy.copy(source)
        for name in TRANSFORMS:
            if hasattr(source, name):
                setattr(source, name, None)
    return source, indices


def _pair(whole: Any, index: int) -> tuple[Any, Any]:
    """An item's image and label; of an image that the data set itself cannot open, the reason."""
    try:
        item = whole[index]
    except (OSError, SyntaxError, ValueError) as error:
        # Pillow has a SyntaxError for a damaged PNG.
        return Skipped(Path(f"image {index}"), f"cannot be opened ({error})"), None
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return item[0], item[1]
    raise DataError(
        f"An item of the {type(whole).__name__} is no pair of an image and its label but a "
        f"{type(item).__name__}. Give regraft.from_images the images and labels instead."
    )


def _image(value: Any) -> Source | Skipped:
    """An image as `decode` takes it: a tensor or a list becomes an array with its channels last."""
    if isinstance(value, Mapping) and value.get("bytes") is not None:
        return bytes(value["bytes"])
    if isinstance(value, Mapping):
        return Path(str(value.get("path")))
    if isinstance(value, (bytes, str, Path, Skipped)) or hasattr(value, "getbands"):
        return value  # type: ignore[no-any-return]
    array = np.asarray(value)
    if array.dtype.kind == "i" and array.size and array.min() >= 0 and array.max() <= np.iinfo(np.uint8).max:
        # Lists of numbers, as columns without a type for images hold them.
        array = array.astype(np.uint8)
    is_channels_first = array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4)
    return array.transpose(1, 2, 0) if is_channels_first else array


def _read_tables(tables: Mapping[str, Any], task: str | None) -> Dataset:
    parts: dict[str, Part | None] = {name: part_of_name(name) for name in tables}
    for name, part in parts.items():
        if name and part is None:
            raise DataError(
                f"The split {name!r} is none of train, validation and test. Leave it out, or give one split "
                f"alone."
            )
    several = any(_is_several(table, _label_column(table, task)) for table in tables.values())
    items = (item for name, table in tables.items() for item in _table_items(table, parts[name], task))
    return keep_images(items, count=sum(map(len, tables.values())), is_multilabel=several)


def _table_items(table: Any, part: Part | None, task: str | None) -> Iterator[tuple[Source | Skipped, Entry]]:
    label = _label_column(table, task)
    image = _image_column(table)
    classes = _class_names(table.features[label])
    if type(table.features[image]).__name__ == "Image":
        # Without decoding, the column gives the bytes of the file.
        table = table.cast_column(image, type(table.features[image])(decode=False))
    for row in table:
        yield _image(row[image]), Entry(NOWHERE, label_names(row[label], classes), part=part)


def _image_column(table: Any) -> str:
    features = table.features
    typed = [name for name in features if type(features[name]).__name__ == "Image"]
    named = [name for name in IMAGE_COLUMNS if name in features]
    for found in (typed, named):
        if found:
            return found[0]
    raise DataError(f"None of the columns {_shown(table)} holds images. Name the one that does 'image'.")


def _label_column(table: Any, task: str | None) -> str:
    features = table.features
    if task is not None:
        if task not in features:
            raise DataError(f"There is no column {task!r}. {did_you_mean(task, features)}")
        return task
    named = [name for name in LABEL_COLUMNS if name in features]
    typed = [name for name in features if _class_names(features[name]) is not None]
    if named or len(typed) == 1:
        return (named or typed)[0]
    raise DataError(
        f"Which of the columns {_shown(table)} holds the labels? Name it: regraft.read(data, task=...)."
    )


def _shown(table: Any) -> str:
    return ", ".join(map(repr, table.features))


def _class_names(feature: Any) -> list[str] | None:
    """The names of the classes that a column's numbers stand for, also where a cell holds several."""
    names = getattr(getattr(feature, "feature", feature), "names", None)
    return None if names is None else [str(name) for name in names]


def _is_several(table: Any, column: str) -> bool:
    return hasattr(table.features[column], "feature") or (len(table) > 0 and is_several(table[0][column]))
