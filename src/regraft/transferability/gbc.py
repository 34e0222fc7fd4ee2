"""How far the classes overlap, taken as Gaussians."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.transferability.axes import Axes
from regraft.transferability.score import Measured, Sample, order_free

AXES = 64
# As a share of all variance: below it a class is a point.
LEAST_VARIANCE = 1e-12


@order_free
def measure(sample: Sample) -> Measured:
    """Minus the sum of Bhattacharyya coefficients over all ordered pairs of classes; 0 at best.

    Classes are spherical Gaussians on the 64 principal axes of most variance.

    Source: Pandy et al. 2022, 2111.12780.
    Differs: the variance of a class counts as if one more image lay at the mean variance of all classes from
        its mean, without which a class of one image would be a point and overlap with nothing.
    Cost: beside the decomposition, 64 (n + k^2) operations.
    """
    means, variances = spheres(sample.axes)
    distances = bhattacharyya(means, variances, axes=min(AXES, sample.axes.width))
    return Measured(float(len(means) - np.exp(-distances).sum()))


def spheres(axes: Axes) -> tuple[Float[Array, "k a"], Float[Array, " k"]]:
    """Mean and variance of each class, the latter averaged over axes."""
    rows, means = axes.leading(AXES), axes.means[:, ::-1][:, :AXES]
    # Fewer axes than 64 hold variance where there are few images: along the rest there is none.
    width = max(min(AXES, axes.width), 1)
    squares = ((rows - means[axes.labels]) ** 2).sum(axis=1) / width
    pooled = squares.mean()
    own = (np.bincount(axes.labels, weights=squares) + pooled) / (axes.counts + 1)
    floor = LEAST_VARIANCE * axes.variances.sum() / width
    return means, np.maximum(own, max(floor, np.finfo(float).tiny))


def bhattacharyya(
    means: Float[Array, "k a"], variances: Float[Array, " k"], *, axes: int
) -> Float[Array, "k k"]:
    """Bhattacharyya distances between spherical Gaussians in so many dimensions."""
    between = (variances[:, None] + variances) / 2
    gaps = ((means[:, None] - means) ** 2).sum(axis=2)
    geometric = (np.log(variances)[:, None] + np.log(variances)) / 2
    return np.asarray(gaps / between / 8 + axes / 2 * (np.log(between) - geometric))
