"""What bf16 and int8 trunks cost in accuracy and gain in speed, beside the same trunk in full precision.

Ridge regression over all depths, every depth scaled to the same variance, the penalty by leave-one-out; the
same images on every side. Differences are in points of test accuracy, with the interval of paired
answers. Speed is that of the trunk alone, the precisions taking turns.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.accuracy import write_table
from regraft.backbones import Backbone, load
from regraft.backbones.runtimes import has_bf16
from regraft.core.seeds import generator
from regraft.data import Dataset, read_table
from regraft.evaluation.comparison import paired_difference
from regraft.features import FeatureStore, Representation, extract, fit_affine, read
from regraft.heads.ridge import ridge_path

SETS = ("dtd10", "gtsrb32", "rsscn7")
NETWORKS = ("lite0", "lite2")
IMAGES_PER_PART = 200
BATCH, REPETITIONS = 64, 5


def run(data: Path | None, quick: bool) -> dict:
    """One row per network, precision and set, and all sets together."""
    if data is None:
        return {"skipped": "needs the data sets"}
    sets, names = (SETS[:1], NETWORKS[:1]) if quick else (SETS, NETWORKS)
    precisions = ("bf16", "int8") if has_bf16() else ("int8",)
    rows, speeds = [], []
    for name in names:
        networks = {"full": load(name), **{one: load(f"{name}:{one}") for one in precisions}}
        right = {one: _right(data / one, networks) for one in sets}
        for precision in precisions:
            rows += [_row(name, precision, one, right[one]["full"], right[one][precision]) for one in sets]
            whole = [np.concatenate([right[one][kind] for one in sets]) for kind in ("full", precision)]
            rows.append(_row(name, precision, "all", *whole))
        speeds += _speeds(name, networks)
    return {"images_per_part": IMAGES_PER_PART, "accuracy": rows, "speed": speeds}


def _right(source: Path, networks: dict[str, Backbone]) -> dict[str, np.ndarray]:
    """Which test images each precision has right."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = read_table(write_table(source, Path(folder) / "table.csv", 0))
        train, test = (_some(dataset.part(part)) for part in ("train", "test"))
        store = FeatureStore(Path(folder))
        return {kind: _answer(network, store, train, test) for kind, network in networks.items()}


def _some(part: Dataset) -> Dataset:
    """As many images of every class as there are of others, as far as they go."""
    random = generator(0, "precision", len(part))
    ranks = np.empty(len(part))
    for label in range(len(part.classes)):
        members = np.flatnonzero(part.labels == label)
        ranks[random.permutation(members)] = np.arange(len(members))
    return part.select(sorted(np.argsort(ranks, kind="stable")[:IMAGES_PER_PART].tolist()))


def _answer(network: Backbone, store: FeatureStore, train: Dataset, test: Dataset) -> np.ndarray:
    name, chosen = network.card.name, Representation((network.card.name,), "all", "depth")
    features = []
    for part in (train, test):
        extract(part, network, store)
        features.append(read(chosen, {name: network}, store, [e.sha256 for e in part.examples]))
    affine = fit_affine(chosen, [network.card], features[0])
    known, asked = ((each - affine.shift) * affine.scale for each in features)
    path = ridge_path(known, train.labels, class_count=len(train.classes), folds=None)
    answers = path.classifier(path.best).scores(asked).argmax(1)
    return (answers == test.labels).astype(float)


def _row(name: str, precision: str, source: str, full: np.ndarray, other: np.ndarray) -> dict:
    difference = paired_difference(full, other, np.arange(len(full)))
    return {
        "network": name,
        "precision": precision,
        "set": source,
        "n": len(full),
        "full": round(100 * float(full.mean()), 1),
        "accuracy": round(100 * float(other.mean()), 1),
        "difference": round(100 * difference.value, 1),
        "low": round(100 * difference.low, 1),
        "high": round(100 * difference.high, 1),
    }


def _speeds(name: str, networks: dict[str, Backbone]) -> list[dict]:
    px = networks["full"].card.image_px
    images = generator(0, "measure").integers(0, 256, (BATCH, px, px, 3), dtype=np.uint8)
    seconds: dict[str, list[float]] = {kind: [] for kind in networks}
    for _ in range(REPETITIONS + 1):
        for kind, network in networks.items():
            started = time.perf_counter()
            network.embed(images)
            seconds[kind].append(time.perf_counter() - started)
    median = {kind: float(np.median(each[1:])) for kind, each in seconds.items()}
    return [
        {
            "network": name,
            "precision": kind,
            "images_per_s": round(BATCH / median[kind], 1),
            "times_full": round(median["full"] / median[kind], 2),
            "relative_error": networks[kind].relative_error,
            "size_mb": round(networks[kind].size_bytes / 1e6, 1),
        }
        for kind in networks
    ]
