"""Looking for images that belong together, before anything is split: with what the cache holds already."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from regraft.backbones import Backbone
from regraft.core.arrays import Array, Features
from regraft.core.cores import usable_cores
from regraft.core.errors import ArtifactError, DataError
from regraft.core.files import cache_folder, read_json, write_json
from regraft.core.hashing import fingerprint
from regraft.core.progress import progress
from regraft.data import (
    Dataset,
    Exposure,
    NearCopy,
    Relatives,
    bursts,
    name_groups,
    near_copies,
    read_exposures,
    thumbnail,
)
from regraft.data.copies.near_copies import How
from regraft.data.copies.thumbnails import DECODE_PX, THUMBNAIL_PX, Thumbnails
from regraft.data.formats.decode import decode_plainly
from regraft.features import FeatureStore

LOOK_VERSION = "2"
"""Raise it when what counts as a near copy changes: what was found before is then looked for again."""

THUMBNAIL_KEY, THUMBNAIL_NAME = f"thumbnail {LOOK_VERSION}", "thumbnails"
POINTS_PX = 160
BATCH = 256

Pair = tuple[str, str, How, float]
"""Two contents, by SHA-256, in which way the one is the other, and how well they agree."""

SECONDS_PER_IMAGE = 0.007
"""What a look costs, about. A constant and not a measurement: the same budget leads to the same split."""

LOOK_FRACTION = 0.25
"""Of the budget, at most, for looking."""


def find_relatives(
    dataset: Dataset,
    store: FeatureStore,
    backbone: Backbone | None,
    *,
    budget_s: float = math.inf,
    should_stop: Callable[[], bool] = lambda: False,
) -> Relatives:
    """Near copies, and groups that file names or cameras' clocks tell and pictures bear out.

    Args:
        dataset: whose images decode; where a backbone is given its features are stored.
        store: keeps the thumbnails.
        backbone: its features find cut pictures and bear out groups; without it neither is done.
        budget_s: skip the search for near copies if it would take too much of this, and was not made before.
        should_stop: asked now and then; a search that is stopped has found nothing.
    """
    features = None if backbone is None else _features(dataset, store, backbone)
    suspected = Relatives(looked=False)
    if features is not None:
        told = bursts(dataset, features, exposures(dataset))
        suspected = Relatives((), name_groups(dataset, features), told, looked=False)
    file = _found_file(dataset, backbone)
    known = _known(dataset, file)
    if known is not None:
        return replace(suspected, copies=known, looked=True)
    found = None
    if SECONDS_PER_IMAGE * len(dataset) <= LOOK_FRACTION * budget_s:
        found = _search(dataset, store, features, should_stop)
    if found is None:
        return suspected
    write_json(file, {"pairs": found})
    return replace(suspected, copies=_placed(found, dataset), looked=True)


def exposures(dataset: Dataset) -> dict[str, Exposure]:
    """When pictures were taken, by SHA-256, of those that tell; read once and remembered."""
    first = {e.sha256: e.path for e in reversed(dataset.examples)}
    file = _found_folder() / f"{fingerprint([LOOK_VERSION, 'exposures', sorted(first)])[:32]}.json"
    try:
        return {sha256: Exposure(*told) for sha256, told in read_json(file).items()}
    except (ArtifactError, AttributeError, TypeError):
        found = dict(read_exposures(first))
    write_json(file, {sha256: (told.camera, told.taken_s) for sha256, told in found.items()})
    return found


def _search(
    dataset: Dataset, store: FeatureStore, features: Features | None, should_stop: Callable[[], bool]
) -> list[Pair] | None:
    """Near copies by content: byte-identical files are one picture, and have one unit anyway."""
    places = sorted(_place_of(dataset).values())
    unique = dataset.select(places)
    found = near_copies(
        thumbnails(unique, store),
        None if features is None else features[places],
        lambda place: decode_plainly(unique.paths[place], at_least_px=POINTS_PX),
        should_stop=should_stop,
    )
    if found is None:
        return None
    names = [e.sha256 for e in unique.examples]
    return [(names[copy.first], names[copy.second], copy.how, copy.shade) for copy in found]


def thumbnails(dataset: Dataset, store: FeatureStore) -> Thumbnails:
    """Small grey pictures of all images, from the store where it has them. What does not decode is black."""
    first = {e.sha256: e.path for e in reversed(dataset.examples)}
    missing = store.missing(THUMBNAIL_KEY, (e.sha256 for e in dataset.examples))
    with ThreadPoolExecutor(usable_cores()) as pool, progress("Shrinking images", len(missing)) as advance:
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            rows = np.stack(list(pool.map(lambda sha256: _thumbnail(first[sha256]), some)))
            store.write(THUMBNAIL_KEY, THUMBNAIL_NAME, some, rows)
            advance(len(some))
    hashes = [e.sha256 for e in dataset.examples]
    rows = store.read(THUMBNAIL_KEY, hashes, (slice(0, THUMBNAIL_PX**2),))
    return rows.reshape(-1, THUMBNAIL_PX, THUMBNAIL_PX)


def _thumbnail(path: Path) -> Float[Array, " d"]:
    try:
        return thumbnail(decode_plainly(path, at_least_px=DECODE_PX)).reshape(-1)
    except DataError:
        return np.zeros(THUMBNAIL_PX**2, np.float32)


def _features(dataset: Dataset, store: FeatureStore, backbone: Backbone) -> Features:
    """The last stage before the head, pooled: closer to the picture than the head, far from its pixels."""
    blocks = [block for block in backbone.card.blocks if block.pooling == "mean"]
    block = blocks[-2] if len(blocks) > 1 else blocks[-1]
    return store.read(backbone.key, [e.sha256 for e in dataset.examples], (slice(block.start, block.stop),))


def _found_file(dataset: Dataset, backbone: Backbone | None) -> Path:
    hashes = sorted({e.sha256 for e in dataset.examples})
    key = fingerprint([LOOK_VERSION, backbone.key if backbone else "", hashes])
    return _found_folder() / f"{key[:32]}.json"


def _found_folder() -> Path:
    return cache_folder() / "relatives"


def _known(dataset: Dataset, file: Path) -> tuple[NearCopy, ...] | None:
    """What was found before among the same images, whatever they are called now."""
    try:
        return _placed(read_json(file)["pairs"], dataset)
    except (ArtifactError, KeyError, TypeError, ValueError):
        return None


def _placed(pairs: Sequence[Pair], dataset: Dataset) -> tuple[NearCopy, ...]:
    """The pairs by their places in a data set."""
    place = _place_of(dataset)
    copies = [
        NearCopy(min(place[one], place[other]), max(place[one], place[other]), how, shade)
        for one, other, how, shade in pairs
    ]
    return tuple(sorted(copies, key=lambda copy: (copy.first, copy.second)))


def _place_of(dataset: Dataset) -> dict[str, int]:
    """Where each content comes first."""
    return {example.sha256: place for place, example in reversed(list(enumerate(dataset.examples)))}
