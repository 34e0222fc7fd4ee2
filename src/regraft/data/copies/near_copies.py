"""Pictures that are one picture: saved again, scaled, cut, mirrored, turned or lit otherwise.

Two kinds of neighbours are looked at: those whose thumbnails agree up to mirroring and turning, and those
that a network finds alike. Each pair is then laid one on the other and has to agree in light and shade and
in detail (`keypoints`): in most data sets neighbours are merely alike, and those are no copies.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Image
from regraft.core.cores import usable_cores
from regraft.core.errors import DataError
from regraft.core.progress import progress
from regraft.core.threads import single_threaded_blas
from regraft.data.copies.keypoints import Keypoints, Matrix, Overlay, find_keypoints, lay_over, same_picture
from regraft.data.copies.neighbours import nearest
from regraft.data.copies.thumbnails import Thumbnails, invariants, quarter_turns, standardised

How = Literal["saved again", "mirrored", "turned", "cut or shifted"]
Pair = tuple[int, int]

ALIKE_IN_THUMBNAILS, ALIKE_TO_NETWORK = 5, 8
"""Neighbours that are looked at. Sets of more copies than these are found through one another."""

ALMOST_ALIKE = 0.7
"""Correlation of thumbnails laid the best of eight ways, from which the pictures themselves are compared."""

WHOLE_SHADE, WHOLE_DETAIL, WHOLE_AGREEING_FRACTION = 0.97, 0.85, 0.6
"""What a picture laid whole on another has to reach. Stricter than for a map found from points, which is
evidence itself: two portraits, or two handwritten ones, agree that well by chance."""

FIRST_MIRRORED_WAY = 4
TURNED_DEGREES = 5.0
WHOLE_FRACTION = 0.97
POINTS_KEPT = 2_048
CHUNK = 512


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
    pairs = _candidates(thumbnails, features)

    @lru_cache(maxsize=POINTS_KEPT)
    def points(place: int) -> Keypoints | None:
        try:
            return find_keypoints(load(place))
        except DataError:
            return None

    def judge(pair: Pair) -> NearCopy | None:
        one, other = points(pair[0]), points(pair[1])
        if one is None or other is None:
            return None
        overlay = _laid_whole(one, other, thumbnails[list(pair)]) or same_picture(one, other)
        return NearCopy(*pair, _how(overlay), round(overlay.shade, 4)) if overlay else None

    found: list[NearCopy] = []
    pool = ThreadPoolExecutor(usable_cores())
    with single_threaded_blas(), pool, progress("Comparing images", len(pairs)) as advance:
        for start in range(0, len(pairs), CHUNK):
            if should_stop():
                return None
            found += [copy for copy in pool.map(judge, pairs[start : start + CHUNK]) if copy]
            advance(len(pairs[start : start + CHUNK]))
    return sorted(found, key=lambda copy: (copy.first, copy.second))


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
    """Pairs worth a look, in an order in which those of one picture stand close together."""
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
    if len(thumbnails) <= POINTS_KEPT:
        return sorted(pairs)
    return _walked(len(thumbnails), sorted(pairs))


def _walked(count: int, pairs: Sequence[Pair]) -> list[Pair]:
    """Pairs in the order of a walk from neighbour to neighbour: points found for one serve the next."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    first, second = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs), np.int8), (first, second)), shape=(count, count)).tocsr()
    rank = np.empty(count, np.int64)
    rank[reverse_cuthill_mckee(graph + graph.T, symmetric_mode=True)] = np.arange(count)
    order = np.lexsort((np.minimum(rank[first], rank[second]), np.maximum(rank[first], rank[second])))
    return [pairs[place] for place in order]


def _directions(features: Features) -> Features:
    """Rows of standardised columns and unit length: the nearest is then the most alike in cosine."""
    rows = features - features.mean(0)
    rows /= rows.std(0) + 1e-6
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float32)


def _laid_whole(one: Keypoints, other: Keypoints, both: Float[Array, "2 32 32"]) -> Overlay | None:
    """The first laid on the second the best of eight ways, if they agree: no points are needed for that."""
    first, second = standardised(both)
    likeness = [float((side * second).mean()) for side in quarter_turns(first)]
    best = int(np.argmax(likeness))
    if likeness[best] < ALMOST_ALIKE:
        return None
    overlay = lay_over(one.grey, other.grey, _quarter_matrix(one.grey.shape, other.grey.shape, best))
    if overlay is None or overlay.shade < WHOLE_SHADE or overlay.detail < WHOLE_DETAIL:
        return None
    return overlay if overlay.agreeing_fraction >= WHOLE_AGREEING_FRACTION else None


def _quarter_matrix(shape: Sequence[int], onto: Sequence[int], way: int) -> Matrix:
    """The map of the whole of one picture onto the whole of another, in the way of `quarter_turns`."""
    height, width = shape
    to_unit = np.array([[1 / width, 0, 0.5 / width], [0, 1 / height, 0.5 / height], [0, 0, 1]])
    mirror = np.array([[-1, 0, 1], [0, 1, 0], [0, 0, 1]]) if way >= FIRST_MIRRORED_WAY else np.eye(3)
    quarter = np.array([[0, 1, 0], [-1, 0, 1], [0, 0, 1]])
    turn = np.linalg.matrix_power(quarter, way % FIRST_MIRRORED_WAY)
    from_unit = np.array([[onto[1], 0, -0.5], [0, onto[0], -0.5], [0, 0, 1]])
    return np.asarray((from_unit @ turn @ mirror @ to_unit)[:2])


def _how(overlay: Overlay) -> How:
    linear = overlay.matrix[:, :2]
    if np.linalg.det(linear) < 0:
        return "mirrored"
    if abs(math.degrees(math.atan2(linear[1, 0], linear[0, 0]))) > TURNED_DEGREES:
        return "turned"
    return "saved again" if overlay.shared_fraction > WHOLE_FRACTION else "cut or shifted"
