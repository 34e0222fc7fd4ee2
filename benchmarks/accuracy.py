"""Test accuracy at a budget of 60 s on every data set, beside what a person would do by hand.

Both sides see the same training and test images. By hand: (a) frozen lite0 at 224 px, last layer,
standardised, scikit-learn's logistic regression; (b) ridge regression over all depths of lite0 and lite2, the
penalty by leave-one-out. Their features cost them nothing; `fit` starts with an empty store.
"""

import csv
import tempfile
from pathlib import Path

import numpy as np

import regraft
from regraft.backbones import load
from regraft.data import read_table
from regraft.features import FeatureStore, Representation, extract, read
from regraft.heads import Ridge

BUDGET = "60s"
SEEDS = 3
MOST_IMAGES = 1000
GIVEN = {"blood_cells": "test", "gtsrb32": "test", "hymenoptera": "val"}
"""Sets whose own split is used, and which part is its test; the others are split in halves, three times."""


def run(data: Path | None, quick: bool) -> dict:
    """One row per data set and split."""
    if data is None:
        return {"skipped": "needs the data sets"}
    for network in regraft.Recipe().backbones:
        load(network)  # Converted once per machine, as after any first fit; not part of a budget.
    rows = []
    names = (
        ("hymenoptera", "blood_cells")
        if quick
        else sorted(path.name for path in data.iterdir() if path.is_dir())
    )
    for name in names:
        for seed in range(1 if quick or name in GIVEN else SEEDS):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(_measure(data / name, Path(folder), seed))
            print("   ", rows[-1], flush=True)
    return {"budget": BUDGET, "rows": rows, "means": _means(rows), "n": len(rows), "reached": _reached(rows)}


def _measure(source: Path, folder: Path, seed: int) -> dict:
    table = write_table(source, folder / "table.csv", seed)
    found = regraft.fit(table, budget=BUDGET, out=folder / "run", store=FeatureStore(folder)).report.data
    by_hand = _by_hand(table, FeatureStore(folder))
    test = found["test"]["accuracy"]
    return {
        "set": source.name,
        "seed": seed,
        "test_images": found["parts"]["test"],
        "regraft": round(100 * test["value"], 1),
        "low": round(100 * test["low"], 1),
        "high": round(100 * test["high"], 1),
        **by_hand,
        "validation": round(100 * found["validation"]["accuracy"]["value"], 1),
        "seconds": round(found["seconds"]),
        "chosen": "+".join(found["chosen"]["backbones"])
        + f" {found['chosen']['depths']} {found['chosen']['scaling']} {found['chosen']['head']['kind']}",
    }


def write_table(source: Path, file: Path, seed: int) -> Path:
    """The data set's own parts, or halves of every class drawn by a seed; groups are passed on."""
    with (source / "manifest.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    if source.name in GIVEN:
        parts = ["test" if row["split"] == GIVEN[source.name] else "train" for row in rows]
    else:
        random = np.random.default_rng(seed)
        parts = ["train"] * len(rows)
        for label in sorted({row["label"] for row in rows}):
            members = [i for i, row in enumerate(rows) if row["label"] == label]
            for i in random.permutation(members)[: len(members) // 2]:
                parts[i] = "test"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "group", "split"])
        for row, part in zip(rows, parts, strict=True):
            writer.writerow([source / row["path"], row["label"], row["group"], part])
    return file


def small_table(source: Path, folder: Path) -> Path:
    """As `write_table` with seed 0: the first images of every class and part, `MOST_IMAGES` in all."""
    whole = write_table(source, folder / "whole.csv", 0)
    with whole.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    random = np.random.default_rng(0)
    keep = min(1.0, MOST_IMAGES / len(rows))
    kept = []
    for key in sorted({(row["label"], row["split"]) for row in rows}):
        members = [row for row in rows if (row["label"], row["split"]) == key]
        chosen = random.permutation(len(members))[: max(2, round(keep * len(members)))]
        kept += [members[i] for i in sorted(chosen)]
    file = folder / "table.csv"
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(kept)
    return file


def _by_hand(table: Path, store: FeatureStore) -> dict:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    dataset = read_table(table)
    train, test = dataset.part("train"), dataset.part("test")
    networks = {name: load(name) for name in ("lite0", "lite2")}
    for network in networks.values():
        extract(dataset, network, store)

    def features(names: tuple[str, ...], depths: str, part: regraft.Dataset) -> np.ndarray:
        return read(Representation(names, depths, "none"), networks, store, [e.sha256 for e in part.examples])

    plain = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    plain.fit(features(("lite0",), "last", train), train.labels)
    logistic = plain.score(features(("lite0",), "last", test), test.labels)
    known = features(("lite0", "lite2"), "all", train)
    scale = StandardScaler().fit(known)
    ridge = Ridge().fit(scale.transform(known), train.labels, class_count=len(dataset.classes))
    answers = ridge.scores(scale.transform(features(("lite0", "lite2"), "all", test))).argmax(1)
    return {
        "logistic_last": round(100 * logistic, 1),
        "ridge_depths": round(100 * float(np.mean(answers == test.labels)), 1),
    }


def _means(rows: list[dict]) -> list[dict]:
    sets = sorted({row["set"] for row in rows})
    columns = ("regraft", "logistic_last", "ridge_depths", "seconds")
    return [
        {"set": name, "n": len(own)} | {c: round(float(np.mean([r[c] for r in own])), 1) for c in columns}
        for name in sets
        for own in [[row for row in rows if row["set"] == name]]
    ]


def _reached(rows: list[dict]) -> bool:
    return all(row["regraft"] >= max(row["logistic_last"], row["ridge_depths"]) for row in _means(rows))
