"""How probable the labels are under a linear model of the features, before any weights are known."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.transferability.score import Measured, Sample, order_free

# Ratios of prior to noise precision that are tried, in units of the mean squared singular value.
RATIOS = np.logspace(-8, 8, 33)
ROUNDS = 100
TOLERANCE = 1e-6
# Labels are taken to hold at least this share of noise, or features that separate classes perfectly would
# be infinitely probable.
LEAST_NOISE = 1e-8


@order_free
def measure(sample: Sample) -> Measured:
    """The largest log evidence per image of each class against the rest, averaged over classes.

    Each indicator y of a class is modelled as y = b + x'w + e with w ~ N(0, 1/alpha), e ~ N(0, 1/beta), and
    the weights are integrated out; alpha and beta are those under which y is most probable.

    Source: You et al. 2021, 2102.11005; the fixed-point iteration in singular values is of 2110.10545.
    Differs: an intercept b under a flat prior, as every linear head has one, so that it does not matter where
        features have their origin; integrated out, it takes one of n degrees of freedom, and the evidence is
        divided by the other n - 1. The iteration starts at the best of 33 ratios alpha / beta and goes on
        until it settles, as the evidence can have two peaks. A floor under the noise keeps it finite.
    Cost: beside the decomposition, about 100 r k operations along r axes.
    """
    axes = sample.axes
    values, freedom = axes.whole.values, len(sample.labels) - 1
    explained = axes.whole.targets**2 / values[:, None]
    total = axes.counts * (1 - axes.shares)
    unexplained = np.maximum(total - explained.sum(axis=0), LEAST_NOISE * total)
    return Measured(float(largest_evidence(values, explained, unexplained, freedom).mean() / freedom))


def largest_evidence(
    values: Float[Array, " r"], explained: Float[Array, "r k"], unexplained: Float[Array, " k"], count: int
) -> Float[Array, " k"]:
    """The log evidence of k targets of `count` numbers each, at the alpha and beta that maximise it.

    Args:
        values: squared singular values of the features.
        explained: squared projections of the targets on the left singular vectors.
        unexplained: squared length of what remains of each target; positive.
        count: degrees of freedom.
    """
    scale = values.mean() if len(values) else 1.0
    ratios = scale * np.tile(RATIOS[:, None], len(unexplained))
    tried = np.stack([log_evidence(values, explained, unexplained, count, row) for row in ratios])
    ratio, best = ratios[tried.argmax(axis=0), 0], tried.max(axis=0)
    for _ in range(ROUNDS):
        better = _next_ratio(values, explained, unexplained, count, ratio)
        better = np.clip(better, ratios[0], ratios[-1])
        settled = np.abs(better - ratio) <= TOLERANCE * ratio
        ratio = better
        if settled.all():
            break
    return np.asarray(np.maximum(best, log_evidence(values, explained, unexplained, count, ratio)))


def log_evidence(
    values: Float[Array, " r"],
    explained: Float[Array, "r k"],
    unexplained: Float[Array, " k"],
    count: int,
    ratio: Float[Array, " k"],
) -> Float[Array, " k"]:
    """The log evidence at alpha / beta = ratio, one for each target, and the best beta under it.

    With K = 1 + X X' / ratio the targets are normal of covariance K / beta, and the best beta is
    count / (y' K^-1 y).
    """
    square = (explained * (ratio / (values[:, None] + ratio))).sum(axis=0) + unexplained
    log_determinant = np.log1p(values[:, None] / ratio).sum(axis=0)
    return np.asarray(-0.5 * (count * (np.log(2 * np.pi * square / count) + 1) + log_determinant))


def _next_ratio(
    values: Float[Array, " r"],
    explained: Float[Array, "r k"],
    unexplained: Float[Array, " k"],
    count: int,
    ratio: Float[Array, " k"],
) -> Float[Array, " k"]:
    """One round: alpha = gamma / |m|^2 and beta = (n - gamma) / |y - X m|^2, m and gamma at the old ratio."""
    shrunk = values[:, None] + ratio
    gamma = (values[:, None] / shrunk).sum(axis=0)
    length = (values[:, None] * explained / shrunk**2).sum(axis=0)
    residual = (explained * (ratio / shrunk) ** 2).sum(axis=0) + unexplained
    with np.errstate(divide="ignore", invalid="ignore"):
        better = gamma / length * (residual / (count - gamma))
    # Features that say nothing of a class, or everything, leave nothing to divide.
    return np.where(np.isfinite(better), better, ratio)
