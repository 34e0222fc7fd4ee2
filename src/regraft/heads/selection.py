"""Choosing among settings by scores on examples that a fit has not seen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Labels, Scores, Truth, Weights
from regraft.heads.classifier import Classifier, Linear
from regraft.heads.platt import binary_log_loss
from regraft.heads.weighting import check_folds, checked, fold_numbers

LOG_TEMPERATURES = (-7.0, 14.0)


@runtime_checkable
class Head(Protocol):
    """Settings of a way to fit; frozen, and `fit` returns a different, fitted type."""

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Classifier:
        """Fit to examples. A weight of 2 means: as if the example stood there twice.

        Ridge and logistic regression learn a matrix of labels as well, the others one label each.
        """
        ...


@runtime_checkable
class KnowsHeldOut(Protocol):
    """A head with something better than fitting again for every fold."""

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """See the function `held_out`."""
        ...


@runtime_checkable
class KnowsPath(Protocol):
    """A head that judges all its penalties in one go; where `penalty` is None."""

    @property
    def penalty(self) -> float | None:
        """The penalty asked for, or None: the best of the path."""
        ...

    def path(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds,
        weights: Weights | None = None,
    ) -> "PenaltyPath":
        """Held-out losses and scores of all penalties; the fit to all examples of any; see `ridge_path`."""
        ...


@dataclass(frozen=True, eq=False)
class PenaltyPath:
    """One linear method along a list of penalties, with held-out scores for each.

    `penalties` are in units of the features' mean squared distance from their mean, so that they mean the
    same whatever the scale of the features. `losses` [p] are by `held_out_loss`. By the index of a penalty,
    `scores` gives held-out scores [n, k], NaN for examples never held out, and `classifier` the fit to all
    examples, which some heads make when it is asked for.
    """

    penalties: Float[Array, " p"]
    losses: Float[Array, " p"]
    scores: Callable[[int], Scores] = field(repr=False)
    classifier: Callable[[int], Linear] = field(repr=False)

    @property
    def best(self) -> int:
        """Index of the lowest loss; of equal ones, the strongest penalty."""
        return len(self.losses) - 1 - int(np.argmin(self.losses[::-1]))

    @property
    def held_out(self) -> Float[Array, "p n k"]:
        """Held-out scores under all penalties at once."""
        return np.stack([self.scores(index) for index in range(len(self.penalties))])


def lowest(
    count: int,
    losses_of: Callable[[list[int]], Iterable[float]],
    *,
    is_enough: Callable[[], bool] = lambda: False,
) -> int:
    """Which of so many losses is the lowest, of equal ones the first, where they fall to it from both sides.

    Every sixth is asked for, about the lowest of these every third, and about the lowest of those each. So of
    25 eleven are looked at.

    Args:
        count: how many there are.
        losses_of: the losses at some places.
        is_enough: asked before each closer look, whether the lowest so far will do.
    """
    known: dict[int, float] = {}
    best = 0
    for reach, step in ((count, 6), (6, 3), (3, 1)):
        if known and is_enough():
            break
        near = range(max(0, best - reach + 1), min(count, best + reach))
        asked = [at for at in near if at % step == 0 and at not in known]
        known.update(zip(asked, losses_of(asked) if asked else (), strict=True))
        best = min(sorted(known), key=known.__getitem__)
    return best


def held_out(
    head: Head,
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Folds | None,
    weights: Weights | None = None,
) -> Scores:
    """Score every example by a fit to the other folds; NaN where the fold is -1 (never held out).

    Without folds every example is left out alone. Heads that know a closed form use it (ridge, neighbours);
    the others are fitted once per fold.
    """
    if isinstance(head, KnowsHeldOut):
        return head.held_out(features, labels, class_count=class_count, folds=folds, weights=weights)
    weights = checked(features, labels, class_count=class_count, weights=weights)
    folds = np.arange(len(labels)) if folds is None else folds
    check_folds(folds, len(labels))
    scores = np.full((len(labels), class_count), np.nan, np.float32)
    for number in fold_numbers(folds):
        out = folds == number
        fitted = head.fit(features[~out], labels[~out], class_count=class_count, weights=weights[~out])
        scores[out] = fitted.scores(features[out])
    return scores


def held_out_loss(scores: Scores, labels: Truth, *, weights: Weights | None = None) -> float:
    """The log-loss of held-out scores at their best calibration: one temperature, or one curve per label."""
    if labels.ndim == 2:
        return binary_log_loss(scores, labels, weights=weights)
    return tempered_log_loss(scores, labels, weights=weights)[0]


def tempered_log_loss(
    scores: Scores, labels: Labels, *, weights: Weights | None = None
) -> tuple[float, float]:
    """The least mean of -log softmax(scores / T)[label] over temperatures T, and that T.

    Scores of different heads have different scales (ridge regresses on 0 and 1); at its own best temperature
    each is judged by what it knows and not by its scale. Rows of NaN, never held out, do not count.

    Source: Guo et al. 2017, 1706.04599 (temperature scaling).
    Cost: about 30 passes over the scores. The loss is convex in 1 / T, hence unimodal in log T.

    >>> scores = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    >>> loss, temperature = tempered_log_loss(scores, np.array([0, 1, 1]))
    >>> round(loss, 3), round(temperature, 2)
    (0.637, 2.89)
    """
    seen = ~np.isnan(scores[:, 0])
    if not seen.any():
        raise ValueError("no example was held out, so there is nothing to judge")
    shares = np.ones(int(seen.sum())) if weights is None else weights[seen]
    wanted = labels[seen]
    margins = scores[seen].astype(np.float64)
    margins -= margins[np.arange(len(wanted)), wanted][:, None]
    scale = margins.std() or 1.0
    margins /= scale
    top = margins.max(axis=1, keepdims=True)

    def loss(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)
        rest = np.log(np.exp((margins - top) * sharpness).sum(axis=1))
        return float(shares @ (rest + top[:, 0] * sharpness) / shares.sum())

    from scipy.optimize import minimize_scalar  # Not above: it takes longer than all else that is imported.

    found = minimize_scalar(loss, bounds=LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-3})
    return float(found.fun), float(scale * np.exp(found.x))


def accuracy(scores: Scores, labels: Labels, *, weights: Weights | None = None) -> float:
    """The weighted share of examples whose own class scores highest; rows of NaN do not count."""
    seen = ~np.isnan(scores[:, 0])
    return float(
        np.average(scores[seen].argmax(1) == labels[seen], weights=None if weights is None else weights[seen])
    )
