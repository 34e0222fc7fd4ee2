"""Linear heads of a smooth loss along a path of penalties, in a reduced and preconditioned basis.

    minimise  sum_i w_i loss(y_i, b + W'x_i) + penalty * spread / 2 * |W|^2

with `spread` as in `ridge`, so that a penalty means the same for features of any scale. The solution lies in
the span of the centred examples, so coordinates in the axes of their singular value decomposition, at most
min(n, d) of them, hold it exactly. In those axes the Hessian is near diag(c s + penalty), with s the squared
singular values and c the mean curvature of the loss; measuring each coordinate in units of the inverse root
of that makes the problem nearly round.

Source: L-BFGS, Liu & Nocedal 1989, 10.1007/BF01589116; see `quasi_newton`.
Differs: preconditioned as above; along a path each penalty starts from the next stronger one's solution; a
    fit that is delivered ends in double precision.
Cost: one eigen-decomposition, and some tens of passes of 2 n r k multiplications for each penalty, in blocks
    whose scores are never held all at once. Ten thousand classes of two images and 512 features are minutes
    for one penalty, of twenty images and 1280 features more than an hour: there, ridge takes seconds.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Folds, Truth, Weights
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots, present_only
from regraft.heads.blocks import parts
from regraft.heads.classifier import Linear
from regraft.heads.loss import Loss, Posed, require_affordable_path
from regraft.heads.moments import NO_ROWS, Moments, moments
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.solver import Problem, Solution, solve, solve_all
from regraft.heads.spectrum import Spectrum
from regraft.heads.weighting import check_folds, fold_numbers, spread

MOST_PRECISE, FEWEST_CLASSES = 10**9, 16
"""Multiplications of a look at all examples up to which what is delivered is solved in double precision; with
few classes as with so many, for the memory of the examples: half a gigabyte."""


Targets = tuple[Ballots, Bool[Array, " k"]]
"""What `present_only` gives: ballots of the classes that have examples, and which classes these are."""


class Examples(NamedTuple):
    """What is fitted to: weights have been checked."""

    features: Features
    labels: Truth
    class_count: int
    weights: Weights


class Reduction(NamedTuple):
    """Examples in the axes of their spectrum, with what leads back to features and to all classes."""

    side: Moments
    whole: Spectrum
    present: Bool[Array, " k"]
    problem: Problem

    @classmethod
    def of(cls, examples: Examples, loss: Loss) -> "Reduction":
        """Reduce the examples to the axes of their spectrum, and the targets to classes that have examples.

        A label that excludes no other needs no examples: its score falls by itself where it has none.
        """
        targets = present_only(examples.labels, examples.class_count)
        side = moments(examples.features, targets[0], examples.weights)
        return cls.decomposed(side, side.without(NO_ROWS), targets, loss)

    @classmethod
    def decomposed(cls, side: Moments, whole: Spectrum, targets: Targets, loss: Loss) -> "Reduction":
        """The same of examples that are decomposed already, whichever targets came with them."""
        ballots, present = targets
        posed = Posed(_rows(side, whole, np.float32), ballots, side.weights)
        return cls(side, whole, present, Problem(whole.values, posed, loss))

    @property
    def precise(self) -> Problem:
        """The problem in double precision."""
        posed = self.problem.posed._replace(rows=_rows(self.side, self.whole, np.float64))
        return self.problem._replace(posed=posed)

    def fit(self, penalty: float) -> Linear:
        """Solve for one penalty, at last in double precision, where that is no matter of memory.

        A loss whose slopes have kinks takes hundreds of passes where the penalty is weak: it starts from the
        solution of one ten times as strong. For a smooth one that takes more passes than it saves.
        """
        absolute, problem = penalty * self.whole.spread(self.side.weights), self.problem
        found = problem.nothing
        if not problem.loss.is_smooth:
            found = solve(problem, 10 * absolute, start=found)
        found = solve(problem, absolute, start=found)
        if problem.posed.rows.size * max(problem.posed.ballots.class_count, FEWEST_CLASSES) <= MOST_PRECISE:
            found = solve(self.precise, absolute, start=found)
        return self.linear(found)

    def linear(self, solution: Solution) -> Linear:
        """A solution as weights on features. An absent class is as likely as log(n + 1) below the mean."""
        coefficients = self.whole.basis @ solution[:-1]
        weights = self.side.lift(coefficients)
        bias = solution[-1] - self.whole.offset @ coefficients - self.side.centre @ weights
        return spread(_single(weights, bias), self.present, self._gap)

    def scores(
        self, solution: Solution, out: Bool[Array, " n"], present: Bool[Array, " k"]
    ) -> Float[Array, "r k"]:
        """Scores over all classes of a fold's examples, by a fit to the others, with examples of some."""
        gap = float(np.log(np.count_nonzero(~out) + 1))
        fitted = spread(_single(solution[:-1], solution[-1]), present, gap)
        return fitted.scores(self.problem.posed.rows[out, :-1])

    def without(self, out: Bool[Array, " n"], examples: Examples) -> tuple[Problem, Bool[Array, " k"]]:
        """The problem of the examples outside a fold, and which classes they have."""
        posed = self.problem.posed
        ballots, present = present_only(examples.labels[~out], examples.class_count)
        if ballots.class_count == posed.ballots.class_count:
            # The same rows for every fold, of which its own weigh nothing.
            posed = posed._replace(weights=np.where(out, 0, posed.weights))
        else:
            posed = Posed(posed.rows[~out], ballots, posed.weights[~out])
        return self.problem._replace(posed=posed), present

    @property
    def _gap(self) -> float:
        return float(np.log(len(self.problem.posed.rows) + 1))


def fit_penalty(examples: Examples, loss: Loss, *, penalty: float) -> Linear:
    """Fit under one penalty; see `Reduction.fit`."""
    with single_threaded_blas():
        return Reduction.of(examples, loss).fit(penalty)


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
        reduced = Reduction.of(examples, loss)
    absolute = penalties * reduced.whole.spread(weights)
    held_out = np.full((len(penalties), len(labels), examples.class_count), np.nan, np.float32)
    outs = [folds == number for number in fold_numbers(folds)]
    rests, present = zip(*(reduced.without(out, examples) for out in outs), strict=True)
    # Not started from a solution on all examples: where the penalty is weak, it would barely move, and the
    # held-out labels would be read through the start.
    solutions = [rest.nothing for rest in rests]
    for at in np.argsort(-absolute):
        solutions = solve_all(rests, [float(absolute[at])] * len(outs), starts=solutions)
        for out, solution, seen in zip(outs, solutions, present, strict=True):
            held_out[at, out] = reduced.scores(solution, out, seen)
    losses = np.array(in_parallel(lambda each: held_out_loss(each, labels, weights=weights), held_out))

    def fit(index: int) -> Linear:
        with single_threaded_blas():
            return reduced.fit(float(penalties[index]))

    return PenaltyPath(penalties, losses, held_out.__getitem__, fit)


def _rows(side: Moments, whole: Spectrum, dtype: type) -> Float[Array, "n s"]:
    """Coordinates of all examples, and a column of ones."""
    rows: Float[Array, "n s"] = np.ones((len(side.weights), len(whole.values) + 1), dtype)
    for part in parts(len(rows)):
        rows[part, :-1] = side.coordinates(whole, part) / np.sqrt(side.weights[part])[:, None]
    return rows


def _single(weights: Float[Array, "s k"], bias: Float[Array, " k"]) -> Linear:
    return Linear(weights.astype(np.float32), bias.astype(np.float32))
