from collections import Counter

import pytest

from regraft.core.errors import DataError, RecipeError
from regraft.core.hashing import unit_interval
from regraft.data import leaks, split, units


def parts(dataset):
    return [e.part for e in dataset.examples]


def rows(count, labels=2):
    return [(i % labels, f"sha{i}", "", None) for i in range(count)]


def test_a_lot_decides(make):
    done = split(make(*rows(400)), test_fraction=0.3, seed=7)
    expected = ["test" if unit_interval(f"7:sha{i}") < 0.3 else "train" for i in range(400)]
    assert parts(done) == expected
    assert 90 < expected.count("test") < 150


def test_seeds_differ(make):
    dataset = make(*rows(100))
    assert parts(split(dataset, seed=0)) == parts(split(dataset, seed=0))
    assert parts(split(dataset, seed=0)) != parts(split(dataset, seed=1))


def test_groups_and_copies_stay_together(make):
    dataset = make(
        *rows(40),
        *[(0, f"g{i}", f"group {i % 8}", None) for i in range(40)],
        (1, "sha0", "", None),
        (1, "g1", "group 2", None),
    )
    done = split(dataset, test_fraction=0.5)
    together = {}
    for e in done.examples:
        for key in (e.group, e.sha256):
            if key:
                assert together.setdefault(key, e.part) == e.part
    assert set(parts(done)) == {"train", "test"}


def test_copies_join_groups_under_the_smaller_name(make):
    dataset = make(
        (0, "x", "b", None), (0, "x", "", None), (0, "y", "b", None), (0, "y", "a", None), (0, "z", "", None)
    )
    assert [(u.key, u.members, u.labels) for u in units(dataset)] == [
        ("a", (0, 1, 2, 3), Counter({0: 4})),
        ("z", (4,), Counter({0: 1})),
    ]


def test_a_class_without_tested_images_gets_the_nearest(make):
    dataset = make(*rows(60), *[(2, f"rare{i}", "", None) for i in range(3)])
    lots = {f"rare{i}": unit_interval(f"0:rare{i}") for i in range(3)}
    assert min(lots.values()) > 0.02
    done = split(dataset, test_fraction=0.02)
    assert [e.sha256 for e in done.part("test").examples if e.label == 2] == [min(lots, key=lots.get)]


def test_a_class_without_training_images_gets_the_nearest(make):
    dataset = make(*rows(60), *[(2, f"rare{i}", "", None) for i in range(3)])
    lots = {f"rare{i}": unit_interval(f"0:rare{i}") for i in range(3)}
    done = split(dataset, test_fraction=0.98)
    assert max(lots.values()) < 0.98
    assert [e.sha256 for e in done.part("train").examples if e.label == 2] == [max(lots, key=lots.get)]


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_a_class_of_one_unit_stays_in_training(make, fraction):
    dataset = make(*rows(20), (2, "p", "patient", None), (2, "q", "patient", None))
    done = split(dataset, test_fraction=fraction)
    assert done.missing_classes("test") == ("class 2",)
    assert done.missing_classes("train") == ()


def test_a_repair_never_takes_the_last_training_unit_of_another_class(make):
    # The group holds both classes; testing it for class 0 would leave class 1 unlearnt.
    dataset = make((0, "a", "both", None), (1, "b", "both", None), (0, "c", "", None))
    for seed in range(30):
        done = split(dataset, seed=seed)
        assert done.missing_classes("train") == ()
        assert [e.sha256 for e in done.part("test").examples] == ["c"]


def test_nothing_can_be_tested(make):
    with pytest.raises(DataError, match="No test part can be cut"):
        split(make((0, "a", "", None), (1, "b", "", None)))


def test_a_given_test_part_moves_nothing(make):
    dataset = make(
        (0, "a", "", "test"),
        (0, "b", "", "train"),
        (0, "c", "", "val"),
        *[(0, f"u{i}", "", None) for i in range(9)],
    )
    assert parts(split(dataset, test_fraction=0.9)) == ["test", "train", "val", *["train"] * 9]


def test_an_undecided_copy_goes_where_its_original_is(make):
    dataset = make((0, "a", "", "test"), (0, "a", "", None), (0, "b", "", "train"), (0, "b", "", None))
    assert parts(split(dataset)) == ["test", "test", "train", "train"]


def test_given_train_and_val_lose_test_from_train_only(make):
    given = [(0, f"t{i}", "", "train") for i in range(50)] + [(0, f"v{i}", "", "val") for i in range(50)]
    done = split(make(*given), test_fraction=0.5)
    assert set(parts(done)[:50]) == {"train", "test"}
    assert set(parts(done)[50:]) == {"val"}


def test_a_copy_of_a_validation_image_is_never_tested(make):
    dataset = make(
        *[(0, f"t{i}", "", "train") for i in range(20)], (0, "t3", "", "val"), (0, "t4", "", "val")
    )
    done = split(dataset, test_fraction=0.9)
    assert (parts(done)[3], parts(done)[4]) == ("train", "train")


def test_splitting_twice_changes_nothing(make):
    once = split(make(*rows(50)))
    assert split(once, test_fraction=0.7, seed=9) == once


def test_all_given_as_test(make):
    with pytest.raises(DataError, match="nothing to learn from"):
        split(make((0, "a", "", "test"), (0, "b", "", "val")))


@pytest.mark.parametrize("fraction", [0, 1, -0.1, float("nan")])
def test_senseless_fractions(make, fraction):
    with pytest.raises(RecipeError, match="test_fraction"):
        split(make(*rows(4)), test_fraction=fraction)


def test_leaks_are_listed_and_left(make):
    dataset = make(
        (0, "a", "", "train"),
        (0, "a", "", "test"),
        (0, "b", "g", "val"),
        (0, "c", "g", "train"),
        (0, "c", "", None),
    )
    assert [[e.sha256 for e in leak] for leak in leaks(dataset)] == [["b", "c", "c"], ["a", "a"]]
    assert parts(split(dataset)) == ["train", "test", "val", "train", "train"]
    assert leaks(make((0, "a", "", "train"), (0, "b", "", "test"), (0, "a", "", None))) == ()
