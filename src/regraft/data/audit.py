"""A look at labelled images before they are used: what is there, and what is wrong with it."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import PIL.Image

from regraft.core.errors import DataError
from regraft.core.hashing import plain
from regraft.core.progress import progress
from regraft.data.dataset import Dataset, Skipped
from regraft.data.decode import decode_plainly
from regraft.data.units import leaks

THREADS = 4
MOST_LISTED = 100
THUMBNAIL_PX = 64


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at one file showed."""

    width: int
    height: int
    kind: str


def audit(dataset: Dataset) -> dict[str, Any]:
    """Decode every image and describe the data set.

    Returns:
        Plain data: `images, classes` (name to count), `parts, groups, domains, skipped, skipped_files` (files
        that do not decode among them), `kinds` (format and mode to count), `width_px` and `height_px` (least,
        median, most), `copies` (sets of byte-identical files), `conflicts` (those with different labels),
        `leaks` (units of which some images were given as train and others as val or test).

    Cost: one decoding of every image, scaled down where the format allows.
    """
    seen, skipped = _look(dataset)
    usable = dataset.without(skipped)
    copies = [paths for paths in _by_content(usable).values() if len(paths) > 1]
    labels = {e.path: e.label for e in usable.examples}
    return {
        "images": len(usable),
        "classes": usable.class_counts,
        "parts": dict(Counter(e.part or "undecided" for e in usable.examples)),
        "groups": len({e.group for e in usable.examples} - {""}),
        "domains": dict(Counter(e.domain for e in usable.examples if e.domain)),
        "skipped": len(usable.skipped),
        "skipped_files": plain(usable.skipped[:MOST_LISTED]),
        "kinds": dict(Counter(one.kind for one in seen).most_common()),
        "width_px": _spread([one.width for one in seen]),
        "height_px": _spread([one.height for one in seen]),
        "copies": plain(copies[:MOST_LISTED]),
        "conflicts": plain([c for c in copies if len({labels[path] for path in c}) > 1][:MOST_LISTED]),
        "leaks": plain([[e.path for e in unit] for unit in leaks(usable)][:MOST_LISTED]),
    }


def _look(dataset: Dataset) -> tuple[list[Seen], list[Skipped]]:
    seen: list[Seen] = []
    skipped: list[Skipped] = []
    with ThreadPoolExecutor(THREADS) as pool, progress("looking at the images", len(dataset)) as advance:
        for found in pool.map(_look_at, dataset.paths):
            if isinstance(found, Seen):
                seen.append(found)
            else:
                skipped.append(found)
            advance(1)
    return seen, skipped


def _look_at(path: Path) -> Seen | Skipped:
    try:
        decode_plainly(path, at_least_px=THUMBNAIL_PX)
        # The header is read apart: the decoder may give a scaled picture.
        with PIL.Image.open(path) as image:
            return Seen(image.width, image.height, f"{image.format} {image.mode}")
    except (DataError, OSError) as error:
        return Skipped(path, str(error))


def _by_content(dataset: Dataset) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = defaultdict(list)
    for example in dataset.examples:
        found[example.sha256].append(example.path)
    return found


def _spread(values: list[int]) -> dict[str, float] | None:
    if not values:
        return None
    return {"least": min(values), "median": median(values), "most": max(values)}
