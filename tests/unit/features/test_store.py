import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from regraft.core.errors import ArtifactError
from regraft.core.hashing import sha256_of_bytes
from regraft.features import FeatureStore
from regraft.features import store as module

WIDTH = 12
ALL = (slice(0, WIDTH),)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FeatureStore]:
    with FeatureStore(tmp_path) as opened:
        yield opened


def names(count: int, start: int = 0) -> list[str]:
    return [sha256_of_bytes(str(index).encode()) for index in range(start, start + count)]


def rows(count: int, start: int = 0, width: int = WIDTH) -> np.ndarray:
    """Row i holds i / 8 + column, which float16 keeps exactly."""
    return (np.arange(start, start + count)[:, None] / 8 + np.arange(width)).astype(np.float32)


def test_rows_come_back_in_the_order_asked_for(store: FeatureStore) -> None:
    store.write("key", "net", names(5), rows(5))
    order = [3, 0, 4, 4, 3]
    found = store.read("key", [names(5)[i] for i in order], ALL)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rows(5)[order])


def test_columns_stand_side_by_side(store: FeatureStore) -> None:
    store.write("key", "net", names(3), rows(3))
    found = store.read("key", names(3), (slice(8, 12), slice(0, 2)))
    np.testing.assert_array_equal(found, np.hstack([rows(3)[:, 8:12], rows(3)[:, :2]]))


def test_rows_are_read_into_a_part_of_an_array(store: FeatureStore) -> None:
    store.write("key", "net", names(3), rows(3))
    wide = np.full((3, 2 * WIDTH), -1, np.float32)
    store.read_into(wide[:, WIDTH:], "key", names(3), ALL)
    np.testing.assert_array_equal(wide[:, WIDTH:], rows(3))
    assert (wide[:, :WIDTH] == -1).all()


def test_missing_images_are_named_once_in_order(store: FeatureStore) -> None:
    first, second, third = names(3)
    store.write("key", "net", [second], rows(1))
    assert store.missing("key", [third, second, first, third]) == [third, first]
    assert store.missing("other key", [second]) == [second]


def test_many_keys_are_looked_up_in_pieces(store: FeatureStore) -> None:
    count = 2 * module.KEYS_PER_QUERY + 1
    store.write("key", "net", names(count), rows(count))
    assert store.missing("key", names(count + 1)) == names(1, start=count)
    np.testing.assert_array_equal(store.read("key", names(count), ALL), rows(count))


def test_a_row_that_is_there_is_left_as_it_is(store: FeatureStore) -> None:
    store.write("key", "net", names(2), rows(2))
    store.write("key", "net", names(3), rows(3) + 100)
    np.testing.assert_array_equal(store.read("key", names(2), ALL), rows(2))
    np.testing.assert_array_equal(store.read("key", names(1, 2), ALL), rows(1, 2) + 100)


def test_networks_do_not_mix(store: FeatureStore) -> None:
    store.write("one", "net", names(2), rows(2))
    store.write("two", "net", names(2), rows(2, width=4) + 50)
    np.testing.assert_array_equal(store.read("two", names(2), (slice(0, 4),)), rows(2, width=4) + 50)
    np.testing.assert_array_equal(store.read("one", names(2), ALL), rows(2))


def test_values_are_rounded_to_half_precision_and_large_ones_are_not(store: FeatureStore) -> None:
    values = np.random.default_rng(0).normal(0, 3, (2, WIDTH)).astype(np.float32)
    values[1, 3] = 123_456.789  # float16 ends at 65,504
    store.write("key", "net", names(2), values)
    found = store.read("key", names(2), ALL)
    np.testing.assert_allclose(found[0], values[0], rtol=5e-4, atol=1e-7)
    assert not np.array_equal(found[0], values[0])
    np.testing.assert_array_equal(found[1], values[1])


def test_an_image_without_a_row_is_an_error(store: FeatureStore) -> None:
    store.write("key", "net", names(1), rows(1))
    with pytest.raises(ArtifactError, match="2 images have no features"):
        store.read("key", names(3), ALL)


def test_nothing_asked_is_nothing_given(store: FeatureStore) -> None:
    assert store.missing("key", []) == []
    assert store.read("key", [], ALL).shape == (0, WIDTH)


def test_rows_are_there_for_the_next_process_and_in_a_moved_folder(tmp_path: Path) -> None:
    with FeatureStore(tmp_path / "old") as store:
        store.write("key", "net", names(4), rows(4))
    (tmp_path / "old").rename(tmp_path / "new")
    with FeatureStore(tmp_path / "new") as store:
        np.testing.assert_array_equal(store.read("key", names(4), ALL), rows(4))


def test_the_store_lies_in_the_cache_unless_told_otherwise(empty_cache: Path) -> None:
    with FeatureStore() as store:
        assert store.path.parent == empty_cache


def test_a_summary_counts_images_and_bytes(store: FeatureStore) -> None:
    store.write("b", "second", names(3), rows(3))
    store.write("a", "first", names(1), rows(1) * 1e5)
    first, second = store.summary()
    assert (first.name, first.key, first.images, first.size_mb) == ("first", "a", 1, 4 * WIDTH / 1e6)
    assert (second.name, second.images, second.size_mb) == ("second", 3, 3 * 2 * WIDTH / 1e6)


def test_clearing_gives_the_space_back(tmp_path: Path) -> None:
    def bytes_on_disk() -> int:
        return sum(file.stat().st_size for file in tmp_path.iterdir())

    with FeatureStore(tmp_path) as store:
        store.write("key", "net", names(200), rows(200, width=5000))
        assert bytes_on_disk() > 2e6
        store.clear()
        assert bytes_on_disk() < 2e5
        assert store.summary() == []
        assert store.missing("key", names(1)) == names(1)
        store.write("key", "net", names(1), rows(1))
        np.testing.assert_array_equal(store.read("key", names(1), ALL), rows(1))


def test_beyond_the_limit_what_was_not_used_for_longest_goes(tmp_path: Path, monkeypatch) -> None:
    day = 100
    monkeypatch.setattr(module, "_today", lambda: day)
    with FeatureStore(tmp_path, limit_gb=1e-3) as store:  # 1 MB: about a hundred rows of 10 kB
        store.write("key", "net", names(40), rows(40, width=5000))
        day = 101
        store.write("key", "net", names(40, 40), rows(40, 40, width=5000))
        day = 102
        store.read("key", names(20), (slice(0, 5000),))  # the first twenty are in use again
        for start in range(80, 180, 20):
            store.write("key", "net", names(20, start), rows(20, start, width=5000))
            assert store.size_bytes < 1.3e6
        gone = set(store.missing("key", names(180)))
        assert set(names(20, 20)) <= gone
        assert not gone & set(names(20, 160))
        left = [name for name in names(180) if name not in gone]
        found = store.read("key", left, (slice(0, 5000),))
        positions = [names(180).index(name) for name in left]
        np.testing.assert_array_equal(found, rows(180, width=5000)[positions].astype(np.float16))


def test_images_in_use_outlive_those_that_are_not(tmp_path: Path, monkeypatch) -> None:
    day = 100
    monkeypatch.setattr(module, "_today", lambda: day)
    with FeatureStore(tmp_path, limit_gb=1e-3) as store:
        store.write("key", "net", names(110), rows(110, width=5000))
        day = 101
        store.read("key", names(30), (slice(0, 8),))
        store.write("key", "net", names(1, 110), rows(1, width=5000))
        gone = set(store.missing("key", names(111)))
    assert gone
    assert gone <= set(names(80, 30))


# --- Two processes, and processes that die ------------------------------------------------------------

WRITER = """
import sys
import numpy as np
from pathlib import Path
from regraft.core.hashing import sha256_of_bytes
from regraft.features import FeatureStore
folder, start, stop, batch, width = Path(sys.argv[1]), *map(int, sys.argv[2:])
with FeatureStore(folder) as store:
    for first in range(start, stop, batch):
        numbers = range(first, min(first + batch, stop))
        values = np.array(numbers)[:, None] / 8 + np.arange(width)
        names = [sha256_of_bytes(str(n).encode()) for n in numbers]
        store.write("key", "net", names, values.astype(np.float32))
        print(numbers[-1], flush=True)
"""


def writer(
    folder: Path, start: int, stop: int, *, batch: int = 8, width: int = WIDTH
) -> "subprocess.Popen[str]":
    numbers = [str(number) for number in (start, stop, batch, width)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), *numbers], stdout=subprocess.PIPE, text=True
    )


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 0, 600), writer(tmp_path, 300, 900)]  # half of each is the other's too
    for process in writers:
        process.communicate()
    assert [process.returncode for process in writers] == [0, 0]
    with FeatureStore(tmp_path) as store:
        np.testing.assert_array_equal(store.read("key", names(900), ALL), rows(900))
        assert store.summary()[0].images == 900


def test_a_killed_process_loses_at_most_a_batch_and_leaves_no_wrong_row(tmp_path: Path) -> None:
    with writer(tmp_path, 0, 10**6, batch=32, width=2000) as process:
        assert process.stdout is not None
        seen = [int(process.stdout.readline()) for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        seen += [int(line) for line in process.stdout if line.endswith("\n")]
    told = seen[-1] + 1  # rows that the process was told are kept
    with FeatureStore(tmp_path) as store:
        missing = store.missing("key", names(told + 64))
        assert set(missing) <= set(names(64, told))
        assert len(missing) in (0, 32, 64)  # batches are whole or absent
        there = told + 64 - len(missing)
        found = store.read("key", names(there), (slice(0, 2000),))
        np.testing.assert_array_equal(found, rows(there, width=2000).astype(np.float16).astype(np.float32))
        store.write("key", "net", missing, rows(len(missing), there, width=2000))


# --- What goes wrong with disks -----------------------------------------------------------------------


def test_a_full_disk_is_explained_and_the_file_stays_usable(tmp_path: Path) -> None:
    with FeatureStore(tmp_path) as store:
        store.write("key", "net", names(4), rows(4, width=4000))
        pages = store._connection.execute("pragma page_count").fetchone()[0]
        store._connection.execute(
            f"pragma max_page_count = {pages + 2}"
        )  # SQLite then acts as on a full disk
        with pytest.raises(ArtifactError, match=r"is full.*Free some space.*REGRAFT_CACHE"):
            store.write("key", "net", names(50, 4), rows(50, 4, width=4000))
        assert store.missing("key", names(54)) == names(50, 4)
        store._connection.execute("pragma max_page_count = 1000000")
        store.write("key", "net", names(50, 4), rows(50, 4, width=4000))
        found = store.read("key", names(54), (slice(0, 4000),))
    np.testing.assert_array_equal(found, rows(54, width=4000).astype(np.float16))


def test_a_commit_that_fails_can_be_tried_again(store: FeatureStore, monkeypatch) -> None:
    class FullAtCommit:
        def __init__(self, connection: sqlite3.Connection) -> None:
            self.connection = connection
            self.full = True

        def execute(self, statement: str, *rest: object) -> object:
            if statement == "commit" and self.full:
                raise sqlite3.OperationalError("database or disk is full")
            return self.connection.execute(statement, *rest)

        def __getattr__(self, name: str) -> object:
            return getattr(self.connection, name)

    disk = FullAtCommit(store._connection)
    monkeypatch.setattr(store, "_connection", disk)
    with pytest.raises(ArtifactError, match="is full"):
        store.write("key", "net", names(2), rows(2))
    disk.full = False
    assert store.missing("key", names(2)) == names(2)
    store.write("key", "net", names(2), rows(2))
    np.testing.assert_array_equal(store.read("key", names(2), ALL), rows(2))


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / module.FILE).write_bytes(b"not a database, whatever its name " * 1000)
    with pytest.raises(ArtifactError, match=r"features.*cannot be used.*regraft cache clear"):
        FeatureStore(tmp_path)


def test_pages_that_were_overwritten_are_explained(tmp_path: Path) -> None:
    with FeatureStore(tmp_path) as store:
        store.write("key", "net", names(200), rows(200, width=2000))
    path = tmp_path / module.FILE
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)  # everything behind the first page
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"regraft cache clear"), FeatureStore(tmp_path) as store:
        store.read("key", names(200), (slice(0, 2000),))


def test_a_row_of_another_length_is_explained(store: FeatureStore) -> None:
    store.write("key", "net", names(1), rows(1))
    store._connection.execute("update rows set features = x'00'")
    with pytest.raises(ArtifactError, match=r"is damaged. Run 'regraft cache clear'"):
        store.read("key", names(1), ALL)


def test_a_file_in_the_place_of_the_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(ArtifactError, match="name another folder in"):
        FeatureStore(tmp_path / "cache")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_explained(tmp_path: Path) -> None:
    with FeatureStore(tmp_path) as store:
        store.write("key", "net", names(1), rows(1))
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match="name another folder in"), FeatureStore(tmp_path):
        pass
    tmp_path.chmod(0o700)
