"""One look at every image file: its header, what its pixels add up to, and a name for them."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from regraft.core.arrays import Image
from regraft.core.cores import usable_cores
from regraft.core.errors import DataError
from regraft.core.progress import progress
from regraft.data.audit.header import Header, read_header
from regraft.data.audit.tones import Tones, tones
from regraft.data.dataset import Dataset, Skipped
from regraft.data.formats.decode import decode_plainly, read_bytes

# A larger JPEG is looked at on a smaller scale: decoding all of it takes ten times as long.
LARGE_PIXELS = 2_000_000
SMALLER_PX = 512

FILES_PER_TASK = 16


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one file showed.

    Args:
        header: what the file says of itself.
        tones: what its pixels add up to.
        pixels: a name of its upright pixels, equal for the same picture in another file. JPEGs above two
            megapixels are compared on a smaller scale, so with each other only.
        file_bytes: how large the file is.
        modified: when it was written, in seconds since 1970.
    """

    header: Header
    tones: Tones
    pixels: str
    file_bytes: int
    modified: float


def look(dataset: Dataset) -> tuple[Dataset, list[Seen]]:
    """Decode every image once, in threads, and keep a few numbers of each.

    Returns:
        The data set without the files that do not decode, which it lists as skipped, and what was seen of
        each image left, in its order.

    Cost: one decoding of every image; about a kilobyte of memory each.
    """
    seen: list[Seen] = []
    skipped: list[Skipped] = []
    starts = range(0, len(dataset), FILES_PER_TASK)
    with (
        ThreadPoolExecutor(usable_cores()) as pool,
        progress("looking at the images", len(dataset)) as advance,
    ):
        tasks = pool.map(lambda start: look_at_some(dataset.paths[start : start + FILES_PER_TASK]), starts)
        for found in tasks:
            seen += [one for one in found if isinstance(one, Seen)]
            skipped += [one for one in found if isinstance(one, Skipped)]
            advance(len(found))
    return dataset.without(skipped), seen


def look_at_some(paths: Sequence[Path]) -> list[Seen | Skipped]:
    """What each file shows, or why it cannot be used."""
    return [_look_at(path) for path in paths]


def _look_at(path: Path) -> Seen | Skipped:
    try:
        data = read_bytes(path)
        header = read_header(data)
        is_large = header.width * header.height > LARGE_PIXELS
        pixels = decode_plainly(data, at_least_px=SMALLER_PX if is_large else 0)
        modified = path.stat().st_mtime
    except (DataError, OSError) as error:
        return Skipped(path, str(error))
    return Seen(header, tones(pixels), name_of_pixels(pixels), len(data), modified)


def name_of_pixels(pixels: Image) -> str:
    """A name that two arrays share if they are the same picture, pixel by pixel.

    >>> import numpy as np
    >>> name_of_pixels(np.zeros((2, 3, 3), np.uint8)) == name_of_pixels(np.zeros((3, 2, 3), np.uint8))
    False
    """
    digest = hashlib.blake2b(str(pixels.shape).encode(), digest_size=16)
    digest.update(pixels.tobytes())
    return digest.hexdigest()
