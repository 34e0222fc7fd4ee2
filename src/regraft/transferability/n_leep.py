"""LEEP for networks without a head of their own: clusters of the features stand for source classes."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array
from regraft.core.seeds import derive_seed
from regraft.core.threads import single_threaded_blas
from regraft.data.formats.silence import silence
from regraft.transferability.axes import Axes
from regraft.transferability.leep import log_likelihoods
from regraft.transferability.score import Measured, Sample, order_free

ENERGY = 0.8
CLUSTERS_PER_CLASS = 5
LEAST_IMAGES = 4  # per cluster, on average
LEAST_VARIANCE = 1e-6  # of a cluster along an axis, as a share of the mean variance
ROUNDS = 30


@order_free
def measure(sample: Sample) -> Measured:
    """LEEP with the posterior of a mixture of Gaussians in place of the source head's probabilities.

    The mixture has five components for each class, on the principal axes that hold 80 % of the variance.

    Source: Li et al. 2021, 2102.08604.
    Differs: components are diagonal in the principal axes, at most one for every four images, and fitted for
        at most 30 rounds: full ones have more parameters than there are images.
    Cost: beside the decomposition, 4 n m a multiplications a round for m components along a axes.
    """
    return Measured.mean(
        log_likelihoods(posterior(sample.axes, sample.seed), sample.labels, sample.class_count)
    )


def posterior(axes: Axes, seed: int) -> Float[Array, "n m"]:
    """Which component each image belongs to, as probabilities."""
    rows = axes.leading(axes_holding(axes.variances, ENERGY))
    count = components(len(rows), len(axes.counts))
    if count < 2 or not rows.size:
        return np.ones((len(rows), 1))
    from sklearn.mixture import GaussianMixture  # Not above: importing it takes a second.

    mixture = GaussianMixture(
        count,
        covariance_type="diag",
        max_iter=ROUNDS,
        reg_covar=LEAST_VARIANCE,
        random_state=derive_seed(seed, "n_leep"),
    )
    scaled = np.ascontiguousarray(rows / np.sqrt(rows.var(axis=0).mean()))
    # It remarks where it has not settled after all rounds, or finds fewer different rows than components.
    with silence(), single_threaded_blas():
        return np.asarray(mixture.fit(scaled).predict_proba(scaled))


def axes_holding(variances: Float[Array, " r"], energy: float) -> int:
    """The least number of leading axes that hold this share of the variance; `variances` ascend.

    >>> axes_holding(np.array([1.0, 2.0, 3.0, 4.0]), 0.7)
    2
    """
    held = np.cumsum(variances[::-1])
    return int(np.searchsorted(held, energy * held[-1]) + 1) if len(held) else 0


def components(images: int, classes: int) -> int:
    """How many components: five a class, but no more than one for every four images."""
    return min(CLUSTERS_PER_CLASS * classes, images // LEAST_IMAGES)
