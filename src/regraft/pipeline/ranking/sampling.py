"""An order of the images of which every beginning is a fair and balanced sample."""

from collections import Counter, defaultdict

from regraft.core.hashing import unit_interval
from regraft.data import Dataset, units


def balanced_order(dataset: Dataset, seed: int = 0) -> list[int]:
    """Places of all images, classes taking turns, and within a class its groups taking turns.

    Samples of growing size are then beginnings of one list: what was computed for a small one is used by the
    next. Images of one group say little more than one of them, so a class first shows all its groups. Lots
    are drawn from content, so the order does not depend on names or on the order of reading.
    """
    lots = [unit_interval(f"rank {seed}:{example.sha256}") for example in dataset.examples]
    turn_of_unit = [0] * len(dataset)
    for unit in units(dataset):
        seen: Counter[int] = Counter()
        for place in sorted(unit.members, key=lots.__getitem__):
            label = dataset.examples[place].label
            turn_of_unit[place] = seen[label]
            seen[label] += 1
    classes: dict[int, list[int]] = defaultdict(list)
    for place, example in enumerate(dataset.examples):
        classes[example.label].append(place)
    turns = {}
    for members in classes.values():
        members.sort(key=lambda place: (turn_of_unit[place], lots[place]))
        turns.update({place: turn for turn, place in enumerate(members)})
    return sorted(range(len(dataset)), key=lambda place: (turns[place], lots[place]))


def beginning(dataset: Dataset, order: list[int], size: int) -> Dataset:
    """The first `size` images of an order, as a data set sorted as the whole one is."""
    return dataset.select(sorted(order[:size]))
