"""Kernel ridge regression under one width and penalty after another: distances are measured once.

With the kernel matrix K, the example weights w and y the indicators of classes, the coefficients a and the
constant b solve

    (K + penalty diag(1 / w)) a + b = y,    sum(a) = 0

so a = C y for C = B - B 1 1' B / (1' B 1), B the inverse of the matrix in brackets. Leaving out a set g of
examples, constant and all, leaves them with the residuals (C_gg)^-1 a_g.

Source: An et al. 2007, 10.1016/j.patcog.2006.12.015 (least-squares support vectors: the same equations).
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve
from scipy.linalg.lapack import dpotrf, dpotri

from regraft.core.arrays import Array, Folds, Scores, Weights
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.kernel_machine import KernelMachine, gamma_of, gaussian, require_few
from regraft.heads.kernel_ridge import KernelGram, KernelRidge
from regraft.heads.prepared.dealt import Dealt, Key
from regraft.heads.weighting import one_each


class PreparedKernelRidge:
    """Squared distances between all examples.

    Cost: once n^2 d multiplications, unless another kind of head has paid for them; then for every width and
        penalty n^3, in place of the 4 n^3 of an eigen-decomposition, which would be of use to other
        penalties of exactly the same width. A penalty that is left to the examples takes both.
    """

    def __init__(self, dealt: Dealt) -> None:
        require_few(len(dealt.gathered.labels), KernelRidge.most_examples, head="kernel_ridge")
        one_each(dealt.gathered.labels)
        self.dealt, self._weights = dealt, dealt.gathered.weights
        self._squares = dealt.gathered.squares
        self._gamma = gamma_of(self._squares, self._weights, width=1.0)
        self._settled: dict[KernelRidge, KernelRidge] = {}

    def settled(self, head: KernelRidge) -> KernelRidge:
        """With the penalty that all examples give, unless it has one: one decomposition for each width."""
        if head.penalty is not None:
            return head
        if head not in self._settled:
            with single_threaded_blas():
                self._settled[head] = head.settled(self._compared(head)[0])
        return self._settled[head]

    def fit(self, head: KernelRidge) -> KernelMachine:
        """Fit to all examples: of the work over features only their mean is left."""
        head = self.settled(head)
        with single_threaded_blas():
            return head.fit_compared(*self._compared(head))

    def _compared(self, head: KernelRidge) -> tuple[KernelGram, Float[Array, " d"]]:
        """All examples under its width; and their mean."""
        examples = self.dealt.gathered
        centre = examples.features.mean(axis=0, dtype=np.float64)
        targets, squares = Ballots(examples.labels, examples.class_count), self._squares.copy()
        given = (examples.features - centre, targets, self._weights)
        return KernelGram(*given, squares=squares, width=head.width), centre

    def held_out(self, head: KernelRidge, keys: tuple[Key, ...] | None) -> Scores:
        """Held-out scores under a width and a penalty, of some folds or of each example alone."""
        head = self.settled(head)
        with single_threaded_blas():
            smoother = self._smoother_of(head)
            if smoother is None:
                return self._decomposed(head, keys)
            targets = Ballots(self.dealt.gathered.labels, self.dealt.gathered.class_count)[:]
            residuals = smoother @ targets
            if keys is None:
                return np.asarray(targets - residuals / np.diag(smoother)[:, None], np.float32)

            def left_out(key: Key) -> Float[Array, "h k"]:
                rows = np.flatnonzero(self.dealt.fold(key))
                own = smoother[np.ix_(rows, rows)]
                found = solve(own, residuals[rows], assume_a="pos", check_finite=False)
                return np.asarray(targets[rows] - found)

            return self.dealt.mean((key, left_out(key)) for key in keys)

    def _smoother_of(self, head: KernelRidge) -> Float[Array, "n n"] | None:
        assert head.penalty is not None, "it has been settled"
        weights = self._weights
        curved = gaussian(self._squares.copy(), self._gamma / head.width**2)
        curved[np.diag_indices_from(curved)] += head.penalty * _spread(curved, weights) / weights
        return _smoother(curved)

    def _decomposed(self, head: KernelRidge, keys: tuple[Key, ...] | None) -> Scores:
        """By the head itself, which drops what is rounding: of examples that are all alike, for instance."""
        examples = self.dealt.gathered

        def held_out(folds: Folds | None) -> Scores:
            given, class_count = (examples.features, examples.labels), examples.class_count
            return head.held_out(*given, class_count=class_count, folds=folds, weights=self._weights)

        if keys is None:
            return held_out(None)
        found = [held_out(folds) for folds in self.dealt.rounds]
        return self.dealt.mean((key, found[key[0]][self.dealt.fold(key)]) for key in keys)


def _spread(kernel: Float[Array, "n n"], weights: Weights) -> float:
    """Weighted mean squared distance of the examples from their mean, in the kernel's space."""
    share = weights / weights.sum()
    means = kernel @ share
    return float(share @ (np.diag(kernel) - means))


def _smoother(curved: Float[Array, "n n"]) -> Float[Array, "n n"] | None:
    """C of the module's head, None where rounding leaves the matrix without an inverse; it is overwritten."""
    lower, failed = dpotrf(curved.T, lower=1, overwrite_a=1)
    inverse, singular = (lower, failed) if failed else dpotri(lower, lower=1, overwrite_c=1)
    if singular:
        return None
    # LAPACK writes one triangle.
    inverse = np.tril(inverse)
    inverse += np.tril(inverse, -1).T
    sums = inverse.sum(axis=0)
    inverse -= np.outer(sums, sums / sums.sum())
    return np.asarray(inverse)
