import os
import subprocess
import sys
from pathlib import Path

import pytest

from regraft.search.worker import is_alive, this_worker

posix = pytest.mark.skipif(os.name != "posix", reason="processes can be looked at on POSIX only")


def test_this_process_lives_and_every_worker_is_another() -> None:
    assert is_alive(this_worker(), silent_s=1e9)
    assert this_worker()["token"] != this_worker()["token"]


@posix
def test_a_process_that_ended_does_not() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    assert not is_alive({**this_worker(), "pid": done.pid}, silent_s=0)


@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_process_nobody_collected_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    worker = {**this_worker(), "pid": child.pid, "started": "x"}
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(worker, silent_s=0)
    child.communicate()


@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_the_number_of_a_dead_process_may_be_another_ones() -> None:
    assert not is_alive({**this_worker(), "started": "boot:1"}, silent_s=0)


def test_elsewhere_only_silence_tells() -> None:
    elsewhere = {**this_worker(), "host": "another machine"}
    assert is_alive(elsewhere, silent_s=60)
    assert not is_alive(elsewhere, silent_s=7200)
