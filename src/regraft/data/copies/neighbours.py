"""Which rows lie nearest to which, without comparing all with all."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from regraft.core.arrays import Array, Features

COMPARE_ALL_UP_TO = 8_192
CELLS_LOOKED_INTO = 8
BLOCK = 1_024

Places = Int[Array, " _"]


def nearest(rows: Features, *, count: int) -> Int[Array, "n c"]:
    """For every row the indices of the nearest others, nearest first; -1 where there are fewer.

    Up to 8,192 rows all are compared. Beyond, they are dealt to about sqrt(n) cells by k-means, and a row is
    compared with those of the eight cells nearest to its own: a few neighbours across borders are missed.

    Source: the inverted file of Jegou, Douze & Schmid 2011, 10.1109/TPAMI.2010.57.
    Differs: rows are not quantised, and a cell, not each row, chooses the cells that are looked into.
    Cost: O(n^1.5 d) time.
    """
    found = np.full((len(rows), count), -1, dtype=np.int64)
    for asking, among in _lookups(rows):
        for start in range(0, len(asking), BLOCK):
            block = asking[start : start + BLOCK]
            found[block] = _nearest_among(rows, block, among, count)
    return found


def _lookups(rows: Features) -> Iterator[tuple[Places, Places]]:
    """Which rows ask, and among which they look."""
    everyone = np.arange(len(rows))
    if len(rows) <= COMPARE_ALL_UP_TO:
        yield everyone, everyone
        return
    from sklearn.cluster import MiniBatchKMeans

    cells = int(np.sqrt(len(rows)))
    means = MiniBatchKMeans(cells, n_init=1, max_iter=20, batch_size=4_096, random_state=0).fit(rows)
    members = [everyone[means.labels_ == cell] for cell in range(cells)]
    centres = means.cluster_centers_
    for cell in range(cells):
        close = np.argsort(((centres - centres[cell]) ** 2).sum(1), kind="stable")[:CELLS_LOOKED_INTO]
        yield members[cell], np.concatenate([members[other] for other in close])


def _nearest_among(rows: Features, asking: Places, among: Places, count: int) -> Int[Array, "b c"]:
    candidates = rows[among]
    closeness = 2 * rows[asking] @ candidates.T - (candidates**2).sum(1)
    closeness[asking[:, None] == among[None, :]] = -np.inf
    best = np.full((len(asking), count), -1, dtype=np.int64)
    some = min(count, len(among) - 1)
    if some > 0:
        top = np.argpartition(-closeness, some - 1, axis=1)[:, :some]
        order = np.argsort(-np.take_along_axis(closeness, top, 1), axis=1, kind="stable")
        best[:, :some] = among[np.take_along_axis(top, order, 1)]
    return best
