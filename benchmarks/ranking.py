"""Does `regraft rank` name the right network, and what does it cost?

Candidates: the bundled networks, each at its last stage, at all and on a grid, and at other image sizes;
networks fine-tuned on other sets, random ones, and some spoilt on purpose. The truth is the test accuracy
that `regraft fit` reaches with each candidate alone, with scaling and head tuned, and the depths where they
are not the candidate's own. Regret is what the recommended network misses of the best candidate's accuracy,
in points, at the depths that are recommended with it where these are candidates; `regret_of_training` what
the candidate misses that is chosen by tuning them all, on held-out images. Each set is ranked several
times, with other images looked at first.

The best is the best of noisy numbers, so that even a perfect choice would have some regret; `regret_apart`
has none of that luck: the best is named on one half of the test images and compared on the other, halves by
lot. The truth lies between the two. Beside it, how every score of transferability orders all candidates on
the images of the last round (weighted Kendall tau), at a candidate's own depths or else the last. Near
copies are joined into groups before either side starts, and neither looks for them.
"""

import csv
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import weightedtau

import regraft
from benchmarks.accuracy import write_table
from benchmarks.grafted import make
from regraft.backbones import load
from regraft.data import keep_together, read_table, untangled
from regraft.features import Depths, FeatureStore, extract
from regraft.pipeline.ranking.contest import LOOKS, PROBED, Contest
from regraft.pipeline.ranking.evidence import units_of
from regraft.pipeline.ranking.likeness import source_probabilities
from regraft.pipeline.ranking.tournament import rounds
from regraft.pipeline.relatives import find_relatives
from regraft.transferability import SCORES, Sample

SIZES = ("lite0", "lite1", "lite2", "lite0:96px", "lite1:128px", "lite2:128px", "lite0:288px")
AT_EACH_DEPTH = ("lite0", "lite1", "lite2")
LEAST_REGRET, LARGEST_SHARE = 1.0, 0.1
HALVINGS = 200
SEEDS = (0, 1, 2)
QUICK = ("hymenoptera", "rsscn7")


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
        for name in QUICK if quick else sets:
            work = Path(folder) / name
            work.mkdir()
            fair = {title: one for title, one in names.items() if name not in title}
            table = _joined(write_table(data / name, work / "table.csv", 0), work)
            truth = _truth(table, fair, work)
            kept = ("accuracy", "half_width", "held_out_loss", "seconds")
            truths += [{"set": name, "candidate": t, **{k: one[k] for k in kept}} for t, one in truth.items()]
            rows.append({"set": name, **_ranked(table, fair, truth)})
            orders += [{"set": name, **row} for row in _orders(table, fair, truth, work)]
            print("   ", rows[-1], flush=True)
    return {"rows": rows, **_summary(rows), "scores": _scores(orders), "truth": truths, "orders": orders}


def _joined(table: Path, folder: Path) -> Path:
    """The table with a group for what belongs together, found once, as the first fit of a set does it."""
    dataset, network, store = read_table(table), load(LOOKS), FeatureStore(folder)
    extract(dataset, network, store)
    joined = keep_together(*untangled(dataset, find_relatives(dataset, store, network)))
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "group", "split"])
        for example in joined.examples:
            writer.writerow([example.path, joined.classes[example.label], example.group, example.part])
    return table


def _truth(table: Path, names: Mapping[str, str], folder: Path) -> dict[str, dict]:
    """Test accuracy in % of the best that `fit` makes of each candidate, and the seconds that it took.

    A network's images pass through it once, for the first of its candidates.
    """
    found = {}
    for number, (title, depths) in enumerate(_candidates([*names])):
        recipe = regraft.Recipe(backbones=(names[title],), depths=depths, together="given")
        started = time.perf_counter()
        run = regraft.fit(
            table, budget="10m", recipe=recipe, out=folder / f"run-{number}", store=FeatureStore(folder)
        )
        accuracy = run.report.data["test"]["accuracy"]
        found[_called(title, depths)] = {
            "accuracy": 100 * accuracy["value"],
            "half_width": 50 * (accuracy["high"] - accuracy["low"]),
            "held_out_loss": run.report.data["validation"]["log_loss"]["value"],
            "seconds": time.perf_counter() - started,
            "right": _right(folder / f"run-{number}"),
        }
    return found


def _candidates(names: Sequence[str]) -> list[tuple[str, Depths | None]]:
    """Networks and their depths; None where these are left to tuning."""
    return [(title, depths) for title in names for depths in (PROBED if title in AT_EACH_DEPTH else (None,))]


def _called(title: str, depths: Depths | None) -> str:
    return f"{title}, {depths}" if depths and title in AT_EACH_DEPTH else title


def _right(folder: Path) -> np.ndarray:
    """Of each test image whether the answer was right."""
    with (folder / "predictions.csv").open(newline="") as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["path"])
    return np.array([row["label"] == row["predicted"] for row in rows])


def _ranked(table: Path, names: Mapping[str, str], truth: Mapping[str, dict]) -> dict:
    title_of = {name: title for title, name in names.items()}
    found = [_once(table, [*names.values()], seed) for seed in SEEDS]
    winners = [one["candidates"][0] for one in found]
    chosen = [_called(title_of[one["name"]], one["depths"]) for one in winners]
    best = max(truth, key=lambda title: truth[title]["accuracy"])
    by_training = min(truth, key=lambda title: truth[title]["held_out_loss"])
    regrets = {title: truth[best]["accuracy"] - each["accuracy"] for title, each in truth.items()}
    training = sum(each["seconds"] for each in truth.values())
    seconds = float(np.mean([one["seconds"] for one in found]))
    return {
        "networks": len(names),
        "candidates": len(truth),
        "images": found[0]["images"],
        "judged_on": [one["rounds"][-1]["images"] for one in found],
        "recommended": chosen,
        "by_training": by_training,
        "best": best,
        "best_accuracy": round(truth[best]["accuracy"], 1),
        "regret": round(float(np.mean([regrets[title] for title in chosen])), 2),
        "regret_apart": round(float(np.mean([_regret_apart(truth, title) for title in chosen])), 2),
        "regret_of_training": round(regrets[by_training], 2),
        "half_width": round(truth[best]["half_width"], 1),
        "seconds": round(seconds, 1),
        "training_seconds": round(training, 1),
        "share": round(seconds / training, 3),
    }


def _once(table: Path, names: Sequence[str], seed: int) -> dict:
    with tempfile.TemporaryDirectory() as empty:
        return regraft.rank(
            table, names, budget="10m", seed=seed, together="given", store=FeatureStore(Path(empty))
        )


def _regret_apart(truth: Mapping[str, dict], chosen: str) -> float:
    """In points: the best is named on one half of the test images, and what it gains counted on the other."""
    random = np.random.default_rng(0)
    right = np.stack([each["right"] for each in truth.values()])
    own = right[[*truth].index(chosen)]
    found = []
    for _ in range(HALVINGS):
        lots = random.permutation(right.shape[1])
        named, counted = np.array_split(lots, 2)
        best = right[right[:, named].mean(axis=1).argmax()]
        found.append(100 * (best[counted].mean() - own[counted].mean()))
    return float(np.mean(found))


def _orders(table: Path, names: Mapping[str, str], truth: Mapping[str, dict], folder: Path) -> list[dict]:
    """Every score of every candidate on the same images: those of the last round."""
    dataset = read_table(table)
    contest = Contest(dataset, FeatureStore(folder), regraft.Recipe(together="given"))
    size = rounds(len(contest.dataset), len(dataset.classes))[-1]
    images = contest.sample(size)
    values: dict[str, dict[str, float]] = {"probe": {}}
    for title, depths in _candidates([*names]):
        name, candidate = names[title], _called(title, depths)
        probed = [contest.probed(name, images, each) for each in ([depths] if depths else PROBED)]
        values["probe"][candidate] = -min(each.loss for each in probed)
        sample = Sample(
            contest.features(name, images, depths or "last"),
            images.labels,
            len(images.classes),
            source_probabilities(contest.backbone(name), contest.rows(name, images)),
            units_of(images),
        )
        for score in SCORES:
            if sample.source is not None or not score.needs_source:
                values.setdefault(score.name, {})[candidate] = score.measure(sample).value
    return [{"score": score, **_order(found, truth)} for score, found in values.items()]


def _order(found: Mapping[str, float], truth: Mapping[str, dict]) -> dict:
    accuracies = [truth[title]["accuracy"] for title in found]
    top = max(found, key=lambda title: found[title])
    tau = weightedtau([*found.values()], accuracies).statistic
    return {
        "candidates": len(found),
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
    kinds = ("regret", "regret_apart", "regret_of_training")
    means = {f"mean_{kind}": round(float(np.mean([row[kind] for row in rows])), 2) for kind in kinds}
    share = sum(row["seconds"] for row in rows) / sum(row["training_seconds"] for row in rows)
    return {
        "n": len(rows),
        "draws": len(SEEDS),
        **means,
        "share_of_training": round(share, 3),
        "reached": means["mean_regret"] < LEAST_REGRET and share < LARGEST_SHARE,
    }
