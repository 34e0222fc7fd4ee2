"""One trial after another: features read and scaled once, heads judged on held-out images, answers kept."""

from collections import OrderedDict
from pathlib import Path

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Probabilities, Scores, Truth
from regraft.core.errors import TrainingError
from regraft.core.files import atomic_path
from regraft.core.hashing import plain
from regraft.evaluation import fit_temperature, softmax
from regraft.features import Representation, fit_affine, width
from regraft.heads import KnowsPath, Ridge, accuracy, fit_platt, held_out
from regraft.pipeline.climb import BYTES_PER_FEATURE, MEMORY_FRACTION, Climb
from regraft.pipeline.fitting import fit_head
from regraft.pipeline.machine import memory_bytes
from regraft.pipeline.recipe import Head, Recipe, kind_of
from regraft.pipeline.tuning.plan import recipe_of
from regraft.pipeline.work import multiplications
from regraft.search import Asked, Outcome, OutOfTime, Space
from regraft.search.held_out import Objective, Task, steps, value_of
from regraft.search.work import Report

KEPT_FRACTION = 0.2
"""Of the memory, for scaled features that a later trial may want again."""

SMALLEST = 1e-7
"""Half precision knows no smaller probability."""

MOST_FRACTION = 0.5
"""Of the budget: a trial that takes more is not worth it. One that takes less waits for whoever goes on."""

FIRST_RATE_PER_S = 5e10
"""Multiplications, of a kind of head that was not timed yet: one that is refused unseen never would be. On
two shared AMD EPYC cores it was 1e10 to 2e11 for 400 to 1,700 examples (2026-11-23, n = 1 of each kind)."""


class Tries:
    """What evaluates the points of a study. `folder` takes the held-out predictions of every trial."""

    def __init__(self, climb: Climb, space: Space, objective: Objective, folder: Path) -> None:
        self.climb = climb
        self.space = space
        self.objective = objective
        self.folder = folder
        self._scaled: OrderedDict[Representation, Features] = OrderedDict()
        self._rates_per_s: dict[str, float] = {}

    def evaluate(self, asked: Asked, report: Report) -> Outcome:
        """Fit a head to folds and judge it on what was held out.

        Raises:
            TrainingError: there is no time or memory for it, images are gone, or the fit diverged.
            GivenUp: the pruner saw no hope.
            OutOfTime: the time was up before every image was held out.
        """
        recipe = recipe_of(self.climb.asked, self.space, asked.values)
        work = self._require_room(recipe)
        task = Task(
            self._features(recipe.representation),
            self.climb.truth,
            self.climb.class_count,
            self.climb.rounds,
            self.climb.weights,
        )
        began_s = self.climb.budget.spent_s
        assert recipe.head is not None, "a point names its head"
        head, scores = self._scores(recipe.head, task, report)
        rate_per_s = work / max(self.climb.budget.spent_s - began_s, 1e-3)
        # Of a small fit most of the time goes elsewhere, which would make a larger one look too dear.
        self._rates_per_s[kind_of(head)] = max(rate_per_s, self._rates_per_s.get(kind_of(head), 0.0))
        if not np.isfinite(scores[task.seen]).all():
            raise TrainingError("Its scores are no finite numbers: the fit diverged.")
        probabilities = calibrated(scores, task)
        self._keep(asked.number, probabilities)
        losses = image_losses(probabilities, task.labels[task.seen])
        weights = None if task.weights is None else task.weights[task.seen]
        details = {"loss": float(np.average(losses, weights=weights)), "head": plain(head)}
        if task.labels.ndim == 1:
            details["accuracy"] = accuracy(scores, task.labels, weights=task.weights)
        value = details["loss"] if self.objective == "loss" else 1 - details["accuracy"]
        return Outcome(value, details)

    def predictions(self, number: int) -> Probabilities | None:
        """What a trial said of the held-out images; None if it is not here."""
        try:
            with np.load(self._file(number), allow_pickle=False) as kept:
                return np.asarray(kept["probabilities"], np.float32)
        except (OSError, ValueError, KeyError):
            # Made on another machine, or cut short.
            return None

    def _scores(self, head: Head, task: Task, report: Report) -> tuple[Head, Scores]:
        """Held-out scores, and the head with what it found on its own where that was left to it."""
        folds = self.climb.folds_for(head)
        labels, count, weights = task.labels, task.class_count, task.weights
        if isinstance(head, Ridge | KnowsPath) and head.penalty is None:
            chosen, scores, _ = fit_head(
                head, task.features, labels, class_count=count, folds=folds, weights=weights
            )
            return chosen, scores
        if folds is None:
            return head, held_out(head, task.features, labels, class_count=count, folds=None, weights=weights)
        scores = np.empty(0)
        for step, scores in enumerate(steps(head, task), start=1):
            report(value_of(scores, task, self.objective), step)
            if np.isnan(scores[task.seen]).any() and not self.climb.budget.affords(0.0):
                raise OutOfTime
        return head, scores

    def _features(self, representation: Representation) -> Features:
        """Scaled features of the images for learning."""
        if representation in self._scaled:
            self._scaled.move_to_end(representation)
            return self._scaled[representation]
        raw = self.climb.trunk.read(representation, self.climb.dataset)
        cards = [self.climb.trunk.backbone(name).card for name in representation.backbones]
        scaled = fit_affine(representation, cards, raw)(raw)
        room = KEPT_FRACTION * memory_bytes() - scaled.nbytes
        while self._scaled and sum(each.nbytes for each in self._scaled.values()) > room:
            self._scaled.popitem(last=False)
        self._scaled[representation] = scaled
        return scaled

    def _require_room(self, recipe: Recipe) -> float:
        """Embed what is missing, and see whether memory and time are enough; returns the work to be done."""
        climb = self.climb
        for name in recipe.backbones:
            complete, skipped = climb.trunk.extract(name, lambda: not climb.budget.affords(0.0))
            if skipped:
                raise TrainingError(f"{skipped[0].path} can no longer be read.")
            if not complete:
                raise OutOfTime
        count = width([climb.trunk.backbone(name).card for name in recipe.backbones], recipe.depths or "grid")
        needed = len(climb.dataset) * count * BYTES_PER_FEATURE
        if needed > MEMORY_FRACTION * memory_bytes():
            raise TrainingError(
                f"{len(climb.dataset)} x {count} features need {needed / 1e9:.0f} GB of memory."
            )
        assert recipe.head is not None, "a point names its head"
        folds = climb.folds_for(recipe.head)
        fits = 1 if folds is None else sum(len(np.unique(one[climb.held_out])) for one in folds)
        work = multiplications(
            recipe.head, examples=len(climb.dataset), features=count, classes=climb.class_count, fits=fits
        )
        cost_s = work / self._rates_per_s.get(kind_of(recipe.head), FIRST_RATE_PER_S)
        if cost_s > MOST_FRACTION * climb.budget.seconds:
            raise TrainingError(f"It would take {cost_s:.0f} of {climb.budget.seconds:.0f} s.")
        if not climb.budget.affords(cost_s):
            raise OutOfTime
        return work

    def _keep(self, number: int, probabilities: Probabilities) -> None:
        """In half precision: enough for a score of thousands of images, and a quarter of the space."""
        with atomic_path(self._file(number)) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, probabilities=probabilities.astype(np.float16))

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06}.npz"


def calibrated(scores: Scores, task: Task) -> Probabilities:
    """Of the examples that are held out, probabilities at the best calibration of these very scores.

    It is what `judge` does, so that the best trial is the best candidate.
    """
    seen, truth = scores[task.seen], task.labels[task.seen]
    weights = None if task.weights is None else task.weights[task.seen]
    if truth.ndim == 2:
        return fit_platt(seen, truth, weights=weights).probabilities(seen)
    return softmax(seen.astype(np.float64), fit_temperature(seen, truth, weights))


def image_losses(probabilities: Probabilities, truth: Truth) -> Float[Array, " n"]:
    """Of every image its log-loss; of several labels the mean of theirs."""
    kept = np.clip(probabilities, SMALLEST, 1 - SMALLEST).astype(np.float64)
    if truth.ndim == 2:
        return np.asarray(-np.log(np.where(truth, kept, 1 - kept)).mean(axis=1))
    return np.asarray(-np.log(kept[np.arange(len(truth)), truth]))
