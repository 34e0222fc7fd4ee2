"""Logistic regression along a path of penalties, in a reduced and preconditioned basis.

    minimise  sum_i w_i cross_entropy(y_i, b + W'x_i) + penalty * spread / 2 * |W|^2

Multinomial where each example has one class. Where it may have several or none, one against the rest: the
cross-entropies of all labels are added up, which leaves as many problems as there are labels, solved as one.

with `spread` as in `ridge`, so that a penalty means the same for features of any scale. The solution lies in
the span of the centred examples, so coordinates in the axes of their singular value decomposition, at most
min(n, d) of them, hold it exactly. In those axes the Hessian is near diag(c s + penalty), with s the squared
singular values and c the mean variance p (1 - p) of the class's probability; measuring each coordinate in
units of the inverse root of that makes the problem nearly round.

Source: L-BFGS, Liu & Nocedal 1989, 10.1007/BF01589116.
Differs: preconditioned as above; each penalty starts from the next stronger one's solution.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.classifier import Linear
from regraft.heads.platt import sigmoid, softplus
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.spectrum import NO_ROWS, Moments, Spectrum, moments
from regraft.heads.weighting import check_folds, checked, fold_numbers, indicators, spread

PENALTIES = np.logspace(-6, -1, 6)
FOLDS = 5
ITERATIONS = 300
TOLERANCE = 1e-10

Solution = Float[Array, "s k"]
Units = Float[Array, "s #k"]
Link = Callable[[Scores], tuple[Float[Array, "n k"], Float[Array, " n"]]]
"""From scores to probabilities, and to the function of each row whose slopes they are."""


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
            path = logistic_path(
                features,
                labels,
                class_count=class_count,
                folds=_dealt(labels),
                weights=weights,
                smoothing=self.smoothing,
            )
            return path.classifier(path.best)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        with single_threaded_blas():
            problem = _problem(features, labels, class_count, weights, self.smoothing)
            penalty = self.penalty * problem.whole.spread(weights)
            start = solve(problem, 10 * penalty, start=problem.nothing)
            return problem.linear(solve(problem, penalty, start=start))


class Problem(NamedTuple):
    """Examples in the axes of their spectrum, with what leads back to features and to all classes."""

    side: Moments
    whole: Spectrum
    present: Bool[Array, " k"]
    rows: Float[Array, "n s"]
    targets: Float[Array, "n k"]
    weights: Weights
    link: Link

    @property
    def nothing(self) -> Solution:
        """The start of all paths: every score zero."""
        return np.zeros((self.rows.shape[1], self.targets.shape[1]))

    def linear(self, solution: Solution) -> Linear:
        """A solution as weights on features. An absent class is as likely as log(n + 1) below the mean."""
        coefficients = self.whole.basis @ solution[:-1]
        weights = self.side.lift(coefficients)
        bias = solution[-1] - self.whole.offset @ coefficients - self.side.centre @ weights
        fitted = Linear(weights.astype(np.float32), bias.astype(np.float32))
        return spread(fitted, self.present, np.log(len(self.rows) + 1))

    def scores(self, solution: Solution, rows: Bool[Array, " n"]) -> Float[Array, "r k"]:
        """Scores of some examples, over all classes."""
        fitted = Linear(solution[:-1], solution[-1])
        return spread(fitted, self.present, np.log(len(self.rows) + 1)).scores(self.rows[rows, :-1])


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
    """Fit every penalty to all examples, then to all folds but one; see `ridge_path`.

    Cost: one eigen-decomposition; then (f + 1) p fits of some tens of passes, each 4 n r k multiplications.

    Raises:
        DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
    """
    weights = checked(features, labels, class_count=class_count, weights=weights)
    check_folds(folds, len(labels))
    with single_threaded_blas():
        problem = _problem(features, labels, class_count, weights, smoothing)
        absolute = penalties * problem.whole.spread(weights)
        solutions = _descend(problem, absolute)
    held_out = np.full((len(penalties), len(labels), class_count), np.nan, np.float32)

    def leave_out(number: int) -> None:
        out = folds == number
        # Not started from the solution on all examples: where the penalty is weak, it would barely move, and
        # the held-out labels would be read through the start.
        rest = problem._replace(weights=np.where(out, 0, weights))
        for at, solution in enumerate(_descend(rest, absolute)):
            held_out[at, out] = problem.scores(solution, out)

    in_parallel(leave_out, fold_numbers(folds).tolist())
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), held_out))
    return PenaltyPath(penalties, held_out, losses, lambda index: problem.linear(solutions[index]))


def _dealt(labels: Truth) -> Folds:
    """Fold numbers that go round within each class, or within each set of labels."""
    folds = np.empty(len(labels), dtype=np.int64)
    order = np.argsort(labels, kind="stable") if labels.ndim == 1 else np.lexsort(labels.T)
    folds[order] = np.arange(len(labels)) % FOLDS
    return folds


def solve(problem: Problem, penalty: float, *, start: Solution) -> Solution:
    """Minimise by L-BFGS over coordinates divided by `units`, the inverse roots of the expected curvature."""
    rows, targets, weights = problem.rows, problem.targets, problem.weights[:, None]
    probabilities = problem.link(rows @ start.astype(np.float32))[0]
    units = _units(problem, (probabilities * (1 - probabilities)).mean(axis=0), penalty)
    shrinkage = np.append(np.full(len(units) - 1, penalty), 0.0)[:, None]

    def objective(flat: Float[Array, " v"]) -> tuple[float, Float[Array, " v"]]:
        solution = flat.reshape(start.shape) * units
        scores = rows @ solution.astype(np.float32)
        probabilities, potential = problem.link(scores)
        losses = potential - (targets * scores).sum(axis=1)
        slope = rows.T @ (weights * (probabilities - targets)).astype(np.float32)
        value = weights[:, 0] @ losses + 0.5 * float((shrinkage * solution**2).sum())
        return float(value), (units * (slope + shrinkage * solution)).ravel()

    from scipy.optimize import minimize  # Not above, see `tempered_log_loss`.

    options = {"maxiter": ITERATIONS, "ftol": TOLERANCE, "gtol": 1e-7 * float(weights.sum())}
    found = minimize(objective, (start / units).ravel(), jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
    return np.asarray(found.x.reshape(start.shape) * units)


def _units(problem: Problem, curvature: Float[Array, " k"], penalty: float) -> Units:
    """What each coordinate is measured in, the bias last.

    Classes that share a softmax share their units: adding one number to all scores changes nothing, and no
    step may drift that way. Labels on their own each have theirs, rare ones longer.
    """
    if problem.link is _softmax:
        return np.append(1 / np.sqrt(curvature.mean() * problem.whole.values + penalty), 1.0)[:, None]
    # Of a label that no example has, nothing is curved; one example's worth keeps its steps finite.
    curvature = np.maximum(curvature, 1 / len(problem.rows))
    curves = np.outer(np.append(problem.whole.values, problem.weights.sum()), curvature)
    curves[:-1] += penalty
    return np.asarray(1 / np.sqrt(curves))


def _problem(
    features: Features, labels: Truth, class_count: int, weights: Weights, smoothing: float
) -> Problem:
    """Reduce the examples to the axes of their spectrum, and the targets to classes that have examples.

    A label that excludes no other needs no examples: its score falls by itself where it has none.
    """
    targets = indicators(labels, class_count)
    one_each = labels.ndim == 1
    present = np.asarray(targets.any(axis=0) | (not one_each))
    targets = targets[:, present]
    side = moments(features, targets, weights)
    whole = side.without(NO_ROWS)
    rows = side.coordinates(whole, slice(None)) / np.sqrt(weights)[:, None]
    rows = np.column_stack([rows, np.ones(len(rows))]).astype(np.float32)
    middle = 1 / targets.shape[1] if one_each else weights @ targets / weights.sum()
    targets = (1 - smoothing) * targets + smoothing * middle
    return Problem(side, whole, present, rows, targets, weights, _softmax if one_each else _sigmoids)


def _descend(problem: Problem, penalties: Float[Array, " p"]) -> list[Solution]:
    """Solutions for every penalty, each started from the next stronger penalty's."""
    solution, solutions = problem.nothing, [problem.nothing] * len(penalties)
    for at in np.argsort(-penalties):
        solutions[at] = solution = solve(problem, float(penalties[at]), start=solution)
    return solutions


def _softmax(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities and log of the sum of exponentials, in float64."""
    top = scores.max(axis=1, keepdims=True).astype(np.float64)
    powers = np.exp(scores - top)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total, (np.log(total) + top)[:, 0]


def _sigmoids(scores: Float[Array, "n k"]) -> tuple[Float[Array, "n k"], Float[Array, " n"]]:
    """Probabilities of labels on their own, and log(1 + exp(score)) summed over labels, in float64."""
    scores = scores.astype(np.float64)
    return sigmoid(scores), softplus(scores).sum(axis=1)
