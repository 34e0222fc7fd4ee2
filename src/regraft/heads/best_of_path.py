"""What a head with a path of penalties does when it is given none: five folds, and the best of the path."""

import numpy as np

from regraft.core.arrays import Features, Folds, Truth, Weights
from regraft.heads.classifier import Linear
from regraft.heads.selection import KnowsPath

FOLDS = 5


def fit_best(
    head: KnowsPath, features: Features, labels: Truth, *, class_count: int, weights: Weights | None
) -> Linear:
    """Fit under the penalty that is best on examples its fits did not see; see the head's `path`."""
    path = head.path(features, labels, class_count=class_count, folds=dealt(labels), weights=weights)
    return path.classifier(path.best)


def dealt(labels: Truth) -> Folds:
    """Fold numbers that go round within each class, or within each set of labels."""
    folds = np.empty(len(labels), dtype=np.int64)
    order = np.argsort(labels, kind="stable") if labels.ndim == 1 else np.lexsort(labels.T)
    folds[order] = np.arange(len(labels)) % FOLDS
    return folds
