"""The feature store: what a network said about an image, kept under the content of both.

One SQLite file. A row is found by the network's key (weights, view, depths, pooling) and the SHA-256 of the
image's bytes, so that renamed, moved and copied images are found, changed ones are not, and nothing has to
be invalidated. A batch is one transaction: a killed process loses at most that batch. Several processes may
read and write at once; the folder may be moved or deleted at any time between runs.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features
from regraft.core.errors import ArtifactError
from regraft.core.files import cache_folder

FILE = "features-1.sqlite"
LIMIT_GB = 20.0
WAIT_FOR_OTHER_WRITER_S = 120.0
KEYS_PER_QUERY = 500
DAY_S = 86_400

T = TypeVar("T")

SCHEMA = """
create table if not exists networks (
    id integer primary key, key text not null unique, name text not null, width integer not null);
create table if not exists images (
    id integer primary key, network integer not null, sha256 blob not null, used_day integer not null,
    unique (network, sha256));
create table if not exists rows (id integer primary key, features blob not null);
"""


@dataclass(frozen=True)
class StoredNetwork:
    """How much is stored for one network."""

    name: str
    key: str
    images: int
    size_mb: float


class FeatureStore:
    """Features on disk, keyed by content.

    Values are kept as float16 (relative rounding 5e-4, half the disk), or as float32 where float16 would
    overflow. Beyond `limit_gb` the images that were not used for the longest time go first.
    """

    def __init__(self, folder: Path | None = None, *, limit_gb: float = LIMIT_GB) -> None:
        self.path = (folder or cache_folder()) / FILE
        self.limit_bytes = limit_gb * 1e9
        with self._explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, WAIT_FOR_OTHER_WRITER_S, isolation_level=None)
            # Rows of some 10 kB leave a third of a page of 16 kB empty, and need many pages of 4 kB.
            self._connection.execute("pragma page_size = 8192")
            self._connection.execute("pragma journal_mode = wal")
            # With a write-ahead log this loses nothing when a process dies, and at most the last batches
            # (never consistency) when the machine does.
            self._connection.execute("pragma synchronous = normal")
            # Moving the log into the file waits for the disk: every 64 MB instead of every 16.
            self._connection.execute("pragma wal_autocheckpoint = 8000")
            self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> "FeatureStore":  # noqa: PYI034 - the shape checks of the tests know no Self
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def missing(self, network_key: str, images: Iterable[str]) -> list[str]:
        """Those of the images (SHA-256, hexadecimal) that have no row yet: each once, in the order given."""
        wanted = list(dict.fromkeys(images))
        with self._explained():
            known = self._ids(network_key, wanted)
        return [image for image in wanted if image not in known]

    def write(self, network_key: str, network_name: str, images: Sequence[str], rows: Features) -> None:
        """Keep a batch, whole or not at all. An image that another process wrote meanwhile is left as is."""
        with self._explained():
            if self.size_bytes > self.limit_bytes:
                self._forget_oldest()
            with self._transaction():
                network = self._network_id(network_key, network_name, rows.shape[1])
                for image, blob in zip(images, _encode(rows), strict=True):
                    inserted = self._connection.execute(
                        "insert or ignore into images (network, sha256, used_day) values (?, ?, ?)",
                        (network, bytes.fromhex(image), _today()),
                    )
                    if inserted.rowcount:
                        self._connection.execute("insert into rows values (?, ?)", (inserted.lastrowid, blob))

    def read(self, network_key: str, images: Sequence[str], columns: Sequence[slice]) -> Features:
        """Rows of the images in the order given, float32 [n, d], the chosen columns side by side.

        Raises:
            ArtifactError: an image has no row, or the file is damaged.
        """
        width = sum(part.stop - part.start for part in columns)
        features = np.empty((len(images), width), dtype=np.float32)
        self.read_into(features, network_key, images, columns)
        return features

    def read_into(
        self, features: Features, network_key: str, images: Sequence[str], columns: Sequence[slice]
    ) -> None:
        """Like `read`, into an array (or part of one) that exists: nothing is held twice."""
        with self._explained():
            ids = self._ids(network_key, list(dict.fromkeys(images)), touch=True)
            absent = [image for image in images if image not in ids]
            if absent:
                raise ArtifactError(f"{len(absent)} images have no features in {self.path}. Run again.")
            wanted: dict[int, list[int]] = {}
            for position, image in enumerate(images):
                wanted.setdefault(ids[image], []).append(position)
            stored_width = self._width(network_key)
            for row_id, blob in self._blobs(sorted(wanted)):
                row = _decode(blob, stored_width, self.path)
                for position in wanted[row_id]:
                    np.concatenate([row[part] for part in columns], out=features[position])

    @property
    def size_bytes(self) -> int:
        """Bytes in use, without the pages that were freed and will be used again."""
        pages, free, size = (
            int(self._connection.execute(f"pragma {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def summary(self) -> list[StoredNetwork]:
        """What is stored, network by network."""
        query = """
            select name, key, count(images.id), coalesce(sum(length(features)), 0) / 1e6
            from networks left join images on network = networks.id left join rows on rows.id = images.id
            group by networks.id order by name"""
        with self._explained():
            return [StoredNetwork(*row) for row in self._connection.execute(query)]

    def clear(self) -> None:
        """Forget everything and give the space back to the disk."""
        with self._explained():
            with self._transaction():
                for table in ("rows", "images", "networks"):
                    self._connection.execute(f"delete from {table}")  # noqa: S608 - names from above
            self._connection.execute("vacuum")
            self._connection.execute("pragma wal_checkpoint(truncate)")

    def _network_id(self, key: str, name: str, width: int) -> int:
        self._connection.execute(
            "insert or ignore into networks (key, name, width) values (?, ?, ?)", (key, name, width)
        )
        return int(self._connection.execute("select id from networks where key = ?", (key,)).fetchone()[0])

    def _width(self, network_key: str) -> int:
        row = self._connection.execute("select width from networks where key = ?", (network_key,)).fetchone()
        return int(row[0]) if row else 0

    def _ids(self, network_key: str, images: Sequence[str], *, touch: bool = False) -> dict[str, int]:
        found: dict[str, int] = {}
        for chunk in _chunks([bytes.fromhex(image) for image in images]):
            marks = ",".join("?" * len(chunk))
            where = f"network = (select id from networks where key = ?) and sha256 in ({marks})"  # noqa: S608 - question marks
            query = f"select sha256, id, used_day from images where {where}"  # noqa: S608
            rows = self._connection.execute(query, (network_key, *chunk)).fetchall()
            found.update((sha.hex(), row_id) for sha, row_id, _ in rows)
            if touch and any(day < _today() for _, _, day in rows):  # An update locks, even one of no rows.
                update = f"update images set used_day = ? where {where}"  # noqa: S608
                self._connection.execute(update, (_today(), network_key, *chunk))
        return found

    def _blobs(self, ids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for chunk in _chunks(ids):
            marks = ",".join("?" * len(chunk))
            query = f"select id, features from rows where id in ({marks})"  # noqa: S608
            yield from self._connection.execute(query, tuple(chunk))

    def _forget_oldest(self) -> None:
        """Free a tenth of the limit, so that a full store does not do so at every batch."""
        with self._transaction():
            total = self._connection.execute("select count(*) from images").fetchone()[0]
            keep_fraction = 0.9 * self.limit_bytes / self.size_bytes
            self._connection.execute(
                "delete from images where id in (select id from images order by used_day, id limit ?)",
                (int(total * (1 - keep_fraction)) + 1,),
            )
            self._connection.execute("delete from rows where id not in (select id from images)")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            if self._connection.in_transaction:  # SQLite itself rolls back when the disk is full.
                self._connection.execute("rollback")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ArtifactError(
                f"The feature store {self.path} cannot be used: {error}. Nothing else is affected. Free some "
                f"space, run 'regraft cache clear', or name another folder in $REGRAFT_CACHE."
            ) from error


def _encode(rows: Features) -> Iterator[bytes]:
    with np.errstate(over="ignore"):
        half = rows.astype(np.float16)
    for short, full in zip(half, rows, strict=True):
        yield short.tobytes() if np.isfinite(short).all() else full.astype(np.float32).tobytes()


def _decode(blob: bytes, width: int, path: Path) -> Float[Array, " d"]:
    if len(blob) not in (2 * width, 4 * width):
        raise ArtifactError(f"The feature store {path} is damaged. Run 'regraft cache clear'.")
    return np.frombuffer(blob, dtype=np.float16 if len(blob) == 2 * width else np.float32)


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), KEYS_PER_QUERY):
        yield values[start : start + KEYS_PER_QUERY]


def _today() -> int:
    return int(time.time() // DAY_S)
