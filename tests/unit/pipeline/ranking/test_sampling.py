from collections import Counter
from pathlib import Path

from regraft.data import Dataset, Example
from regraft.pipeline.ranking.sampling import balanced_order, beginning


def dataset(*members: tuple[int, str]) -> Dataset:
    examples = [
        Example(Path(f"/{i:03}.png"), label, f"{i:064x}", group=group)
        for i, (label, group) in enumerate(members)
    ]
    return Dataset(Path("/"), ("a", "b", "c"), tuple(examples))


def test_every_beginning_is_balanced_over_classes():
    data = dataset(*[(0, "")] * 60, *[(1, "")] * 30, *[(2, "")] * 10)
    order = balanced_order(data)
    assert sorted(order) == list(range(100))
    for size in (3, 9, 30):
        counts = Counter(data.examples[i].label for i in order[:size])
        assert set(counts.values()) == {size // 3}


def test_a_class_shows_all_its_groups_before_a_group_shows_two():
    data = dataset(*[(0, f"track {i // 10}") for i in range(50)], *[(1, "")] * 50)
    order = balanced_order(data)
    groups = [data.examples[i].group for i in order[:10] if data.examples[i].label == 0]
    assert len(groups) == len(set(groups)) == 5


def test_the_order_depends_on_content_alone():
    data = dataset(*[(i % 3, "") for i in range(40)])
    turned = Dataset(data.root, data.classes, data.examples[::-1])
    there = [data.examples[i].sha256 for i in balanced_order(data)]
    assert there == [turned.examples[i].sha256 for i in balanced_order(turned)]


def test_a_larger_sample_holds_the_smaller_one():
    data = dataset(*[(i % 3, "") for i in range(40)])
    order = balanced_order(data)
    small, large = (set(beginning(data, order, size).paths) for size in (10, 20))
    assert small < large
    assert len(large) == 20
