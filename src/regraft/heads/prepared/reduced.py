"""Logistic regression and support vectors under one setting after another: each fold is reduced once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Scores, Truth, Weights
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import present_only
from regraft.heads.blocks import Rows, parts
from regraft.heads.classifier import Linear
from regraft.heads.logistic import Logistic, cross_entropy
from regraft.heads.loss import Loss, Posed
from regraft.heads.prepared.dealt import Dealt, Gathered, Key, LeftOut
from regraft.heads.reduced import Reduction
from regraft.heads.solver import Problem, solve_all
from regraft.heads.support_vectors import SQUARED_HINGE, LinearSvm
from regraft.heads.weighting import one_each, spread

Reduced = Logistic | LinearSvm


def reach_all(examples: int, features: int) -> bool:
    """Whether so many examples outside a fold reach into every axis, and can do with those of all."""
    return examples >= features


class Rest(NamedTuple):
    """Examples outside a fold, and the fold's, in axes along which the former's scatter is near its diagonal.

    Attributes:
        values: this diagonal.
        rows: of the examples outside, and a column of ones.
        held: of the fold's.
        kept: which are outside.
        weights: theirs.
    """

    values: Float[Array, " r"]
    rows: Float[Array, "t s"]
    held: Float[Array, "f r"]
    kept: Int[Array, " t"]
    weights: Weights

    @classmethod
    def of(cls, left: LeftOut) -> "Rest":
        """In their own axes."""
        return cls(left.spectrum.values, left.rows, left.held, left.kept, left.weights)

    @classmethod
    def among(cls, gathered: Gathered, fold: Rows) -> "Rest":
        """In the axes of all examples."""
        every, held = gathered.coordinates, gathered.coordinates[fold]
        kept, lost = np.delete(np.arange(len(every)), fold), gathered.weights[fold]
        weights = gathered.weights[kept]
        rows = np.ones((len(kept), every.shape[1] + 1), np.float32)
        for part in parts(len(kept)):
            rows[part, :-1] = every[kept[part]]
        # About their own mean: that of all is where the coordinates are zero.
        values = gathered.whole.values - lost @ held**2 - (lost @ held) ** 2 / weights.sum()
        return cls(np.maximum(values, 0), rows, held, kept, weights)

    @property
    def spread(self) -> float:
        """Weighted mean squared distance of the examples outside from their mean: the unit of penalties."""
        return float(self.values.sum() / self.weights.sum())


class PreparedReduced:
    """Each fold in the axes of the spectrum of the others; or in those of all, where these reach into them.

    Where they do not, what they say nothing about is not among their own axes, and every further setting
    takes fewer and smaller steps in these. Where they do, it takes hardly more in those of all, which are
    there for every fold: see benchmarks/shared_work.py.

    Cost: once n d r + 4 r^3 multiplications, with r = min(n, d), for each fold, or where the others reach
        into all axes for all of them, unless another kind of head has paid for it; then for every setting and
        fold twenty to fifty passes of 4 n r k. A fit to all examples takes their decomposition, unless it is
        paid for, and up to some hundred passes.
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
        rests = self._rests(keys)
        solutions: list[Float[Array, "_ _"]] | None = None
        for head in heads:
            solutions = self._solutions(rests, head, solutions)
            yield self.dealt.mean(zip(keys, map(self._scores, rests, solutions), strict=True))

    def _rests(self, keys: Sequence[Key]) -> list[Rest]:
        """What is outside each fold."""
        gathered, folds = self.dealt.gathered, {key: np.flatnonzero(self.dealt.fold(key)) for key in keys}
        count, width = gathered.features.shape
        few = [key for key, fold in folds.items() if not reach_all(count - len(fold), width)]
        own = dict(zip(few, map(Rest.of, self.dealt.left_out(few)), strict=True))
        return [own[key] if key in own else Rest.among(gathered, fold) for key, fold in folds.items()]

    def _solutions(
        self, rests: Sequence[Rest], head: Reduced, starts: Sequence[Float[Array, "_ _"]] | None
    ) -> list[Float[Array, "_ _"]]:
        """Fit from other solutions, or from nothing."""
        assert head.penalty is not None, "a path knows its own best penalty"
        problems = [*self._problems(rests, head)]
        penalties = [head.penalty * each.spread for each in rests]
        begin = starts or [problem.nothing for problem in problems]
        return solve_all(problems, penalties, starts=begin, pause=self.dealt.pause)

    def _problems(self, rests: Sequence[Rest], head: Reduced) -> Iterator[Problem]:
        """What is to be solved; of one label each under one loss, so that it is solved side by side."""
        labels, class_count = self.dealt.gathered.labels, self.dealt.gathered.class_count
        shared = _loss(head, labels, self.dealt.gathered.weights)
        for each in rests:
            own = labels[each.kept]
            # Of several labels, smoothed toward their frequencies, which are each fold's own.
            loss = shared if own.ndim == 1 else _loss(head, own, each.weights)
            ballots, _ = present_only(own, class_count)
            yield Problem(each.values, Posed(each.rows, ballots, each.weights), loss)

    def _scores(self, rest: Rest, solution: Float[Array, "s c"]) -> Scores:
        """What a fit, over the c classes that have examples, says of the held-out ones."""
        single, gathered = solution.astype(np.float32), self.dealt.gathered
        _, present = present_only(gathered.labels[rest.kept], gathered.class_count)
        fitted = spread(Linear(single[:-1], single[-1]), present, float(np.log(len(rest.kept) + 1)))
        return fitted.scores(np.asarray(rest.held, np.float32))


def _loss(head: Reduced, labels: Truth, weights: Weights) -> Loss:
    """What a head makes small."""
    if isinstance(head, Logistic):
        return cross_entropy(labels, head.smoothing, weights=weights)
    one_each(labels)
    return SQUARED_HINGE
