"""How well labels are predicted through the source classes, without any fit but counting."""

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Labels
from regraft.heads.weighting import indicators
from regraft.transferability.score import Measured, Sample, order_free, source_of


@order_free
def measure(sample: Sample) -> Measured:
    """The mean log-likelihood of labels under the expected empirical predictor, in nats; 0 at best.

    Source: Nguyen et al. 2020, 2002.12462.
    Differs: nothing.
    Cost: 2 n z k multiplications for z source classes.
    """
    return Measured.mean(log_likelihoods(source_of(sample), sample.labels, sample.class_count))


def log_likelihoods(source: Float[Array, "n z"], labels: Labels, class_count: int) -> Float[Array, " n"]:
    """Log of sum_z P(y_i | z) s_iz for each image, with P(y | z) from the mean of s over images of class y.

    It is finite: an image adds its own s_iz to P(y_i | z) wherever s_iz is above 0.
    """
    joint = indicators(labels, class_count).T @ source
    mass = joint.sum(axis=0)
    conditional = joint / np.where(mass > 0, mass, 1)
    return np.asarray(np.log((source * conditional[labels]).sum(axis=1)))
