"""Damaged files of every format: does each give pixels or a reason, in bounded time and memory, and no noise?

Ten thousand files are made from small valid ones by `mutations` and decoded in a process of its own, which
may take no more than `MEMORY_MB` of address space, and `LIMIT_S` for a file. Whatever is neither pixels nor a
`DataError` counts as a failure: another exception, a crash, a hang, memory running out, and anything that a
decoder writes to the screen. A failure is made again by `python -m benchmarks.fuzz FORMAT NUMBER`.
"""

import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.mutations import mutate
from benchmarks.valid_files import valid_files
from regraft.core.errors import DataError
from regraft.data.formats.decode import decode_plainly
from regraft.data.formats.limits import NO_MEMORY
from regraft.data.formats.pages import read_contents

FILES, QUICK_FILES = 10_000, 500
SEED = 0
LIMIT_S = 10
MEMORY_MB = 4_000
PEAK_TARGET_MB = 1_500
MOST_LISTED = 20


def run(data: Path | None, quick: bool) -> dict:
    """The data sets are not used: every file is made here."""
    formats = list(valid_files())
    each = (QUICK_FILES if quick else FILES) // len(formats) + 1
    rows, failures = [], []
    for name in formats:
        row, failed = _fuzz(name, each)
        rows.append(row)
        failures += failed
    return {
        "files": each * len(formats),
        "limits": {"seconds": LIMIT_S, "address_space_mb": MEMORY_MB, "peak_target_mb": PEAK_TARGET_MB},
        "formats": rows,
        "failures": failures[:MOST_LISTED],
        "target": "every file gives pixels or a reason; memory bounded",
        "reached": not failures and all(row["peak_mb"] < PEAK_TARGET_MB for row in rows),
    }


def _fuzz(name: str, count: int) -> tuple[dict, list[str]]:
    """All files of one format, in as many processes as crashes make necessary."""
    outcomes: Counter[str] = Counter()
    failures: list[str] = []
    slowest_s = peak_mb = 0.0
    number = 0
    while number < count:
        with tempfile.TemporaryFile() as noise:
            command = [sys.executable, "-m", "benchmarks.fuzz", name, str(number), str(count)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=noise, text=True, check=False)
            noise.seek(0)
            said = noise.read().decode(errors="replace").strip()
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for outcome, seconds, peak in lines:
            outcomes[outcome if outcome in ("decoded", "refused") else "failed"] += 1
            slowest_s, peak_mb = max(slowest_s, seconds), max(peak_mb, peak)
            if outcome not in ("decoded", "refused"):
                failures.append(f"{name} {number}: {outcome}")
            number += 1
        if done.returncode:
            failures.append(f"{name} {number}: ended by {_ending(done.returncode)}; {said[-300:]}")
            outcomes["failed"] += 1
            number += 1
        elif said:
            failures.append(f"{name}: written to the screen: {said[:300]}")
    row = {"format": name, **{key: outcomes[key] for key in ("decoded", "refused", "failed")}}
    return row | {"slowest_s": round(slowest_s, 3), "peak_mb": round(peak_mb)}, failures


def _ending(status: int) -> str:
    return f"{signal.Signals(-status).name}" if status < 0 else f"status {status}"


def _work(name: str, first: int, last: int) -> None:
    """Decode a stretch of the files of a format, and tell of each on a line of its own."""
    files = valid_files()
    every = [one for some in files.values() for one in some]
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20, MEMORY_MB << 20))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, also within a decoder
    for number in range(first, last):
        damaged = _damaged(name, number, files, every)
        signal.alarm(LIMIT_S)
        started = time.perf_counter()
        outcome = _outcome(damaged, at_least_px=(0, 10, 30)[number % 3])
        seconds = time.perf_counter() - started
        signal.alarm(0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([outcome, seconds, peak]), flush=True)


def _damaged(name: str, number: int, files: dict[str, list[bytes]], every: list[bytes]) -> bytes:
    random = np.random.default_rng([SEED, list(files).index(name), number])
    return mutate(files[name][number % len(files[name])], every, random)


def _outcome(data: bytes, *, at_least_px: int) -> str:
    try:
        read_contents(data)
    except DataError:
        pass  # What cannot be decoded is counted below.
    except BaseException as error:  # noqa: BLE001 - this is what is looked for
        return f"header: {type(error).__name__}: {error}"
    try:
        pixels = decode_plainly(data, at_least_px=at_least_px)
    except DataError as error:
        return "refused" if str(error) != NO_MEMORY else "memory ran out"
    except BaseException as error:  # noqa: BLE001 - this is what is looked for
        return f"{type(error).__name__}: {error}"
    is_right = pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size
    return "decoded" if is_right else f"pixels of {pixels.dtype} {pixels.shape}"


if __name__ == "__main__":
    _work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else int(sys.argv[2]) + 1)
