"""Ridge regression under one penalty after another: the examples are decomposed once."""

from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Folds, Scores
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.leaving_out import Held, cheaper_to_refit, leave_folds_out, leave_one_out, predicted
from regraft.heads.moments import NO_ROWS, moments
from regraft.heads.prepared.preparation import Dealt
from regraft.heads.ridge import Ridge
from regraft.heads.spectrum import Spectrum

MOST_SCORES = 10**7
"""Held-out scores of several penalties at a time, 40 MB."""

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
        return next(self.path([head], numbers))

    def path(self, heads: Iterable[Ridge], numbers: tuple[int, ...] | None) -> Iterator[Scores]:
        """Held-out scores under several penalties: one product for as many as memory should hold."""
        relative = np.array([head.penalty for head in heads], np.float64)
        absolute = relative * self._whole.spread(self.dealt.weights)
        size = max(1, MOST_SCORES // (len(self.dealt.labels) * self.dealt.class_count))
        for start in range(0, len(absolute), size):
            yield from self._under(absolute[start : start + size], numbers)

    def _under(self, absolute: Float[Array, " p"], numbers: tuple[int, ...] | None) -> Held:
        if numbers is None:
            with single_threaded_blas():
                return leave_one_out(self._side, self._whole, absolute)
        folds = self.dealt.folds
        assert folds is not None, "folds have numbers"
        scores = np.stack([self.dealt.nowhere()] * len(absolute))
        few = [number for number in numbers if not self._is_large(folds, number)]
        if few:
            asked = np.where(np.isin(folds, few), folds, -1)
            with single_threaded_blas():
                found = leave_folds_out(self._side, self._whole, absolute, folds=asked)
            scores[:, asked >= 0] = found[:, asked >= 0]
        many = [number for number in numbers if number not in few]
        for number, found in zip(many, in_parallel(partial(self._predicted, absolute), many), strict=True):
            scores[:, folds == number] = found
        return scores

    def _predicted(self, penalties: Float[Array, " p"], number: int) -> Held:
        """Scores of a fold by the spectrum of the others."""
        rows = np.flatnonzero(self.dealt.fold(number))
        if number not in self._rest:
            self._rest[number] = self._side.without(rows)
        return predicted(self._side, self._rest[number], penalties, rows)

    def _is_large(self, folds: Folds, number: int) -> bool:
        held = int(np.count_nonzero(folds == number))
        return cheaper_to_refit(held, len(folds), rank=len(self._whole.values), penalties=EXPECTED)
