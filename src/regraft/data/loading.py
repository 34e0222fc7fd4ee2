"""Images in batches, decoded ahead by threads while the caller works on the batch before."""

import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regraft.core.arrays import Images, Labels
from regraft.core.errors import DataError
from regraft.data.dataset import Skipped
from regraft.data.formats.decode import Source, decode_plainly
from regraft.data.view import View

# Batches being decoded while the caller holds another: two keep the threads busy across the hand-over.
AHEAD = 2


@dataclass(frozen=True)
class Batch:
    """Some images of a sequence, ready for a network.

    Args:
        indices: [b], where each image stands in the sequence.
        images: [b, image_px, image_px, 3].
        skipped: those of the same stretch that could not be decoded; they are in neither array.
    """

    indices: Labels
    images: Images
    skipped: tuple[Skipped, ...] = ()


def batches(sources: Sequence[Source], view: View, *, size: int = 16, workers: int = 2) -> Generator[Batch]:
    """Decode and view images in threads, in order, never more than three batches in memory.

    A source that cannot be decoded becomes `Skipped`, under its path or, if it is no path, its number.
    Closing the iterator stops the threads after the image each is at.

    Args:
        sources: paths, or whatever `decode` takes.
        view: what the network sees of each.
        size: images in a batch; the last may be smaller.
        workers: threads.
    """
    starts = iter(range(0, len(sources), size))
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="regraft-decode")
    ahead: deque[_Decoding] = deque()
    try:
        for start in starts:
            stretch = range(start, min(start + size, len(sources)))
            ahead.append(_Decoding(sources, stretch, view, stop))
            ahead[-1].begin(pool, workers)
            if len(ahead) > AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)


class _Decoding:
    """A batch in the making. Its images are dealt to the workers, so that even one batch uses them all."""

    def __init__(self, sources: Sequence[Source], stretch: range, view: View, stop: threading.Event) -> None:
        self.sources = sources
        self.stretch = stretch
        self.view = view
        self.stop = stop
        self.images = np.empty((len(stretch), view.image_px, view.image_px, 3), np.uint8)
        self.skipped: dict[int, Skipped] = {}
        self.futures: list[Future[None]] = []

    def begin(self, pool: ThreadPoolExecutor, workers: int) -> None:
        self.futures = [pool.submit(self._decode_every, workers, first) for first in range(workers)]

    def result(self) -> Batch:
        for future in self.futures:
            future.result()
        indices = np.array(self.stretch, dtype=np.int64)
        if not self.skipped:
            return Batch(indices, self.images)
        good = np.array([index not in self.skipped for index in self.stretch])
        skipped = tuple(self.skipped[index] for index in sorted(self.skipped))
        return Batch(indices[good], self.images[good], skipped)

    def _decode_every(self, step: int, first: int) -> None:
        for index in self.stretch[first::step]:
            if self.stop.is_set():
                return
            source = self.sources[index]
            try:
                pixels = decode_plainly(source, at_least_px=self.view.decode_px)
            except DataError as error:
                path = Path(source) if isinstance(source, (str, Path)) else Path(f"image {index}")
                self.skipped[index] = Skipped(path, str(error))
            else:
                self.images[index - self.stretch.start] = self.view(pixels)
