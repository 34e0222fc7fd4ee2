import pytest

from regraft.data.names import clean_name, natural_key, number_labels, part_of_name, read_cells


@pytest.mark.parametrize(
    "ordered",
    [
        ["2", "10"],
        ["a2b3", "a2b20", "a10b1"],
        ["apple", "Banana", "cherry"],
        ["7", "007b"],
        ["x", "x1", "xa"],
        ["1" * 5000, "2" * 5000, "1" * 5001],
    ],
)
def test_natural_order(ordered):
    shuffled = ordered[::-1]
    assert sorted(shuffled, key=natural_key) == ordered


def test_one_class_however_it_is_spelt():
    assert clean_name("e\u0301") == "\u00e9"
    assert clean_name("caf\udce9") == "caf\ufffd"


def test_part_names():
    names = ["TRAIN", "valid", "Validation", "val", " test ", "dog", "Training_Set", "test set", "set"]
    assert [part_of_name(n) for n in names] == [
        "train",
        "val",
        "val",
        "val",
        "test",
        None,
        "train",
        "test",
        None,
    ]


def test_labels_in_cells():
    assert read_cells(["a", "", "b c"]) == ([("a",), (), ("b c",)], False)
    assert read_cells(["b| a |b", "a", "|", ""]) == ([("b", "a"), ("a",), (), ()], True)


def test_labels_are_numbered_in_natural_order_and_ascending():
    assert number_labels([("10", "2"), ("1",), ()]) == (("1", "2", "10"), [(1, 2), (0,), ()])
