"""What files hold, as SHA-256: read once, and known again as long as they are not changed.

A hash is remembered in the cache folder under the file's path, and counts while its size, its time of change
(to the nanosecond) and its inode are the same. As in git's index, a file that was changed moments before it
was read is not remembered, since a change in the same instant could not be told.
"""

import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from regraft.core.errors import ArtifactError
from regraft.core.files import cache_folder
from regraft.core.hashing import sha256_of_bytes, sha256_of_file
from regraft.core.progress import progress
from regraft.data.dataset import Skipped

FILE = "hashes-1.sqlite"
SCHEMA = "create table if not exists hashes (path blob primary key, mark blob not null, sha256 blob not null)"
WAIT_FOR_OTHER_WRITER_S = 30.0

# One task hashes this many files: a task for every tiny file would cost more than its hash.
FILES_PER_TASK = 64
PATHS_PER_QUERY = 500
THREADS = min(8, (os.cpu_count() or 1) + 2)

MOMENTS_NS = 2_000_000_000

EMPTY_SHA256 = sha256_of_bytes(b"")

T = TypeVar("T")


def hash_files(paths: Sequence[Path]) -> list[str | Skipped]:
    """The SHA-256 of each file, or why it cannot be used, in the order given."""
    marks = [_mark(path) for path in paths]
    known = _recall(paths, marks)
    new = [i for i, mark in enumerate(marks) if not isinstance(mark, Skipped) and paths[i] not in known]
    started_ns = time.time_ns()
    with ThreadPoolExecutor(THREADS) as pool, progress("Reading files", len(new)) as advance:
        tasks = list(_chunks(new, FILES_PER_TASK))
        for task, results in zip(
            tasks, pool.map(lambda task: [_hash(paths[i]) for i in task], tasks), strict=True
        ):
            known.update((paths[i], result) for i, result in zip(task, results, strict=True))
            advance(len(task))
    settled = [
        (paths[i], mark.key, result)
        for i in new
        if isinstance(mark := marks[i], Mark) and isinstance(result := known[paths[i]], str)
        if mark.changed_ns < started_ns - MOMENTS_NS
    ]
    _remember(settled)
    return [
        mark if isinstance(mark, Skipped) else known[path] for path, mark in zip(paths, marks, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells that a file was not changed: its size, time of change and inode."""

    key: bytes
    changed_ns: int


def _mark(path: Path) -> Mark | Skipped:
    try:
        status = os.stat(path)  # noqa: PTH116 - a hundred thousand times, and twice as fast as Path.stat
    except FileNotFoundError:
        return Skipped(path, "there is no such file")
    except OSError as error:
        return Skipped(path, f"cannot be read: {error.strerror or error}")
    if not stat.S_ISREG(status.st_mode):
        # To read from a pipe would wait, for ever, for somebody to write into it.
        return Skipped(path, "cannot be read: it is a folder, a pipe or a device")
    changed = max(status.st_mtime_ns, status.st_ctime_ns)
    numbers = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev)
    return Mark(",".join(map(str, numbers)).encode(), changed)


def _hash(path: Path) -> str | Skipped:
    try:
        digest = sha256_of_file(path)
    except OSError as error:
        return Skipped(path, f"cannot be read: {error.strerror or error}")
    return Skipped(path, "the file is empty (0 bytes)") if digest == EMPTY_SHA256 else digest


def _recall(paths: Sequence[Path], marks: Sequence[Mark | Skipped]) -> dict[Path, str | Skipped]:
    """Hashes of files that are as they were. Where the cache cannot be read nothing is known."""
    wanted = {
        os.fsencode(path): (path, mark.key)
        for path, mark in zip(paths, marks, strict=True)
        if isinstance(mark, Mark)
    }
    known: dict[Path, str | Skipped] = {}
    with suppress(sqlite3.Error, OSError, ArtifactError), closing(_connection()) as connection:
        for some in _chunks(list(wanted), PATHS_PER_QUERY):
            query = f"select * from hashes where path in ({','.join('?' * len(some))})"  # noqa: S608 - question marks
            for name, mark, sha256 in connection.execute(query, some):
                path, current = wanted[name]
                if mark == current:
                    known[path] = sha256.hex()
    return known


def _remember(settled: Sequence[tuple[Path, bytes, str]]) -> None:
    """Keep what was read. Where the cache cannot be written, files are read again next time."""
    rows = [(os.fsencode(path), mark, bytes.fromhex(sha256)) for path, mark, sha256 in settled]
    with suppress(sqlite3.Error, OSError, ArtifactError), closing(_connection()) as connection, connection:
        connection.executemany("insert or replace into hashes values (?, ?, ?)", rows)


def _connection() -> sqlite3.Connection:
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(folder / FILE, WAIT_FOR_OTHER_WRITER_S)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(SCHEMA)
    return connection


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
