"""Send the images through a backbone that have not been through it, and nothing else."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from regraft.backbones import Backbone
from regraft.core.progress import progress
from regraft.data import Dataset, Skipped, View, batches
from regraft.features.store import FeatureStore

BATCH = 16
BATCHES_PER_WRITE = 4
"""A transaction costs more than the rows in it; a killed run loses at most these images."""


@dataclass(frozen=True)
class Extraction:
    """What one call computed. `complete` is false when it was told to stop before the last image."""

    forward_passes: int
    skipped: tuple[Skipped, ...]
    seconds: float
    complete: bool


def view_of(backbone: Backbone) -> View:
    """The view that a backbone's card asks for."""
    card = backbone.card
    return View(card.image_px, card.crop_fraction, card.interpolation)


def extract(
    dataset: Dataset,
    backbone: Backbone,
    store: FeatureStore,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> Extraction:
    """Make the store hold a row for every image of a data set that decodes.

    Images already stored are neither decoded nor embedded; byte-identical images are embedded once. Decoding
    runs in threads, ahead of the forward pass.

    Args:
        dataset: labels are not looked at.
        backbone: runs the forward passes.
        store: receives the rows, a few batches at a time.
        should_stop: asked after every batch; when it says so, what was computed so far is kept.

    Raises:
        ArtifactError: the store cannot be written.

    Cost: one forward pass for each new image; memory for a few batches, however many images there are.
    """
    started = time.perf_counter()
    paths = {example.sha256: example.path for example in dataset.examples}
    missing = store.missing(backbone.key, paths)
    skipped: list[Skipped] = []
    waiting: list[tuple[str, np.ndarray]] = []
    passes, complete = 0, True

    def flush() -> None:
        if waiting:
            images, rows = zip(*waiting, strict=True)
            store.write(backbone.key, backbone.card.name, images, np.stack(rows))
            waiting.clear()

    try:
        with progress(f"{backbone.card.name}: features", len(missing)) as advance:
            stream = batches([paths[image] for image in missing], view_of(backbone), size=BATCH)
            for batch in stream:
                skipped.extend(batch.skipped)
                if len(batch.indices):
                    rows = backbone.embed(batch.images)
                    waiting.extend(zip((missing[i] for i in batch.indices), rows, strict=True))
                    passes += len(rows)
                if len(waiting) >= BATCH * BATCHES_PER_WRITE:
                    flush()
                advance(len(batch.indices) + len(batch.skipped))
                if passes + len(skipped) < len(missing) and should_stop():
                    complete = False
                    break
            stream.close()
    finally:
        flush()
    return Extraction(passes, tuple(skipped), time.perf_counter() - started, complete)
