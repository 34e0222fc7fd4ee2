"""From settings of a head to a fitted classifier and held-out scores, by the cheapest exact way there is."""

from dataclasses import replace

import numpy as np

from regraft.core.arrays import Features, Folds, Labels, Scores, Weights
from regraft.heads import Classifier, Logistic, Ridge, held_out, logistic_path, ridge_path
from regraft.pipeline.recipe import Head

DECOMPOSITION = 12
"""Multiplications of an eigen-decomposition of [r, r] in units of r^3, at the speed of a matrix product."""


def fit_head(
    head: Head, features: Features, labels: Labels, *, class_count: int, folds: Folds, weights: Weights | None
) -> tuple[Head, Scores, Classifier]:
    """Fit to all examples, and score each by fits that did not see it.

    A ridge or logistic head without a penalty takes the best of its path; the head returned names it.

    Returns:
        The complete settings, held-out scores [n, k] (NaN where never held out), and the classifier.
    """
    if head in (Ridge(), Logistic()):
        path_of = ridge_path if isinstance(head, Ridge) else logistic_path
        path = path_of(features, labels, class_count=class_count, folds=folds, weights=weights)
        chosen = replace(head, penalty=float(path.penalties[path.best]))
        return chosen, path.held_out[path.best], path.classifier(path.best)
    scores = held_out(head, features, labels, class_count=class_count, folds=folds, weights=weights)
    return head, scores, head.fit(features, labels, class_count=class_count, weights=weights)


def multiplications(examples: int, features: int, classes: int, folds: Folds) -> float:
    """Roughly how many multiplications fitting a linear head takes; only ratios of it are used."""
    rank = min(examples, features)
    decompositions = 1 + len(np.unique(folds[folds >= 0]))
    return (
        examples * features * rank + decompositions * DECOMPOSITION * rank**3 + 50 * examples * rank * classes
    )
