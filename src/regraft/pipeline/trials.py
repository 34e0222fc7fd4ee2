"""Trials that were made before, on this data or by a run that was killed: read instead of made again."""

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from regraft.core.arrays import Scores
from regraft.core.artifact import NETWORK
from regraft.core.errors import ArtifactError, RegraftError
from regraft.core.files import cache_folder, write_bytes
from regraft.pipeline.model import Model, load

MOST_KEPT, MOST_TUNED_KEPT = 300, 10
"""Trials, and of these with a network of their own: they are as large as it."""

HELD_OUT_FILE = "held-out.safetensors"


class Trials:
    """One folder per trial, named by the fingerprint of all it depends on. The held-out scores come last."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (folder or cache_folder()) / "trials"

    def has(self, key: str) -> bool:
        """Whether a trial of that key was finished."""
        return (self.folder / key[:32] / HELD_OUT_FILE).is_file()

    def read(self, key: str) -> tuple[Model, Scores] | None:
        """The model and the held-out scores of a trial; None if it is not there or cannot be read."""
        if not self.has(key):
            return None
        try:
            scores = load_file(self.folder / key[:32] / HELD_OUT_FILE)["scores"]
            return load(self.folder / key[:32]), scores
        except (RegraftError, SafetensorError, OSError, KeyError):
            # A trial is only a short cut: one that is damaged is made again and written over.
            return None

    def write(self, key: str, model: Model, scores: Scores) -> None:
        """Keep a trial; the oldest make room. Where there is no space left it is not kept."""
        self._forget_oldest(is_tuned=model.recipe.finetune is not None)
        data = save({"scores": np.ascontiguousarray(scores, dtype=np.float32)})
        with suppress(ArtifactError):
            model.save(self.folder / key[:32])
            write_bytes(self.folder / key[:32] / HELD_OUT_FILE, data)

    def _forget_oldest(self, *, is_tuned: bool) -> None:
        kept = sorted(self.folder.glob("*/"), key=changed_s)
        tuned = [folder for folder in kept if is_tuned and any(folder.glob(f"{NETWORK}-*"))]
        for folder in [*kept[: max(0, len(kept) - MOST_KEPT + 1)], *tuned[: 1 - MOST_TUNED_KEPT]]:
            shutil.rmtree(folder, ignore_errors=True)


def changed_s(folder: Path) -> float:
    """When a file or folder was last changed, in seconds since 1970; 0 for one that is gone."""
    try:
        return folder.stat().st_mtime
    except OSError:
        # Another process made room at the same time.
        return 0.0
