from collections.abc import Callable

import pytest

from regraft.core.errors import ArtifactError, RecipeError
from regraft.search import SAMPLERS, Outcome, Trial
from regraft.search.objectives import Objectives, affordable, cheapest_best, front, parse_objectives
from regraft.search.samplers import ONE_VALUE
from regraft.search.study import Study

Opened = Callable[..., Study]


def trial(number: int, value: float, *costs: float, state: str = "complete") -> Trial:
    return Trial(number, {}, state, value, costs=costs)


TRIALS = [
    trial(0, 0.5, 9, 1),
    trial(1, 0.4, 9, 2),
    trial(2, 0.4, 9, 2),
    trial(3, 0.6, 9, 1),
    trial(4, 0.9, 3, 3),
    trial(5, 0.1, 1, 1, state="failed"),
]


def numbers(trials: tuple[Trial, ...]) -> list[int]:
    return [each.number for each in trials]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("loss", Objectives("loss")),
        ("accuracy,size", Objectives("accuracy", ("size",))),
        (" loss , size , latency ", Objectives("loss", ("size", "latency"))),
    ],
)
def test_objectives_are_written_with_commas(text: str, wanted: Objectives) -> None:
    assert parse_objectives(text) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("los", "no objective 'los'. Did you mean loss"),
        ("", "no objective ''"),
        ("latency,loss", "must begin with a score, loss or accuracy"),
        ("loss,latncy", "not 'latncy'. Did you mean latency"),
        ("loss,accuracy", "weighed against latency and size, not 'accuracy'"),
        ("loss,size,size", "names a cost twice"),
        ("loss,", "not ''"),
    ],
)
def test_objectives_that_make_no_sense_are_said(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        parse_objectives(text)


def test_the_front_is_whoever_nobody_beats_in_all_respects() -> None:
    assert numbers(front(TRIALS)) == [1, 0, 4]
    assert numbers(front([trial(0, 2.0), trial(1, 1.0), trial(2, 1.0)])) == [1]
    assert front([]) == ()


def test_limits_decide_who_is_chosen() -> None:
    names = ("latency", "size")
    for limits, wanted in [({}, 1), ({"size": 1}, 0), ({"latency": 5}, 4), ({"latency": 5, "size": None}, 4)]:
        assert cheapest_best(affordable(TRIALS, names, limits)).number == wanted
    assert cheapest_best(affordable(TRIALS, names, {"latency": 2.9})) is None


@pytest.mark.parametrize("name", ONE_VALUE)
def test_samplers_of_one_value_are_refused(opened: Opened, name: str) -> None:
    with pytest.raises(RecipeError, match=r"one objective only\. For several take one of grid, random"):
        opened(sampler=name, costs=("size",))


def test_pruners_are_refused(opened: Opened) -> None:
    with pytest.raises(RecipeError, match="Leave --pruner out"):
        opened(pruner="median", costs=("size",))


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ONE_VALUE])
@pytest.mark.parametrize("file", ["s.log", "s.sqlite"])
def test_samplers_weigh_several_objectives(opened: Opened, name: str, file: str) -> None:
    count = 14 if file == "s.log" else 3
    changes = ("head.rate=1e-4..1:log", "head.size=1..4:step=1")
    told = {}
    for _ in range(2):
        # Half of it by a process that goes on with what it finds.
        study = opened(*changes, sampler=name, costs=("size",), file=file)
        study.price = lambda values: [float(values.get("head.rough.size", 0))]
        for _ in range(count // 2):
            (asked,) = study.ask()
            value = 5.0 - asked.values.get("head.rough.size", 0)
            study.tell(asked, Outcome(value))
            told[asked.number] = (value, 5.0 - value)
    trials = opened(*changes, sampler=name, costs=("size",), file=file).trials
    assert {each.number: (each.value, *each.costs) for each in trials} == told
    assert {sum((each.value, *each.costs)) for each in front(trials)} == {5.0}


def test_a_study_of_other_objectives_is_not_gone_on_with(opened: Opened) -> None:
    opened()
    with pytest.raises(ArtifactError, match="other objectives"):
        opened(costs=("size",))


def test_a_cost_that_is_no_number_is_a_failure(opened: Opened) -> None:
    study = opened(costs=("size",))
    study.price = lambda _: [float("nan")]
    study.tell(study.ask()[0], Outcome(1.0))
    assert study.trials[0].reason == "its value is 1.0, nan"


def test_of_equal_scores_the_cheapest_is_best(opened: Opened) -> None:
    study = opened(costs=("size",))
    costs = iter([3.0, 2.0, 4.0])
    study.price = lambda _: [next(costs)]
    for asked in study.ask(3):
        study.tell(asked, Outcome(1.0))
    assert study.best.costs == (2.0,)


def test_a_point_known_before_is_answered_with_its_costs(opened: Opened) -> None:
    changes = ("head.kind=rough", "head.size=1..2", "depths=all")
    study = opened(*changes, sampler="random", costs=("size",))
    study.price = lambda values: [float(values["head.rough.size"])]
    while asked := study.ask():
        study.tell(asked[0], Outcome(1.0))
    assert sorted(each.costs for each in study.trials) == [(1.0,), (2.0,)]


def test_who_comes_later_takes_what_was_agreed(opened: Opened) -> None:
    assert opened().agree("latency", lambda: [1.5]) == [1.5]
    assert opened().agree("latency", lambda: [9.0]) == [1.5]


def test_the_origin_of_a_point_stays_with_it(opened: Opened) -> None:
    study = opened()
    rule, other = study.space.rules_of_thumb()
    study.propose(rule)
    study.propose(other, origin="past 1a2b")
    first, second = study.ask(2)
    study.put_back(second)
    study.tell(first, Outcome(1.0))
    (again,) = opened().ask()
    assert again.values == other
    assert [each.origin for each in opened().trials] == ["rule of thumb", "past 1a2b"]
    study.tell(study.ask()[0], Outcome(1.0))
    assert study.trials[-1].origin == "sampler"
