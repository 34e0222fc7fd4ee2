"""From scores to probabilities where labels do not exclude each other: one logistic curve for each label."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, LabelMatrix, Probabilities, Scores, Weights
from regraft.heads.classifier import Linear

# A score may be worth nothing, but it must not be turned round, nor must all images come out equal. In units
# of log-odds per standard deviation of the label's scores.
LEAST_SLOPE = 1e-4
ITERATIONS = 50
ENOUGH = 1e-7
"""A Newton step that lowers the log-loss by less, in nats, is the last one."""


@dataclass(frozen=True, eq=False)
class Platt:
    """Probabilities are sigmoid(slope * score + offset), label by label."""

    slope: Float[Array, " k"]
    offset: Float[Array, " k"]

    def log_odds(self, scores: Scores) -> Scores:
        """Of each image having each label."""
        return np.asarray(scores * self.slope + self.offset)

    def probabilities(self, scores: Scores) -> Probabilities:
        """One for each image and label; rows do not sum to one."""
        return sigmoid(self.log_odds(scores))

    def fold(self, head: Linear) -> Linear:
        """A linear head whose scores are log-odds: what scaling and shifting its scores makes of it."""
        weights, bias = head.weights * self.slope, head.bias * self.slope + self.offset
        return Linear(weights.astype(head.weights.dtype), bias.astype(head.bias.dtype))


def sigmoid(log_odds: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """Probabilities of log-odds, with no overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return np.asarray(0.5 * (1 + np.tanh(0.5 * log_odds)))


def softplus(log_odds: Float[Array, "*any"]) -> Float[Array, "*any"]:
    """log(1 + exp(x)): the log-loss of log-odds -x, with no overflow."""
    return np.asarray(np.maximum(log_odds, 0) + np.log1p(np.exp(-np.abs(log_odds))))


def fit_platt(scores: Scores, truth: LabelMatrix, *, weights: Weights | None = None) -> Platt:
    """The curves of least log-loss on images that the scores' fits did not see.

    Source: Platt 1999, Advances in Large Margin Classifiers; his smoothed targets: of n images with a label
        each counts as (n + 1) / (n + 2), of m without it each as 1 / (m + 2). A label with two images that
        are ranked first is thus given to them with probability 3/4, not 1. Newton's method with halved
        steps: Lin et al. 2007, 10.1007/s10994-007-5018-6.
    Differs: slopes do not fall below `LEAST_SLOPE`.
    Cost: some ten passes over the scores.
    """
    n, k = truth.shape
    share = (np.ones(n) if weights is None else weights)[:, None]
    share = share / share.sum()
    positive = truth.sum(axis=0)
    targets = np.where(truth, (positive + 1) / (positive + 2), 1 / (n - positive + 2))
    centre, spread = scores.mean(axis=0, dtype=np.float64), scores.std(axis=0, dtype=np.float64)
    # What varies by no more than rounding does not vary.
    spread = np.where(spread > 1e-6 * (1e-6 + np.abs(centre)), spread, np.inf)
    standard, common = (scores - centre) / spread, (share * targets).sum(axis=0)
    start = np.stack([np.full(k, LEAST_SLOPE), np.log(common / (1 - common))])
    found = _newton(standard, targets, share, start=start)
    return Platt(found[0] / spread, found[1] - found[0] / spread * centre)


def binary_log_loss(scores: Scores, truth: LabelMatrix, *, weights: Weights | None = None) -> float:
    """The mean log-loss of all images and labels, each label on its own best curve; see `fit_platt`.

    Rows of NaN, never held out, do not count.
    """
    seen = ~np.isnan(scores[:, 0])
    weights = None if weights is None else weights[seen]
    log_odds = fit_platt(scores[seen], truth[seen], weights=weights).log_odds(scores[seen])
    losses = softplus(np.where(truth[seen], -log_odds, log_odds)).mean(axis=1)
    return float(np.average(losses, weights=weights))


class Look(NamedTuple):
    """Loss of each label at some slopes and offsets, and the Newton step from there."""

    loss: Float[Array, " k"]
    step: Float[Array, "2 k"]


def _newton(
    standard: Scores, targets: Float[Array, "n k"], share: Float[Array, "n 1"], *, start: Float[Array, "2 k"]
) -> Float[Array, "2 k"]:
    """Slopes and offsets [2, k] of least loss. A step that does not lower a label's loss is halved."""
    best, at = start, _look(standard, targets, share, start)
    step = at.step
    for _ in range(ITERATIONS):
        tried = best - step
        tried[0] = np.maximum(tried[0], LEAST_SLOPE)
        new = _look(standard, targets, share, tried)
        lower = new.loss <= at.loss
        done = (np.where(lower, at.loss - new.loss, 0) < ENOUGH) & (
            lower | (np.abs(step).max(axis=0) < ENOUGH)
        )
        best = np.where(lower, tried, best)
        step = np.where(lower, new.step, step / 2)
        at = Look(np.where(lower, new.loss, at.loss), step)
        if done.all():
            break
    return best


def _look(
    standard: Scores, targets: Float[Array, "n k"], share: Float[Array, "n 1"], at: Float[Array, "2 k"]
) -> Look:
    log_odds = standard * at[0] + at[1]
    found = sigmoid(log_odds)
    loss = (share * (softplus(log_odds) - targets * log_odds)).sum(axis=0)
    pull, curve = share * (found - targets), share * found * (1 - found)
    slope, offset = (pull * standard).sum(axis=0), pull.sum(axis=0)
    turned = curve * standard
    mixed, inner, outer = turned.sum(axis=0), (turned * standard).sum(axis=0), curve.sum(axis=0)
    # A slope that wants to fall below the least stays there, and the offset is found alone.
    free = (at[0] > LEAST_SLOPE) | (slope < 0)
    mixed, slope = np.where(free, mixed, 0), np.where(free, slope, 0)
    inner, outer = inner + 1e-9, outer + 1e-12
    determinant = inner * outer - mixed * mixed
    return Look(
        loss, np.stack([outer * slope - mixed * offset, inner * offset - mixed * slope]) / determinant
    )
