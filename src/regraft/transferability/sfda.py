"""How well classes separate in Fisher's space, once it is made harder on purpose."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.blas import dsyrk
from scipy.special import log_softmax, softmax

from regraft.core.arrays import Array
from regraft.core.threads import single_threaded_blas
from regraft.transferability.axes import Axes
from regraft.transferability.score import Measured, Sample, order_free

STEEPNESS = 5.0
POWER_ROUNDS = 200
POWER_TOLERANCE = 1e-9
# As a share of all variance: classes that are points would be infinitely far apart.
LEAST_WITHIN = 1e-6


class Scatter(NamedTuple):
    """Rows in their classes: class means, and the covariance within classes."""

    rows: Float[Array, "n r"]
    means: Float[Array, "k r"]
    within: Float[Array, "r r"]


@order_free
def measure(sample: Sample) -> Measured:
    """The mean log-probability of the right class under a Fisher discriminant of self-challenged features.

    A first regularised discriminant says how sure it is of each image. The less sure, the more the image is
    drawn towards the mean of the other classes' means; a second discriminant judges what comes of it.

    Source: Shao et al. 2022, 2207.03036, with lambda = exp(-5 s) for s the largest eigenvalue of the
        covariance within classes, and certainties softened by a second softmax, as in the authors' code.
    Differs: features are first scaled to a mean squared distance of 1 from their mean, so that lambda lies
        between e^-5 and 1; it would depend on their units otherwise. The score is the mean logarithm, as in
        the paper; their code drops it.
    Cost: beside the decomposition, n r^2 / 2 + 2 r^3 / 3 multiplications along r axes.
    """
    axes = sample.axes
    if not axes.variances.any():
        return Measured.mean(np.log(axes.shares)[axes.labels])
    with single_threaded_blas():
        first = _unit_scatter(axes)
        shrinkage = float(np.exp(-STEEPNESS * largest_eigenvalue(first.within)))
        certain = log_posterior(first, axes, shrinkage)
        second = _scatter(challenged(first, axes.labels, np.exp(certain)), axes)
        found = log_posterior(second, axes, shrinkage)
    return Measured.mean(found[np.arange(len(found)), axes.labels])


def challenged(
    scatter: Scatter, labels: Int[Array, " n"], posterior: Float[Array, "n k"]
) -> Float[Array, "n r"]:
    """Each row mixed with the mean of the other classes' means, by how sure the posterior is of it."""
    own = softmax(posterior, axis=1)[np.arange(len(labels)), labels][:, None]
    others = (scatter.means.sum(axis=0) - scatter.means) / (len(scatter.means) - 1)
    return np.asarray(own * scatter.rows + (1 - own) * others[labels])


def log_posterior(scatter: Scatter, axes: Axes, shrinkage: float) -> Float[Array, "n k"]:
    """Of each class, by the linear discriminant under (1 - shrinkage) S_W + shrinkage tr(S_W) / d.

    All eigenvectors of the generalised problem together are the inverse of that matrix, so that none have to
    be found.
    """
    sphere = shrinkage * max(float(np.trace(scatter.within)), LEAST_WITHIN) / axes.width
    regular = (1 - shrinkage) * scatter.within
    regular[np.diag_indices_from(regular)] += sphere
    factor = cho_factor(regular, lower=True, overwrite_a=True, check_finite=False)
    directions = cho_solve(factor, scatter.means.T, check_finite=False)
    offsets = np.log(axes.shares) - 0.5 * (scatter.means.T * directions).sum(axis=0)
    return np.asarray(log_softmax(scatter.rows @ directions + offsets, axis=1))


def largest_eigenvalue(matrix: Float[Array, "r r"]) -> float:
    """Of a symmetric matrix without negative ones, by the power method."""
    vector = np.random.default_rng(0).standard_normal(len(matrix))
    found = 0.0
    for _ in range(POWER_ROUNDS):
        image = matrix @ (vector / np.linalg.norm(vector))
        before, found, vector = found, float(np.linalg.norm(image)), image
        if abs(found - before) <= POWER_TOLERANCE * found:
            break
    return found


def _unit_scatter(axes: Axes) -> Scatter:
    """Of the features at unit variance in all: what is not between the classes is within them."""
    scale = 1 / np.sqrt(axes.variances.sum())
    rows, means = axes.coordinates * scale, axes.means * scale
    within = -(means.T * axes.shares) @ means
    within[np.diag_indices_from(within)] += axes.variances * scale**2
    return Scatter(rows, means, within)


def _scatter(rows: Float[Array, "n r"], axes: Axes) -> Scatter:
    means = np.stack([rows[axes.labels == label].mean(axis=0) for label in range(len(axes.counts))])
    inside = rows - means[axes.labels]
    # Half of a symmetric product is computed, the lower one, which is the half that is read later.
    within = dsyrk(1 / len(rows), inside.T, lower=True)
    return Scatter(rows, means, within)
