import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError
from regraft.core.files import atomic_path, cache_folder, read_json, write_bytes, write_json

WRITE_HALF_AND_WAIT = """
import sys, time
from pathlib import Path
from regraft.core.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"half")
    print("written", flush=True)
    time.sleep(60)
"""


def _write_half(path: Path, then: Exception) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise then


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.bin"
    write_bytes(path, b"old")
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["file.bin"]


def test_the_old_content_stays_while_the_new_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


def test_an_error_in_the_block_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        _write_half(path, ZeroDivisionError())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_killed_process_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    command = [sys.executable, "-c", WRITE_HALF_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == b"old"


def test_a_full_disk_is_explained_and_leaves_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(ArtifactError, match=r"Cannot write .*file\.bin: No space left") as caught:
        _write_half(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert "Free some space" in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (os.open("/dev/full", os.O_RDWR), "/dev/full"))
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    with pytest.raises(ArtifactError, match="No space left"):
        write_bytes(tmp_path / "file.bin", b"x" * 100)


def test_a_file_in_the_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "runs").write_bytes(b"")
    with pytest.raises(ArtifactError, match=r"Cannot write .*model\.json"):
        write_json(tmp_path / "runs" / "model.json", {})


@pytest.mark.skipif(os.name != "posix", reason="permission bits")
def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file.bin", b"new")
    assert (tmp_path / "file.bin").stat().st_mode & 0o777 == 0o644


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match="Permission denied"):
        write_bytes(tmp_path / "file.bin", b"new")
    tmp_path.chmod(0o700)


def test_json_survives_the_way_through_a_file(tmp_path: Path) -> None:
    value = {"name": "Löwe", "numbers": [1, 2.5, None, True], "path": "a/b"}
    write_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    assert "Löwe" in (tmp_path / "x.json").read_text(encoding="utf-8")


def test_a_file_name_that_is_not_utf8_survives_too(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    write_json(tmp_path / "x.json", {"path": Path(name)})
    assert read_json(tmp_path / "x.json") == {"path": name}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_know_are_refused_and_write_nothing(tmp_path: Path, number: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"score": number})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b'{"cut": ', b"\xff\xfe\x00"])
def test_json_that_was_cut_short_is_explained(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"x\.json is not valid JSON"):
        read_json(path)


def test_json_that_is_missing_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"Cannot read .*x\.json: No such file"):
        read_json(tmp_path / "x.json")


def test_the_cache_lies_where_the_variable_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGRAFT_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.setenv("REGRAFT_CACHE", "~/there")
    assert cache_folder() == Path.home() / "there"
    monkeypatch.delenv("REGRAFT_CACHE")
    assert cache_folder().name == "regraft"


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    script = (
        "import sys; from pathlib import Path; from regraft.core.files import write_bytes\n"
        "for _ in range(30): write_bytes(Path(sys.argv[1]), sys.argv[2].encode() * 50_000)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            content = path.read_bytes()
            seen.add((content[:1], len(content), len(set(content))))
        time.sleep(0.001)
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen
    assert all(length == 50_000 and letters == 1 for _, length, letters in seen)
