"""Points asked for, tried and told several at a time."""

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
import pytest

from regraft.search import SAMPLERS, Asked, Outcome, OutOfTime
from regraft.search.memory import RETRIED
from regraft.search.storage import open_storage
from regraft.search.study import Study
from regraft.search.trial import Dropped, Failed, Result
from regraft.search.work import Batches, Report, work

Opened = Callable[..., Study]
Together = Callable[[Sequence[Asked]], Sequence[Result | None]]


def never() -> bool:
    return False


def alone(asked: Asked, _report: Report) -> Outcome:
    return Outcome(float(asked.number), {"tried": "alone"})


def all_good(group: Sequence[Asked]) -> Sequence[Result | None]:
    return [Outcome(float(asked.number), {"tried": len(group)}) for asked in group]


def batches(together: Together = all_good, *, size: int = 4) -> Batches:
    """Smooth heads of one depth go together; rough ones are tried alone."""

    def key(asked: Asked) -> str | None:
        return asked.values["depths"] if asked.values["head.kind"] == "smooth" else None

    return Batches(lambda: size, key, together)


def smooth(opened: Opened, **settings: object) -> Study:
    """All points go together."""
    return opened("head.kind=smooth", "depths=all", **{"sampler": "random", **settings})


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_answers_for_many(opened: Opened, sampler: str) -> None:
    study = opened(sampler=sampler)
    work(study, alone, should_stop=never, most=12, batches=batches(size=6))
    assert len({trial.key for trial in study.trials}) == len(study.trials) == 12
    tried = [(trial.values["head.kind"], trial.details["tried"]) for trial in study.trials]
    assert {how for kind, how in tried if kind == "rough"} == {"alone"}
    assert any(isinstance(how, int) and how > 1 for _, how in tried)


def test_what_was_dropped_or_diverged_is_told(opened: Opened) -> None:
    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        return [Outcome(0.5), Dropped(0.9, 3), Dropped(None, 2), Failed("the loss is NaN")]

    study = smooth(opened)
    work(study, alone, should_stop=never, most=4, batches=batches(together))
    assert [trial.state for trial in study.trials] == ["complete", "pruned", "pruned", "failed"]
    assert [trial.value for trial in study.trials] == [0.5, 0.9, None, None]
    assert study.trials[3].reason == "the loss is NaN"


def test_what_there_was_no_time_for_is_put_back(opened: Opened) -> None:
    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        return [Outcome(1.0), None, Outcome(2.0), None]

    assert work(smooth(opened), alone, should_stop=never, most=4, batches=batches(together)) == 2
    left = smooth(opened)
    assert [trial.state for trial in left.trials] == ["complete", "complete"]
    assert work(left, alone, should_stop=never, most=4, batches=batches()) == 2
    assert len({trial.key for trial in left.trials}) == len(left.trials) == 4


def test_where_there_is_no_time_for_any_all_are_put_back(opened: Opened) -> None:
    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        raise OutOfTime

    study = smooth(opened)
    assert work(study, alone, should_stop=never, most=4, batches=batches(together)) == 0
    assert study.trials == ()


def test_time_that_is_up_within_a_batch_ends_it(opened: Opened) -> None:
    study = opened("head.kind=rough", "head.size=1..4:step=1", "depths=all", sampler="random")
    tried = []

    def evaluate(asked: Asked, _report: Report) -> Outcome:
        tried.append(asked.number)
        return Outcome(1.0)

    assert work(study, evaluate, should_stop=lambda: len(tried) == 2, batches=batches()) == 2
    assert len(study.trials) == 2
    assert work(study, alone, should_stop=never, batches=batches()) == 2


def test_ctrl_c_leaves_the_rest_to_others(opened: Opened) -> None:
    def evaluate(asked: Asked, _report: Report) -> Outcome:
        raise KeyboardInterrupt

    study = opened("head.kind=rough", "head.size=1..4:step=1", "depths=all", sampler="random")
    with pytest.raises(KeyboardInterrupt):
        work(study, evaluate, should_stop=never, batches=batches())
    # What it was at as well as what was still to come.
    assert not study.trials
    assert len(study.ask(4)) == 4


def test_a_lack_of_memory_halves_the_batch_once_and_says_so(opened: Opened) -> None:
    sizes = []

    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        sizes.append(len(group))
        if len(group) > 2:
            raise MemoryError
        return all_good(group)

    study = smooth(opened)
    work(study, alone, should_stop=never, most=4, batches=batches(together))
    assert sizes == [4, 2, 2]
    said = {trial.details[RETRIED] for trial in study.trials}
    assert said == {"out of memory with 4 heads together, so 2 were trained at a time"}


def test_a_half_that_lacks_memory_too_fails_with_the_reason(opened: Opened) -> None:
    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        if len(group) > 2 or group[0].number == 0:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return all_good(group)

    study = smooth(opened)
    work(study, alone, should_stop=never, most=4, batches=batches(together))
    assert [trial.state for trial in study.trials] == ["failed", "failed", "complete", "complete"]
    assert study.trials[0].reason.startswith("out of memory: ")
    assert "2 were trained at a time" in study.trials[0].reason


def test_one_that_fails_does_not_fail_the_others(opened: Opened) -> None:
    def together(group: Sequence[Asked]) -> Sequence[Result | None]:
        raise ValueError("one of them is wrong")

    def evaluate(asked: Asked, report: Report) -> Outcome:
        if asked.number == 1:
            raise ValueError("this one")
        return alone(asked, report)

    study = smooth(opened)
    assert work(study, evaluate, should_stop=never, most=4, batches=batches(together)) == 4
    assert [trial.state for trial in study.trials] == ["complete", "failed", "complete", "complete"]
    assert study.trials[1].reason == "ValueError: this one"


SPACE_OF_BATCHES = """
from dataclasses import dataclass
from regraft.search import Choice, space_of

@dataclass(frozen=True)
class Head:
    shape: bool = False

letters = Choice(tuple("abcdefghijkl"))
SPACE = space_of({"head": Head}, others={"letter": letters}, defaults={"letter": "a"})
"""

WORKER = """
import os, signal, sys, time
sys.path.insert(0, sys.argv[2])
from space_of_batches import SPACE
from regraft.search import Outcome
from regraft.search.study import Settings, open_study
from regraft.search.work import Batches, work
study = open_study(SPACE, name="test", storage=sys.argv[1], settings=Settings(sampler="random"))
left = int(sys.argv[3])
tell = study._study.tell
def told(*words, **more):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    tell(*words, **more)
study._study.tell = told
def together(group):
    return [Outcome(float(asked.number)) for asked in group]
batches = Batches(lambda: 5, lambda asked: "same", together)
work(study, lambda *_: Outcome(0.0), should_stop=lambda: False, most=15, batches=batches)
"""


def begun(folder: Path, file: str, *, dies_at: int) -> "subprocess.Popen[bytes]":
    (folder / "space_of_batches.py").write_text(SPACE_OF_BATCHES)
    return subprocess.Popen([sys.executable, "-c", WORKER, str(folder / file), str(folder), str(dies_at)])


def complete(path: Path) -> list[str]:
    """The points that were answered, as often as they were."""
    record = optuna.load_study(study_name="test", storage=open_storage(path))
    told = [trial for trial in record.trials if "told" in trial.user_attrs]
    assert all(trial.value is not None for trial in told)
    return [str(trial.user_attrs["asked"]["values"]) for trial in told]


@pytest.mark.parametrize("file", ["study.log", pytest.param("study.sqlite", marks=pytest.mark.slow)])
def test_killed_within_a_batch_nothing_is_lost_and_nothing_tried_twice(tmp_path: Path, file: str) -> None:
    # At the third answer of the first batch, then at the first of another.
    for dies_at in (3, 1):
        assert begun(tmp_path, file, dies_at=dies_at).wait() == -signal.SIGKILL
    assert begun(tmp_path, file, dies_at=0).wait() == 0
    points = complete(tmp_path / file)
    assert len(points) == len(set(points)) == 15


def test_two_processes_share_a_study_in_batches(tmp_path: Path) -> None:
    both = [begun(tmp_path, "study.log", dies_at=0) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    points = complete(tmp_path / "study.log")
    assert len(points) == len(set(points)) == 15
