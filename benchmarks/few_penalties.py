"""The best of a path of ridge penalties by the few that are looked at, against all of them.

On every data set cut to a few hundred images, with the features of every depth and scaling, and with images
left out one by one and in folds: the held-out log-loss of the penalty that each side ends with, how many
penalties the quicker one looked at, and, in folds, what both take.
"""

import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ratios import in_turns, mean_difference
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.features import Representation, fit_affine
from regraft.heads import ridge_path
from regraft.heads.ridge import PENALTIES, best_of_path
from regraft.heads.selection import lowest


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """How often both end with the same penalty, and the ratio of their times."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        rows += [{"set": name, "images": len(task.labels), **row} for row in rows_of(task, 1 if quick else 3)]
        print("   ", rows[-1], flush=True)
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    of_ratios = mean_difference(np.log(ratios), np.zeros(len(ratios)))
    return {
        "n": len(rows),
        "penalties": len(PENALTIES),
        "looked at, most": max(row["looked at"] for row in rows),
        "the same penalty": sum(row["loss higher by"] == 0 for row in rows),
        "loss higher by, most": max(row["loss higher by"] for row in rows),
        "ratio": {name: float(np.exp(of_ratios[name])) for name in ("mean", "low", "high")}
        | {"n": len(ratios)},
        "rows": rows,
    }


def rows_of(task: SearchTask, repetitions: int) -> list[dict[str, Any]]:
    """One for each kind of features and way of leaving out."""
    rows: list[dict[str, Any]] = []
    for depths in ("last", "all", "grid"):
        raw = task.features(depths)
        for scaling in ("none", "depth", "feature"):
            affine = fit_affine(Representation((NETWORK,), depths, scaling), [load(NETWORK).card], raw)
            features = np.asarray(affine(raw), np.float32)
            for folds in (None, task.folds):
                row = row_of(task, features, folds, repetitions)
                rows.append({"depths": depths, "scaling": scaling, "alone": folds is None, **row})
    return rows


def row_of(
    task: SearchTask, features: np.ndarray, folds: np.ndarray | None, repetitions: int
) -> dict[str, Any]:
    """Of the same features."""
    given: dict[str, Any] = {"class_count": task.class_count, "folds": folds}
    losses, looked = ridge_path(features, task.labels, **given).losses[::-1], list[int]()

    def losses_of(asked: list[int]) -> list[float]:
        looked.extend(asked)
        return losses[asked].tolist()

    found = losses[lowest(len(losses), losses_of)]
    row = {"looked at": len(looked), "loss higher by": float(found / losses.min() - 1)}
    if folds is None:
        return row

    def timed(path_of: Any) -> float:
        began = time.perf_counter()
        path_of(features, task.labels, **given)
        return time.perf_counter() - began

    taken = in_turns({"few": lambda: timed(best_of_path), "all": lambda: timed(ridge_path)}, repetitions)
    medians = {side: statistics.median(seconds) for side, seconds in taken.items()}
    return row | {"ratio": medians["all"] / medians["few"]}
