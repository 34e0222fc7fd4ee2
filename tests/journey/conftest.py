"""The command line as a person runs it: in a process of its own, on folders of image files."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.journey.forked import run_forked

from regraft.core.hashing import sha256_of_file

COMMAND = str(Path(sys.executable).with_name("regraft"))
PATIENCE_S = 240
BUDGET = "120s"
"""Longer than any of these fits takes on a slow machine; they end when nothing is left to try."""


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        return json.loads(self.out)


@dataclass
class CommandLine:
    """Runs `regraft`, in `folder` and with a cache of its own or that of the tests."""

    folder: Path
    cache: Path | None = None
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def begin(self, *words: object) -> subprocess.Popen[str]:
        """Start a command in a new interpreter and leave it running."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(
            [COMMAND, *map(str, words)], cwd=self._made(), env=self._environment(), text=True, **pipes
        )
        self.running.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> Done:
        """Wait for a command."""
        out, err = process.communicate(timeout=PATIENCE_S)
        return Done(process.returncode, out, err)

    def done(self, *words: object) -> Done:
        """Run a command to its end, however it ends."""
        given = {"folder": self._made(), "environment": self._environment(), "timeout": PATIENCE_S}
        with tempfile.TemporaryDirectory() as name:
            output = Path(name)
            status = run_forked(list(map(str, words)), output=output, **given)
            return Done(status, *((output / each).read_text("utf-8") for each in ("out", "err")))

    def __call__(self, *words: object) -> Done:
        """Run a command to its end; it has to succeed."""
        done = self.done(*words)
        assert done.status == 0, done.err
        return done

    def fit(self, source: Path, *words: object) -> dict[str, Any]:
        """Fit with the smallest network."""
        return self("fit", source, "--backbones", "lite0", "--budget", BUDGET, "--json", *words).json

    def fails(self, *words: object, status: int = 1) -> str:
        """Run a command that has to fail, with one message and no traceback; returns the message."""
        done = self.done(*words)
        assert done.status == status, (done.status, done.err)
        assert done.out == ""
        assert "Traceback" not in done.err
        return " ".join(done.err.split())

    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def _environment(self) -> dict[str, str]:
        return dict(os.environ) | ({"REGRAFT_CACHE": str(self.cache)} if self.cache else {})


@pytest.fixture
def regraft(tmp_path: Path) -> CommandLine:
    """The command line in a folder of this test, with the cache of all tests."""
    line = CommandLine(tmp_path / "work")
    yield line
    _end_all(line)


@pytest.fixture
def alone(tmp_path: Path, finished: dict[str, Any], shared_cache: Path) -> CommandLine:
    """The command line with a cache that holds a converted network, and no features or trials."""
    shutil.copytree(shared_cache / "networks", tmp_path / "cache" / "networks")
    line = CommandLine(tmp_path / "work", tmp_path / "cache")
    yield line
    _end_all(line)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, image_folder: Path) -> dict[str, Any]:
    """What `fit --json` said of the run that most tests use. Read its folder only."""
    return CommandLine(tmp_path_factory.mktemp("finished")).fit(image_folder, "--out", "run")


@pytest.fixture(scope="session")
def run(finished: dict[str, Any]) -> Path:
    """The folder of a finished run."""
    return Path(finished["run"])


@pytest.fixture
def snapshot() -> Callable[[Path], dict[Path, tuple[Any, ...]]]:
    """Everything below a folder that a program could have changed."""

    def take(folder: Path) -> dict[Path, tuple[Any, ...]]:
        found = {}
        for path in [folder, *folder.rglob("*")]:
            stat = path.lstat()
            content = sha256_of_file(path) if path.is_file() and os.access(path, os.R_OK) else ""
            found[path] = (stat.st_mode, stat.st_mtime_ns, stat.st_size, content)
        return found

    return take


@pytest.fixture
def until() -> Callable[[Callable[[], bool], subprocess.Popen[str]], None]:
    """Wait for something to come about while a process runs."""

    def wait(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not happened():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)

    return wait


def _end_all(line: CommandLine) -> None:
    for process in line.running:
        if process.poll() is None:
            process.kill()
        process.communicate()
