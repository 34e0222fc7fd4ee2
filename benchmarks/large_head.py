"""A linear head on features that stay in their file: a million rows of 1280 in half precision.

Made rows of a hundred classes, Gaussians about means that lie close, written to the temporary folder; a
process of its own maps the file and fits. Two sizes tell memory of the file from memory of the process: pages
of a mapped file count as resident while they are there, private memory does not hold them.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

LIMIT_GB = 6.0
CLASSES = 100
WIDTH = 1280
TESTED = 20_000
ROWS_AT_ONCE = 20_000
HEADS = ("ridge", "lda", "nearest_mean")

CHILD = """
import json, sys, threading, time
from pathlib import Path
import numpy as np
from regraft.heads import HEADS
folder, kind, tested = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
features = np.load(folder / "features.npy", mmap_mode="r")
labels = np.load(folder / "labels.npy")
private, done = [0], threading.Event()
def peak_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
def watch():
    while not done.wait(0.05):
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        kept = [int(line.split()[1]) for line in lines if line.startswith(("Private", "Swap:"))]
        private[0] = max(private[0], sum(kept))
watcher = threading.Thread(target=watch)
before = peak_kb()
watcher.start()
started = time.perf_counter()
fitted = HEADS[kind]().fit(features[tested:], labels[tested:], class_count=int(labels.max()) + 1)
seconds = time.perf_counter() - started
scores = fitted.scores(features[:tested])
done.set()
watcher.join()
print(json.dumps({
    "head": kind, "rows": len(features) - tested, "fit_s": seconds,
    "accuracy": float((scores.argmax(1) == labels[:tested]).mean()),
    "before_gb": before / 2**20, "private_gb": private[0] / 2**20,
    "resident_gb": peak_kb() / 2**20,
}))
"""


def run(data: Path | None, quick: bool) -> dict:
    """`data` is not needed."""
    del data
    rows = 60_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        best = write_features(Path(folder), rows + TESTED)
        write_s = time.perf_counter() - started
        fits = [_fit(Path(folder), kind) for kind in HEADS]
        file_gb = (Path(folder) / "features.npy").stat().st_size / 2**30
    return {
        "rows": rows,
        "width": WIDTH,
        "classes": CLASSES,
        "file_gb": file_gb,
        "write_s": write_s,
        "best_possible_accuracy": best,
        "fits": fits,
        "target": f"below {LIMIT_GB:.0f} GB resident, pages of the file included",
        "reached": all(one["resident_gb"] < LIMIT_GB for one in fits),
    }


def write_features(folder: Path, rows: int) -> float:
    """Rows and labels; returns how often someone who knows the means is right about the tested rows.

    Noise is larger along some directions than along others, so that nearest means are not the best there is.
    """
    random = np.random.default_rng(0)
    means = random.standard_normal((CLASSES, WIDTH), np.float32) * 0.04
    noise = np.geomspace(0.3, 3.0, WIDTH, dtype=np.float32)
    labels = random.integers(0, CLASSES, rows)
    file = np.lib.format.open_memmap(folder / "features.npy", "w+", np.float16, (rows, WIDTH))
    for start in range(0, rows, ROWS_AT_ONCE):
        own = labels[start : start + ROWS_AT_ONCE]
        file[start : start + len(own)] = (
            means[own] + noise * random.standard_normal((len(own), WIDTH), np.float32) + 0.5
        )
    file.flush()
    np.save(folder / "labels.npy", labels)
    scaled = means / noise
    scores = ((file[:TESTED] - np.float32(0.5)) / noise) @ scaled.T - (scaled**2).sum(1) / 2
    return float((scores.argmax(1) == labels[:TESTED]).mean())


def _fit(folder: Path, kind: str) -> dict:
    command = [sys.executable, "-c", CHILD, str(folder), kind, str(TESTED)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)
