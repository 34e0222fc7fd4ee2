"""Processes that die at the worst moments, and what the next one finds."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from regraft.core.hashing import fingerprint
from regraft.search import Outcome
from regraft.search.study import Study

Opened = Callable[..., Study]

DYING = """
import os, signal, sys
from regraft.search import Choice, Outcome, Range, Space, parse_changes, space_of
from regraft.search.study import Settings, open_study
from tests_space import SPACE
study = open_study(SPACE, name="test", storage=sys.argv[1], settings=Settings(sampler=sys.argv[3]))
first, second = study.ask(2)
study.tell(first, Outcome(1.0))
moment = sys.argv[2]
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if moment == "told":
    study._study.tell = die
    study.tell(second, Outcome(2.0))
if moment == "asking":
    import optuna
    optuna.Trial.set_user_attr = die
    study.ask()
die()
"""

SPACE = """
from dataclasses import dataclass
from typing import Annotated, Literal
from regraft.core.settings import Knob
from regraft.search import Choice, space_of

@dataclass(frozen=True)
class Smooth:
    rate: Annotated[float | None, Knob("step size", low=1e-4, high=1, log=True)] = None
    shape: Literal["a", "b"] = "b"

@dataclass(frozen=True)
class Rough:
    size: Annotated[int, Knob("how many", low=1, high=4)] = 2

SPACE = space_of(
    {"smooth": Smooth, "rough": Rough}, others={"depths": Choice(("last", "all"))}, defaults={"depths": "all"}
)
"""


@pytest.fixture
def die(tmp_path: Path) -> Callable[..., None]:
    """Let a process answer one point, ask for a second one, and be killed at some moment."""
    (tmp_path / "tests_space.py").write_text(SPACE)

    def run(moment: str, *, file: str = "study.log", sampler: str = "tpe") -> None:
        words = [sys.executable, "-c", DYING, str(tmp_path / file), moment, sampler]
        paths = {"PYTHONPATH": str(tmp_path)}
        done = subprocess.run(words, env={**os.environ, **paths}, capture_output=True, text=True, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return run


@pytest.mark.parametrize("file", ["study.log", "study.sqlite"])
def test_a_point_without_answer_is_asked_again(opened: Opened, die: Callable[..., None], file: str) -> None:
    die("asked", file=file)
    study = opened(file=file)
    lost = study.trials[1]
    assert (lost.number, lost.state) == (1, "running")
    (asked,) = study.ask()
    assert asked.values == lost.values
    study.tell(asked, Outcome(0.5))
    assert [(trial.state, trial.value) for trial in study.trials] == [("complete", 1.0), ("complete", 0.5)]


def test_an_answer_that_lacks_its_mark_is_completed(opened: Opened, die: Callable[..., None]) -> None:
    die("told")
    study = opened()
    assert study.trials[1].state == "running"
    study.ask()
    assert (study.trials[1].state, study.trials[1].value) == ("complete", 2.0)


def test_who_dies_while_asking_leaves_nothing(opened: Opened, die: Callable[..., None]) -> None:
    die("asking")
    study = opened()
    assert len(study.trials) == 2
    (again,) = study.ask()
    assert again.values == study.trials[1].values
    assert len([trial for trial in study.trials if trial.state == "running"]) == 1


def test_no_point_of_a_grid_is_lost(opened: Opened, die: Callable[..., None]) -> None:
    die("asking", sampler="grid")
    study = opened(sampler="grid")
    while asked := study.ask():
        study.tell(asked[0], Outcome(1.0))
    tried = sorted(str(trial.values) for trial in study.trials)
    assert tried == sorted(str(point) for point in study.space.grid())
    assert {trial.state for trial in study.trials} == {"complete"}


def test_a_point_that_kills_is_left_alone_in_the_end(opened: Opened, die: Callable[..., None]) -> None:
    die("asked")
    study = opened("depths=last,all")
    killer = study.trials[1].values
    for _ in range(2):
        study._worker["started"] = "long ago"
        (asked,) = study.ask()
        assert asked.values == killer
        study = opened("depths=last,all")
    (asked,) = study.ask()
    assert asked.values != killer
    (failed,) = [trial for trial in study.trials if trial.state == "failed"]
    assert failed.values == killer
    assert "died, 3 times" in failed.reason


def test_of_a_crowd_none_is_to_blame_and_half_as_many_are_tried_next(opened: Opened) -> None:
    def left_by_the_dead(count: int) -> list[object]:
        """What a worker asks for before it dies."""
        study = opened(sampler="random")
        study._worker["started"] = "long ago"
        return [asked.values for asked in study.ask(count)]

    first = left_by_the_dead(8)
    assert left_by_the_dead(8) == first[:4]
    # Those that were not tried since then are next, and those that another process died of are last.
    assert left_by_the_dead(8) == first[4:6]
    assert left_by_the_dead(8) == [first[6]]
    assert left_by_the_dead(8) == [first[7]]
    study = opened(sampler="random")
    while waiting := study.ask(8):
        assert len(waiting) == 1
        study.tell(waiting[0], Outcome(1.0))
        if {trial.key for trial in study.trials if trial.state == "complete"} >= {*map(fingerprint, first)}:
            break
    assert not [trial for trial in study.trials if trial.state == "failed"]
    assert len(study.trials) == 8


def test_a_point_outside_of_the_new_space_is_dropped(opened: Opened, die: Callable[..., None]) -> None:
    die("asked")
    lost = opened().trials[1]
    kind = lost.values["head.kind"]
    study = opened()
    name = f"head.{kind}.{'rate' if kind == 'smooth' else 'size'}"
    del study.space.axes[name]
    study.ask()
    (failed,) = [trial for trial in study.trials if trial.state == "failed"]
    assert "outside the space" in failed.reason


def test_the_living_keep_their_trials(opened: Opened) -> None:
    first, second = opened(), opened()
    (mine,) = first.ask()
    (other,) = second.ask()
    assert mine.values != other.values
    assert {trial.state for trial in second.trials} == {"running"}
    first.tell(mine, Outcome(1.0))
    assert second.trials[0].state == "complete"


def test_two_who_inherit_at_once_do_it_once(opened: Opened, die: Callable[..., None]) -> None:
    die("asked")
    one, other = opened(), opened()
    lost = one.trials[1].values
    asked = [*one.ask(), *other.ask()]
    assert [each.values for each in asked].count(lost) == 1
