"""Logistic regression and support vectors under one setting after another: each fold is reduced once."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Scores, Truth, Weights
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import present_only
from regraft.heads.classifier import Linear
from regraft.heads.logistic import Logistic, cross_entropy
from regraft.heads.loss import Loss, Posed
from regraft.heads.prepared.dealt import Dealt, Key, LeftOut
from regraft.heads.reduced import Reduction
from regraft.heads.solver import Problem, solve_all
from regraft.heads.support_vectors import SQUARED_HINGE, LinearSvm
from regraft.heads.weighting import one_each, spread

Reduced = Logistic | LinearSvm


class PreparedReduced:
    """Each fold in the axes of the spectrum of the others.

    In the axes of all examples a solver would take more steps than the decompositions are worth: what the
    others say nothing about is not among their own.

    Cost: once n d r + 4 r^3 multiplications for each fold, with r = min(n, d), unless another kind of head
        has paid for it; then for every setting and fold twenty to fifty passes of 4 n r k. A fit to all
        examples takes their decomposition, unless ridge has paid for it, and up to some hundred passes.
    """

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt

    def fit(self, head: Reduced) -> Linear:
        """Fit to all examples, in the axes of their own spectrum."""
        assert head.penalty is not None, "a path knows its own best penalty"
        every = self.dealt.gathered
        targets = present_only(every.labels, every.class_count)
        loss = _loss(head, every.labels, every.weights)
        with single_threaded_blas():
            return Reduction.decomposed(every.side, every.whole, targets, loss).fit(head.penalty)

    def held_out(self, head: Reduced, keys: tuple[Key, ...] | None) -> Scores:
        """Held-out scores of some folds."""
        return next(self.path([head], keys))

    def path(self, heads: Iterable[Reduced], keys: tuple[Key, ...] | None) -> Iterator[Scores]:
        """Held-out scores under one setting after another, each fit started from the one before.

        A fold is started from its own solutions only: those of others have seen what it holds out.
        """
        assert keys is not None, "each example alone would be a fit for each"
        left = self.dealt.left_out(keys)
        solutions: list[Float[Array, "_ _"]] | None = None
        for head in heads:
            solutions = self._solutions(left, head, solutions)
            yield self.dealt.mean(zip(keys, map(self._scores, left, solutions), strict=True))

    def _solutions(
        self, left: Sequence[LeftOut], head: Reduced, starts: Sequence[Float[Array, "_ _"]] | None
    ) -> list[Float[Array, "_ _"]]:
        """Fit from other solutions, or from nothing."""
        assert head.penalty is not None, "a path knows its own best penalty"
        problems = [*self._problems(left, head)]
        penalties = [head.penalty * each.spectrum.spread(each.weights) for each in left]
        begin = starts or [problem.nothing for problem in problems]
        return solve_all(problems, penalties, starts=begin, pause=self.dealt.pause)

    def _problems(self, left: Sequence[LeftOut], head: Reduced) -> Iterator[Problem]:
        """What is to be solved; of one label each under one loss, so that it is solved side by side."""
        labels, class_count = self.dealt.gathered.labels, self.dealt.gathered.class_count
        shared = _loss(head, labels, self.dealt.gathered.weights)
        for each in left:
            own = labels[each.kept]
            # Of several labels, smoothed toward their frequencies, which are each fold's own.
            loss = shared if own.ndim == 1 else _loss(head, own, each.weights)
            ballots, _ = present_only(own, class_count)
            yield Problem(each.spectrum.values, Posed(each.rows, ballots, each.weights), loss)

    def _scores(self, left: LeftOut, solution: Float[Array, "s c"]) -> Scores:
        """What a fit, over the c classes that have examples, says of the held-out ones."""
        single, gathered = solution.astype(np.float32), self.dealt.gathered
        _, present = present_only(gathered.labels[left.kept], gathered.class_count)
        fitted = spread(Linear(single[:-1], single[-1]), present, float(np.log(len(left.kept) + 1)))
        return fitted.scores(np.asarray(left.held, np.float32))


def _loss(head: Reduced, labels: Truth, weights: Weights) -> Loss:
    """What a head makes small."""
    if isinstance(head, Logistic):
        return cross_entropy(labels, head.smoothing, weights=weights)
    one_each(labels)
    return SQUARED_HINGE
