"""Pictures that are one picture: saved again, scaled, cut, mirrored, turned or lit otherwise.

Two kinds of neighbours are looked at: those whose thumbnails agree up to mirroring and turning, and those
that a network finds alike. Each pair is then laid one on the other and has to agree in light and shade and
in detail (`keypoints`): in most data sets neighbours are merely alike, and those are no copies.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from regraft.core.arrays import Features, Image
from regraft.core.cores import usable_cores
from regraft.core.errors import DataError
from regraft.core.progress import progress
from regraft.core.threads import single_threaded_blas
from regraft.data.copies.keypoints import Keypoints, Overlay, find_keypoints, same_picture
from regraft.data.copies.neighbours import nearest
from regraft.data.copies.order import Pair, last_uses, ordered
from regraft.data.copies.thumbnails import Thumbnails, invariants
from regraft.data.copies.whole import ALMOST_ALIKE, best_ways, laid_whole

How = Literal["saved again", "mirrored", "turned", "cut or shifted"]

ALIKE_IN_THUMBNAILS, ALIKE_TO_NETWORK = 5, 8
"""Neighbours that are looked at. Sets of more copies than these are found through one another."""

TURNED_DEGREES = 5.0
WHOLE_FRACTION = 0.97
POINTS_KEPT = 16_384
"""Pictures of which points are kept, some 0.7 GB. In the order of `ordered`, 100,000 need 10,000 kept."""

CHUNK = 2_048


@dataclass(frozen=True, slots=True)
class NearCopy:
    """Two pictures, by their places in the list, of which one is the other. `first < second`."""

    first: int
    second: int
    how: How
    shade: float


def near_copies(
    thumbnails: Thumbnails,
    features: Features | None,
    load: Callable[[int], Image],
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[NearCopy] | None:
    """Pairs of pictures that are one, sorted by place; None if it was stopped before the last was judged.

    Not every pair of a set of copies is listed, but enough to join them.

    Args:
        thumbnails: see `thumbnails.thumbnail`.
        features: [n, d] of a network, any scale; without them cut pictures are found less often.
        load: the pixels of a picture, at least 160 along the longer side where it has them; called from
            several threads. A picture that raises `DataError` is no copy.
        should_stop: asked now and then.

    Cost: one decoding per picture, and its points, which take most of the time (see benchmarks/copies.py).
    """
    if len(thumbnails) < 2:
        return []
    pairs = ordered(_candidates(thumbnails, features), count=len(thumbnails))
    last, kept = last_uses(pairs, count=len(thumbnails)), dict[int, Keypoints | None]()
    found: list[NearCopy] = []
    pool = ThreadPoolExecutor(usable_cores())
    with single_threaded_blas(), pool, progress("Comparing images", len(pairs)) as advance:
        for start in range(0, len(pairs), CHUNK):
            if should_stop():
                return None
            some = pairs[start : start + CHUNK]
            missing = [*{place: None for pair in some for place in pair if place not in kept}]
            kept.update(zip(missing, pool.map(partial(_points, load), missing), strict=True))
            found += _judged(some, kept, thumbnails, pool)
            _forget(kept, [place for place in kept if last[place] < start + len(some)])
            advance(len(some))
    return sorted(found, key=lambda copy: (copy.first, copy.second))


def _points(load: Callable[[int], Image], place: int) -> Keypoints | None:
    try:
        return find_keypoints(load(place))
    except DataError:
        return None


def _judged(
    pairs: Sequence[Pair], kept: Mapping[int, Keypoints | None], thumbnails: Thumbnails, pool: Executor
) -> Iterator[NearCopy]:
    """Those of some pairs that are copies."""

    def judge(pair: Pair, way: int, likeness: float) -> NearCopy | None:
        one, other = kept[pair[0]], kept[pair[1]]
        if one is None or other is None:
            return None
        overlay = laid_whole(one, other, way=way) if likeness >= ALMOST_ALIKE else None
        overlay = overlay or same_picture(one, other)
        return NearCopy(*pair, _how(overlay), round(overlay.shade, 4)) if overlay else None

    ways, likenesses = best_ways(thumbnails, pairs)
    return (copy for copy in pool.map(judge, pairs, ways.tolist(), likenesses.tolist()) if copy)


def _forget(kept: dict[int, Keypoints | None], done: Sequence[int]) -> None:
    """Drop points that no pair needs any more, and beyond a limit the oldest, which then are found again."""
    for place in done:
        del kept[place]
    for place in [*kept][: max(0, len(kept) - POINTS_KEPT)]:
        del kept[place]


def clusters(count: int, pairs: Iterable[Pair]) -> list[tuple[int, ...]]:
    """Sets of more than one that the pairs join, each sorted, in the order of their first member."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array([*pairs], dtype=np.int64).reshape(-1, 2)
    if not len(ends):
        return []
    graph = coo_array((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(count, count))
    members: dict[int, list[int]] = defaultdict(list)
    for place, number in enumerate(connected_components(graph, directed=False)[1].tolist()):
        members[number].append(place)
    return [tuple(places) for places in members.values() if len(places) > 1]


def _candidates(thumbnails: Thumbnails, features: Features | None) -> list[Pair]:
    """Pairs worth a look."""
    lists = [nearest(invariants(thumbnails), count=ALIKE_IN_THUMBNAILS)]
    if features is not None:
        lists.append(nearest(_directions(features), count=ALIKE_TO_NETWORK))
    pairs = {
        (min(place, int(other)), max(place, int(other)))
        for neighbours in lists
        for place, row in enumerate(neighbours)
        for other in row
        if other >= 0
    }
    return sorted(pairs)


def _directions(features: Features) -> Features:
    """Rows of standardised columns and unit length: the nearest is then the most alike in cosine."""
    rows = features - features.mean(0)
    rows /= rows.std(0) + 1e-6
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _how(overlay: Overlay) -> How:
    linear = overlay.matrix[:, :2]
    if np.linalg.det(linear) < 0:
        return "mirrored"
    if abs(math.degrees(math.atan2(linear[1, 0], linear[0, 0]))) > TURNED_DEGREES:
        return "turned"
    return "saved again" if overlay.shared_fraction > WHOLE_FRACTION else "cut or shifted"
