import contextlib
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError
from regraft.search import Asked, Outcome, OutOfTime, TooDear
from regraft.search.study import Study
from regraft.search.tuning import propose_defaults
from regraft.search.work import FAILURES_TO_STOP, LATE_TO_STOP, Report, work

Opened = Callable[..., Study]


def never() -> bool:
    return False


def test_it_ends_with_the_trials_and_tells_what_came_of_them(opened: Opened) -> None:
    study = opened()
    assert work(study, lambda asked, report: Outcome(float(asked.number)), should_stop=never, most=4) == 4
    assert [trial.value for trial in study.trials] == [0, 1, 2, 3]
    assert work(opened(), lambda asked, report: Outcome(0.0), should_stop=never, most=4) == 0


def test_it_ends_with_the_time(opened: Opened) -> None:
    tried = []

    def evaluate(asked: Asked, _report: Report) -> Outcome:
        tried.append(asked)
        return Outcome(1.0)

    assert work(opened(), evaluate, should_stop=lambda: len(tried) == 2) == 2


def test_failures_of_every_kind_are_recorded_and_end_nothing(opened: Opened) -> None:
    def evaluate(asked: Asked, _report: Report) -> Outcome:
        match asked.number:
            case 0:
                raise ValueError("rank is 0")
            case 1:
                raise MemoryError
            case 2:
                raise MemoryError("9 GB")
            case 3:
                return Outcome(math.nan)
            case _:
                return Outcome(1.0)

    study = opened()
    work(study, evaluate, should_stop=never, most=6)
    reasons = ["ValueError: rank is 0", "out of memory", "out of memory: 9 GB", "its value is nan"]
    assert [trial.reason for trial in study.trials[:4]] == reasons
    assert [trial.state for trial in study.trials] == ["failed"] * 4 + ["complete"] * 2


def test_where_nothing_ever_works_it_ends(opened: Opened) -> None:
    def evaluate(asked: Asked, _report: Report) -> Outcome:
        raise TypeError("no such thing")

    assert work(opened(sampler="random"), evaluate, should_stop=never) == FAILURES_TO_STOP


def test_the_hopeless_are_given_up(opened: Opened) -> None:
    def evaluate(asked: Asked, report: Report) -> Outcome:
        value = 1.0 if asked.number < 6 else 2.0
        report(value, 1)
        return Outcome(value)

    study = opened(pruner="median", steps=2)
    work(study, evaluate, should_stop=never, most=8)
    assert [trial.state for trial in study.trials] == ["complete"] * 6 + ["pruned"] * 2


def test_who_stops_leaves_the_trial_to_others(opened: Opened) -> None:
    stopped = list[object]()

    def evaluate(asked: Asked, _report: Report) -> Outcome:
        stopped.append(asked.values)
        raise KeyboardInterrupt

    study, seen = opened(), list[object]()
    with pytest.raises(KeyboardInterrupt):
        work(study, evaluate, should_stop=never)
    assert not study.trials

    def remember(asked: Asked, _report: Report) -> Outcome:
        seen.append(asked.values)
        return Outcome(1.0)

    # Also to another study of this process, which lives on after Ctrl-C, as a notebook does.
    assert work(opened(), remember, should_stop=never, most=1) == 1
    assert seen == stopped


def test_what_there_is_no_time_for_is_set_aside_for_whoever_goes_on(opened: Opened) -> None:
    def evaluate(asked: Asked, _report: Report) -> Outcome:
        if asked.number == 1:
            raise OutOfTime
        return Outcome(1.0)

    study = opened(sampler="random")
    # Quicker ones are tried meanwhile.
    assert work(study, evaluate, should_stop=never, most=4) == 3
    assert [trial.state for trial in study.trials] == ["complete"] * 3
    # It is the next one to be asked for, and counts once.
    assert work(opened(sampler="random"), evaluate, should_stop=never, most=4) == 1
    assert len(opened().trials) == 4


def test_where_there_is_no_time_for_anything_it_ends(opened: Opened) -> None:
    def evaluate(asked: Asked, _report: Report) -> Outcome:
        raise OutOfTime

    study = opened(sampler="random")
    assert work(study, evaluate, should_stop=never) == 0
    assert study.trials == ()
    assert len(study.ask(LATE_TO_STOP)) == LATE_TO_STOP


def test_a_storage_that_is_gone_is_said(opened: Opened, tmp_path: Path) -> None:
    study = opened(file="study.sqlite")

    def evaluate(asked: Asked, _report: Report) -> Outcome:
        with contextlib.closing(sqlite3.connect(tmp_path / "study.sqlite")) as database:
            database.execute("drop table trial_user_attributes")
            database.commit()
        return Outcome(1.0)

    with pytest.raises(ArtifactError, match="no longer be read or written"):
        work(study, evaluate, should_stop=never)


def test_what_is_too_dear_is_not_proposed_for_ever(opened: Opened) -> None:
    """Of points that fail the sampler learns nothing: it would go on with them, for little is known there."""
    study = opened()

    def evaluate(asked: Asked, _report: Report) -> Outcome:
        if asked.values["depths"] == "all":
            raise TooDear("It would take 9 of 10 s.")
        return Outcome(1.0 if asked.values["head.kind"] == "smooth" else 1.2)

    work(study, evaluate, should_stop=never, most=60)
    refused = [trial for trial in study.trials if trial.state == "failed"]
    assert {trial.reason for trial in refused} == {"It would take 9 of 10 s."}
    assert [trial.state for trial in study.trials[30:]].count("complete") > 18


def test_what_is_refused_has_a_reason_and_no_value(opened: Opened) -> None:
    study = opened(pruner="median")

    def evaluate(_asked: Asked, report: Report) -> Outcome:
        report(0.7, 1)
        raise TooDear("It would take 9 of 10 s.")

    work(study, evaluate, should_stop=never, most=1)
    [trial] = study.trials
    assert (trial.state, trial.value, trial.reason) == ("failed", None, "It would take 9 of 10 s.")
    assert not study._took


def test_what_was_refused_is_tried_once_there_is_time(opened: Opened) -> None:
    """By whoever begins with more of it; the record then has the point once."""
    tried, seen = [], []
    for within_s in (10.0, 59.0, 60.0, 60.0, 10.0):
        study = opened()
        study.within_s = within_s
        propose_defaults(study, None)
        while study._record.anything_waits:
            (asked,) = study.ask()
            tried.append(asked.number)
            if asked.values["head.kind"] == "rough" and within_s < 60:
                study.refuse(asked, "It would take 30 s.", needs_s=60.0)
            else:
                study.tell(asked, Outcome(1.0))
        seen.append([(trial.number, trial.state) for trial in study.trials])
    assert tried == [0, 1, 2]
    refused, done = [(0, "complete"), (1, "failed")], [(0, "complete"), (2, "complete")]
    assert seen == [refused, refused, done, done, done]
    assert study.trials[1].origin == "rule of thumb"


def test_how_much_time_a_refused_point_needs_is_written_down(opened: Opened) -> None:
    def evaluate(_asked: Asked, _report: Report) -> Outcome:
        raise TooDear("It would take 9 of 10 s.", needs_s=18.0)

    study = opened()
    work(study, evaluate, should_stop=never, most=1)
    assert [(trial.needs_s, trial.state) for trial in opened().trials] == [(18.0, "failed")]
