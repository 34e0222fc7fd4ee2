"""From settings of a head to a fitted classifier and held-out scores, by the cheapest exact way there is."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Folds, Scores, Truth, Weights
from regraft.core.threads import in_parallel
from regraft.heads import Classifier, KnowsPath, Ridge, held_out, ridge_path
from regraft.heads.ridge import best_of_path
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.viewed import rows_of
from regraft.pipeline.recipe import Head


def fit_head(
    head: Head,
    features: Float[Array, "vn d"],
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

    Features may be of v views of each image: the plain ones of all images first, then those of each further
    view. A head then learns from all views of an image, which weigh as much as one; they are left out
    together, and the plain one is scored.

    Returns:
        The complete settings, held-out scores [n, k] (NaN where never held out), and the classifier.
    """
    count, views = len(labels), len(features) // len(labels)
    if views > 1 and folds is None:
        folds = (np.arange(count),)
    truth, shares = rows_of(labels, weights, views=views)
    dealt = [None] if folds is None else [np.tile(one, views) for one in folds]
    given = (features, truth)
    if (path_of := _path_of(head, dealt, views)) is not None:
        paths = [path_of(*given, class_count=class_count, folds=one, weights=shares) for one in dealt]
        if views > 1:
            paths = [_plain(path, labels, weights) for path in paths]
        path = _averaged(paths, labels, weights)
        chosen: Head = replace(head, penalty=float(path.penalties[path.best]))  # type: ignore[arg-type]
        return chosen, path.scores(path.best), path.classifier(path.best)
    rounds = [held_out(head, *given, class_count=class_count, folds=one, weights=shares) for one in dealt]
    scores = np.asarray(np.mean([each[:count] for each in rounds], axis=0), np.float32)
    return head, scores, head.fit(*given, class_count=class_count, weights=shares)


def _path_of(head: Head, dealt: Sequence[Folds | None], views: int) -> Callable[..., PenaltyPath] | None:
    """What makes the path of a head that knows paths and was given no penalty; None of another."""
    if isinstance(head, Ridge) and head.penalty is None:
        # What is best on average over rounds, or of plain views, may be the best of no path.
        return best_of_path if len(dealt) == views == 1 else ridge_path
    if isinstance(head, KnowsPath) and head.penalty is None and dealt[0] is not None:
        return head.path
    return None


def _plain(path: PenaltyPath, labels: Truth, weights: Weights | None) -> PenaltyPath:
    """The path as it is judged on plain views, the first ones."""
    scores = [path.scores(at)[: len(labels)] for at in range(len(path.penalties))]
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), scores))
    return replace(path, scores=scores.__getitem__, losses=losses)


def _averaged(paths: Sequence[PenaltyPath], labels: Truth, weights: Weights | None) -> PenaltyPath:
    """One path whose held-out scores are the mean over several ways to deal the folds."""
    if len(paths) == 1:
        return paths[0]
    scores = np.asarray(np.mean([path.held_out for path in paths], axis=0), np.float32)
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), scores))
    return replace(paths[0], scores=scores.__getitem__, losses=losses)
