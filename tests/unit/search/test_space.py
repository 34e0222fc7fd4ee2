from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from regraft.core.errors import RecipeError
from regraft.core.settings import Knob, check
from regraft.heads import HEADS, Logistic, Perceptron, Ridge
from regraft.search import Choice, Range, Space, axes_of, parse_changes, space_of


@dataclass(frozen=True)
class Mine:
    """A head of somebody's own."""

    pull: Annotated[float, Knob("toward the middle", low=0.1, high=10, log=True)] = 1.0
    size: Annotated[int, Knob("how many", low=1, high=9)] = 3
    shape: Literal["round", "flat"] = "flat"
    is_soft: bool = True
    found: Annotated[float | None, Knob("by itself unless given", low=0, high=1)] = None
    seed: Annotated[int, Knob("of chance", low=0, high=10)] = 0
    note: str = ""
    unbounded: Annotated[int, Knob("no upper end", low=1)] = 1

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class Bare:
    """Without a default."""

    pull: Annotated[float, Knob("toward the middle", low=1, high=3)]


def of(*changes: str, heads: dict[str, type] | None = None, **others: object) -> Space:
    return space_of(heads or {"mine": Mine, "ridge": Ridge}, changes=parse_changes(changes), **others)


def test_axes_come_from_the_annotations() -> None:
    assert axes_of(Mine) == {
        "pull": Range(0.1, 10, log=True),
        "size": Range(1, 9, whole=True),
        "shape": Choice(("round", "flat")),
        "is_soft": Choice((False, True)),
        "found": Range(0, 1),
    }
    assert list(axes_of(Mine, names=("shape",))) == ["shape"]


def test_axes_of_a_head_exist_only_with_it() -> None:
    space = of(others={"depths": Choice(("last", "all"))}, defaults={"depths": "last"})
    assert list(space.axes)[:3] == ["depths", "head.kind", "head.mine.pull"]
    assert space.is_active("head.mine.pull", {"head.kind": "mine"})
    assert not space.is_active("head.mine.pull", {"head.kind": "ridge"})
    assert space.is_active("depths", {"head.kind": "ridge"})


def test_every_head_has_a_space_whose_grid_it_takes() -> None:
    for kind, settings in HEADS.items():
        space = space_of({kind: settings})
        first = next(iter(space.grid()))
        assert isinstance(space.head(first), settings)
        (thumb,) = space.rules_of_thumb()
        assert space.head(thumb) == settings()


def test_values_make_settings() -> None:
    space = of()
    values = {"head.kind": "mine", "head.mine.pull": 2, "head.mine.size": 4, "head.ridge.penalty": 1.0}
    assert space.head(values) == Mine(pull=2.0, size=4)
    assert space.others({**values, "depths": "all"}) == {"depths": "all"}


def test_the_grid_is_every_combination_once() -> None:
    space = of(
        "head.mine.pull=1,2",
        "head.size=1..3:step=1",
        "head.shape=flat",
        "head.is_soft=true",
        "head.found=0.5",
        "head.ridge.penalty=1..100:log",
        others={"depths": Choice(("last", "all"))},
    )
    points = list(space.grid())
    assert len(points) == 2 * (2 * 3) + 2 * 5
    assert len({tuple(sorted(point.items())) for point in points}) == len(points)
    assert all(not any(n.startswith("head.ridge") for n in p) for p in points if p["head.kind"] == "mine")


def test_some_of_a_grid_of_any_size_by_lot() -> None:
    vast = of(others={f"axis {at}": Range(0, 1) for at in range(40)}, defaults={})
    assert vast.grid().size > 10**27
    some = vast.grid().sample(300, seed=0)
    # Of the 300 those that are the first of several which differ in nothing that counts.
    assert 0 < len(some) <= 300
    for at in range(40):
        assert len({point[f"axis {at}"] for point in some}) > 1
    assert some == vast.grid().sample(300, seed=0) != vast.grid().sample(300, seed=1)
    assert next(iter(vast.grid()))["axis 0"] == 0
    few = of("head.kind=ridge", "head.ridge.penalty=1..100:log").grid()
    assert few.sample(5, seed=0) == [*few]
    assert len(few.sample(4, seed=0)) == 4


def test_rules_of_thumb_are_the_defaults() -> None:
    space = of(others={"depths": Choice(("all", "last"))}, defaults={"depths": "last"})
    mine, ridge = space.rules_of_thumb()
    assert space.head(mine) == Mine()
    assert mine["head.mine.found"] is None
    assert ridge == {"depths": "last", "head.kind": "ridge", "head.ridge.penalty": None}


def test_a_default_outside_of_what_was_asked_for_is_not_tried() -> None:
    mine, _ = of("head.pull=2.5..10:log", "head.shape=round").rules_of_thumb()
    assert mine["head.mine.pull"] == pytest.approx(5)
    assert mine["head.mine.shape"] == "round"


def test_a_short_name_means_the_field_of_every_head() -> None:
    space = space_of({"ridge": Ridge, "logistic": Logistic}, changes=parse_changes(["head.penalty=1..2"]))
    assert space.axes["head.ridge.penalty"] == space.axes["head.logistic.penalty"] == Range(1, 2)
    one = space_of({"ridge": Ridge, "logistic": Logistic}, changes=parse_changes(["head.ridge.penalty=1..2"]))
    assert one.axes["head.logistic.penalty"] != Range(1, 2)


def test_ranges_take_the_type_of_their_field() -> None:
    space = of("head.size=2..4", "head.pull=1,2", "head.unbounded=1e1,20")
    assert space.axes["head.mine.size"] == Range(2, 4, whole=True)
    assert space.axes["head.mine.pull"] == Choice((1.0, 2.0))
    assert [type(value) for value in space.axes["head.mine.pull"].grid()] == [float, float]
    assert space.axes["head.mine.unbounded"] == Choice((10, 20))


def test_kinds_can_be_chosen() -> None:
    assert space_of(HEADS, kinds=("ridge", "lda")).kinds == ("ridge", "lda")
    chosen = space_of(HEADS, kinds=("ridge", "lda"), changes=parse_changes(["head.kind=perceptron"]))
    assert chosen.kinds == ("perceptron",)
    assert isinstance(chosen.head(chosen.rules_of_thumb()[0]), Perceptron)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("head.kind=rigde", "no head 'rigde'. Did you mean ridge"),
        ("head.penaltty=1..2", "no axis 'head.penaltty'. Did you mean head.penalty"),
        ("depth=all", "no axis 'depth'. Did you mean depths"),
        ("depths=lats", "depths has no value 'lats'. Did you mean last"),
        ("head.shape=rund", "'rund'. Did you mean round"),
        ("head.shape=1..2", "is no number"),
        ("head.is_soft=0..1", "is no number"),
        ("head.size=1.5..3", "must be"),
        ("head.size=a,b", "type int"),
        ("head.pull=0.01..1", "at least 0.1"),
        ("head.size=1..99", "at most 9"),
        ("head.pull=none", "type float"),
    ],
)
def test_a_typo_is_found_before_any_trial(change: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        of(change, others={"depths": Choice(("last", "all"))}, defaults={"depths": "last"})


def test_a_field_without_default_must_have_an_axis() -> None:
    assert space_of({"bare": Bare}).rules_of_thumb() == [{"head.kind": "bare", "head.bare.pull": 2.0}]

    @dataclass(frozen=True)
    class Open:
        pull: float

    with pytest.raises(RecipeError, match=r"Open\.pull has no default and no range"):
        space_of({"open": Open})
    assert space_of({"open": Open}, changes=parse_changes(["head.pull=1..2"])).kinds == ("open",)


def test_none_is_a_word_where_it_is_one_of_the_words() -> None:
    others = {"scaling": Choice(("none", "depth"))}
    space = of(
        "scaling=none,depth", "head.augmentation=none,mixup", "head.penalty=none", heads=HEADS, others=others
    )
    assert space.axes["scaling"] == others["scaling"]
    assert space.axes["head.trained_linear.augmentation"] == Choice(("none", "mixup"))
    assert space.axes["head.ridge.penalty"] == Choice((None,))


SWITCHED = {
    "others": {"more.depth": Choice((0, 1, 2)), "more.rate": Choice((0.1, 0.2))},
    "defaults": {"more.depth": 0, "more.rate": 0.1},
    "switches": {"more.": "more.depth"},
}


def test_axes_below_a_switch_exist_only_while_it_is_on() -> None:
    space = of(heads={"bare": Bare}, **SWITCHED)
    assert space.is_active("more.depth", {})
    assert not space.is_active("more.rate", {})
    assert not space.is_active("more.rate", {"more.depth": 0})
    assert space.is_active("more.rate", {"more.depth": 2})
    (thumb,) = space.rules_of_thumb()
    assert thumb == {"head.kind": "bare", "more.depth": 0, "head.bare.pull": 2}


def test_a_grid_holds_what_is_switched_off_once() -> None:
    space = of("head.pull=1,3", heads={"bare": Bare}, **SWITCHED)
    points = list(space.grid())
    assert len(points) == 2 * (1 + 2 * 2)
    assert len({str(sorted(point.items())) for point in points}) == len(points)
    assert all(("more.rate" in point) == (point["more.depth"] > 0) for point in points)


def test_fields_may_be_written_short() -> None:
    space = of("head.lr=1e-4..1e-1:log", heads={"perceptron": Perceptron})
    assert space.axes["head.perceptron.learning_rate"] == Range(1e-4, 1e-1, log=True)
    assert of("head.perceptron.lr=0.1,0.2", heads={"perceptron": Perceptron}).axes[
        "head.perceptron.learning_rate"
    ] == Choice((0.1, 0.2))


def test_a_setting_of_heads_that_are_not_searched_says_whose_it_is() -> None:
    with pytest.raises(RecipeError, match=r"searched \(ridge\) has a setting 'shape'\. Add head\.kind=mine"):
        of("head.kind=ridge", "head.shape=flat")


@dataclass(frozen=True)
class Written:
    """Axes written as such."""

    pull: Annotated[float, Range(1e-4, 1e-1, log=True)] = 0.01
    size: Annotated[int, Range(1, 4)] = 2
    shape: Annotated[str, Choice(("round", "flat"))] = "flat"
    how: Literal["slow", "fast"] = "slow"
    force: Annotated[float, Knob("when it is fast", low=0, high=1, when=("how", ("fast",)))] = 0.5


def test_an_annotation_may_be_the_axis_itself() -> None:
    axes = axes_of(Written)
    assert axes["pull"] == Range(1e-4, 1e-1, log=True)
    assert axes["size"] == Range(1, 4, whole=True)
    assert axes["shape"] == Choice(("round", "flat"))


def test_a_field_counts_only_with_what_it_names() -> None:
    space = of("head.force=0.1..0.9", "head.how=slow,fast", heads={"mine": Written})
    names = list(space.axes)
    assert names.index("head.mine.how") < names.index("head.mine.force")
    assert not space.is_active("head.mine.force", {"head.kind": "mine", "head.mine.how": "slow"})
    assert space.is_active("head.mine.force", {"head.kind": "mine", "head.mine.how": "fast"})
    assert not space.is_active("head.mine.force", {"head.kind": "mine"})  # slow by default
    (thumb,) = space.rules_of_thumb()
    assert "head.mine.force" not in thumb
    points = list(of("head.pull=1", "head.size=1", "head.shape=flat", heads={"mine": Written}).grid())
    assert sum(point["head.mine.how"] == "slow" for point in points) == 1
    assert sum(point["head.mine.how"] == "fast" for point in points) == 5
