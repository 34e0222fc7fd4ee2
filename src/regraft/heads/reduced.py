"""Linear heads of a smooth loss along a path of penalties, in a reduced and preconditioned basis.

    minimise  sum_i w_i loss(y_i, b + W'x_i) + penalty * spread / 2 * |W|^2

with `spread` as in `ridge`, so that a penalty means the same for features of any scale. The solution lies in
the span of the centred examples, so coordinates in the axes of their singular value decomposition, at most
min(n, d) of them, hold it exactly. In those axes the Hessian is near diag(c s + penalty), with s the squared
singular values and c the mean curvature of the loss; measuring each coordinate in units of the inverse root
of that makes the problem nearly round.

Source: L-BFGS, Liu & Nocedal 1989, 10.1007/BF01589116.
Differs: preconditioned as above; along a path each penalty starts from the next stronger one's solution, and
    a fit that is delivered from one ten times as strong.
Cost: one eigen-decomposition, and some tens of passes of 2 n r k multiplications for each penalty, in blocks
    whose scores are never held all at once. Ten thousand classes of two images and 512 features are minutes
    for one penalty, of twenty images and 1280 features more than an hour: there, ridge takes seconds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Folds, Truth, Weights
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import present_only
from regraft.heads.blocks import parts, side_by_side
from regraft.heads.classifier import Linear
from regraft.heads.loss import Loss, Posed, require_affordable_path
from regraft.heads.moments import NO_ROWS, Moments, moments
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.spectrum import Spectrum
from regraft.heads.weighting import check_folds, fold_numbers, spread

ITERATIONS = 300
TOLERANCE, HELD_OUT_TOLERANCE = 1e-9, 1e-7
"""Of a fit that is delivered, and of one that only says how well its like do: for fewer passes its log-loss
is within two thousandths of the optimum's, to which a test holds it. Below 1e-9 lies the rounding of scores,
in which line searches are lost."""

Solution = Float[Array, "s k"]
Units = Float[Array, "s #k"]


class Examples(NamedTuple):
    """What is fitted to: weights have been checked."""

    features: Features
    labels: Truth
    class_count: int
    weights: Weights


class Problem(NamedTuple):
    """Examples in the axes of their spectrum, with what leads back to features and to all classes."""

    side: Moments
    whole: Spectrum
    present: Bool[Array, " k"]
    posed: Posed
    loss: Loss

    @classmethod
    def of(cls, examples: Examples, loss: Loss) -> "Problem":
        """Reduce the examples to the axes of their spectrum, and the targets to classes that have examples.

        A label that excludes no other needs no examples: its score falls by itself where it has none.
        """
        features, labels, class_count, weights = examples
        ballots, present = present_only(labels, class_count)
        side = moments(features, ballots, weights)
        whole = side.without(NO_ROWS)
        rows = np.ones((len(weights), len(whole.values) + 1), np.float32)
        for part in parts(len(rows)):
            rows[part, :-1] = side.coordinates(whole, part) / np.sqrt(weights[part])[:, None]
        return cls(side, whole, present, Posed(rows, ballots, weights), loss)

    @property
    def nothing(self) -> Solution:
        """The start of all paths: every score zero."""
        return np.zeros((self.posed.rows.shape[1], self.posed.ballots.class_count))

    def linear(self, solution: Solution) -> Linear:
        """A solution as weights on features. An absent class is as likely as log(n + 1) below the mean."""
        coefficients = self.whole.basis @ solution[:-1]
        weights = self.side.lift(coefficients)
        bias = solution[-1] - self.whole.offset @ coefficients - self.side.centre @ weights
        fitted = Linear(weights.astype(np.float32), bias.astype(np.float32))
        return spread(fitted, self.present, self._gap)

    def scores(self, solution: Solution, rows: Bool[Array, " n"]) -> Float[Array, "r k"]:
        """Scores of some examples, over all classes."""
        weights, bias = solution[:-1].astype(np.float32), solution[-1].astype(np.float32)
        return spread(Linear(weights, bias), self.present, self._gap).scores(self.posed.rows[rows, :-1])

    @property
    def _gap(self) -> float:
        return float(np.log(len(self.posed.rows) + 1))


def fit_penalty(examples: Examples, loss: Loss, *, penalty: float) -> Linear:
    """Fit under one penalty, from the solution of one ten times as strong."""
    with single_threaded_blas():
        problem = Problem.of(examples, loss)
        return _fit(problem, penalty * problem.whole.spread(examples.weights))


def penalty_path(
    examples: Examples, loss: Loss, *, penalties: Float[Array, " p"], folds: Folds
) -> PenaltyPath:
    """Fit every penalty to all folds but one, and those that are asked for to all examples.

    Cost: one eigen-decomposition; then f p fits of some tens of passes, each 4 n r k multiplications.

    Raises:
        DataError: folds cannot be used, see `check_folds`, or there are too many held-out scores.
    """
    labels, weights = examples.labels, examples.weights
    check_folds(folds, len(labels))
    require_affordable_path(
        head="this head", penalties=len(penalties), examples=len(labels), classes=examples.class_count
    )
    with single_threaded_blas():
        problem = Problem.of(examples, loss)
    absolute = penalties * problem.whole.spread(weights)
    held_out = np.full((len(penalties), len(labels), examples.class_count), np.nan, np.float32)

    def leave_out(number: int) -> None:
        out = folds == number
        # Not started from a solution on all examples: where the penalty is weak, it would barely move, and
        # the held-out labels would be read through the start.
        rest = problem._replace(posed=problem.posed._replace(weights=np.where(out, 0, weights)))
        for at, solution in enumerate(_descend(rest, absolute)):
            held_out[at, out] = problem.scores(solution, out)

    in_parallel(leave_out, fold_numbers(folds).tolist())
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), held_out))

    def fit(index: int) -> Linear:
        with single_threaded_blas():
            return _fit(problem, float(absolute[index]))

    return PenaltyPath(penalties, losses, held_out.__getitem__, fit)


def _fit(problem: Problem, penalty: float) -> Linear:
    start = solve(problem, 10 * penalty, start=problem.nothing)
    return problem.linear(solve(problem, penalty, start=start))


def _descend(problem: Problem, penalties: Float[Array, " p"]) -> list[Solution]:
    """Solutions good enough to judge every penalty, each started from the next stronger one's."""
    solution, solutions = problem.nothing, [problem.nothing] * len(penalties)
    for at in np.argsort(-penalties):
        solution = solve(problem, float(penalties[at]), start=solution, tolerance=HELD_OUT_TOLERANCE)
        solutions[at] = solution
    return solutions


def solve(problem: Problem, penalty: float, *, start: Solution, tolerance: float = TOLERANCE) -> Solution:
    """Minimise by L-BFGS over coordinates divided by `units`, the inverse roots of the expected curvature.

    It ends where a step lowers the objective by less than that share of it.
    """
    posed, total = problem.posed, float(problem.posed.weights.sum())
    units = _units(problem, _curvature(problem, start.astype(np.float32)), penalty)
    shrinkage = np.append(np.full(len(units) - 1, penalty), 0.0)[:, None]

    def objective(flat: Float[Array, " v"]) -> tuple[float, Float[Array, " v"]]:
        solution = flat.reshape(start.shape) * units
        single = solution.astype(np.float32)
        value, slope = posed.gradient(problem.loss, lambda part: posed.rows[part] @ single)
        shrunken = shrinkage * solution
        value += 0.5 * float((shrunken * solution).sum())
        return value, (units * (slope + shrunken)).ravel()

    from scipy.optimize import minimize  # Not above, see `tempered_log_loss`.

    options = {"maxiter": ITERATIONS, "ftol": tolerance, "gtol": 1e-7 * total}
    found = minimize(objective, (start / units).ravel(), jac=True, method="L-BFGS-B", options=options)  # type: ignore[call-overload]
    return np.asarray(found.x.reshape(start.shape) * units)


def _curvature(problem: Problem, solution: Float[Array, "s k"]) -> Float[Array, " k"]:
    """How the mean loss of all examples is bent by the score of each class."""
    posed = problem.posed

    def over(stretch: Sequence[slice]) -> Float[Array, " k"]:
        total = np.zeros(posed.ballots.class_count)
        for part in stretch:
            total += problem.loss.curvature(posed.rows[part] @ solution, posed.ballots.some(part)).sum(axis=0)
        return total

    return np.asarray(sum(side_by_side(over, posed.blocks)) / len(posed.rows))


def _units(problem: Problem, curvature: Float[Array, " k"], penalty: float) -> Units:
    """What each coordinate is measured in, the bias last.

    Classes that share a softmax share their units: adding one number to all scores changes nothing, and no
    step may drift that way. Labels on their own each have theirs, rare ones longer.
    """
    if problem.loss.is_joint:
        return np.append(1 / np.sqrt(curvature.mean() * problem.whole.values + penalty), 1.0)[:, None]
    # Of a label that no example has, nothing is curved; one example's worth keeps its steps finite.
    curvature = np.maximum(curvature, 1 / len(problem.posed.rows))
    curves = np.outer(np.append(problem.whole.values, problem.posed.weights.sum()), curvature)
    curves[:-1] += penalty
    return np.asarray(1 / np.sqrt(curves))
