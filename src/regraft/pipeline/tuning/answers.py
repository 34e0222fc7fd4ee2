"""What a trial says of the held-out images: calibrated, scored, and kept for comparisons."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Probabilities, Scores, Truth
from regraft.core.hashing import plain
from regraft.heads import accuracy
from regraft.pipeline.judging import Calibration, calibrate
from regraft.pipeline.recipe import Head
from regraft.search import Outcome
from regraft.search.held_out import Objective, Task, require_finite

SMALLEST = 1e-7
"""Half precision knows no smaller probability."""


class Kept:
    """The held-out predictions of every trial, in a folder that those who share a study share too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, number: int, probabilities: Probabilities) -> None:
        """In half precision: enough for a score of thousands of images, and a quarter of the space.

        Not forced to the disk: after a power cut they may lack, and comparisons go without them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self._file(number)
        temporary = file.with_name(f".{file.name}.writing")
        with temporary.open("wb") as stream:
            np.savez_compressed(stream, probabilities=probabilities.astype(np.float16))
        temporary.replace(file)

    def read(self, number: int) -> Probabilities | None:
        """What a trial said; None if it is not here."""
        try:
            # Opened here: of what is no archive NumPy leaves the file open.
            with self._file(number).open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
                return np.asarray(kept["probabilities"], np.float32)
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            # Made on another machine, or cut short.
            return None

    def _file(self, number: int) -> Path:
        return self.folder / f"{number:06}.npz"


def judged(head: Head, scores: Scores, task: Task, *, objective: Objective) -> tuple[Outcome, Probabilities]:
    """What held-out scores come to, and the probabilities of the examples that were held out.

    Raises:
        TrainingError: the scores are no finite numbers.
    """
    require_finite(scores[task.seen])
    calibration = calibrated(scores, task)
    probabilities = calibration.answers.probabilities
    losses = image_losses(probabilities, task.labels[task.seen])
    weights = None if task.weights is None else task.weights[task.seen]
    details: dict[str, Any] = {"loss": float(np.average(losses, weights=weights)), "head": plain(head)}
    if task.labels.ndim == 1:
        details["temperature"] = calibration.temperature
        details["accuracy"] = accuracy(scores, task.labels, weights=task.weights)
    value = details["loss"] if objective == "loss" else 1 - details["accuracy"]
    return Outcome(value, details), probabilities


def calibrated(scores: Scores, task: Task) -> Calibration:
    """The best calibration of held-out scores, found on these very scores.

    It is what `judge` does, so that the best trial is the best candidate.
    """
    seen, truth = scores[task.seen], task.labels[task.seen]
    weights = None if task.weights is None else task.weights[task.seen]
    return calibrate(seen, truth, groups=[""] * len(truth), weights=weights)


def image_losses(probabilities: Probabilities, truth: Truth) -> Float[Array, " n"]:
    """Of every image its log-loss; of several labels the mean of theirs."""
    kept = np.clip(probabilities, SMALLEST, 1 - SMALLEST).astype(np.float64)
    if truth.ndim == 2:
        return np.asarray(-np.log(np.where(truth, kept, 1 - kept)).mean(axis=1))
    return np.asarray(-np.log(kept[np.arange(len(truth)), truth]))
