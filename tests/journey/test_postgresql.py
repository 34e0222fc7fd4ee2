"""A study in PostgreSQL, the server started here from Debian's package: shared, killed and gone on with."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="pip install 'regraft[postgresql]'")

TRIALS = 12
WORDS = ("--trials", TRIALS, "--budget", "200s", "--space", "head.kind=ridge,lda,nearest_neighbours")
PACKAGED = Path("/usr/lib/postgresql")
SECRET = "open-sesame"

pytestmark = pytest.mark.slow


def program(name: str) -> str | None:
    """Debian puts the server's programs where no PATH leads to."""
    found = sorted(PACKAGED.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(found[-1]) if found else shutil.which(name)


@dataclass(frozen=True)
class Server:
    """One that listens on a socket of its own and at a free port of this machine, and is nobody else's."""

    folder: Path
    port: int
    user: str | None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://regraft:{SECRET}@127.0.0.1:{self.port}/postgres"

    def run(self, name: str, *words: object) -> None:
        """The server refuses to be root."""
        command = [str(program(name)), *map(str, words)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        done = subprocess.run(command, cwd=self.folder, user=self.user, text=True, check=False, **pipes)
        assert done.returncode == 0, done.stdout

    def begin(self) -> None:
        password = self.folder / "password"
        password.write_text(SECRET)
        if self.user:
            for path in (self.folder, password):
                shutil.chown(path, self.user)
        self.run("initdb", "-D", "data", "-U", "regraft", "-A", "scram-sha-256", "--pwfile", password, "-N")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self.run("pg_ctl", "-D", "data", "-w", "-l", self.folder / "log", "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A fresh server, for this file alone."""
    if not (program("initdb") and program("pg_ctl")):
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    user = None
    if os.geteuid() == 0:
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = next((name for name in ("postgres", "nobody") if name in names), None)
    # Not below pytest's folder, which other users cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="regraft-postgresql-"))
    made = Server(folder, free_port(), user)
    try:
        made.begin()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def keys(search: dict[str, Any]) -> list[str]:
    return [json.dumps(trial["values"], sort_keys=True) for trial in search["trials"]]


def answers(run: Path) -> set[int]:
    """The trials that were answered in a run, by what it kept of their predictions."""
    return {int(file.stem) for file in run.rglob("*.npz")}


def test_two_processes_share_a_study_and_one_is_killed(
    regraft, until, digits_folder: Path, server: Server
) -> None:
    words = ("tune", digits_folder, "--storage", server.url, *WORDS, "--json")
    one, other = (regraft.begin(*words, "--out", name) for name in ("one", "other"))
    until(lambda: len(answers(regraft.folder / "one")) >= 2, one)
    one.send_signal(signal.SIGKILL)
    one.communicate()
    before = answers(regraft.folder / "one")
    finished = regraft.end(other)
    assert finished.status == 0, finished.err
    search = finished.json["search"]
    assert search["counts"]["complete"] == len(set(keys(search))) == TRIALS
    # The killed one goes on with a study that is whole, and asks for nothing again.
    again = regraft(*words, "--out", "one").json["search"]
    assert [trial["value"] for trial in again["trials"]] == [trial["value"] for trial in search["trials"]]
    assert keys(again) == keys(search)
    assert answers(regraft.folder / "one") == before
    assert len(before & answers(regraft.folder / "other")) <= 1


def test_a_study_is_gone_on_with_after_the_server_came_back(
    regraft, until, digits_folder: Path, server: Server
) -> None:
    words = ("tune", digits_folder, "--storage", server.url, *WORDS, "--seed", 1)
    begun = regraft.begin(*words, "--out", "run")
    until(lambda: len(answers(regraft.folder / "run")) >= 2, begun)
    server.stop()
    lost = regraft.end(begun)
    assert lost.status == 1
    assert "can no longer be read or written" in lost.err
    said = regraft.fails(*words, "--out", "another")
    assert "Cannot open the study in postgresql+psycopg://regraft:***@127.0.0.1" in said
    server.start()
    done = regraft(*words, "--out", "run", "--json")
    search = done.json["search"]
    assert search["counts"]["complete"] == len(set(keys(search))) == TRIALS
    assert "regraft:***@" in search["storage"]
    for text in (lost.err, lost.out, said, done.out, done.err):
        assert SECRET not in text
    files = [file for file in (regraft.folder / "run").rglob("*") if file.is_file()]
    assert not [file for file in files if SECRET.encode() in file.read_bytes()]
