"""A study whose process is killed at random moments: nothing that was answered is lost or done again."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from regraft.search.storage import open_storage

TRIALS_PER_KILL = 5
PATIENCE_S = 60

WORKER = """
import json, os, sys, time
from dataclasses import dataclass
from typing import Annotated
from regraft.core.settings import Knob
from regraft.search import Outcome, space_of
from regraft.search.study import Settings, open_study

@dataclass(frozen=True)
class Head:
    rate: Annotated[float, Knob("step size", low=1e-4, high=1, log=True)] = 0.1
    soft: bool = False

storage, diary, trials, sampler = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
line = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def note(what, values):
    # One call: a line is there as a whole, or not at all.
    os.write(line, (json.dumps([what, values]) + chr(10)).encode())

study = open_study(space_of({"head": Head}), name="test", storage=storage, settings=Settings(sampler=sampler))
while asked := study.ask(most=trials):
    note("begun", asked[0].values)
    time.sleep(0.01)
    study.tell(asked[0], Outcome(asked[0].values["head.head.rate"]))
    note("told", asked[0].values)
"""


def begin(storage: Path, diary: Path, trials: int, sampler: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, *map(str, (storage, diary, trials, sampler))])


def notes(diary: Path) -> list[tuple[str, str]]:
    lines = diary.read_text().splitlines() if diary.exists() else []
    return [(what, json.dumps(values)) for what, values in map(json.loads, lines)]


def kill_in_the_middle(process: subprocess.Popen[bytes], diary: Path, chance: random.Random) -> None:
    """Let it begin a trial or two, so that the study goes on, and then kill it at whatever moment."""
    wanted = len(notes(diary)) + chance.randint(2, 4)
    end_s = time.monotonic() + PATIENCE_S
    while len(notes(diary)) < wanted and process.poll() is None:
        assert time.monotonic() < end_s
        time.sleep(0.002)
    time.sleep(chance.uniform(0, 0.06))
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it could be killed"


@pytest.mark.parametrize(
    ("file", "sampler", "kills"),
    [
        ("s.log", "tpe", 3),
        pytest.param("s.log", "tpe", 10, marks=pytest.mark.slow),
        pytest.param("s.log", "cmaes", 10, marks=pytest.mark.slow),
        pytest.param("s.sqlite", "tpe", 10, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_lost_or_repeated(tmp_path: Path, file: str, sampler: str, kills: int) -> None:
    chance, diary = random.Random(kills), tmp_path / "diary"
    words = (tmp_path / file, diary, TRIALS_PER_KILL * kills, sampler)
    for _ in range(kills):
        kill_in_the_middle(begin(*words), diary, chance)
    assert begin(*words).wait(PATIENCE_S) == 0
    check(diary, open_storage(tmp_path / file), kills=kills)


def check(diary: Path, storage: optuna.storages.BaseStorage, *, kills: int) -> None:
    trials = TRIALS_PER_KILL * kills
    record = optuna.load_study(study_name="test", storage=storage).trials
    said = notes(diary)
    told = [values for what, values in said if what == "told"]
    begun = [values for what, values in said if what == "begun"]
    # What was told once is never begun again.
    assert len(set(told)) == len(told)
    for at, (what, values) in enumerate(said):
        assert what == "begun" or ("begun", values) not in said[at:]
    # Every kill costs at most the trial that it hit.
    assert len(set(begun)) == trials
    assert len(begun) <= trials + kills
    answers = {json.dumps(t.user_attrs["asked"]["values"]): t.value for t in record if "told" in t.user_attrs}
    assert len(answers) == trials
    assert set(told) <= set(answers)
    assert all(json.loads(values)["head.head.rate"] == value for values, value in answers.items())
    assert all(trial.state.is_finished() for trial in record)
