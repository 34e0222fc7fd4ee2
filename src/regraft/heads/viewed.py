"""Several views of each example, as rows: the plain ones of all examples first, then every other view's."""

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array, Truth, Weights

Rows = tuple[Int[Array, " vn"] | Bool[Array, "vn k"], Float[Array, " vn"] | None]


def rows_of(labels: Truth, weights: Weights | None, *, views: int) -> Rows:
    """Labels and weights of every row: all views of an example weigh as much together as it does alone.

    >>> labels, weights = rows_of(np.array([0, 1]), np.array([1.0, 3.0]), views=2)
    >>> labels.tolist(), weights.tolist()
    ([0, 1, 0, 1], [0.5, 1.5, 0.5, 1.5])
    """
    if views == 1:
        return labels, weights
    shares = np.ones(len(labels)) if weights is None else weights
    return np.concatenate([labels] * views), np.tile(shares, views) / views
