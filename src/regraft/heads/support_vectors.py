"""Support vector machines, linear and with a Gaussian kernel, one class against the rest.

Scores are distances from the margins, one for each class; the temperature makes probabilities of them, as of
those of any other head.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Folds, Labels, Scores, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.best_of_path import fit_best
from regraft.heads.classifier import Linear
from regraft.heads.kernel_machine import KernelMachine, gamma_of, gaussian, require_few, squared_distances
from regraft.heads.loss import Loss
from regraft.heads.reduced import Examples, fit_penalty, penalty_path
from regraft.heads.selection import PenaltyPath
from regraft.heads.weighting import checked, one_each, spread

PENALTIES = np.logspace(-3, 1, 5)
TOLERANCE = 1e-4


@dataclass(frozen=True)
class LinearSvm:
    """One squared hinge for each class, max(0, 1 - y s)^2 with y = 1 or -1, and an L2 penalty on the weights.

    Without a penalty, `fit` takes the best of a path on five folds.

    Source: Cortes & Vapnik 1995, 10.1007/BF00994018; squared hinge as in LIBLINEAR, Fan et al. 2008.
    Differs: all classes are solved as one by `reduced`; the bias is not penalised, where LIBLINEAR does so.
        A penalty p is LIBLINEAR's C = 1 / (p spread).
    Cost: see `reduced`.
    """

    penalty: Annotated[float | None, Knob("penalty on squared weights", low=1e-8, high=1e4, log=True)] = None

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit to the optimum."""
        if self.penalty is None:
            return fit_best(self, features, labels, class_count=class_count, weights=weights)
        weights = checked(features, labels, class_count=class_count, weights=weights)
        examples = Examples(features, one_each(labels), class_count, weights)
        return fit_penalty(examples, SQUARED_HINGE, penalty=self.penalty)

    def path(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds,
        weights: Weights | None = None,
    ) -> PenaltyPath:
        """Fit five penalties to all folds but one, and those asked for to all examples; see `penalty_path`.

        Raises:
            DataError: features, labels, weights or folds cannot be used; see `checked` and `check_folds`.
        """
        weights = checked(features, labels, class_count=class_count, weights=weights)
        examples = Examples(features, one_each(labels), class_count, weights)
        return penalty_path(examples, SQUARED_HINGE, penalties=PENALTIES, folds=folds)


@dataclass(frozen=True)
class KernelSvm:
    """A support vector machine with a Gaussian kernel for each class against the rest, by LIBSVM.

    Source: Cortes & Vapnik 1995, 10.1007/BF00994018; Chang & Lin 2011 (LIBSVM), 10.1145/1961189.1961199.
    Differs: all classes read one kernel matrix; scores are one against the rest, so that there are k.
    Cost: n^2 d multiplications and 2 n^2 float64 numbers, then one sequential optimisation for each class.
        At most 10,000 examples, so of ten thousand classes one of each.
    """

    most_examples: ClassVar[int] = 10_000

    cost: Annotated[float, Knob("of an example inside its margin, C", low=1e-3, high=1e5, log=True)] = 10.0
    width: Annotated[float, Knob("of the kernel, in median distances", low=0.05, high=20, log=True)] = 1.0

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> KernelMachine:
        """Fit class by class and keep the examples that support any.

        Raises:
            DataError: features, labels or weights cannot be used, or there are too many examples.
        """
        weights = checked(features, labels, class_count=class_count, weights=weights)
        labels = one_each(labels)
        present = np.bincount(labels, minlength=class_count) > 0
        require_few(len(labels), self.most_examples, head="kernel_svm")
        centre = features.mean(axis=0, dtype=np.float64)
        with single_threaded_blas():
            squares = squared_distances(features - centre, features - centre)
        gamma = gamma_of(squares, weights, width=self.width)
        duals = self._duals(gaussian(squares, gamma), labels, weights, present)
        return _supported(duals, features - centre, centre, gamma)

    def _duals(
        self, kernel: Float[Array, "n n"], labels: Labels, weights: Weights, present: Bool[Array, " k"]
    ) -> Linear:
        """Dual coefficients [n, k] and biases of all classes, those without examples included."""
        duals, bias = np.zeros((len(labels), int(present.sum()))), np.ones(int(present.sum()))

        def separate(place: int) -> None:
            from sklearn import config_context
            from sklearn.svm import SVC

            own = labels == np.flatnonzero(present)[place]
            machine = SVC(C=self.cost, kernel="precomputed", tol=TOLERANCE, cache_size=1)
            # Looking for NaN in all of the kernel takes longer than separating one class from the rest.
            with config_context(assume_finite=True):
                machine.fit(kernel, own, sample_weight=weights)
            duals[machine.support_, place] = machine.dual_coef_[0]
            bias[place] = machine.intercept_[0]

        # A single class is on the right side of no margin at all.
        if len(bias) > 1:
            in_parallel(separate, range(len(bias)))
        return spread(Linear(duals, bias), present, gap=float(np.log(len(labels) + 1)))


def _supported(duals: Linear, centred: Features, centre: Float[Array, " d"], gamma: float) -> KernelMachine:
    """The machine of those examples whose dual coefficients are not all zero."""
    supports = duals.weights.any(axis=1)
    return KernelMachine.of(centred[supports], Linear(duals.weights[supports], duals.bias), centre, gamma)


def _short(scores: Scores, ballots: Ballots) -> Float[Array, "n k"]:
    """How far short of its margin each score falls, below zero if it does not: 1 - y s, in float64."""
    own = np.arange(len(scores)), ballots.truth
    short = 1 + scores.astype(np.float64)
    short[own] = 2 - short[own]
    return short


def _hinge(scores: Scores, ballots: Ballots) -> tuple[Float[Array, " n"], Float[Array, "n k"]]:
    """Squared hinges summed over classes, and their slopes."""
    short = np.maximum(_short(scores, ballots), 0)
    losses = np.einsum("nk,nk->n", short, short)
    short *= 2
    short[np.arange(len(scores)), ballots.truth] *= -1
    return losses, short


SQUARED_HINGE = Loss(
    slopes=_hinge,
    curvature=lambda scores, ballots: 2.0 * (_short(scores, ballots) > 0),
    is_joint=False,
    is_smooth=False,
)
