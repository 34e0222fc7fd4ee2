import json
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regraft.core.errors import RecipeError
from regraft.core.hashing import fingerprint, plain
from regraft.core.settings import Knob, check, from_plain


@dataclass(frozen=True)
class Leaf:
    share: Annotated[float, Knob("a share", low=0.0, high=1.0)] = 0.5
    count: int = 0
    on: bool = False

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    kind: Literal["a", "b", 3]
    text: str
    pair: tuple[int, float]
    maybe: float | None
    leaf_or_text: Leaf | str


LEAVES = st.builds(Leaf, share=st.floats(0, 1), count=st.integers(), on=st.booleans())
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TREES = st.builds(
    Tree,
    leaves=st.lists(LEAVES, max_size=4).map(tuple),
    kind=st.sampled_from(["a", "b", 3]),
    text=st.text(),
    pair=st.tuples(st.integers(), FINITE),
    maybe=st.none() | FINITE,
    leaf_or_text=LEAVES | st.text(),
)


@given(TREES)
def test_settings_come_back_from_json_as_they_were(tree: Tree) -> None:
    assert from_plain(Tree, json.loads(json.dumps(plain(tree)))) == tree


@given(TREES, TREES)
def test_fingerprints_are_equal_exactly_where_settings_are(one: Tree, other: Tree) -> None:
    same = json.dumps(plain(one)) == json.dumps(plain(other))
    assert (fingerprint(one) == fingerprint(other)) == same


@given(st.floats().filter(lambda x: not 0 <= x <= 1))
def test_no_number_outside_its_range_passes(share: float) -> None:
    with pytest.raises(RecipeError):
        Leaf(share=share)
