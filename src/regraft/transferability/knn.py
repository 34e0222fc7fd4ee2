"""How often the nearest other images are of the same class."""

import numpy as np

from regraft.heads import NearestNeighbours
from regraft.transferability.score import Measured, Sample, order_free

NEIGHBOURS = 5
TIED = 1e-4


@order_free
def measure(sample: Sample) -> Measured:
    """Leave-one-out accuracy of a vote among the five nearest images by cosine.

    Images of the asker's own fold do not vote. Where several classes have the most votes, an image counts
    by the chance that one of them, drawn by lot, is right.

    Source: Cover & Hart 1967, 10.1109/TIT.1967.1053964; as a score of networks, 2503.18528.
    Differs: ties count by their chance instead of going to the first class, so that no name of a class has
        an advantage.
    Cost: n^2 d multiplications in float32.
    """
    votes = NearestNeighbours(NEIGHBOURS).held_out(
        sample.features, sample.labels, class_count=sample.class_count, folds=sample.folds
    )
    # The nearer of two that are equal is ahead by less, any other by more.
    most = votes >= votes.max(axis=1, keepdims=True) - TIED
    own = most[np.arange(len(votes)), sample.labels]
    return Measured.mean(own / most.sum(axis=1))
