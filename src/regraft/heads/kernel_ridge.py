"""Kernel ridge regression on indicators of classes; with the noise of most evidence, a Gaussian process.

    minimise  sum_i w_i |y_i - b - f(x_i)|^2 + penalty * spread * |f|^2

over functions f of the Gaussian kernel's space and the unpenalised b [k]. All that `ridge` computes from the
inner products of examples holds when a kernel gives them: the spectrum, exact held-out scores, weights. The
mean of a Gaussian process whose noise has the variance `penalty * spread` is the same function.
"""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Folds, Scores, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.classifier import Linear
from regraft.heads.kernel_machine import KernelMachine, gamma_of, gaussian, require_few, squared_distances
from regraft.heads.leaving_out import leave_folds_out, leave_one_out
from regraft.heads.moments import NO_ROWS, Gram
from regraft.heads.spectrum import OnRows, Spectrum
from regraft.heads.weighting import check_folds, checked, one_each

PENALTIES = np.logspace(-6, 2, 33)


@dataclass(frozen=True)
class KernelRidge:
    """Kernel ridge regression; without a penalty, that of the greatest marginal likelihood.

    Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, 2.2 and 5.4; the constant is
        integrated out under a flat prior (2.7), so the evidence is that of the contrasts (restricted).
    Differs: classes are regressed on as if their noise were Gaussian, as least-squares classification does
        (6.5 there), with one noise for all; their probabilities come from the temperature, not the variance.
    Cost: n^2 d + 12 n^3 multiplications and 5 n^2 float64 numbers. At most 5000 examples.
    """

    most_examples: ClassVar[int] = 5000

    penalty: Annotated[
        float | None, Knob("penalty on the function, or noise", low=1e-8, high=1e4, log=True)
    ] = None
    width: Annotated[float, Knob("of the kernel, in median distances", low=0.05, high=20, log=True)] = 1.0

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> KernelMachine:
        """Fit by one decomposition of the examples' kernel matrix: to find a penalty, its eigenvalues.

        Raises:
            DataError: features, labels or weights cannot be used, or there are too many examples.
        """
        with single_threaded_blas():
            return self.fit_compared(*self._compared(features, labels, class_count, weights))

    def fit_compared(self, side: "KernelGram", centre: Float[Array, " d"]) -> KernelMachine:
        """Fit to examples that were compared under this width, about their centre."""
        found = self._solved(side)
        bias = found.intercept - found.offset @ found.coefficients
        return KernelMachine.of(side.features, Linear(found.coefficients, bias), centre, side.gamma)

    def settled(self, side: "KernelGram") -> "KernelRidge":
        """With the penalty that examples give which were compared under this width."""
        return replace(self, penalty=likeliest(side, side.without(NO_ROWS)))

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """Exact held-out scores, at the width and the penalty that all examples together give."""
        with single_threaded_blas():
            side, _ = self._compared(features, labels, class_count, weights)
            whole = side.without(NO_ROWS)
            penalties = np.array([self._chosen(side, whole)])
            if folds is None:
                return np.asarray(leave_one_out(side, whole, penalties)[0])
            check_folds(folds, len(labels))
            return np.asarray(leave_folds_out(side, whole, penalties, folds=folds)[0])

    def _compared(
        self, features: Features, labels: Truth, class_count: int, weights: Weights | None
    ) -> tuple["KernelGram", Float[Array, " d"]]:
        """Check the examples and compare them all; and their mean."""
        require_few(len(features), self.most_examples, head="kernel_ridge")
        weights = checked(features, labels, class_count=class_count, weights=weights)
        centre = features.mean(axis=0, dtype=np.float64)
        targets, centred = Ballots(one_each(labels), class_count), features - centre
        squares = squared_distances(centred, centred)
        return KernelGram(centred, targets, weights, squares=squares, width=self.width), centre

    def _solved(self, side: "KernelGram") -> OnRows:
        if self.penalty is not None:
            return side.solved(self.penalty)
        whole = side.without(NO_ROWS)
        return whole.on_rows(self._chosen(side, whole))

    def _chosen(self, side: "KernelGram", whole: Spectrum) -> float:
        """The penalty in the kernel's own units."""
        relative = likeliest(side, whole) if self.penalty is None else self.penalty
        return relative * whole.spread(side.weights)


class KernelGram(Gram):
    """Moments of examples in the kernel's space: z of an example is its kernel with all examples.

    It takes the place of their squared distances, which are lost.
    """

    def __init__(
        self,
        features: Features,
        targets: Ballots,
        weights: Weights,
        *,
        squares: Float[Array, "n n"],
        width: float,
    ) -> None:
        self.features, self.targets, self.weights = features, targets, weights
        # Every example has length one in the kernel's space; spreads are measured against the mean's length.
        self.centre = np.ones(1)
        self.gamma = gamma_of(squares, weights, width=width)
        self.products = gaussian(squares, self.gamma)

    def lift(self, coefficients: Float[Array, "n k"]) -> Float[Array, "n k"]:
        """They stay weights on examples: the kernel's space has no other axes that could be written down."""
        return coefficients


def likeliest(side: KernelGram, whole: Spectrum) -> float:
    """The penalty under which the contrasts between the targets are most probable, the scale profiled out.

    It is one of `PENALTIES`, in units of the spread.

    With N the sum of the weights, s the spectrum's values, r of them, and t the energy of the targets of all
    k classes along its axes, the targets' scale is v = sum(t / (s + penalty)) / (k (N - 1)), and the log
    likelihood, constants and all classes alike left out, -((N - 1) log v + sum log(s + penalty)) / 2. Where
    the kernel has no axis s is 0.
    """
    if not len(whole.values):
        return float(PENALTIES[-1])
    penalties = PENALTIES * whole.spread(side.weights)
    energies = (whole.targets**2).sum(axis=1) / whole.values
    total = float(side.weights @ ((side.targets[:] - whole.intercept) ** 2).sum(axis=1))
    rest = max(total - float(energies.sum()), 0.0)
    count = max(float(side.weights.sum()) - 1, len(whole.values))
    classes = np.count_nonzero(whole.intercept)
    curved = whole.values[:, None] + penalties
    scale = ((energies[:, None] / curved).sum(axis=0) + rest / penalties) / (classes * count)
    volume = np.log(curved).sum(axis=0) + (count - len(whole.values)) * np.log(penalties)
    # A single class leaves nothing to explain; every penalty then explains it.
    evidence = -(count * np.log(np.maximum(scale, np.finfo(float).tiny)) + volume)
    return float(PENALTIES[len(penalties) - 1 - np.argmax(evidence[::-1])])
