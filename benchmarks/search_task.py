"""What both sides of `search` work on: features of every depth, labels, folds and the sealed test part.

One yardstick for all: the log-loss of held-out scores at their best calibration, each image scored by a fit
to the other folds of one and the same cross-validation. Peers choose by just that. Ours chooses by repeated
folds, or with each image left out alone, so its choices are judged once more here, outside the clock.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from regraft import Recipe
from regraft.backbones import load
from regraft.data import Dataset, read_table
from regraft.features import FeatureStore, Representation, extract, fit_affine, read
from regraft.heads import HEADS, accuracy, held_out
from regraft.heads.selection import held_out_loss
from regraft.pipeline.budget import Budget
from regraft.pipeline.fit import begin, in_random_order
from regraft.pipeline.trunk import Trunk

NETWORK = "lite0"
DEPTHS = ("last", "all", "grid")


@dataclass(frozen=True)
class SearchTask:
    """A folder of arrays; `labels` and `folds` are of the images for learning."""

    folder: Path
    labels: np.ndarray
    test_labels: np.ndarray
    folds: np.ndarray
    class_count: int

    def features(self, depths: str, part: str = "learn") -> np.ndarray:
        """Unscaled features [n, d] of a part, `learn` or `test`."""
        return np.load(self.folder / f"{part}-{depths}.npy")


def make_task(table: Path, folder: Path, store: FeatureStore) -> SearchTask:
    """Split and fold as `tune` does, and write down what others need to do the same without regraft."""
    folder.mkdir(parents=True, exist_ok=True)
    # The near copies that are found here are remembered, as after any first look at a data set.
    trunk = Trunk(in_random_order(read_table(table)), store, "auto")
    climb, _ = begin(Recipe(backbones=(NETWORK,)), trunk, Budget(600.0))
    network, test = load(NETWORK), trunk.images.part("test")
    extract(trunk.images, network, store)
    for depths in DEPTHS:
        for part, images in (("learn", climb.dataset), ("test", test)):
            np.save(folder / f"{part}-{depths}.npy", _raw(images, depths, store))
    np.savez(
        folder / "labels.npz",
        labels=climb.truth,
        test_labels=test.labels,
        folds=climb.rounds[0],
        class_count=climb.class_count,
    )
    return open_task(folder)


def open_task(folder: Path) -> SearchTask:
    """What `make_task` wrote."""
    with np.load(folder / "labels.npz") as kept:
        return SearchTask(
            folder, kept["labels"], kept["test_labels"], kept["folds"], int(kept["class_count"])
        )


def _raw(images: Dataset, depths: str, store: FeatureStore) -> np.ndarray:
    names = [example.sha256 for example in images.examples]
    return read(Representation((NETWORK,), depths, "none"), {NETWORK: load(NETWORK)}, store, names)


def judged_ours(task: SearchTask, values: dict[str, Any], settings: dict[str, Any]) -> dict[str, float]:
    """A point of our search on the common folds and, fitted to all images for learning, on the test part."""
    kind, depths = values["head.kind"], values["depths"]
    head, card = HEADS[kind](**settings), load(NETWORK).card
    raw, count = task.features(depths), task.class_count
    affine = fit_affine(Representation((NETWORK,), depths, values["scaling"]), [card], raw)
    known = affine(raw)
    scores = held_out(head, known, task.labels, class_count=count, folds=task.folds)
    fitted = head.fit(known, task.labels, class_count=count)
    return scored(task, scores, fitted.scores(affine(task.features(depths, "test"))))


def scored(task: SearchTask, held: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Held-out log-loss, and the accuracies on held-out and on test images."""
    return {
        "loss": held_out_loss(held, task.labels),
        "validation": 100 * accuracy(held, task.labels),
        "test": 100 * accuracy(test, task.test_labels),
    }


def read_lines(log: Path) -> list[dict[str, Any]]:
    """The trials that a side wrote down, one JSON object a line; a line cut short is left out."""
    return [*_whole(log.read_text().splitlines())] if log.is_file() else []


def _whole(lines: list[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def incumbents(trials: list[dict[str, Any]], *, until_s: float) -> list[dict[str, Any]]:
    """The trials that were the best so far when they ended, by their side's own value."""
    found: list[dict[str, Any]] = []
    for trial in trials:
        if trial["at_s"] <= until_s and (not found or trial["value"] < found[-1]["value"]):
            found.append(trial)
    return found
