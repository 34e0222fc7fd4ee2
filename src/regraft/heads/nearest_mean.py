"""Nearest class mean: the head that needs one pass over the features."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from regraft.core.arrays import Features, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.heads.ballots import Ballots, class_sums
from regraft.heads.classifier import Linear
from regraft.heads.weighting import checked, one_each, spread


@dataclass(frozen=True)
class NearestMean:
    """Predict the class whose mean is nearest; shrinkage draws the means toward the mean of all examples.

    A mean m of a class is replaced by m + shrinkage (m_all - m). Scores are minus half the squared distance,
    -|x - m|^2 / 2, less the part all classes share: x'm - |m|^2 / 2, taken about the mean of all examples.

    Source: Mensink et al. 2013, 10.1109/TPAMI.2013.83; prototypes of Snell et al. 2017, 1703.05175; shrinkage
        as Tibshirani et al. 2002, 10.1073/pnas.082099299.
    Differs: shrinkage is proportional, without a threshold. It leaves the directions between means alone and
        moves the boundaries of classes whose means lie far out.
    Cost: n d additions; of features in a mapped file some thousand rows are in memory at a time.
    """

    shrinkage: Annotated[float, Knob("share of the way from class mean to grand mean", low=0, high=0.99)] = (
        0.0
    )

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Average each class."""
        weights = checked(features, labels, class_count=class_count, weights=weights)
        labels = one_each(labels)
        present = np.bincount(labels, minlength=class_count) > 0
        sums, counts = class_sums(features, Ballots(labels, class_count), weights)
        sums, counts = sums[:, present], counts[present]
        centre = sums.sum(axis=1) / counts.sum()
        means = (1 - self.shrinkage) * (sums / counts - centre[:, None])
        lengths = (means**2).sum(axis=0)
        bias = -lengths / 2 - centre @ means
        fitted = Linear(means.astype(np.float32), bias.astype(np.float32))
        return spread(fitted, present, gap=float(lengths.mean()) + 1)
