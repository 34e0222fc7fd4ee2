"""From settings of a head to a fitted classifier and held-out scores, by the cheapest exact way there is."""

from dataclasses import replace

from regraft.core.arrays import Features, Folds, Scores, Truth, Weights
from regraft.heads import Classifier, Logistic, Ridge, held_out, logistic_path, ridge_path
from regraft.pipeline.recipe import Head

DECOMPOSITION = 12
"""Multiplications of an eigen-decomposition of [r, r] in units of r^3, at the speed of a matrix product."""

PENALTIES = 25
PASSES = 3500
"""Over all examples, in the whole path of a logistic regression."""


def fit_head(
    head: Head,
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Folds | None,
    weights: Weights | None,
) -> tuple[Head, Scores, Classifier]:
    """Fit to all examples, and score each by fits that did not see it.

    A ridge or logistic head without a penalty takes the best of its path; the head returned names it. Without
    folds every example is left out alone.

    Returns:
        The complete settings, held-out scores [n, k] (NaN where never held out), and the classifier.
    """
    path = None
    if isinstance(head, Ridge) and head.penalty is None:
        path = ridge_path(features, labels, class_count=class_count, folds=folds, weights=weights)
    elif head == Logistic() and folds is not None:
        path = logistic_path(features, labels, class_count=class_count, folds=folds, weights=weights)
    if path is not None:
        chosen: Head = replace(head, penalty=float(path.penalties[path.best]))  # type: ignore[arg-type]
        return chosen, path.held_out[path.best], path.classifier(path.best)
    scores = held_out(head, features, labels, class_count=class_count, folds=folds, weights=weights)
    return head, scores, head.fit(features, labels, class_count=class_count, weights=weights)


def multiplications(head: Head, *, examples: int, features: int, classes: int, fits: int) -> float:
    """Roughly how many multiplications it takes to fit a head so many times; only ratios of it are used."""
    rank = min(examples, features)
    passes = PASSES if isinstance(head, Logistic) else PENALTIES
    decompositions = 1 if isinstance(head, Logistic) else fits
    return (
        examples * features * rank
        + decompositions * DECOMPOSITION * rank**3
        + fits * passes * examples * rank * classes
    )
