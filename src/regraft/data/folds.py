"""Dealing the images for learning to folds, each of which is held out once."""

from collections.abc import Sequence

import numpy as np

from regraft.core.arrays import Folds
from regraft.core.errors import DataError, RecipeError
from regraft.core.hashing import unit_interval
from regraft.data.dataset import Dataset
from regraft.data.units import Unit, units

NEVER_HELD_OUT = -1


def folds(dataset: Dataset, *, count: int = 5, seed: int = 0) -> Folds:
    """A fold number for every example of a data set without its test part.

    Units (groups, identical files) stay whole, and every class is spread over the folds as evenly as that
    allows. Where a val part is given it is the one fold, 0, and all else is `NEVER_HELD_OUT`. With fewer
    units than `count` there are as many folds as units.

    Returns:
        [n], from 0 to the number of folds less one, or -1.

    Raises:
        DataError: test images are among the examples, or there are fewer than two units.
        RecipeError: `count` is less than 2.
    """
    if count < 2:
        raise RecipeError(f"count is {count}; there must be at least 2 folds.")
    parts = [e.part for e in dataset.examples]
    if "test" in parts:
        raise DataError(
            "Folds are for learning, and test images are among these. Use Dataset.without_test()."
        )
    if "val" in parts:
        return np.array([0 if part == "val" else NEVER_HELD_OUT for part in parts], dtype=np.int64)
    all_units = units(dataset)
    if len(all_units) < 2:
        raise DataError(
            f"The {len(dataset)} images in {dataset.root} form {len(all_units)} independent unit (a group, "
            f"or files with the same bytes); holding some out needs at least 2. Add images, or correct the "
            f"groups."
        )
    return _deal(all_units, min(count, len(all_units)), len(dataset), seed)


def _deal(all_units: Sequence[Unit], count: int, examples: int, seed: int) -> Folds:
    """Give each unit, large ones first, to the fold that has the least of its classes, then of all.

    A fold still without images has the least of everything, so none stays empty.
    """
    order = sorted(all_units, key=lambda u: (-len(u.members), unit_interval(f"folds:{seed}:{u.key}"), u.key))
    totals = {label: 0 for unit in all_units for label in unit.labels}
    for unit in all_units:
        for label, number in unit.labels.items():
            totals[label] += number
    held = {label: [0] * count for label in totals}
    sizes = [0] * count
    numbers = np.full(examples, NEVER_HELD_OUT, dtype=np.int64)
    for unit in order:
        # Shares of a class, not counts, so that a rare class weighs as much as a common one.
        shares = [(held[label], number / totals[label]) for label, number in unit.labels.items()]
        chosen = min(range(count), key=lambda f: (sum(h[f] * share for h, share in shares), sizes[f], f))
        for label, number in unit.labels.items():
            held[label][chosen] += number
        sizes[chosen] += len(unit.members)
        numbers[list(unit.members)] = chosen
    return numbers
