"""Features of every depth, scaled by depth, standardised, and standardised with the product's damping.

The folds of each data set's images for learning take turns: scaling, heads and their temperature are fitted
to the others and judged on the fold left out. Test parts are not read. Losses are over those of plain
standardisation, each set's mean over turns and heads first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.ratios import mean_difference
from benchmarks.search_task import NETWORK, SearchTask, small_tasks
from regraft.backbones import load
from regraft.evaluation import Answers, softmax
from regraft.features import Representation, fit_affine, representation
from regraft.heads import Head, Lda, Logistic, Ridge, held_out
from regraft.heads.selection import tempered_log_loss

TURNS = 3
HEADS: dict[str, Head] = {"ridge": Ridge(), "lda": Lda(), "logistic": Logistic(penalty=1e-3)}
WAYS = {
    "standardised": ("feature", 0.0),
    "damped": ("feature", representation.DAMPING),
    "by depth": ("depth", 0.0),
}


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """Log-loss and accuracy by way of scaling, kind of features and head."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows = []
    for name, task in small_tasks(data, quick=quick):
        for depths in ("last", "all", "grid"):
            for turn in range(1 if quick else TURNS):
                rows += [{"set": name, **row} for row in rows_of(task, depths, turn)]
    return {"turns": TURNS, "damping": representation.DAMPING, **summary(rows), "rows": rows}


def rows_of(task: SearchTask, depths: Any, turn: int) -> list[dict[str, Any]]:
    """One row for every head and way of scaling."""
    raw, out = task.features(depths), task.folds == turn
    found = []
    for way, (scaling, damping) in WAYS.items():
        with patch.object(representation, "DAMPING", damping):
            one = Representation((NETWORK,), depths, scaling)  # type: ignore[arg-type]
            rows = np.asarray(fit_affine(one, [load(NETWORK).card], raw[~out])(raw), np.float32)
        for name, head in HEADS.items():
            answers = answers_of(head, rows, task, out)
            shared = {"depths": depths, "turn": turn, "head": name, "way": way}
            found.append(
                {**shared, "loss": float(answers.losses.mean()), "accuracy": float(answers.right.mean())}
            )
    return found


def answers_of(head: Head, rows: np.ndarray, task: SearchTask, out: np.ndarray) -> Answers:
    """Of the images left out, calibrated on held-out scores of the others."""
    known, truth, count = rows[~out], task.labels[~out], task.class_count
    held = held_out(head, known, truth, class_count=count, folds=task.folds[~out])
    scores = head.fit(known, truth, class_count=count).scores(rows[out])
    return Answers(softmax(scores.astype(np.float64), tempered_log_loss(held, truth)[1]), task.labels[out])


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over heads and turns by set, and their differences with intervals over sets."""
    sets = sorted({row["set"] for row in rows})

    def means(way: str, depths: str, name: str) -> list[float]:
        return [
            float(
                np.mean([r[name] for r in rows if (r["set"], r["way"], r["depths"]) == (each, way, depths)])
            )
            for each in sets
        ]

    found: dict[str, Any] = {"n": len(sets)}
    for depths in ("last", "all", "grid"):
        for way in ("damped", "by depth"):
            ratio = np.divide(means(way, depths, "loss"), means("standardised", depths, "loss"))
            gained = mean_difference(
                means(way, depths, "accuracy"), means("standardised", depths, "accuracy")
            )
            found[f"{depths}, {way}"] = {
                "log-loss, relative": mean_difference(ratio, np.ones(len(sets))),
                "accuracy gained": gained,
                "sets of lower log-loss": int((ratio < 1).sum()),
            }
    return found
