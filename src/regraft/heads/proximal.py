"""Multinomial logistic regression under penalties that make weights exactly zero.

    minimise  sum_i w_i cross_entropy(y_i, b + W'x_i) + R(W)

for any R whose proximal step is known in closed form. Features are centred and measured in units of their
root mean squared length, so that R means the same for features of any scale, and `b` is not penalised.

Source: accelerated proximal gradient, Beck & Teboulle 2009, 10.1137/080716542 (FISTA); restarts of
    O'Donoghue & Candes 2015, 10.1007/s10208-013-9150-3.
Differs: the curvature is searched for at every step, downward too, since far from the start a softmax is much
    flatter than its bound of 1/2. Scores are linear in W, so those at the extrapolated point cost no product.
Cost: some hundred steps of 4 n d k multiplications, in float32, and 20 n k bytes; never a [d, d] matrix. At
    most 3e8 scores n k, which is ten thousand classes of three images each; see `benchmarks/many_classes.py`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Labels, Weights
from regraft.core.errors import DataError
from regraft.heads.ballots import present_only
from regraft.heads.blocks import parts, read_rows
from regraft.heads.classifier import Linear
from regraft.heads.logistic import log_losses, softmax_loss
from regraft.heads.loss import Posed
from regraft.heads.moments import ABSOLUTE_FLOOR
from regraft.heads.weighting import spread

ITERATIONS = 2000
TOLERANCE = 1e-7
MOST_SCORES = 3 * 10**8
LOG_LOSS = softmax_loss(smoothing=0.0)
BOUND = 0.5
"""On the curvature of a softmax's cross-entropy."""

Solution = Float[Array, "s k"]
Shrink = Callable[[Float[Array, "d k"], float], Float[Array, "d k"]]
"""The weights nearest to given ones under a penalty, which counts as many times as the number says."""


class Problem(NamedTuple):
    """Examples centred and scaled, a column of ones last, and the targets of the classes that have any."""

    posed: Posed
    present: Bool[Array, " k"]
    centre: Float[Array, " d"]
    scale: float

    @classmethod
    def of(cls, features: Features, labels: Labels, *, class_count: int, weights: Weights) -> "Problem":
        """Centre and scale. Features that are all alike become zeros.

        Raises:
            DataError: there are more scores than can be held.
        """
        if len(features) * class_count > MOST_SCORES:
            raise DataError(
                f"A penalty that makes weights zero holds five scores of each of {len(features)} examples "
                f"for each of {class_count} classes: {20e-9 * len(features) * class_count:.0f} GB. Take "
                f"ridge, lda or nearest_mean."
            )
        blocks, total = parts(len(features)), weights.sum()
        centre = np.sum([weights[part] @ read_rows(features, part) for part in blocks], axis=0) / total
        rows, squares = np.ones((len(features), features.shape[1] + 1), np.float32), 0.0
        for part in blocks:
            rows[part, :-1] = read_rows(features, part) - centre
            squares += float(weights[part] @ (rows[part, :-1] ** 2).sum(axis=1, dtype=np.float64))
        spread_of = squares / total
        scale = np.sqrt(spread_of) if spread_of > ABSOLUTE_FLOOR * float(centre @ centre) else np.inf
        rows[:, :-1] /= np.float32(scale)
        ballots, present = present_only(labels, class_count)
        return cls(Posed(rows, ballots, weights), present, centre, scale)

    @property
    def nothing(self) -> Solution:
        """No weights, and the biases that are best without: the logarithms of the classes' shares."""
        rows, ballots, weights = self.posed
        start = np.zeros((rows.shape[1], ballots.class_count), np.float32)
        start[-1] = np.log(ballots.totals(weights) / weights.sum())
        return start

    def pulls(self, solution: Solution) -> Float[Array, "d k"]:
        """How strongly, and where to, the loss pulls each weight of a solution."""
        scores = self.posed.scores(solution)
        return np.asarray(-self.posed.gradient(LOG_LOSS, scores.__getitem__)[1][:-1])

    def linear(self, solution: Solution) -> Linear:
        """A solution as weights on features; absent classes lie log(n + 1) below the mean of the others."""
        weights = solution[:-1].astype(np.float64) / self.scale
        bias = solution[-1] - self.centre @ weights
        fitted = Linear(weights.astype(np.float32), bias.astype(np.float32))
        return spread(fitted, self.present, float(np.log(len(self.posed.rows) + 1)))


def descend(problem: Problem, shrink: Shrink, *, start: Solution, iterations: int = ITERATIONS) -> Solution:
    """Minimise from a start, until a step's slope is below 1e-7 of the summed weights."""
    total = float(problem.posed.weights.sum())
    now = before = start
    scores = earlier = problem.posed.scores(start)
    curvature, momentum = BOUND * total / 16, 1.0
    for _ in range(iterations):
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = np.float32((momentum - 1) / grown)
        point, at = now + ahead * (now - before), scores + ahead * (scores - earlier)
        step = _step(problem, shrink, point, at, curvature=0.9 * curvature)
        # Momentum that points away from where the step goes has overshot.
        momentum = 1.0 if float(((point - step.solution) * (step.solution - now)).sum()) > 0 else grown
        before, earlier, now, scores, curvature = now, scores, *step
        if float(np.abs(now - point).max()) * curvature <= TOLERANCE * total:
            break
    return now


class Step(NamedTuple):
    """Where a step led, the scores there, and the curvature under which it was good."""

    solution: Solution
    scores: Float[Array, "n k"]
    curvature: float


def _step(
    problem: Problem, shrink: Shrink, point: Solution, at: Float[Array, "n k"], *, curvature: float
) -> Step:
    """One proximal step; the curvature doubles until its parabola lies above the loss."""
    posed = problem.posed
    value, gradient = posed.gradient(LOG_LOSS, at.__getitem__)
    while True:
        moved = point - gradient / np.float32(curvature)
        moved[:-1] = shrink(moved[:-1], 1 / curvature)
        scores, change = posed.scores(moved), moved - point
        slope, length = float((gradient * change).sum()), float((change**2).sum())
        below = value + slope + curvature / 2 * length
        loss = posed.total(log_losses, scores)
        if loss <= below + 1e-6 * abs(value) or curvature > posed.weights.sum():
            return Step(moved, scores, curvature)
        curvature *= 2
