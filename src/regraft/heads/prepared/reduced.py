"""Logistic regression and support vectors under one setting after another: each fold is reduced once."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Scores, Truth, Weights
from regraft.core.threads import in_parallel
from regraft.heads.classifier import Linear
from regraft.heads.logistic import Logistic, cross_entropy
from regraft.heads.loss import Loss
from regraft.heads.prepared.preparation import Dealt
from regraft.heads.reduced import Examples, Problem, solve
from regraft.heads.spectrum import Gram, moments
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

    def scores(self, head: Reduced) -> Scores:
        """What a fit says of the held-out examples; see `fit_penalty`."""
        assert head.penalty is not None, "a path knows its own best penalty"
        problem = self.problem._replace(loss=_loss(head, self.labels, self.problem.posed.weights))
        absolute = head.penalty * self.unit
        start = solve(problem, 10 * absolute, start=problem.nothing)
        solution = solve(problem, absolute, start=start).astype(np.float32)
        fitted = Linear(solution[:-1], solution[-1])
        return spread(fitted, problem.present, float(np.log(len(self.labels) + 1))).scores(self.held)


class PreparedReduced:
    """Each fold in the axes of the spectrum of the others.

    In the axes of all examples a solver would take more steps than the decompositions are worth: what the
    others say nothing about is not among their own.

    Cost: once n d r + 4 r^3 multiplications for each fold, with r = min(n, d); then for every setting and
        fold some tens of passes of 4 n r k.
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
        assert numbers is not None, "each example alone would be a fit for each"
        scores = self.dealt.nowhere()

        def score(number: int) -> None:
            if number not in self._folds:
                self._folds[number] = Fold.of(self.dealt, number)
            scores[self.dealt.fold(number)] = self._folds[number].scores(head)

        in_parallel(score, numbers)
        return scores


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
