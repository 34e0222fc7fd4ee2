"""Example weights, and what every head asks of its training data before it starts."""

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array, Features, Folds, Labels, Truth, Weights
from regraft.core.errors import DataError, RecipeError
from regraft.heads.blocks import not_finite
from regraft.heads.classifier import Linear

NAMED = 5


def balanced(labels: Labels, class_count: int) -> Weights:
    """Weights under which every class that has examples counts the same: n / (k * count), of mean 1.

    Classes without examples are left out of k.

    Source: King & Zeng 2001, 10.1093/oxfordjournals.pan.a004868; scikit-learn's `class_weight="balanced"`.

    >>> balanced(np.array([0, 0, 0, 1]), 2).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    counts = np.bincount(labels, minlength=class_count)
    return np.asarray(len(labels) / (np.count_nonzero(counts) * counts[labels]))


def checked(features: Features, labels: Truth, *, class_count: int, weights: Weights | None) -> Weights:
    """The weights as float64, ones by default, after checking that a head can be fitted.

    Raises:
        DataError: no examples, lengths that differ, features or weights that are not finite numbers, weights
            that are not positive, labels outside 0 .. class_count - 1, or a matrix of labels without a
            column for each class.
    """
    check_features(features)
    if len(labels) != len(features):
        raise DataError(
            f"There are {len(features)} rows of features and {len(labels)} labels; they must match."
        )
    _check_labels(labels, class_count)
    if weights is None:
        return np.ones(len(labels))
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0))) if len(weights) == len(labels) else None
    if wrong is None or len(wrong):
        said = f"there are {len(weights)}" if wrong is None else f"rows {_few(wrong)} are not"
        raise DataError(f"Each of the {len(labels)} examples needs a positive, finite weight; {said}.")
    return weights.astype(np.float64)


def _check_labels(labels: Truth, class_count: int) -> None:
    if labels.ndim == 2:
        if labels.shape[1] != class_count:
            raise DataError(f"The labels have {labels.shape[1]} columns, for {class_count} classes.")
        return
    outside = np.flatnonzero((labels < 0) | (labels >= class_count))
    if len(outside):
        raise DataError(
            f"Labels must be 0 to {class_count - 1}; {len(outside)} are not, "
            f"the first is {labels[outside[0]]} in row {outside[0]}."
        )


def one_each(labels: Truth) -> Labels:
    """The labels, where there is one for each example.

    Raises:
        RecipeError: they are a matrix: examples have several labels or none.
    """
    if labels.ndim == 2:
        raise RecipeError(
            "This head gives every image one class, and these images have several labels or none. "
            "Take ridge or logistic."
        )
    return labels


def indicators(labels: Truth, class_count: int) -> Float[Array, "n k"]:
    """What a linear head regresses on: 1 in the columns of an example's classes, 0 elsewhere.

    >>> indicators(np.array([1, 0]), 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    if labels.ndim == 2:
        return labels.astype(np.float64)
    found = np.zeros((len(labels), class_count))
    found[np.arange(len(labels)), labels] = 1
    return found


def check_features(features: Features) -> None:
    """Raise `DataError` if there are no rows, or if some hold NaN or infinity; the first few are named."""
    if features.ndim != 2 or 0 in features.shape:
        raise DataError(f"Features must have rows and columns; their shape is {features.shape}.")
    wrong = not_finite(features)
    if len(wrong):
        raise DataError(
            f"{len(wrong)} of {len(features)} rows of features hold NaN or infinity: rows {_few(wrong)}. "
            f"Look at those images, or leave them out."
        )


def fold_numbers(folds: Folds) -> Int[Array, " f"]:
    """The folds that are held out in turn, sorted; -1 marks examples that are never held out."""
    return np.unique(folds[folds >= 0])


def check_folds(folds: Folds, count: int) -> None:
    """Raise `DataError` unless there is one fold number per example and something is left to train on."""
    if len(folds) != count:
        raise DataError(f"There are {count} examples and {len(folds)} fold numbers; they must match.")
    numbers = fold_numbers(folds)
    if not len(numbers) or (len(numbers) == 1 and (folds >= 0).all()):
        raise DataError("Folds must hold out some examples and leave others to train on.")


def spread(fitted: Linear, present: Bool[Array, " k"], gap: float) -> Linear:
    """Give the classes without examples a score that never wins: the mean of the others, less a gap.

    The largest of some numbers is at least their mean, so whatever the features, an absent class is never
    predicted, and its score is finite.
    """
    if present.all():
        return fitted
    weights = np.tile(fitted.weights.mean(axis=1, keepdims=True), (1, len(present)))
    bias = np.full(len(present), fitted.bias.mean() - gap, fitted.bias.dtype)
    weights[:, present], bias[present] = fitted.weights, fitted.bias
    return Linear(weights, bias)


def _few(rows: Array) -> str:
    shown = ", ".join(str(row) for row in rows[:NAMED])
    return shown + (", ..." if len(rows) > NAMED else "")
