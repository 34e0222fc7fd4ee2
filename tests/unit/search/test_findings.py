from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from regraft.core.settings import Knob
from regraft.search import Range, Space, Trial
from regraft.search.findings import at_edges
from regraft.search.importance import importance, importance_for_best

SpaceOf = Callable[..., Space]


def trials_of(space: Space, value: Callable[[float, str], float], count: int = 24) -> list[Trial]:
    """Trials of one head spread over its axes."""
    rates = space.axes["head.smooth.rate"]
    places = np.random.default_rng(0).uniform(np.log(rates.low), np.log(rates.high), count)
    found = []
    for number, rate in enumerate(np.exp(places).tolist()):
        shape = "ab"[number % 2]
        values = {
            "depths": "last",
            "head.kind": "smooth",
            "head.smooth.rate": rate,
            "head.smooth.shape": shape,
        }
        found.append(Trial(number, values, "complete", value(rate, shape)))
    return found


def test_what_decides_is_important(space_with: SpaceOf) -> None:
    space = space_with("head.rate=1e-4..1e-2:log")
    by_rate = importance(trials_of(space, lambda rate, _: abs(np.log(rate / 1e-3))), space, "smooth")
    by_shape = importance(trials_of(space, lambda rate, shape: (shape == "a") + rate), space, "smooth")
    assert set(by_rate) == {"head.smooth.rate", "head.smooth.shape"}
    assert sum(by_rate.values()) == pytest.approx(1)
    assert by_rate["head.smooth.rate"] > 0.8
    assert by_shape["head.smooth.shape"] > 0.8


def test_nothing_is_said_of_few_or_equal_trials(space_with: SpaceOf) -> None:
    space = space_with()
    assert importance(trials_of(space, lambda rate, _: rate, count=5), space, "smooth") == {}
    assert importance(trials_of(space, lambda *_: 1.0), space, "smooth") == {}
    assert at_edges(trials_of(space, lambda rate, _: rate, count=5), space, "smooth") == []
    assert importance([], space, "smooth") == {}


@pytest.mark.parametrize("measure", [importance, importance_for_best])
def test_none_is_a_choice_like_others(space_with: SpaceOf, measure: Callable[..., dict[str, float]]) -> None:
    """Only where a range is searched it means that the head finds a value."""
    space = space_with("head.rate=none,0.1")
    trials = trials_of(space_with(), lambda rate, _: rate)
    for trial in trials:
        trial.values["head.smooth.rate"] = None if (trial.value or 0) < 0.01 else 0.1
    shares = measure(trials, space, "smooth")
    assert shares["head.smooth.rate"] > 0.7
    assert "head.smooth.rate" not in measure(trials, space_with(), "smooth")


@pytest.mark.parametrize(("sign", "side"), [(1, "lower"), (-1, "upper")])
def test_the_best_at_an_edge_are_found(space_with: SpaceOf, sign: int, side: str) -> None:
    space = space_with("head.rate=1e-3..1e-1:log")
    trials = trials_of(space, lambda rate, _: sign * rate, count=60)
    (edge,) = at_edges(trials, space, "smooth")
    assert (edge.name, edge.side) == ("head.smooth.rate", side)
    assert edge.wider is not None
    # As far as the field goes, 1e-4 to 1.
    assert (edge.wider.low, edge.wider.high) == ((1e-4, 0.1) if side == "lower" else (1e-3, 1))
    assert edge.near > edge.best / 2


def test_where_the_field_ends_nothing_is_to_be_widened(space_with: SpaceOf) -> None:
    space = space_with()
    trials = trials_of(space, lambda rate, _: rate, count=60)
    (edge,) = at_edges(trials, space, "smooth")
    assert edge.wider is None


def test_the_best_in_the_middle_are_left_alone(space_with: SpaceOf) -> None:
    space = space_with()
    trials = trials_of(space, lambda rate, _: abs(np.log10(rate) + 2))
    assert at_edges(trials, space, "smooth") == []


def test_what_makes_the_best_is_important_for_them(space_with: SpaceOf) -> None:
    space = space_with("head.rate=1e-4..1e-2:log")
    trials = trials_of(space, lambda rate, _: abs(np.log(rate / 1e-3)), count=60)
    found = importance_for_best(trials, space, "smooth")
    assert set(found) == {"head.smooth.rate", "head.smooth.shape"}
    assert sum(found.values()) == pytest.approx(1)
    assert found["head.smooth.rate"] > 0.8
    # Which of one shape are best has nothing to do with the rate.
    by_shape = trials_of(space, lambda rate, shape: (shape == "a") + rate * 1e6 % 1, count=60)
    shares = importance_for_best(by_shape, space, "smooth")
    assert shares["head.smooth.shape"] > shares["head.smooth.rate"]


def test_of_equal_trials_none_are_the_best(space_with: SpaceOf) -> None:
    space = space_with()
    trials = trials_of(space, lambda rate, _: float(rate > 0.3), count=30)
    assert {trial.value for trial in trials} == {0.0, 1.0}
    assert importance_for_best(trials, space, "smooth") == {}
    assert importance_for_best(trials[:5], space, "smooth") == {}


def test_trials_of_a_range_that_was_wider_before_count(space_with: SpaceOf) -> None:
    trials = trials_of(space_with("head.rate=1e-4..1e-1:log"), lambda rate, _: abs(np.log(rate / 1e-3)))
    narrowed = space_with("head.rate=1e-3..1e-2:log")
    assert importance(trials, narrowed, "smooth")["head.smooth.rate"] > 0.8
    assert importance_for_best(trials, narrowed, "smooth")["head.smooth.rate"] > 0.5


def test_of_many_trials_all_ranks_are_looked_at(space_with: SpaceOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regraft.search.importance.MOST_TRIALS", 25)
    space = space_with("head.rate=1e-4..1e-2:log")
    # The best trials are all of one shape: were only they looked at, it would not be seen to matter.
    by_shape = trials_of(space, lambda rate, shape: (shape == "a") + rate, count=80)
    assert importance(by_shape, space, "smooth")["head.smooth.shape"] > 0.5


@pytest.mark.parametrize(
    ("axis", "best", "knob", "wider"),
    [
        (Range(0, 3, whole=True), 0, Knob("", low=0, high=99), None),
        (Range(0, 3, whole=True), 3, Knob("", low=0, high=99), Range(0, 6, whole=True)),
        # In two digits it would be 1.
        (Range(0.8, 0.99), 0.99, Knob("", low=0, high=0.999), Range(0.8, 0.999)),
        (Range(0.8, 0.99), 0.99, None, None),
    ],
)
def test_other_axes_are_widened_no_further_than_their_fields_go(
    space_with: SpaceOf, axis: Range, best: float, knob: Knob | None, wider: Range | None
) -> None:
    plain = space_with()
    space, name = replace(plain, axes={**plain.axes, "finetune.one": axis}), "finetune.one"
    trials = [
        replace(one, values={**one.values, name: best})
        for one in trials_of(plain, lambda rate, _: abs(np.log(rate / 0.01)))
    ]
    (edge,) = at_edges(trials, space, "smooth", others={} if knob is None else {name: knob})
    assert (edge.name, edge.wider) == (name, wider)
