"""Logistic regression and support vectors under one setting after another: each fold is reduced once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Scores, Truth, Weights
from regraft.core.threads import in_parallel
from regraft.heads.classifier import Linear
from regraft.heads.logistic import Logistic, cross_entropy
from regraft.heads.loss import Loss
from regraft.heads.moments import Gram, moments
from regraft.heads.prepared.preparation import Dealt
from regraft.heads.reduced import HELD_OUT_TOLERANCE, Examples, Problem, Solution, solve
from regraft.heads.support_vectors import SQUARED_HINGE, LinearSvm
from regraft.heads.weighting import one_each, spread

Reduced = Logistic | LinearSvm


class Fold(NamedTuple):
    """Examples in the axes of their spectrum, with the fold that they are to predict.

    Attributes:
        problem: of the examples outside the fold; of the decomposition only what a solver needs.
        labels: of these examples.
        unit: of penalties.
        held: the fold's examples in the same axes.
    """

    problem: Problem
    labels: Truth
    unit: float
    held: Float[Array, "h r"]

    @classmethod
    def of(cls, dealt: Dealt, number: int) -> "Fold":
        """Decompose, project and let go of the sums."""
        out = dealt.fold(number)
        examples = Examples(dealt.features[~out], dealt.labels[~out], dealt.class_count, dealt.weights[~out])
        # The loss is each setting's own.
        problem = Problem.of(examples, SQUARED_HINGE)
        held, unit = _projected(problem, dealt.features[out]), problem.whole.spread(examples.weights)
        few = moments(examples.features[:1], problem.posed.ballots.some(slice(0, 1)), examples.weights[:1])
        whole = replace(problem.whole, basis=np.empty((0, len(problem.whole.values))), offset=np.empty(0))
        return cls(problem._replace(side=few, whole=whole), examples.labels, unit, held)

    @property
    def nbytes(self) -> int:
        """Of all examples in these axes."""
        return self.problem.posed.rows.nbytes + self.held.nbytes

    def solution(self, head: Reduced, start: Solution | None) -> Solution:
        """Fit from another solution, or from nothing."""
        assert head.penalty is not None, "a path knows its own best penalty"
        problem = self.problem._replace(loss=_loss(head, self.labels, self.problem.posed.weights))
        start = problem.nothing if start is None else start
        return solve(problem, head.penalty * self.unit, start=start, tolerance=HELD_OUT_TOLERANCE)

    def scores(self, solution: Float[Array, "s c"]) -> Scores:
        """What a fit, over the c classes that have examples, says of the held-out ones."""
        single = solution.astype(np.float32)
        gap = float(np.log(len(self.labels) + 1))
        return spread(Linear(single[:-1], single[-1]), self.problem.present, gap).scores(self.held)


class PreparedReduced:
    """Each fold in the axes of the spectrum of the others.

    In the axes of all examples a solver would take more steps than the decompositions are worth: what the
    others say nothing about is not among their own.

    Cost: once n d r + 4 r^3 multiplications for each fold, with r = min(n, d); then for every setting and
        fold twenty to fifty passes of 4 n r k.
    """

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt
        self._folds: dict[int, Fold] = {}

    @property
    def nbytes(self) -> int:
        """Of the folds."""
        return sum(fold.nbytes for fold in self._folds.values())

    def held_out(self, head: Reduced, numbers: tuple[int, ...] | None) -> Scores:
        """Held-out scores of some folds."""
        return next(self.path([head], numbers))

    def path(self, heads: Iterable[Reduced], numbers: tuple[int, ...] | None) -> Iterator[Scores]:
        """Held-out scores under one setting after another, each fit started from the one before.

        A fold is started from its own solutions only: those of others have seen what it holds out.
        """
        assert numbers is not None, "each example alone would be a fit for each"
        solutions: dict[int, Solution] = {}

        def solve_fold(number: int, head: Reduced) -> Solution:
            if number not in self._folds:
                self._folds[number] = Fold.of(self.dealt, number)
            return self._folds[number].solution(head, solutions.get(number))

        for head in heads:
            found = in_parallel(partial(solve_fold, head=head), numbers)
            solutions = dict(zip(numbers, found, strict=True))
            scores = self.dealt.nowhere()
            for number, solution in solutions.items():
                scores[self.dealt.fold(number)] = self._folds[number].scores(solution)
            yield scores


def _projected(problem: Problem, features: Features) -> Float[Array, "h r"]:
    """Other examples in the axes of a problem."""
    side, whole = problem.side, problem.whole
    seen = features - side.centre
    if isinstance(side, Gram):
        seen = seen @ (side.features - side.centre).T
    return np.asarray((seen - whole.offset) @ whole.basis, np.float32)


def _loss(head: Reduced, labels: Truth, weights: Weights) -> Loss:
    if isinstance(head, Logistic):
        return cross_entropy(labels, head.smoothing, weights=weights)
    one_each(labels)
    return SQUARED_HINGE
