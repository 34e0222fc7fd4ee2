"""Does `regraft rank` name the right network, and what does it cost?

Candidates: the bundled networks at several image sizes, networks fine-tuned on other sets, random ones, and
some spoilt on purpose. The truth is the test accuracy that `regraft fit` reaches with each of them alone, all
features and heads tuned. Regret is what the recommended network misses of the best one's accuracy, in points;
the best is the best of noisy numbers, so that even a perfect choice would have some. Beside it, how every
score of transferability orders all candidates on the images of the last round (weighted Kendall tau).
"""

import csv
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.stats import weightedtau

import regraft
from benchmarks.accuracy import write_table
from benchmarks.grafted import make
from regraft.backbones import load
from regraft.data import read_table
from regraft.features import FeatureStore
from regraft.pipeline.ranking.contest import Contest
from regraft.pipeline.ranking.evidence import units_of
from regraft.pipeline.ranking.likeness import source_probabilities
from regraft.pipeline.ranking.tournament import rounds
from regraft.transferability import SCORES, Sample

MOST_IMAGES = 1000
SIZES = ("lite0", "lite2", "lite0:96px", "lite2:128px", "lite0:288px")
LEAST_REGRET, LARGEST_SHARE = 1.0, 0.1


def run(data: Path | None, quick: bool) -> dict:
    """One row per data set."""
    if data is None:
        return {"skipped": "needs the data sets"}
    with tempfile.TemporaryDirectory() as folder:
        names = {name: name for name in SIZES} | make(data, Path(folder))
        for name in names.values():
            load(name)  # Converted once per machine; no part of what either side costs.
        sets = sorted(path.name for path in data.iterdir() if path.is_dir())
        rows, orders, truths = [], [], []
        for name in sets[:2] if quick else sets:
            work = Path(folder) / name
            work.mkdir()
            fair = {title: one for title, one in names.items() if name not in title}
            table = small_table(data / name, work)
            truth = _truth(table, fair, work)
            truths += [{"set": name, "network": title, **found} for title, found in truth.items()]
            rows.append({"set": name, **_ranked(table, fair, truth, work)})
            orders += [{"set": name, **row} for row in _orders(table, fair, truth, work)]
            print("   ", rows[-1], flush=True)
    return {"rows": rows, **_summary(rows), "scores": _scores(orders), "truth": truths, "orders": orders}


def small_table(source: Path, folder: Path) -> Path:
    """The first images of every class and part, at most so many in all; the split is that of `accuracy`."""
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


def _truth(table: Path, names: Mapping[str, str], folder: Path) -> dict[str, dict]:
    """Test accuracy in % of the best that `fit` makes of each network, and the seconds that it took."""
    found = {}
    for number, (title, name) in enumerate(names.items()):
        recipe = regraft.Recipe(backbones=(name,), together="given")
        started = time.perf_counter()
        run = regraft.fit(
            table, budget="10m", recipe=recipe, out=folder / f"run-{number}", store=FeatureStore(folder)
        )
        accuracy = run.report.data["test"]["accuracy"]
        found[title] = {
            "accuracy": 100 * accuracy["value"],
            "half_width": 50 * (accuracy["high"] - accuracy["low"]),
            "seconds": time.perf_counter() - started,
        }
    return found


def _ranked(table: Path, names: Mapping[str, str], truth: Mapping[str, dict], folder: Path) -> dict:
    with tempfile.TemporaryDirectory() as empty:
        found = regraft.rank(table, [*names.values()], budget="10m", store=FeatureStore(Path(empty)))
    title_of = {name: title for title, name in names.items()}
    chosen = title_of[found["recommended"]]
    best = max(truth, key=lambda title: truth[title]["accuracy"])
    training = sum(each["seconds"] for each in truth.values())
    return {
        "networks": len(names),
        "images": found["images"],
        "judged_on": found["rounds"][-1]["images"],
        "recommended": chosen,
        "best": best,
        "accuracy": round(truth[chosen]["accuracy"], 1),
        "best_accuracy": round(truth[best]["accuracy"], 1),
        "regret": round(truth[best]["accuracy"] - truth[chosen]["accuracy"], 1),
        "half_width": round(truth[best]["half_width"], 1),
        "seconds": round(found["seconds"], 1),
        "training_seconds": round(training, 1),
        "share": round(found["seconds"] / training, 3),
        "shift": None if (shift := found["candidates"][0]["source"]["shift"]) is None else round(shift, 2),
    }


def _orders(table: Path, names: Mapping[str, str], truth: Mapping[str, dict], folder: Path) -> list[dict]:
    """Every score of every network on the same images: those of the last round."""
    dataset = read_table(table)
    contest = Contest(dataset, FeatureStore(folder), "auto")
    size = rounds(len(contest.dataset), len(dataset.classes))[-1]
    contest.keep_together(size)
    values: dict[str, dict[str, float]] = {"probe": {}}
    for title, name in names.items():
        values["probe"][title] = -contest.standing(name, size).loss
        images = contest.sample(size)
        sample = Sample(
            contest.features(name, images, "last"),
            images.labels,
            len(images.classes),
            source_probabilities(contest.backbone(name), contest.rows(name, images)),
            units_of(images),
        )
        for score in SCORES:
            if sample.source is not None or not score.needs_source:
                values.setdefault(score.name, {})[title] = score.measure(sample).value
    return [{"score": score, **_order(found, truth)} for score, found in values.items()]


def _order(found: Mapping[str, float], truth: Mapping[str, dict]) -> dict:
    accuracies = [truth[title]["accuracy"] for title in found]
    top = max(found, key=lambda title: found[title])
    tau = weightedtau([*found.values()], accuracies).statistic
    return {
        "networks": len(found),
        "tau": float(tau),
        "regret": max(accuracies) - truth[top]["accuracy"],
        "top": top,
    }


def _scores(orders: list[dict]) -> list[dict]:
    """The mean over data sets of every score's tau and regret."""
    found = []
    for name in dict.fromkeys(row["score"] for row in orders):
        own = [row for row in orders if row["score"] == name]
        found.append(
            {
                "score": name,
                "sets": len(own),
                "tau": round(float(np.mean([row["tau"] for row in own])), 2),
                "regret": round(float(np.mean([row["regret"] for row in own])), 1),
            }
        )
    return found


def _summary(rows: list[dict]) -> dict:
    regret = float(np.mean([row["regret"] for row in rows]))
    share = sum(row["seconds"] for row in rows) / sum(row["training_seconds"] for row in rows)
    return {
        "n": len(rows),
        "mean_regret": round(regret, 2),
        "share_of_training": round(share, 3),
        "reached": regret < LEAST_REGRET and share < LARGEST_SHARE,
    }
