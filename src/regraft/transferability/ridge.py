"""How often a linear head is right about an image that it has not seen."""

import numpy as np

from regraft.heads.ridge import decomposed_path
from regraft.transferability.score import Measured, Sample, order_free


@order_free
def measure(sample: Sample) -> Measured:
    """Leave-one-out accuracy of ridge regression on indicators, at the penalty of lowest held-out loss.

    With folds, whole folds are left out.

    Source: Allen 1974, 10.1080/00401706.1974.10489157 (PRESS); as a score of networks, 2503.18528.
    Differs: one penalty of a path of 25, by held-out log-loss, instead of a fixed one.
    Cost: beside the decomposition, n r p (k + 1) multiplications for p penalties along r axes.
    """
    axes = sample.axes
    path = decomposed_path(axes.side, axes.whole, sample.labels, folds=sample.folds)
    right = path.scores(path.best).argmax(axis=1) == sample.labels
    return Measured.mean(right.astype(np.float64))
