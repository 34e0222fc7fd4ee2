"""What a data set must have before anything is computed for it."""

from regraft.core.errors import DataError
from regraft.data.dataset import Dataset

FEWEST_PER_CLASS = 2
STRICT_ADVICE = (
    "Mend them or take them away; unless asked to be strict, regraft leaves them out and lists them."
)


def require_trainable(dataset: Dataset) -> None:
    """Check that there is something to learn.

    Raises:
        DataError: there is no image, a single class, or a class with fewer than two images; of several
            labels per image, none, or one that fewer than two images have or lack.
    """
    counts = dataset.class_counts
    if not len(dataset):
        raise DataError(f"There is no usable image in {dataset.root}.{_first_skipped(dataset)}")
    if dataset.is_multilabel:
        _require_both_kinds(dataset)
        return
    if len(dataset.classes) < 2:
        raise DataError(
            f"There is a single class, {dataset.classes[0]!r}, in {dataset.root}. Telling classes apart "
            f"needs at least two: put the images of each class in a folder of its own."
        )
    small = [f"{name!r} has {count}" for name, count in counts.items() if count < FEWEST_PER_CLASS]
    if small:
        raise DataError(
            f"Every class needs at least {FEWEST_PER_CLASS} images, one to learn from and one to check: "
            f"{_first_few(small)}, in {dataset.root}. Add images to these classes or take the classes out."
        )


def _require_both_kinds(dataset: Dataset) -> None:
    if not dataset.classes:
        raise DataError(f"No image in {dataset.root} has a label. Give labels to some of them.")
    pairs = [(name, count, len(dataset) - count) for name, count in dataset.class_counts.items()]
    small = [
        f"{name!r} has {count} and {rest}"
        for name, count, rest in pairs
        if min(count, rest) < FEWEST_PER_CLASS
    ]
    if small:
        raise DataError(
            f"Every label needs at least {FEWEST_PER_CLASS} images that have it and as many that do not, one "
            f"to learn from and one to check: {_first_few(small)}, in {dataset.root}. Add such images or "
            f"take the labels out."
        )


def _first_few(items: list[str]) -> str:
    return ", ".join(items[:8]) + (f" and {len(items) - 8} more" if len(items) > 8 else "")


def require_parts(dataset: Dataset) -> None:
    """Check that every class asked about in a given val or test part can be learnt from the rest.

    Raises:
        DataError: a train part was given and lacks a class that val or test has.
    """
    if not any(e.part == "train" for e in dataset.examples):
        return
    learnt = {label for e in dataset.examples if e.part in ("train", None) for label in e.all_labels}
    missing = sorted({label for e in dataset.examples for label in e.all_labels} - learnt)
    if missing:
        names = ", ".join(repr(dataset.classes[label]) for label in missing)
        raise DataError(
            f"The train part in {dataset.root} has no image of {names}, which val or test has. "
            f"Add such images to train, or take these classes out of val and test."
        )


def require_every_file(dataset: Dataset) -> None:
    """Check that no file had to be left out.

    Raises:
        DataError: one had.
    """
    if dataset.skipped:
        raise DataError(
            f"Not every file in {dataset.root} can be used.{_first_skipped(dataset)} {STRICT_ADVICE}"
        )


def _first_skipped(dataset: Dataset) -> str:
    if not dataset.skipped:
        return ""
    first = dataset.skipped[0]
    return f" {len(dataset.skipped)} files were skipped; the first is {first.path}: {first.reason}."
