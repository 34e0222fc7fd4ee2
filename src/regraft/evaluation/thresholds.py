"""From which probability on an image is given a label."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, LabelMatrix, Probabilities

PRIOR_IMAGES = 10.0
"""A label with so many images is judged half by its own and half by those of all labels together."""

LOG_ODDS = np.arange(-7, 7.05, 0.1)


def fit_thresholds(probabilities: Probabilities, truth: LabelMatrix) -> Float[Array, " k"]:
    """The threshold of the largest F1 for each label, on held-out images; never choose it on the test part.

    With few images the best threshold is mostly luck. To each label's counts are therefore added those of
    all labels together, scaled to `PRIOR_IMAGES` images that have the label: a rare label comes out near the
    threshold that is best for all, a common one at its own.

    Source: Lipton et al. 2014, arXiv 1402.1892: of calibrated probabilities the best threshold for F1 is
        half the F1 that it reaches, not 0.5; Fan and Lin 2007, "A study on threshold selection for
        multi-label classification", for how badly rare labels fare with a threshold of their own.
    Differs: counts are pooled, where Fan and Lin set a bad threshold to infinity.
    Cost: O(n k), and 141 candidates for each label.
    """
    levels = 1 / (1 + np.exp(-LOG_ODDS))
    k, places = truth.shape[1], len(levels) + 1
    # The cell of a probability is the number of levels it reaches, so sums from the right are "given at".
    cells = np.searchsorted(levels, probabilities, "right") + places * np.arange(k)
    shape = (k, places)
    given = np.bincount(cells.ravel(), minlength=k * places).reshape(shape)
    hits = np.bincount(cells[truth], minlength=k * places).reshape(shape)
    given, hits = (np.cumsum(counts[:, ::-1], axis=1)[:, ::-1][:, 1:] for counts in (given, hits))
    seen = truth.sum(axis=0)[:, None]
    scale = PRIOR_IMAGES / max(1, int(seen.sum()))
    f1 = (
        2
        * (hits + scale * hits.sum(axis=0))
        / (given + seen + scale * (given.sum(axis=0) + seen.sum()) + np.finfo(float).tiny)
    )
    # Between two images all thresholds are equally good; the middle leaves room on both sides.
    best = f1 >= f1.max(axis=1, keepdims=True) - 1e-12
    return np.array([levels[int(np.median(np.flatnonzero(row)))] for row in best])
