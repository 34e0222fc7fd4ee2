import os
import sqlite3
import time
from pathlib import Path

import pytest

from regraft.core.hashing import sha256_of_bytes
from regraft.data.dataset import Skipped
from regraft.data.readers import hashes
from regraft.data.readers.hashes import hash_files

pytestmark = pytest.mark.usefixtures("empty_cache")
HOUR_S = 3600


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Three files that were changed long ago, as far as anyone can tell."""
    monkeypatch.setattr(hashes, "MOMENTS_NS", -HOUR_S * 10**9)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files whose bytes were read."""
    seen: list[Path] = []
    whole = hashes.sha256_of_file
    monkeypatch.setattr(hashes, "sha256_of_file", lambda path: seen.append(path) or whole(path))
    return seen


def test_a_file_is_read_once(files: list[Path], read: list[Path]) -> None:
    expected = [sha256_of_bytes(path.name.encode()) for path in files]
    assert hash_files(files) == expected
    assert hash_files(files[::-1]) == expected[::-1]
    assert sorted(read) == files


@pytest.mark.parametrize("change", ["bytes", "time", "replaced"])
def test_a_changed_file_is_read_again(files: list[Path], read: list[Path], change: str) -> None:
    hash_files(files)
    before = files[1].stat()
    if change == "replaced":
        files[0].replace(files[1])
        files[0].write_bytes(b"new")
    elif change == "bytes":
        files[1].write_bytes(b"9.png")
        os.utime(files[1], ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(files[1], (0, 0))
    read.clear()
    assert hash_files(files)[1] == sha256_of_bytes(files[1].read_bytes())
    assert files[1] in read
    assert files[2] not in read


def test_what_was_just_written_is_not_remembered(tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "now.png"
    path.write_bytes(b"one")
    assert hash_files([path]) == [sha256_of_bytes(b"one")]
    path.write_bytes(b"two")
    assert hash_files([path]) == [sha256_of_bytes(b"two")]
    assert read == [path, path]


def test_what_cannot_be_hashed_says_why(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    names = ["empty.png", "pipe.png", "nowhere.png", "0.png"]
    for _ in range(2):
        found = hash_files([tmp_path / name for name in names])
        assert [isinstance(one, Skipped) and one.reason for one in found] == [
            "the file is empty (0 bytes)",
            "cannot be read: it is a folder, a pipe or a device",
            "there is no such file",
            False,
        ]


def test_without_a_cache_files_are_read_each_time(
    files: list[Path], read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(hashes, "_connection", refuse)
    assert hash_files(files) == hash_files(files)
    assert len(read) == 6


def test_more_files_than_one_query_takes(
    tmp_path: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashes, "MOMENTS_NS", -HOUR_S * 10**9)
    paths = [tmp_path / f"{number:04}.png" for number in range(1_100)]
    for path in paths:
        path.write_bytes(path.name.encode())
    time.sleep(0.01)
    first = hash_files(paths)
    assert first == [sha256_of_bytes(path.name.encode()) for path in paths]
    assert hash_files(paths) == first
    assert len(read) == 1_100
