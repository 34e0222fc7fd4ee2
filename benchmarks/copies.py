"""Near copies: are those found that were planted, are those true that were found, and how long does it take?

`judged_copies.json` holds what somebody saw who looked at the pairs of unlike originals that were found: the
sets have copies of their own. A found pair that is neither planted nor listed there counts as wrong.
"""

import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from benchmarks.planted import Planted, plant
from benchmarks.real_copies import real_copies
from regraft.backbones import load
from regraft.data import Relatives, read
from regraft.features import FeatureStore, extract
from regraft.pipeline.relatives import find_relatives, thumbnails

SETS = ("rsscn7", "dtd10", "hymenoptera")
PRECISION_TARGET = 0.99
RECALL_TARGETS = {"rescaled": 0.95, "recompressed": 0.95, "mirrored": 0.95}
OTHER_RECALL_TARGET = 0.85
JUDGED = Path(__file__).with_name("judged_copies.json")


def run(data: Path | None, quick: bool) -> dict:
    """Needs the sets; without them there is nothing to measure."""
    if data is None:
        return {"skipped": "needs rsscn7, dtd10 and hymenoptera"}
    asked = [(name, seed) for name in SETS for seed in range(1 if quick else 3)]
    rows = [{"set": name, "seed": seed, **_one_set(data / name, seed)} for name, seed in asked]
    pairs, right = sum(row["pairs"] for row in rows), sum(row["right"] for row in rows)
    kinds = sorted({kind for row in rows for kind in row["found"]})
    planted = {kind: sum(row["planted"][kind] for row in rows) for kind in kinds}
    recall = {kind: sum(row["found"][kind] for row in rows) / planted[kind] for kind in kinds}
    worst = {kind: min(row["found"][kind] / row["planted"][kind] for row in rows) for kind in kinds}
    reached = right / pairs >= PRECISION_TARGET and all(
        recall[kind] >= RECALL_TARGETS.get(kind, OTHER_RECALL_TARGET) for kind in kinds
    )
    images = sum(row["images"] for row in rows)
    return {
        "rows": rows,
        "precision": right / pairs,
        "pairs": pairs,
        "recall": recall,
        "planted": planted,
        "lowest_recall_of_a_set": worst,
        "seconds_per_10000_images": 1e4 * sum(row["seconds"] for row in rows) / images,
        "cpu_seconds_per_10000_images": 1e4 * sum(row["cpu_seconds"] for row in rows) / images,
        "real": real_copies(),
        "target": "precision 0.99; recall 0.95 rescaled, recompressed, mirrored, 0.85 the rest",
        "reached": reached,
    }


def _one_set(source: Path, seed: int) -> dict:
    with tempfile.TemporaryDirectory() as folder, FeatureStore(Path(folder) / "cache") as store:
        planted = plant(source, Path(folder) / "images", seed=seed)
        dataset, backbone = read(planted.folder), load("lite0")
        extract(dataset, backbone, store)
        started, cpu_started = time.perf_counter(), time.process_time()
        thumbnails(dataset, store)
        relatives = find_relatives(dataset, store, backbone)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
        return {
            "images": len(dataset),
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            **_judged(relatives, dataset.paths, planted, source.name),
        }


def _judged(relatives: Relatives, paths: tuple[Path, ...], planted: Planted, name: str) -> dict:
    same = {(a, b): is_same for a, b, is_same in json.loads(JUDGED.read_text())["pairs"][name]}
    right, wrong = 0, []
    for copy in relatives.copies:
        ends = sorted(planted.origins[paths[place]] for place in (copy.first, copy.second))
        is_right = ends[0] == ends[1] or same.get((ends[0], ends[1]), False)
        right += is_right
        if not is_right:
            wrong.append([*ends, copy.how, copy.shade])
    together = {place: number for number, one in enumerate(relatives.sets) for place in one}
    original = {planted.origins[path]: place for place, path in enumerate(paths) if path not in planted.kinds}
    counts: dict[str, int] = defaultdict(int)
    hits: dict[str, int] = defaultdict(int)
    for place, path in enumerate(paths):
        if path in planted.kinds:
            kind = planted.kinds[path]
            counts[kind] += 1
            hits[kind] += together.get(place, -1) == together.get(original[planted.origins[path]], -2)
    return {
        "pairs": len(relatives.copies),
        "right": right,
        "wrong": wrong,
        "planted": dict(counts),
        "found": dict(hits),
    }
