import numpy as np

from regraft.search.shelf import Shelf


def bytes_of(count: int):
    return lambda: np.zeros(count, np.uint8)


def test_what_is_kept_is_not_made_again() -> None:
    shelf = Shelf(100)
    first = shelf.get("a", bytes_of(40))
    assert shelf.get("a", bytes_of(1)) is first


def test_what_was_not_asked_for_the_longest_leaves_first() -> None:
    shelf = Shelf(100)
    for name in "ab":
        shelf.get(name, bytes_of(40))
    shelf.get("a", bytes_of(40))
    shelf.get("c", bytes_of(60))
    assert [name in shelf for name in "abc"] == [True, False, True]


def test_what_does_not_fit_is_handed_out_and_not_kept() -> None:
    shelf = Shelf(100)
    shelf.get("a", bytes_of(40))
    assert len(shelf.get("b", bytes_of(101))) == 101
    assert "b" not in shelf


def test_what_grew_makes_room() -> None:
    shelf = Shelf(100)

    class Growing:
        nbytes = 10

    growing = shelf.get("a", Growing)
    shelf.get("b", bytes_of(40))
    growing.nbytes = 90
    shelf.get("c", bytes_of(50))
    assert [name in shelf for name in "abc"] == [False, True, True]


def test_it_can_be_emptied() -> None:
    shelf = Shelf(100)
    shelf.get("a", bytes_of(40))
    shelf.clear()
    assert "a" not in shelf
