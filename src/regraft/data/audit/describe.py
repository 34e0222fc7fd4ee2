"""A look at labelled images before they are used: what is there, and what is wrong with it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import exp, log
from pathlib import Path
from statistics import median
from typing import Any

from regraft.core.hashing import plain, unit_interval
from regraft.data.audit.exact_copies import find_copies
from regraft.data.audit.extremes import extremes
from regraft.data.audit.look import Seen
from regraft.data.audit.names_alike import names_alike
from regraft.data.dataset import Dataset

MOST_LISTED = 100
SIZES_LISTED = 10
SAMPLES_PER_CLASS = 6


def describe_dataset(dataset: Dataset, seen: Sequence[Seen]) -> dict[str, Any]:
    """Describe a data set that was looked at, as plain data; `docs/json.md` says what each key is.

    Args:
        dataset: the images that decode; those that do not are among its skipped files.
        seen: what the look at each of them showed.
    """
    copies = find_copies(dataset, seen)
    sets = {
        "copies": copies.same_bytes,
        "pixel_copies": copies.same_pixels,
        "conflicts": copies.conflicts,
        "leaks": copies.leaks,
    }
    odd = extremes(dataset.paths, seen)
    return {
        "root": str(dataset.root),
        "images": len(dataset),
        "classes": dataset.class_counts,
        # Several labels per image have no shares that could be balanced.
        "balance": None if dataset.is_multilabel else balance(dataset.class_counts),
        "classes_alike": plain(names_alike(dataset.classes)),
        "parts": dict(Counter(e.part or "undecided" for e in dataset.examples)),
        "groups": len({e.group for e in dataset.examples} - {""}),
        "domains": dict(Counter(e.domain for e in dataset.examples if e.domain)),
        "skipped": len(dataset.skipped),
        "skipped_files": plain(dataset.skipped[:MOST_LISTED]),
        **_measures(seen),
        **{name: [[str(e.path) for e in one] for one in found[:MOST_LISTED]] for name, found in sets.items()},
        "extremes": {name: plain(paths[:MOST_LISTED]) for name, paths in odd.items()},
        "totals": {name: len(found) for name, found in (sets | odd).items()},
        "samples": samples(dataset),
    }


def balance(counts: Mapping[str, int]) -> dict[str, Any] | None:
    """How evenly images are spread over the classes that have any; None without images.

    `effective_classes` is the exponential of the entropy of the shares: k for k equal classes, near 1 where
    one class has nearly everything.
    """
    present = {name: number for name, number in counts.items() if number}
    if not present:
        return None
    total = sum(present.values())
    entropy = -sum(number / total * log(number / total) for number in present.values())
    largest, smallest = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
    return {
        "largest": largest,
        "smallest": smallest,
        "ratio": round(present[largest] / present[smallest], 2),
        "effective_classes": round(exp(entropy), 2),
    }


def samples(dataset: Dataset) -> dict[str, list[str]]:
    """A few images of each class, drawn by a lot from their content: the same ones every time."""
    found: dict[int, dict[str, Path]] = defaultdict(dict)
    for example in dataset.examples:
        for label in example.all_labels:
            # Of copies one will do.
            found[label].setdefault(example.sha256, example.path)
    return {
        name: [str(found[label][sha]) for sha in sorted(found[label], key=_lot)[:SAMPLES_PER_CLASS]]
        for label, name in enumerate(dataset.classes)
    }


def _lot(sha256: str) -> float:
    return unit_interval(f"sample:{sha256}")


def _measures(seen: Sequence[Seen]) -> dict[str, Any]:
    headers = [one.header for one in seen]
    sizes = Counter(f"{one.width} x {one.height}" for one in headers)
    return {
        "kinds": dict(Counter(one.kind for one in headers).most_common()),
        "bits": dict(Counter(str(one.bits) for one in headers).most_common()),
        "sizes": dict(sizes.most_common(SIZES_LISTED)),
        "width_px": _spread([one.width for one in headers]),
        "height_px": _spread([one.height for one in headers]),
        "aspect_ratio": _spread([round(one.width / one.height, 3) for one in headers]),
        "jpeg_quality": _spread([one.quality for one in headers if one.quality is not None]),
        "file_bytes": _spread([one.file_bytes for one in seen]),
    }


def _spread(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    return {"least": min(values), "median": median(values), "most": max(values)}
