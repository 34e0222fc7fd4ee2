import pytest

from regraft.data.audit.names_alike import names_alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cat", "cat"),
        ("tabby cat", "tabby_cat"),
        ("tabby-cat", "tabbycat"),
        ("tabby\u2013cat", "Tabby  Cat "),
        ("café", "cafe"),
        ("cafe\u0301", "caf\u00e9"),
        ("Straße", "STRASSE"),
        ("ﬁg", "fig"),
        ("Ångström", "angstrom"),
    ],
)
def test_one_name_typed_in_two_ways(one: str, other: str) -> None:
    assert names_alike(["dog", one, other]) == ((one, other),)


@pytest.mark.parametrize(
    ("one", "other"), [("cat", "cats"), ("1 2", "12"), ("1-2", "12"), ("c", "c++"), ("a", "ä2"), ("6", "9")]
)
def test_different_names(one: str, other: str) -> None:
    assert names_alike([one, other]) == ()


def test_more_than_two() -> None:
    assert names_alike(["A b", "x", "ab", "a_B", "y", "X"]) == (("A b", "ab", "a_B"), ("x", "X"))
