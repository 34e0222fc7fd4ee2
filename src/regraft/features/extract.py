"""Send the images through a backbone that have not been through it, and nothing else."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from regraft.backbones import Backbone
from regraft.core.arrays import Features, Images
from regraft.core.cores import usable_cores
from regraft.core.progress import progress
from regraft.data import Batch, Dataset, Skipped, View, batches
from regraft.features.store import FeatureStore
from regraft.features.views import PLAIN, Variant

BATCH = 64
"""Every batch is one transaction: a killed run loses the one or two that are on their way."""


@dataclass(frozen=True)
class Extraction:
    """What one call computed. `complete` is false when it was told to stop before the last image."""

    forward_passes: int
    skipped: tuple[Skipped, ...]
    seconds: float
    complete: bool


def view_of(backbone: Backbone) -> View:
    """The view that a backbone's card asks for."""
    return PLAIN.view(backbone)


def extract(
    dataset: Dataset,
    backbone: Backbone,
    store: FeatureStore,
    *,
    variant: Variant = PLAIN,
    should_stop: Callable[[], bool] = lambda: False,
) -> Extraction:
    """Make the store hold a row for every image of a data set that decodes.

    Images already stored are neither decoded nor embedded; byte-identical images are embedded once. Decoding
    runs in threads, ahead of the forward pass.

    Args:
        dataset: labels are not looked at.
        backbone: runs the forward passes.
        store: receives the rows, a batch at a time.
        variant: how each image is looked at.
        should_stop: asked after every batch; when it says so, the batch on its way is finished and kept.

    Raises:
        ArtifactError: the store cannot be written.

    Cost: one forward pass for each new image; memory for a few batches, however many images there are.
    """
    started = time.perf_counter()
    paths: dict[str, list[Path]] = {}
    for example in dataset.examples:
        paths.setdefault(example.sha256, []).append(example.path)
    key, name = variant.key(backbone), variant.name(backbone)
    missing = store.missing(key, paths)
    skipped: list[Skipped] = []
    passes, done = 0, 0
    firsts = [paths[image][0] for image in missing]
    stream = batches(firsts, variant.view(backbone), size=BATCH, workers=usable_cores())
    label = f"{name}: features"
    stopped = threading.Event()
    with closing(stream), progress(label, len(missing)) as advance:
        for batch, rows in _embedded(stream, lambda images: backbone.embed(variant.turned(images)), stopped):
            if rows is not None:
                images = [missing[index] for index in batch.indices]
                store.write(key, name, images, rows)
            skipped.extend(batch.skipped)
            passes += len(batch.indices)
            advanced = len(batch.indices) + len(batch.skipped)
            done += advanced
            advance(advanced)
            if done < len(missing) and not stopped.is_set() and should_stop():
                stopped.set()
    seconds = time.perf_counter() - started
    return Extraction(passes, _with_copies(skipped, paths.values()), seconds, complete=done == len(missing))


def _embedded(
    stream: Iterable[Batch], embed: Callable[[Images], Features], stopped: threading.Event
) -> Iterator[tuple[Batch, Features | None]]:
    """Batches and their rows, in order. The next batch is computed while one is written."""
    ahead: deque[tuple[Batch, Future[Features] | None]] = deque()
    with ThreadPoolExecutor(2, thread_name_prefix="regraft-embed") as pool:
        for batch in stream:
            rows = pool.submit(embed, batch.images) if len(batch.indices) else None
            ahead.append((batch, rows))
            if len(ahead) > 1:
                yield _awaited(*ahead.popleft())
            if stopped.is_set():
                break
        while ahead:
            yield _awaited(*ahead.popleft())


def _awaited(batch: Batch, rows: Future[Features] | None) -> tuple[Batch, Features | None]:
    return batch, None if rows is None else rows.result()


def _with_copies(skipped: Iterable[Skipped], copies: Iterable[Sequence[Path]]) -> tuple[Skipped, ...]:
    """What cannot be decoded under one name cannot be under another."""
    names = {paths[0]: paths for paths in copies}
    return tuple(Skipped(path, one.reason) for one in skipped for path in names[one.path])
