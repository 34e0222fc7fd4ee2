"""Ridge regression under one penalty after another: the examples are decomposed once."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Scores
from regraft.core.threads import single_threaded_blas
from regraft.heads.classifier import Linear
from regraft.heads.leaving_out import Held, leave_folds_out, leave_one_out
from regraft.heads.prepared.dealt import Dealt, Key, LeftOut
from regraft.heads.ridge import Ridge, linear

MOST_SCORES, MOST_PENALTIES = 10**7, 5
"""At a time: 40 MB of held-out scores, and not many penalties that nobody may ask for once the loss rises."""


class PreparedRidge:
    """The spectrum of all examples; and those of the examples without a fold, where that pays.

    Cost: once n d r + 4 r^3 multiplications with r = min(n, d), and 4 r^3 for each large fold unless another
        kind of head has paid for it; then n r k for every penalty, and for small folds of m examples
        m^2 r / 2 each. A fit to all examples takes a factor, r^3 / 3.
    """

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt

    def fit(self, head: Ridge) -> Linear:
        """Fit to all examples by one Cholesky factor."""
        assert head.penalty is not None, "a path knows its own best penalty"
        side = self.dealt.gathered.side
        with single_threaded_blas():
            return linear(side, side.solved(head.penalty))

    def held_out(self, head: Ridge, keys: tuple[Key, ...] | None) -> Scores:
        """Held-out scores under a penalty, of some folds or of each example alone."""
        return next(self.path([head], keys))

    def path(self, heads: Iterable[Ridge], keys: tuple[Key, ...] | None) -> Iterator[Scores]:
        """Held-out scores under several penalties: one product for as many as memory should hold."""
        gathered = self.dealt.gathered
        relative = np.array([head.penalty for head in heads], np.float64)
        absolute = relative * gathered.whole.spread(gathered.weights)
        scores = len(gathered.labels) * gathered.class_count
        size = min(MOST_PENALTIES, max(1, MOST_SCORES // scores))
        for start in range(0, len(absolute), size):
            yield from self._under(absolute[start : start + size], keys)

    def _under(self, absolute: Float[Array, " p"], keys: tuple[Key, ...] | None) -> Held:
        if keys is None:
            with single_threaded_blas():
                return leave_one_out(self.dealt.gathered.side, self.dealt.gathered.whole, absolute)
        many = [key for key in keys if self.dealt.has_own_axes(key)]
        few = [key for key in keys if key not in many]
        return self.dealt.mean(chain(self._by_rest(absolute, many), self._by_whole(absolute, few)))

    def _by_rest(self, absolute: Float[Array, " p"], keys: Sequence[Key]) -> Iterator[tuple[Key, Held]]:
        """From the spectra of the examples without each fold."""
        for key, left in zip(keys, self.dealt.left_out(keys), strict=True):
            yield key, _predicted(left, absolute)

    def _by_whole(self, absolute: Float[Array, " p"], keys: Sequence[Key]) -> Iterator[tuple[Key, Held]]:
        """From the spectrum of all examples."""
        side, whole = self.dealt.gathered.side, self.dealt.gathered.whole
        for at, folds in enumerate(self.dealt.rounds):
            own = [key for key in keys if key[0] == at]
            asked = np.where(np.isin(folds, [number for _, number in own]), folds, -1)
            with single_threaded_blas():
                found = leave_folds_out(side, whole, absolute, folds=asked) if own else np.empty(0)
            yield from ((key, found[:, self.dealt.fold(key)]) for key in own)


def _predicted(left: LeftOut, penalties: Float[Array, " p"]) -> Held:
    """Scores of a fold by the spectrum of the others."""
    solution = left.spectrum.ridge(penalties)
    with single_threaded_blas():
        fitted = left.held @ solution.reshape(len(solution), solution.shape[1] * solution.shape[2])
    shaped = fitted.reshape(len(fitted), *solution.shape[1:]) + left.spectrum.intercept
    return np.asarray(shaped.transpose(1, 0, 2), np.float32)
