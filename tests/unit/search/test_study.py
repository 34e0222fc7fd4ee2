import math
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import optuna
import pytest

from regraft.core.hashing import fingerprint
from regraft.search import SAMPLERS, Asked, Outcome
from regraft.search import study as study_module
from regraft.search.storage import open_storage
from regraft.search.study import Study

Opened = Callable[..., Study]


def run(study: Study, count: int, *, most: int | None = None) -> list[Asked]:
    """Ask and tell one after another, as long as there is something to ask. Better the larger the head."""
    found = []
    for _ in range(count):
        for asked in study.ask(most=most):
            study.tell(asked, Outcome(5.0 - asked.values.get("head.rough.size", 0), {"n": asked.number}))
            found.append(asked)
    return found


def test_what_is_told_is_kept(opened: Opened) -> None:
    asked = run(opened(), 5)
    again = opened()
    assert [trial.values for trial in again.trials] == [each.values for each in asked]
    assert all(trial.state == "complete" and trial.seconds >= 0 for trial in again.trials)
    assert [trial.details for trial in again.trials] == [{"n": each.number} for each in asked]
    assert again.best is not None
    assert again.best.value == min(trial.value for trial in again.trials)


def test_a_point_has_the_axes_that_exist(opened: Opened) -> None:
    for asked in run(opened(sampler="random"), 12):
        kind = asked.values["head.kind"]
        wanted = {"rough": {"head.rough.size"}, "smooth": {"head.smooth.rate", "head.smooth.shape"}}[kind]
        assert asked.values.keys() == {"depths", "head.kind"} | wanted


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_rule_of_thumb_comes_first(opened: Opened, sampler: str) -> None:
    study = opened(sampler=sampler)
    for values in study.space.rules_of_thumb():
        study.propose(values)
        study.propose(values)
    first, second = study.ask(2)
    assert first.values == {
        "depths": "all",
        "head.kind": "smooth",
        "head.smooth.rate": None,
        "head.smooth.shape": "b",
    }
    assert second.values == {"depths": "all", "head.kind": "rough", "head.rough.size": 2}
    study.tell(first, Outcome(1.0))
    study.propose(first.values)
    assert first.values not in [asked.values for asked in study.ask(3)]


def test_a_grid_is_exactly_the_grid(opened: Opened) -> None:
    changes = ("head.rate=1e-4..1:log", "head.size=1..4:step=1")
    study = opened(*changes, sampler="grid")
    points = [asked.values for asked in run(study, 3)]
    # Another process goes on where the first one ended.
    points += [asked.values for asked in run(opened(*changes, sampler="grid"), 100)]
    wanted = [*study.space.grid()]
    assert len(wanted) == 2 * 5 * 2 + 2 * 4
    assert sorted(map(str, points)) == sorted(map(str, wanted))
    assert opened(*changes, sampler="grid").ask() == []


def test_a_vast_grid_is_drawn_from_all_over(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    """And used up in the end, also what was not drawn."""
    monkeypatch.setattr(study_module, "VAST", 24)
    study = opened("head.kind=smooth", "head.rate=0..0.95:step=0.05", sampler="grid")
    first = [asked.values for asked in run(study, 20)]
    assert {point["depths"] for point in first} == {"last", "all"}
    rates = [point["head.smooth.rate"] for point in first]
    assert min(rates) < 0.2 < 0.75 < max(rates)
    points = [*first, *(asked.values for asked in run(study, 100))]
    assert len(points) == 20 * 2 * 2
    assert sorted(map(str, points)) == sorted(map(str, study.space.grid()))


@pytest.mark.parametrize("sampler", ["random", "tpe", "sobol"])
def test_a_space_that_can_be_counted_is_used_up_without_repeats(opened: Opened, sampler: str) -> None:
    study = opened("head.rate=0.1,0.2", "head.size=1..3", sampler=sampler)
    points = [str(asked.values) for asked in run(study, 100)]
    assert len(points) == len(set(points)) == len([*study.space.grid()]) == 2 * 4 + 2 * 3
    assert len(study.trials) == len(points)
    assert study.ask() == []


def test_several_points_can_be_asked_for_at_once(opened: Opened) -> None:
    study = opened()
    asked = study.ask(6)
    assert len({str(each.values) for each in asked}) == 6
    for each in reversed(asked):
        study.tell(each, Outcome(float(each.number)))
    assert [trial.value for trial in study.trials] == [0, 1, 2, 3, 4, 5]


def test_most_counts_the_trials_of_all(opened: Opened) -> None:
    assert len(run(opened(), 3, most=5)) == 3
    other = opened()
    assert len(other.ask(9, most=5)) == 2
    # Those that are being tried count as well.
    assert opened().ask(most=5) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_failure(opened: Opened, value: float) -> None:
    study = opened()
    study.tell(study.ask()[0], Outcome(value))
    (trial,) = study.trials
    assert (trial.state, trial.value) == ("failed", None)
    assert str(value) in trial.reason
    assert study.best is None


def test_a_failed_point_is_not_asked_again(opened: Opened) -> None:
    study = opened("head.kind=rough", "depths=all", sampler="random")
    for asked in study.ask(4):
        study.fail(asked, "too large")
    assert study.ask() == []
    assert {trial.reason for trial in study.trials} == {"too large"}


def test_what_is_hopeless_is_given_up(opened: Opened) -> None:
    study = opened(pruner="median", steps=2)
    for _ in range(6):
        (asked,) = study.ask()
        assert not study.report(asked, 1.0, step=1)
        study.tell(asked, Outcome(1.0))
    (asked,) = study.ask()
    assert study.report(asked, 2.0, step=1)
    study.give_up(asked)
    assert opened().trials[-1].state == "pruned"
    assert opened().trials[-1].value == 2.0


def test_a_study_goes_on_after_its_ranges_were_changed(opened: Opened) -> None:
    run(opened("head.rate=0.01..0.1:log"), 4)
    wider = opened("head.rate=0.001..1:log")
    run(wider, 4)
    assert len(wider.trials) == 8
    assert wider.best is not None


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_model_looks_beyond_the_range_that_it_began_with(opened: Opened, sampler: str) -> None:
    def rates(asked_for: str, count: int) -> list[float]:
        study, found = opened("head.kind=smooth", asked_for, sampler=sampler), list[float]()
        for _ in range(count):
            (asked,) = study.ask()
            found.append(asked.values["head.smooth.rate"] or 0.1)
            study.tell(asked, Outcome(abs(math.log(found[-1] / 0.5))))
        return found

    assert max(rates("head.rate=0.01..0.1:log", 15)) <= 0.1
    wider = rates("head.rate=0.001..1:log", 15)
    assert sum(rate > 0.1 for rate in wider) > 7
    assert max(wider) <= 1


def test_a_sampler_that_insists_on_a_corner_does_not_end_the_study(opened: Opened) -> None:
    class Insisting(optuna.samplers.RandomSampler):
        def sample_independent(self, study, trial, name, distribution):
            return getattr(distribution, "low", None) or distribution.choices[0]

    study = opened("head.kind=smooth")
    study._study.sampler = Insisting()
    for _ in range(5):
        (asked,) = study.ask()
        study.tell(asked, Outcome(1.0))
    assert len({trial.key for trial in study.trials}) == 5


def test_without_a_pruner_nothing_is_reported(opened: Opened) -> None:
    study = opened()
    (asked,) = study.ask()
    assert not study.report(asked, math.inf, step=1)


def test_what_another_process_took_from_a_grid_is_not_drawn_by_lot(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(
        "head.kind=smooth", "head.rate=0.01..0.1:log", "head.shape=a", "depths=all", sampler="grid"
    )
    points = {fingerprint(point) for point in study.space.grid()}
    real, looks = type(study._record).anything_waits.fget, iter([True, True])
    # At first something seems to wait that is gone when it is asked for.
    monkeypatch.setattr(
        type(study._record), "anything_waits", property(lambda record: next(looks, None) or real(record))
    )
    asked = run(study, 100)
    assert {fingerprint(one.values) for one in asked} == points
    assert len(study.trials) == len(points)


def test_a_trial_of_another_machine_is_silent_by_one_clock(opened: Opened, monkeypatch: Any) -> None:
    elsewhere, here = opened(file="s.sqlite"), opened(file="s.sqlite")
    monkeypatch.setattr("regraft.search.worker.platform.node", lambda: "elsewhere")
    (asked,) = elsewhere.ask()

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(hours=2)

    # The same moment in another time zone.
    monkeypatch.setattr("regraft.search.inheritance.datetime", Ahead)
    (other,) = here.ask()
    assert other.values != asked.values
    elsewhere.tell(asked, Outcome(1.0))
    assert [trial.state for trial in here.trials] == ["complete", "running"]


SHARED = """
import sys
sys.path.insert(0, sys.argv[3])
from space_of_two import SPACE
from regraft.search import Outcome
from regraft.search import study as study_module
from regraft.search.study import Settings, open_study
study = open_study(SPACE, name="test", storage=sys.argv[1], settings=Settings(sampler=sys.argv[2]))
while asked := study.ask(most=14):
    study.tell(asked[0], Outcome(float(asked[0].number)))
"""

SPACE_OF_TWO = """
from dataclasses import dataclass
from regraft.search import Choice, space_of

@dataclass(frozen=True)
class Head:
    shape: bool = False

letters = Choice(tuple("abcdefgh"))
SPACE = space_of({"head": Head}, others={"letter": letters}, defaults={"letter": "a"})
"""


@pytest.mark.parametrize(
    ("sampler", "file"),
    [("grid", "s.log"), pytest.param("random", "s.log", marks=pytest.mark.slow), ("random", "s.sqlite")],
)
def test_processes_that_share_a_study_do_nothing_twice(tmp_path: Path, sampler: str, file: str) -> None:
    (tmp_path / "space_of_two.py").write_text(SPACE_OF_TWO)
    words = [sys.executable, "-c", SHARED, str(tmp_path / file), sampler, str(tmp_path)]
    both = [subprocess.Popen(words) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    record = optuna.load_study(study_name="test", storage=open_storage(tmp_path / file))
    asked = [str(trial.user_attrs["asked"]["values"]) for trial in record.trials if trial.value is not None]
    told = [t for t in record.trials if "told" in t.user_attrs]
    assert len(set(asked)) == len(told) == 14


def test_a_trial_takes_as_long_as_it_was_tried(opened: Opened) -> None:
    study = opened()
    asked = study.ask(4)
    with study.timed(asked[:2]):
        time.sleep(0.2)
    time.sleep(0.3)
    study.tell(asked[0], Outcome(1.0))
    study.give_up(asked[1], value=2.0)
    with study.timed(asked[2:3]):
        time.sleep(0.05)
    study.fail(asked[2], "no")
    study.tell(asked[3], Outcome(2.0))
    first, second, failed, untimed = study.trials
    # Two that are tried together share the time, one after another.
    assert 0.1 <= first.seconds < 0.25
    assert second.seconds == first.seconds
    assert second.started_s == pytest.approx(first.started_s + first.seconds)
    assert 0.05 <= failed.seconds < 0.25
    assert failed.started_s > second.started_s + second.seconds
    # Of what was not timed it is all the time since it was asked for.
    assert untimed.seconds > 0.5


def test_what_a_trial_reported_is_kept_with_its_answer(opened: Opened) -> None:
    study = opened()
    (asked,) = study.ask()
    for step in (1, 2):
        assert not study.report(asked, 1 / step, step=step)
    study.tell(asked, Outcome(0.5))
    assert study.trials[0].reports == (1.0, 0.5)
    assert opened().trials[0].reports == (1.0, 0.5)
