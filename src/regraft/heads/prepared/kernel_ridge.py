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

from regraft.core.arrays import Array, Scores, Weights
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.kernel_machine import gamma_of, gaussian, require_few, squared_distances
from regraft.heads.kernel_ridge import KernelRidge
from regraft.heads.prepared.preparation import Dealt
from regraft.heads.weighting import one_each


class PreparedKernelRidge:
    """Squared distances between all examples.

    Cost: once n^2 d multiplications; then for every width and penalty n^3, in place of the 12 n^3 of an
        eigen-decomposition, which would be of use to other penalties of exactly the same width.
    """

    def __init__(self, dealt: Dealt) -> None:
        require_few(len(dealt.features), KernelRidge.most_examples, head="kernel_ridge")
        one_each(dealt.labels)
        self.dealt = dealt
        centred = dealt.features - dealt.features.mean(axis=0, dtype=np.float64)
        with single_threaded_blas():
            self._squares = squared_distances(centred, centred)
        self._gamma = gamma_of(self._squares, dealt.weights, width=1.0)

    @property
    def nbytes(self) -> int:
        """Of the distances."""
        return self._squares.nbytes

    def held_out(self, head: KernelRidge, numbers: tuple[int, ...] | None) -> Scores:
        """Held-out scores under a width and a penalty, of some folds or of each example alone."""
        assert head.penalty is not None, "the likeliest penalty takes a decomposition"
        with single_threaded_blas():
            smoother = self._smoother_of(head)
            if smoother is None:
                return self._decomposed(head, numbers)
            targets = Ballots(self.dealt.labels, self.dealt.class_count)[:]
            residuals, scores = smoother @ targets, self.dealt.nowhere()
            if numbers is None:
                scores[:] = targets - residuals / np.diag(smoother)[:, None]
                return scores
            for number in numbers:
                rows = np.flatnonzero(self.dealt.fold(number))
                own = smoother[np.ix_(rows, rows)]
                scores[rows] = targets[rows] - solve(own, residuals[rows], assume_a="pos", check_finite=False)
        return scores

    def _smoother_of(self, head: KernelRidge) -> Float[Array, "n n"] | None:
        assert head.penalty is not None, "the likeliest penalty takes a decomposition"
        weights = self.dealt.weights
        curved = gaussian(self._squares.copy(), self._gamma / head.width**2)
        curved[np.diag_indices_from(curved)] += head.penalty * _spread(curved, weights) / weights
        return _smoother(curved)

    def _decomposed(self, head: KernelRidge, numbers: tuple[int, ...] | None) -> Scores:
        """By the head itself, which drops what is rounding: of examples that are all alike, for instance."""
        dealt, folds = self.dealt, self.dealt.folds
        if folds is not None and numbers is not None:
            folds = np.where(np.isin(folds, numbers), folds, -1)
        given = (dealt.features, dealt.labels)
        return head.held_out(*given, class_count=dealt.class_count, folds=folds, weights=dealt.weights)


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
