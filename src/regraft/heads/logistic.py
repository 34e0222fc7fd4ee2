"""Logistic regression along a path of penalties; see `reduced` for what is minimised, and how.

Multinomial where each example has one class. Where it may have several or none, one against the rest: the
cross-entropies of all labels are added up, which leaves as many problems as there are labels, solved as one.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.heads.classifier import Linear
from regraft.heads.platt import sigmoid, softplus
from regraft.heads.reduced import Examples, Loss, dealt, fit_penalty, penalty_path
from regraft.heads.selection import PenaltyPath
from regraft.heads.weighting import checked

PENALTIES = np.logspace(-6, -1, 6)


@dataclass(frozen=True)
class Logistic:
    """Logistic regression with an L2 penalty on the weights, none on the bias.

    Without a penalty, `fit` takes the best of the path on five folds.

    Targets are smoothed by default: few examples in many dimensions are separable, and without smoothing the
    weights grow on the last of them. Where labels do not exclude each other, a target is smoothed toward the
    label's frequency.
    """

    penalty: Annotated[float | None, Knob("penalty on squared weights", low=1e-8, high=1e4, log=True)] = None
    smoothing: Annotated[float, Knob("share of each target spread over all classes", low=0, high=0.5)] = 0.1

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit to the optimum. Cost: one eigen-decomposition as for ridge, then some tens of passes."""
        if self.penalty is None:
            path = self.path(features, labels, class_count=class_count, folds=dealt(labels), weights=weights)
            return path.classifier(path.best)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        examples = Examples(features, labels, class_count, weights)
        return fit_penalty(examples, cross_entropy(labels, self.smoothing), penalty=self.penalty)

    def path(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds,
        weights: Weights | None = None,
    ) -> PenaltyPath:
        """What `logistic_path` gives under this smoothing."""
        smoothing = self.smoothing
        return logistic_path(
            features, labels, class_count=class_count, folds=folds, weights=weights, smoothing=smoothing
        )


def logistic_path(  # noqa: PLR0913  one keyword more than usual, to read like `ridge_path`
    features: Features,
    labels: Truth,
    *,
    class_count: int,
    folds: Folds,
    weights: Weights | None = None,
    penalties: Float[Array, " p"] = PENALTIES,
    smoothing: float = 0.1,
) -> PenaltyPath:
    """Fit every penalty to all examples, then to all folds but one; see `ridge_path` and `penalty_path`.

    Raises:
        DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
    """
    weights = checked(features, labels, class_count=class_count, weights=weights)
    examples = Examples(features, labels, class_count, weights)
    return penalty_path(examples, cross_entropy(labels, smoothing), penalties=penalties, folds=folds)


def cross_entropy(labels: Truth, smoothing: float) -> Loss:
    """Of one softmax where each example has one class, of a sigmoid for each label where it has several."""

    def targets(ballots: Scores, weights: Weights) -> Scores:
        middle = 1 / ballots.shape[1] if labels.ndim == 1 else weights @ ballots / weights.sum()
        return np.asarray((1 - smoothing) * ballots + smoothing * middle)

    link = softmax if labels.ndim == 1 else sigmoids

    def slopes(scores: Scores, targets: Scores) -> tuple[Float[Array, " n"], Float[Array, "n k"]]:
        probabilities, potential = link(scores)
        return potential - (targets * scores).sum(axis=1), probabilities - targets

    def curvature(scores: Scores, _targets: Scores) -> Float[Array, "n k"]:
        probabilities = link(scores)[0]
        return np.asarray(probabilities * (1 - probabilities))

    return Loss(targets, slopes, curvature, is_joint=labels.ndim == 1)


def softmax(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities and log of the sum of exponentials, in float64."""
    top = scores.max(axis=1, keepdims=True).astype(np.float64)
    powers = np.exp(scores - top)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total, (np.log(total) + top)[:, 0]


def sigmoids(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities of labels on their own, and log(1 + exp(score)) summed over labels, in float64."""
    scores = scores.astype(np.float64)
    return sigmoid(scores), softplus(scores).sum(axis=1)
