import numpy as np
import pytest

from regraft.core.errors import DataError, RecipeError
from regraft.data import NEVER_HELD_OUT, folds


def test_every_class_is_spread_evenly(make):
    dataset = make(*[(i % 3, f"s{i}", "", "train") for i in range(101)])
    numbers = folds(dataset)
    assert numbers.dtype == np.int64
    for label in range(3):
        counts = np.bincount(numbers[dataset.labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1
    counts = np.bincount(numbers)
    assert counts.max() - counts.min() <= 1


def test_rare_classes_do_not_all_fall_into_the_first_fold(make):
    dataset = make(*[(i, f"s{i}-{j}", "", None) for i in range(10) for j in range(2)])
    assert np.bincount(folds(dataset)).tolist() == [4, 4, 4, 4, 4]


def test_units_are_whole_and_seeds_differ(make):
    dataset = make(*[(i % 2, f"s{i % 70}", f"g{i % 30}" if i % 3 else "", None) for i in range(120)])
    numbers = folds(dataset, count=3)
    together = {}
    for e, number in zip(dataset.examples, numbers, strict=True):
        for key in (e.group, e.sha256):
            if key:
                assert together.setdefault(key, number) == number
    singles = make(*[(0, f"s{i}", "", None) for i in range(50)])
    assert (folds(singles, seed=0) != folds(singles, seed=1)).any()
    assert (folds(singles, seed=0) == folds(singles, seed=0)).all()


def test_groups_of_different_sizes_are_balanced(make):
    sizes = [20, 12, 8, 7, 6, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1]
    dataset = make(*[(0, f"s{g}-{i}", f"g{g}", None) for g, size in enumerate(sizes) for i in range(size)])
    counts = np.bincount(folds(dataset, count=4))
    assert counts.tolist() == [20, 20, 20, 20]


def test_a_given_val_part_is_the_one_fold(make):
    dataset = make((0, "a", "", "train"), (0, "b", "", "val"), (0, "c", "", None))
    assert folds(dataset).tolist() == [NEVER_HELD_OUT, 0, NEVER_HELD_OUT]


def test_fewer_units_than_folds(make):
    dataset = make((0, "a", "", None), (0, "a", "", None), (1, "b", "", None), (1, "c", "", None))
    assert sorted(set(folds(dataset).tolist())) == [0, 1, 2]


def test_no_fold_is_empty(make):
    dataset = make(
        *[(i, f"s{i}", "", None) for i in range(3)], *[(0, f"t{i}", "big", None) for i in range(9)]
    )
    assert sorted(set(folds(dataset, count=4).tolist())) == [0, 1, 2, 3]


def test_impossible_folds(make):
    with pytest.raises(DataError, match="1 independent unit"):
        folds(make((0, "a", "g", None), (1, "b", "g", None)))
    with pytest.raises(DataError, match="without_test"):
        folds(make((0, "a", "", "test"), (0, "b", "", "train")))
    with pytest.raises(RecipeError, match="count is 1"):
        folds(make((0, "a", "", None), (0, "b", "", None)), count=1)
