"""From settings of a head to a fitted classifier and held-out scores, by the cheapest exact way there is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from regraft.core.arrays import Features, Folds, Scores, Truth, Weights
from regraft.core.threads import in_parallel
from regraft.heads import Classifier, KnowsPath, Ridge, held_out, ridge_path
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.pipeline.recipe import Head


def fit_head(
    head: Head,
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Sequence[Folds] | None,
    weights: Weights | None,
) -> tuple[Head, Scores, Classifier]:
    """Fit to all examples, and score each by fits that did not see it.

    A head that knows a path of penalties, and was given none, takes the best of it; the head returned names
    it. Of several ways to deal the folds the scores are averaged. Without folds every example is left out
    alone.

    Returns:
        The complete settings, held-out scores [n, k] (NaN where never held out), and the classifier.
    """
    paths: list[PenaltyPath] = []
    dealt = (None,) if folds is None else folds
    for one in dealt:
        if isinstance(head, Ridge) and head.penalty is None:
            paths.append(ridge_path(features, labels, class_count=class_count, folds=one, weights=weights))
        elif isinstance(head, KnowsPath) and head.penalty is None and one is not None:
            paths.append(head.path(features, labels, class_count=class_count, folds=one, weights=weights))
    if paths:
        path = _averaged(paths, labels, weights)
        chosen: Head = replace(head, penalty=float(path.penalties[path.best]))  # type: ignore[arg-type]
        return chosen, path.scores(path.best), path.classifier(path.best)
    rounds = [
        held_out(head, features, labels, class_count=class_count, folds=one, weights=weights) for one in dealt
    ]
    scores = np.asarray(np.mean(rounds, axis=0), np.float32)
    return head, scores, head.fit(features, labels, class_count=class_count, weights=weights)


def _averaged(paths: Sequence[PenaltyPath], labels: Truth, weights: Weights | None) -> PenaltyPath:
    """One path whose held-out scores are the mean over several ways to deal the folds."""
    if len(paths) == 1:
        return paths[0]
    scores = np.asarray(np.mean([path.held_out for path in paths], axis=0), np.float32)
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), scores))
    return replace(paths[0], scores=scores.__getitem__, losses=losses)
