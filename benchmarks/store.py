"""The feature store's SQLite against LMDB: 10,000 rows of 5,360 half-precision numbers.

Both sides turn float32 into float16, write 64 rows in a transaction, and read all rows in a random order into
a float32 array. Neither waits for the disk at a commit (SQLite: write-ahead log, synchronous = normal; LMDB:
sync and metasync off), so that either loses its last transactions, and no more, when the machine dies; both
are flushed at the end, inside the time. Files are read from the page cache.
"""

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.ratios import in_turns, ratio_of_medians
from regraft.core.hashing import sha256_of_bytes
from regraft.features import FeatureStore

WIDTH = 5_360
BATCH = 64


def run(data: Path | None, quick: bool) -> dict:
    """`data` is not needed: rows are drawn at random, which neither side can compress."""
    del data
    count, repetitions = (1_000, 2) if quick else (10_000, 5)
    random = np.random.default_rng(0)
    rows = random.normal(size=(count, WIDTH)).astype(np.float32)
    names = [sha256_of_bytes(str(index).encode()) for index in range(count)]
    order = random.permutation(count)
    sizes: dict[str, float] = {}
    found: dict[str, dict[str, list[float]]] = {
        what: {"sqlite": [], "lmdb": []} for what in ("write", "read")
    }

    def once(side: str) -> float:
        with tempfile.TemporaryDirectory() as folder:
            wrote, read, right = (_sqlite if side == "sqlite" else _lmdb)(Path(folder), names, rows, order)
            sizes[side] = sum(file.stat().st_size for file in Path(folder).rglob("*")) / 1e6
        assert right
        found["write"][side].append(count / wrote)
        found["read"][side].append(count / read)
        return wrote + read

    in_turns({side: lambda side=side: once(side) for side in ("sqlite", "lmdb")}, repetitions)
    ratios = {what: ratio_of_medians(found[what]["sqlite"], found[what]["lmdb"]) for what in found}
    return {
        "rows": count,
        "rows_per_s": _medians(found),
        "sqlite_speed_of_lmdb": ratios,
        "size_mb": sizes,
        "target": "64 rows are written in less than 20 ms, a small part of the time that computing takes",
        "write_ms_per_batch": 1000 * BATCH / statistics.median(found["write"]["sqlite"]),
        "reached": 1000 * BATCH / statistics.median(found["write"]["sqlite"]) < 20,
    }


def _medians(found: dict[str, dict[str, list[float]]]) -> dict:
    return {what: {side: statistics.median(v) for side, v in sides.items()} for what, sides in found.items()}


def _sqlite(folder: Path, names: list[str], rows: np.ndarray, order: np.ndarray) -> tuple[float, float, bool]:
    started = time.perf_counter()
    with FeatureStore(folder) as store:
        for start in range(0, len(rows), BATCH):
            store.write("key", "net", names[start : start + BATCH], rows[start : start + BATCH])
    wrote = time.perf_counter() - started
    with FeatureStore(folder) as store:
        started = time.perf_counter()
        found = store.read("key", [names[index] for index in order], (slice(0, WIDTH),))
        return wrote, time.perf_counter() - started, _is_right(found, rows, order)


def _lmdb(folder: Path, names: list[str], rows: np.ndarray, order: np.ndarray) -> tuple[float, float, bool]:
    import lmdb

    keys = [bytes.fromhex(name) for name in names]
    started = time.perf_counter()
    with lmdb.open(str(folder), map_size=1 << 32, sync=False, metasync=False) as environment:
        for start in range(0, len(rows), BATCH):
            with environment.begin(write=True) as transaction:
                for key, row in zip(
                    keys[start:], rows[start : start + BATCH].astype(np.float16), strict=False
                ):
                    transaction.put(key, row.tobytes())
        environment.sync(True)
    wrote = time.perf_counter() - started
    with lmdb.open(str(folder), readonly=True) as environment, environment.begin(buffers=True) as transaction:
        started = time.perf_counter()
        found = np.empty((len(order), WIDTH), np.float32)
        for position, index in enumerate(order):
            found[position] = np.frombuffer(transaction.get(keys[index]), np.float16)
        return wrote, time.perf_counter() - started, _is_right(found, rows, order)


def _is_right(found: np.ndarray, rows: np.ndarray, order: np.ndarray) -> bool:
    return bool((found == rows[order].astype(np.float16)).all())
