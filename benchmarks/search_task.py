"""What both sides of `search` work on: features of every depth, labels, folds and the sealed test part.

One yardstick for all: the log-loss of held-out scores at their best calibration, each image scored by a fit
to the other folds of one and the same cross-validation. Peers choose by just that. Ours chooses by repeated
folds, or with each image left out alone, so its choices are judged once more here, outside the clock. Whoever
chooses by a yardstick is flattered by it, so what each side ends with is also judged on folds dealt anew.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy import small_table
from regraft import Recipe
from regraft.backbones import load
from regraft.data import Dataset, folds, read_table
from regraft.features import Affine, FeatureStore, Representation, extract, fit_affine, read
from regraft.heads import HEADS, accuracy, held_out
from regraft.heads.selection import held_out_loss
from regraft.pipeline.budget import Budget
from regraft.pipeline.fit import begin, in_random_order
from regraft.pipeline.trunk import Trunk

NETWORK = "lite0"
DEPTHS = ("last", "all", "grid")
FRESH_SEEDS = (101, 102, 103)
"""Of the folds by which no side chose."""


@dataclass(frozen=True)
class SearchTask:
    """A folder of arrays; `labels`, `folds` and `fresh` [3, n] are of the images for learning."""

    folder: Path
    labels: np.ndarray
    test_labels: np.ndarray
    folds: np.ndarray
    fresh: np.ndarray
    class_count: int

    def features(self, depths: str, part: str = "learn") -> np.ndarray:
        """Unscaled features [n, d] of a part, `learn` or `test`."""
        return np.load(self.folder / f"{part}-{depths}.npy")


def small_tasks(data: Path, *, quick: bool) -> Iterator[tuple[str, SearchTask]]:
    """The name and the task of each data set, cut to a few hundred images; meanwhile torch has one thread."""
    import torch

    sets = sorted(path for path in data.iterdir() if path.is_dir())
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for source in sets[:2] if quick else sets:
                own = Path(folder) / source.name
                own.mkdir()
                yield source.name, make_task(small_table(source, own), own / "task", FeatureStore(own))
    finally:
        torch.set_num_threads(before)


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
        fresh=[folds(climb.dataset, count=climb.asked.folds, seed=seed) for seed in FRESH_SEEDS],
        class_count=climb.class_count,
    )
    return open_task(folder)


def open_task(folder: Path) -> SearchTask:
    """What `make_task` wrote."""
    with np.load(folder / "labels.npz") as kept:
        arrays = (kept[name] for name in ("labels", "test_labels", "folds", "fresh"))
        return SearchTask(folder, *arrays, int(kept["class_count"]))


def _raw(images: Dataset, depths: str, store: FeatureStore) -> np.ndarray:
    names = [example.sha256 for example in images.examples]
    return read(Representation((NETWORK,), depths, "none"), {NETWORK: load(NETWORK)}, store, names)


def judged_ours(task: SearchTask, recipe: Recipe) -> dict[str, float]:
    """A recipe of our search on the common folds and, fitted to all images for learning, on the test part."""
    assert recipe.head is not None, "a trial names its head"
    affine, known = _scaled(task, recipe)
    scores = held_out(recipe.head, known, task.labels, class_count=task.class_count, folds=task.folds)
    fitted = recipe.head.fit(known, task.labels, class_count=task.class_count)
    return scored(task, scores, fitted.scores(affine(task.features(recipe.representation.depths, "test"))))


def fresh_ours(task: SearchTask, recipe: Recipe) -> float:
    """The log-loss of a recipe of our search on folds that no side chose by."""
    assert recipe.head is not None, "what was delivered names its head"
    given = (recipe.head, _scaled(task, recipe)[1], task.labels)
    return fresh_loss(task, lambda dealt: held_out(*given, class_count=task.class_count, folds=dealt))


def tried(values: dict[str, Any], settings: dict[str, Any]) -> Recipe:
    """A trial as a recipe."""
    head = HEADS[values["head.kind"]](**settings)
    return Recipe((NETWORK,), values["depths"], values["scaling"], head)


def fresh_loss(task: SearchTask, scores_of: Callable[[np.ndarray], np.ndarray]) -> float:
    """The mean log-loss over folds that no side chose by."""
    return float(np.mean([held_out_loss(scores_of(dealt), task.labels) for dealt in task.fresh]))


def _scaled(task: SearchTask, recipe: Recipe) -> tuple[Affine, Any]:
    """What scales features as a recipe wants them, and those to learn from."""
    raw = task.features(recipe.representation.depths)
    affine = fit_affine(recipe.representation, [load(NETWORK).card], raw)
    return affine, affine(raw)


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
