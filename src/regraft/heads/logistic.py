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
from regraft.heads.ballots import Ballots
from regraft.heads.best_of_path import fit_best
from regraft.heads.classifier import Linear
from regraft.heads.loss import Loss
from regraft.heads.platt import sigmoid, softplus
from regraft.heads.reduced import Examples, fit_penalty, penalty_path
from regraft.heads.selection import PenaltyPath
from regraft.heads.weighting import checked

PENALTIES = np.logspace(-4, 0, 9)


@dataclass(frozen=True)
class Logistic:
    """Logistic regression with an L2 penalty on the weights, none on the bias.

    Without a penalty, `fit` takes the best of the path on five folds.

    Targets are smoothed by default: few examples in many dimensions are separable, and without smoothing the
    weights grow on the last of them. Held out, at the best penalty, smoothing by 0.03 came to a log-loss
    0.6 % below that of 0.1 (6 % below to 1.5 % above), and none from 5 % below to 15 % above: five sets of
    244 to 1,500 images, four sets of features of each (lite0, 2026-11-23). Where labels do not exclude each
    other, a target is smoothed toward the label's frequency.
    """

    penalty: Annotated[float | None, Knob("penalty on squared weights", low=1e-8, high=1e4, log=True)] = None
    smoothing: Annotated[float, Knob("share of each target spread over all classes", low=0, high=0.5)] = 0.03

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit to the optimum. Cost: one eigen-decomposition as for ridge, then some tens of passes."""
        if self.penalty is None:
            return fit_best(self, features, labels, class_count=class_count, weights=weights)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        examples = Examples(features, labels, class_count, weights)
        loss = cross_entropy(labels, self.smoothing, weights=weights)
        return fit_penalty(examples, loss, penalty=self.penalty)

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
    smoothing: float = 0.03,
) -> PenaltyPath:
    """Fit every penalty to all folds but one, and those asked for to all examples; see `penalty_path`.

    Raises:
        DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
    """
    weights = checked(features, labels, class_count=class_count, weights=weights)
    examples = Examples(features, labels, class_count, weights)
    loss = cross_entropy(labels, smoothing, weights=weights)
    return penalty_path(examples, loss, penalties=penalties, folds=folds)


def cross_entropy(labels: Truth, smoothing: float, *, weights: Weights) -> Loss:
    """Of one softmax where each example has one class, of a sigmoid for each label where it has several."""
    if labels.ndim == 2:
        return _one_against_the_rest(smoothing, np.asarray(weights @ labels / weights.sum()))
    return softmax_loss(smoothing=smoothing)


def softmax_loss(*, smoothing: float) -> Loss:
    """Cross-entropy of one softmax; that share of each target is spread over all classes."""

    def slopes(scores: Scores, ballots: Ballots) -> tuple[Float[Array, " n"], Float[Array, "n k"]]:
        probabilities, potential = softmax(scores)
        own = np.arange(len(scores)), ballots.truth
        middle = scores.mean(axis=1, dtype=np.float64)
        losses = potential - (1 - smoothing) * scores[own] - smoothing * middle
        probabilities -= smoothing / ballots.class_count
        probabilities[own] -= 1 - smoothing
        return losses, probabilities

    def curvature(scores: Scores, _ballots: Ballots) -> Float[Array, "n k"]:
        probabilities = softmax(scores)[0]
        return np.asarray(probabilities * (1 - probabilities))

    return Loss(slopes, curvature, is_joint=True, is_smooth=True)


def _one_against_the_rest(smoothing: float, frequencies: Float[Array, " k"]) -> Loss:
    def slopes(scores: Scores, ballots: Ballots) -> tuple[Float[Array, " n"], Float[Array, "n k"]]:
        targets = (1 - smoothing) * ballots[:] + smoothing * frequencies
        probabilities, potential = sigmoids(scores)
        return potential - (targets * scores).sum(axis=1), probabilities - targets

    def curvature(scores: Scores, _ballots: Ballots) -> Float[Array, "n k"]:
        probabilities = sigmoids(scores)[0]
        return np.asarray(probabilities * (1 - probabilities))

    return Loss(slopes, curvature, is_joint=False, is_smooth=True)


def softmax(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities and log of the sum of exponentials, in float64."""
    powers, total, top = _powers(scores)
    powers /= total
    return powers, np.asarray((np.log(total) + top)[:, 0])


def log_losses(scores: Scores, ballots: Ballots) -> Float[Array, " n"]:
    """Cross-entropies of one class each, without a softmax."""
    _, total, top = _powers(scores)
    return np.asarray((np.log(total) + top)[:, 0] - scores[np.arange(len(scores)), ballots.truth])


def _powers(
    scores: Float[Array, "n k"],
) -> tuple[Float[Array, "n k"], Float[Array, "n 1"], Float[Array, "n 1"]]:
    """Exponentials of scores below the largest, their sums, and the largest."""
    top = scores.max(axis=1, keepdims=True).astype(np.float64)
    powers = scores - top
    np.exp(powers, out=powers)
    return powers, powers.sum(axis=1, keepdims=True), top


def sigmoids(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities of labels on their own, and log(1 + exp(score)) summed over labels, in float64."""
    scores = scores.astype(np.float64)
    return sigmoid(scores), softplus(scores).sum(axis=1)
