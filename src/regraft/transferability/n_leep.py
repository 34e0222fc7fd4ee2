"""LEEP for networks without a head of their own: clusters of the features stand for source classes."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.core.seeds import derive_seed
from regraft.core.threads import in_parallel
from regraft.data.formats.silence import silence
from regraft.transferability.leep import log_likelihoods
from regraft.transferability.score import Measured, Sample, order_free

ENERGY = 0.8
CLUSTERS_PER_CLASS = 5
LEAST_IMAGES = 4  # per cluster, on average
LEAST_VARIANCE = 1e-6  # of a cluster along an axis, as a share of the mean variance
ROUNDS = 30
STARTS = 3


@order_free
def measure(sample: Sample) -> Measured:
    """LEEP with the posterior of a mixture of Gaussians in place of the source head's probabilities.

    The mixture has five components for each class, on the principal axes that hold 80 % of the variance.

    Source: Li et al. 2021, 2102.08604.
    Differs: components are diagonal in the principal axes, at most one for every four images, and fitted for
        at most 30 rounds: full ones have more parameters than there are images. Log-likelihoods are averaged
        over three fits from different starts, as the clusters found depend on the start.
    Cost: beside the decomposition, 12 n m a multiplications a round for m components along a axes.
    """
    axes, labels = sample.axes, sample.labels
    rows = axes.leading(axes_holding(axes.variances, ENERGY))

    def of_start(start: int) -> Float[Array, " n"]:
        clusters = posterior(rows, components(sample), derive_seed(sample.seed, "n_leep", start))
        return log_likelihoods(clusters, labels, sample.class_count)

    return Measured.mean(np.mean(in_parallel(of_start, range(STARTS)), axis=0))


def posterior(rows: Float[Array, "n a"], count: int, seed: int) -> Float[Array, "n m"]:
    """Which of so many components each row belongs to, as probabilities."""
    if count < 2 or not rows.size:
        return np.ones((len(rows), 1))
    from sklearn.mixture import GaussianMixture  # Not above: importing it takes a second.

    mixture = GaussianMixture(
        count, covariance_type="diag", max_iter=ROUNDS, reg_covar=LEAST_VARIANCE, random_state=seed
    )
    # A start is drawn by position. In the order of their lengths, turned features draw the same one.
    order = np.argsort((rows**2).sum(axis=1), kind="stable")
    scaled = rows[order] / np.sqrt(rows.var(axis=0).mean())
    found = np.empty((len(rows), count))
    # It remarks where it has not settled after all rounds, or finds fewer different rows than components.
    with silence():
        found[order] = mixture.fit(scaled).predict_proba(scaled)
    return found


def axes_holding(variances: Float[Array, " r"], energy: float) -> int:
    """The least number of leading axes that hold this share of the variance; `variances` ascend.

    >>> axes_holding(np.array([1.0, 2.0, 3.0, 4.0]), 0.7)
    2
    """
    held = np.cumsum(variances[::-1])
    return int(np.searchsorted(held, energy * held[-1]) + 1) if len(held) else 0


def components(sample: Sample) -> int:
    """How many components: five a class, but no more than one for every four images."""
    return min(CLUSTERS_PER_CLASS * sample.class_count, len(sample.labels) // LEAST_IMAGES)
