"""Which images are for learning, and which are kept apart to check.

The unit that is dealt is never less than a group, nor than all files with the same bytes. Whether a unit
is tested depends on a lot drawn from its own name or content: not on paths, on the order, or on how many
images there are. So a data set that grows keeps its test part, and results stay comparable.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from regraft.core.errors import DataError, RecipeError
from regraft.core.hashing import unit_interval
from regraft.data.dataset import Dataset, Example
from regraft.data.names import Part
from regraft.data.units import Unit, units


def split(
    dataset: Dataset, *, test_fraction: float = 0.2, by: Literal["lot", "time"] = "lot", seed: int = 0
) -> Dataset:
    """Give every example a part.

    Parts that are given stay. If a test part is among them, the rest is for training. Otherwise units
    outside val are tested where their lot lies below `test_fraction`. Their share is thus a random number
    around the fraction: exact shares would move images whenever others are added.

    One repair: where a class would be without training images, or without tested ones, its unit whose lot
    lies nearest the fraction changes sides. A class of one unit stays in training, and
    `Dataset.missing_classes("test")` then names it. A class that needed the repair can change once it grows.

    By time, units are tested that begin after the moment which leaves `test_fraction` of all images behind
    it; those that go on across it are learnt from. Later images then move this moment, as they should.

    Raises:
        DataError: no image is left to learn from, or none to test; by time, an image has none.
        RecipeError: the fraction does not lie between 0 and 1.
    """
    if not 0 < test_fraction < 1:
        raise RecipeError(f"test_fraction is {test_fraction}; it must lie between 0 and 1, both excluded.")
    given = {e.part for e in dataset.examples}
    if not given & {"train", None}:
        raise DataError(
            f"Every image in {dataset.root} is given as val or test, so there is nothing to learn from. "
            f"Give some as train."
        )
    all_units = units(dataset)
    tested: set[str] = set()
    if "test" not in given:
        free = [unit for unit in all_units if "val" not in unit.given]
        if by == "time":
            tested = _choose_latest(dataset, free, test_fraction=test_fraction)
        else:
            tested = _choose_tested(free, test_fraction=test_fraction, seed=seed)
        if not tested:
            raise DataError(
                f"No test part can be cut from {dataset.root}: no class has two images, or groups of images, "
                f"that are independent. Add images, or give a test part. Where near copies were joined that "
                f"are none, --together given tells them apart."
            )
    examples = list(dataset.examples)
    for unit in all_units:
        for i in unit.members:
            part = _part_of(examples[i], unit, is_tested=unit.key in tested)
            examples[i] = replace(examples[i], part=part)
    return replace(dataset, examples=tuple(examples))


def _part_of(example: Example, unit: Unit, *, is_tested: bool) -> Part:
    if is_tested:
        return "test"
    if example.part is not None:
        return example.part
    # An undecided copy of an image goes where that image was put.
    return next(iter(unit.given)) if len(unit.given) == 1 else "train"


def _choose_tested(free: Sequence[Unit], *, test_fraction: float, seed: int) -> set[str]:
    lots = {unit.key: unit_interval(f"{seed}:{unit.key}") for unit in free}
    tested = {key for key, lot in lots.items() if lot < test_fraction}
    by_label: dict[int, list[Unit]] = defaultdict(list)
    for unit in sorted(free, key=lambda unit: (abs(lots[unit.key] - test_fraction), unit.key)):
        for label in unit.labels:
            by_label[label].append(unit)
    # Learning comes first: a class that is only tested could not be known at all.
    for label in sorted(by_label):
        if all(unit.key in tested for unit in by_label[label]):
            tested.remove(by_label[label][0].key)
    for label in sorted(by_label):
        if not any(unit.key in tested for unit in by_label[label]):
            movable = (unit for unit in by_label[label] if _leaves_all_learnt(unit, by_label, tested))
            tested.update(unit.key for unit in [next(movable, None)] if unit)
    return tested


def _choose_latest(dataset: Dataset, free: Sequence[Unit], *, test_fraction: float) -> set[str]:
    times = [example.time for example in dataset.examples]
    if None in times:
        raise DataError(
            f"A split by time needs a time for every image, and {times.count(None):,} of {len(times):,} in "
            f"{dataset.root} have none. Give them in a table's column `time`, as numbers or ISO dates."
        )
    known = sorted(time for time in times if time is not None)
    moment = known[max(0, round(len(known) * (1 - test_fraction)) - 1)]
    begins = {unit.key: min(known_time(dataset.examples[i]) for i in unit.members) for unit in free}
    return {unit.key for unit in free if begins[unit.key] > moment}


def known_time(example: Example) -> float:
    """When an image was taken, of one that says so."""
    assert example.time is not None
    return example.time


def _leaves_all_learnt(unit: Unit, by_label: dict[int, list[Unit]], tested: set[str]) -> bool:
    """Whether every class in a unit keeps another unit to be learnt from when this one is tested."""
    return all(
        any(other.key != unit.key and other.key not in tested for other in by_label[label])
        for label in unit.labels
    )
