"""Ridge regression under one penalty after another: the examples are decomposed once."""

from functools import partial

import numpy as np

from regraft.core.arrays import Folds, Scores
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.leaving_out import cheaper_to_refit, leave_folds_out, leave_one_out
from regraft.heads.prepared.preparation import Dealt
from regraft.heads.ridge import Ridge
from regraft.heads.spectrum import NO_ROWS, Spectrum, moments

EXPECTED = 20
"""Penalties that will be asked for: what is cheaper for so many of them is computed for the first."""


class PreparedRidge:
    """The spectrum of all examples; and those of the examples without a fold, where that pays.

    Cost: once n d r + 4 r^3 multiplications with r = min(n, d), and 4 r^3 for each large fold; then n r k
        for every penalty, and for small folds of m examples m^2 r / 2 each.
    """

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt
        with single_threaded_blas():
            self._side = moments(dealt.features, Ballots(dealt.labels, dealt.class_count), dealt.weights)
            self._whole = self._side.without(NO_ROWS)
        self._rest: dict[int, Spectrum] = {}

    @property
    def nbytes(self) -> int:
        """Of products or sums, and of axes."""
        kept = [self._whole, *self._rest.values()]
        side = min(self.dealt.features.shape) ** 2 * np.dtype(np.float64).itemsize
        return int(side + sum(each.basis.nbytes + each.targets.nbytes for each in kept))

    def held_out(self, head: Ridge, numbers: tuple[int, ...] | None) -> Scores:
        """Held-out scores under a penalty, of some folds or of each example alone."""
        assert head.penalty is not None, "a path knows its own best penalty"
        absolute = head.penalty * self._whole.spread(self.dealt.weights)
        if numbers is None:
            with single_threaded_blas():
                return np.asarray(leave_one_out(self._side, self._whole, np.array([absolute]))[0])
        scores, folds = self.dealt.nowhere(), self.dealt.folds
        assert folds is not None, "folds have numbers"
        few = [number for number in numbers if not self._is_large(folds, number)]
        if few:
            asked = np.where(np.isin(folds, few), folds, -1)
            with single_threaded_blas():
                found = leave_folds_out(self._side, self._whole, np.array([absolute]), folds=asked)[0]
            scores[asked >= 0] = found[asked >= 0]
        many = [number for number in numbers if number not in few]
        for number, found in zip(many, in_parallel(partial(self._predicted, absolute), many), strict=True):
            scores[folds == number] = found
        return scores

    def _predicted(self, absolute: float, number: int) -> Scores:
        """Scores of a fold by the spectrum of the others."""
        rows = np.flatnonzero(self.dealt.fold(number))
        if number not in self._rest:
            self._rest[number] = self._side.without(rows)
        rest = self._rest[number]
        coefficients = rest.basis @ rest.ridge(np.array([absolute]))[:, 0]
        return np.asarray((self._side.rows(rows) - rest.offset) @ coefficients + rest.intercept, np.float32)

    def _is_large(self, folds: Folds, number: int) -> bool:
        held = int(np.count_nonzero(folds == number))
        return cheaper_to_refit(held, len(folds), rank=len(self._whole.values), penalties=EXPECTED)
