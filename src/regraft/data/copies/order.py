"""In which order pairs of pictures are compared, so that no picture needs to be kept for long."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from regraft.core.arrays import Array
from regraft.core.seeds import generator

SMOOTHINGS = 300

Pair = tuple[int, int]


def ordered(pairs: Sequence[Pair], *, count: int) -> list[Pair]:
    """Pairs, those of one picture close together.

    Pictures are put in a line on which neighbours stand close, and the pairs are taken in the order of their
    later end.

    Source: the second eigenvector of the normalised Laplacian, Shi & Malik 2000, 10.1109/34.868688.
    Differs: found by repeated smoothing and only roughly, which takes a second for a million pairs.

    Args:
        pairs: places of pictures.
        count: of pictures.
    """
    from scipy.sparse import coo_array

    if not pairs:
        return []
    first, second = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(count, count)).tocsr()
    graph = graph + graph.T
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)
    line = generator(0, "order of pairs").normal(size=count)
    for _ in range(SMOOTHINGS):
        line = (line + graph @ line / degree) / 2
        # A line on which all stand at one place is the smoothest of all, and of no use.
        line -= (line * degree).sum() / degree.sum()
        line /= max(float(np.abs(line).max()), 1e-300)
    rank = np.empty(count, np.int64)
    rank[np.argsort(line, kind="stable")] = np.arange(count)
    order = np.lexsort((np.minimum(rank[first], rank[second]), np.maximum(rank[first], rank[second])))
    return [pairs[place] for place in order]


def last_uses(pairs: Sequence[Pair], *, count: int) -> Int[Array, " n"]:
    """For each picture the place of the last pair that it is in, -1 if it is in none."""
    last = np.full(count, -1, np.int64)
    for end in np.array(pairs, np.int64).reshape(-1, 2).T:
        np.maximum.at(last, end, np.arange(len(pairs)))
    return last
