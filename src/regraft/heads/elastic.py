"""Multinomial logistic regression under the elastic net, which leaves out features that do not help."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from regraft.core.arrays import Features, Folds, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.best_of_path import fit_best
from regraft.heads.classifier import Linear
from regraft.heads.loss import require_affordable_path
from regraft.heads.proximal import Problem, Shrink, Solution, descend
from regraft.heads.selection import PenaltyPath, held_out_loss
from regraft.heads.weighting import check_folds, checked, fold_numbers, one_each

SHARES = np.logspace(-3, -0.5, 6)
"""Of the penalty under which all weights are zero: what is tried when none is given."""


@dataclass(frozen=True)
class ElasticLogistic:
    """Logistic regression with the penalty p ((1 - a) |W|^2 / 2 + a |W|_1), a the `l1_share`, none on b.

    Weights are those on features of unit root mean squared length (see `proximal`). Without a penalty, `fit`
    takes the best of a path on five folds.

    Source: Zou & Hastie 2005, 10.1111/j.1467-9868.2005.00503.x; the path of Friedman et al. 2010,
        10.18637/jss.v033.i01, in shares of the least penalty that leaves no weight.
    Cost: see `proximal`; without a penalty, 32 such fits.
    """

    penalty: Annotated[float | None, Knob("penalty on weights", low=1e-8, high=1e6, log=True)] = None
    l1_share: Annotated[float, Knob("share of the penalty on absolute weights", low=0, high=1)] = 0.5

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit to the optimum."""
        if self.penalty is None:
            return fit_best(self, features, labels, class_count=class_count, weights=weights)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        with single_threaded_blas():
            problem = Problem.of(features, one_each(labels), class_count=class_count, weights=weights)
            return self._fit(problem, self.penalty)

    def path(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds,
        weights: Weights | None = None,
    ) -> PenaltyPath:
        """Fit six penalties to all folds but one, and those that are asked for to all examples.

        Raises:
            DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
        """
        weights = checked(features, labels, class_count=class_count, weights=weights)
        check_folds(folds, len(labels))
        require_affordable_path(
            head="elastic", penalties=len(SHARES), examples=len(labels), classes=class_count
        )
        with single_threaded_blas():
            problem = Problem.of(features, one_each(labels), class_count=class_count, weights=weights)
            penalties = self._penalties(problem)
        held_out = np.full((len(penalties), len(labels), class_count), np.nan, np.float32)

        def leave_out(number: int) -> None:
            out = folds == number
            rest = Problem.of(features[~out], labels[~out], class_count=class_count, weights=weights[~out])
            for at, solution in enumerate(self._descend(rest, penalties)):
                held_out[at, out] = rest.linear(solution).scores(features[out])

        in_parallel(leave_out, fold_numbers(folds).tolist())
        losses = np.array([held_out_loss(each, labels, weights=weights) for each in held_out])

        def fit(index: int) -> Linear:
            with single_threaded_blas():
                return self._fit(problem, penalties[index])

        return PenaltyPath(np.array(penalties), losses, held_out.__getitem__, fit)

    def _fit(self, problem: Problem, penalty: float) -> Linear:
        start = descend(problem, self._shrink(10 * penalty), start=problem.nothing)
        return problem.linear(descend(problem, self._shrink(penalty), start=start))

    def _penalties(self, problem: Problem) -> list[float]:
        """Some shares of the least penalty that leaves no weight, weakest first."""
        strongest = float(np.abs(problem.pulls(problem.nothing)).max()) / max(self.l1_share, 1e-3)
        return [max(float(share) * strongest, 1e-8) for share in SHARES]

    def _descend(self, problem: Problem, penalties: list[float]) -> list[Solution]:
        """Solutions for every penalty, each started from the next stronger one's."""
        solutions = [problem.nothing]
        for penalty in reversed(penalties):
            solutions.append(descend(problem, self._shrink(penalty), start=solutions[-1]))
        return solutions[:0:-1]

    def _shrink(self, penalty: float) -> Shrink:
        """Toward zero by the L1 part, and in proportion by the L2 part."""
        absolute, squared = self.l1_share * penalty, (1 - self.l1_share) * penalty

        def shrink(weights: Solution, times: float) -> Solution:
            kept = np.maximum(np.abs(weights) - np.float32(absolute * times), 0)
            return np.asarray(np.sign(weights) * kept / np.float32(1 + squared * times))

        return shrink
