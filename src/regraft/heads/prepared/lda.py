"""Linear discriminant analysis under one shrinkage after another, in axes that other kinds of heads use too.

In the axes of some spectrum, about its mean, let T = diag(t) - L'L be the scatter of the examples outside a
fold, Q [r, k] the means of their classes and c the classes' weights, which add up to W. In their own axes
nothing is taken away, and L has no rows; in those of all examples L has the fold's, times the roots of their
weights. The scatter within classes is T - Q diag(c) Q', so the shrunken covariance is a diagonal less few
columns, and nothing is decomposed to invert it:

    A^-1 = D - g (Q diag(c) Q' + L'L),    D = g diag(t) + s v I,    g = (1 - s) / W

with s the shrinkage and v the mean variance within classes; see `heads.lda`. Beyond these axes A is
1 / (s v), and no mean reaches there.

Source: Woodbury 1950 (the inverse of a matrix that differs from another by few columns).
"""

from collections.abc import Callable, Sequence
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.linalg import cho_factor, cho_solve

from regraft.core.arrays import Array, Scores, Weights
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.blocks import Part, Rows, column_means, parts, read_rows, summed
from regraft.heads.classifier import Linear
from regraft.heads.lda import LEAST_SHRINKAGE, Lda, advised_shrinkage
from regraft.heads.moments import ABSOLUTE_FLOOR, NO_ROWS
from regraft.heads.prepared.dealt import Dealt, Gathered, Key, LeftOut
from regraft.heads.spectrum import RELATIVE_FLOOR
from regraft.heads.weighting import one_each, spread

ROUNDING = 1e-12
"""Added where next to nothing lies within classes, and what rounding leaves of it is negative."""


class Outside(NamedTuple):
    """Examples outside a fold, and the fold's, in axes about some mean where the former's scatter is T.

    Attributes:
        values: t.
        sums: of the examples outside, by class.
        kept: which these are.
        weights: theirs.
        lost: weights of the fold's examples, where they have to be taken away.
        held: reads coordinates of the fold's.
    """

    values: Float[Array, " r"]
    sums: Float[Array, "r c"]
    kept: Int[Array, " t"]
    weights: Weights
    lost: Weights
    held: Callable[[], Float[Array, "f r"]]

    @classmethod
    def of(cls, left: LeftOut) -> "Outside":
        """In their own axes."""
        known = left.spectrum.values, left.spectrum.targets, left.kept, left.weights
        return cls(*known, lost=np.empty(0), held=lambda: left.held)

    @classmethod
    def among(cls, gathered: Gathered, fold: Rows) -> "Outside":
        """In the axes of all examples."""
        whole, every, lost = gathered.whole, gathered.coordinates, gathered.weights[fold]
        kept, own = np.delete(np.arange(len(every)), fold), np.zeros((gathered.class_count, every.shape[1]))
        Ballots(gathered.labels, gathered.class_count).add_sums(own, lost[:, None] * every[fold], fold)
        known = whole.values, whole.targets - own.T, kept, gathered.weights[kept]
        return cls(*known, lost=lost, held=lambda: every[fold])

    @property
    def taken_away(self) -> Float[Array, "h r"]:
        """L."""
        if not len(self.lost):
            return np.empty((0, len(self.values)))
        return np.asarray(np.sqrt(self.lost)[:, None] * self.held())


class Classes(NamedTuple):
    """The classes that have examples outside a fold.

    Attributes:
        outside: these examples.
        present: which classes they are.
        means: theirs.
        counts: their weights.
        variance: the mean over features that vary within classes; where none does, over how far means lie
            apart.
        width: how many features vary within classes.
    """

    outside: Outside
    present: Bool[Array, " c"]
    means: Float[Array, "r k"]
    counts: Float[Array, " k"]
    variance: float
    width: int

    def scores(self, shrinkage: float) -> Scores:
        """What the fit says of the fold's examples; where nothing varies, whatever the shrinkage."""
        directions, bias = self.fit(shrinkage)
        known = self.outside.held() @ directions + bias
        scores = np.empty((len(known), len(self.present)), np.float32)
        scores[:, self.present] = known
        scores[:, ~self.present] = known.mean(axis=1, keepdims=True) - np.log(len(self.outside.kept) + 1)
        return scores

    def fit(self, shrinkage: float) -> tuple[Float[Array, "r k"], Float[Array, " k"]]:
        """Weights on coordinates in these axes, and biases."""
        share = max(shrinkage, LEAST_SHRINKAGE) if self.width else 1.0
        kept = (1 - share) / float(self.counts.sum())
        directions = self._solved(kept, kept * self.outside.values + share * self.variance)
        log_shares = np.log(self.counts / self.counts.sum())
        # Halfway between a class and the mean of all, about which its direction was taken.
        halfway = (self.means + self._mean[:, None]) / 2
        return directions, np.asarray(log_shares - (halfway * directions).sum(axis=0))

    def advised(self, lengths: Float[Array, " t"]) -> float:
        """The shrinkage of Ledoit and Wolf, given squared lengths of examples about their classes' means."""
        if not self.width:
            return 1.0
        squared = _squared(self.outside.values, self._columns) / float(self.counts.sum()) ** 2
        trace, weights = self.variance * self.width, self.outside.weights
        return advised_shrinkage(lengths, weights, trace=trace, squared=squared, width=self.width)

    @property
    def _mean(self) -> Float[Array, " r"]:
        """Of the examples outside: zero in their own axes."""
        return np.asarray(self.means @ self.counts / self.counts.sum())

    @property
    def _columns(self) -> Float[Array, "r q"]:
        """What is to be taken from the diagonal: means of classes first."""
        return np.hstack([self.means * np.sqrt(self.counts), self.outside.taken_away.T])

    def _solved(self, kept: float, diagonal: Float[Array, " r"]) -> Float[Array, "r k"]:
        """A of the means about that of all.

        They are among the columns: with P these over the root of the diagonal, (I - P P')^-1 P is
        P (I - P'P)^-1.
        """
        scale = 1 / np.sqrt(diagonal)[:, None]
        columns = scale * self._columns
        if columns.shape[1] >= len(columns):
            factor = _factor(kept * (columns @ columns.T))
            means = scale * (self.means - self._mean[:, None])
            return np.asarray(scale * cho_solve(factor, means, check_finite=False))
        wanted = np.zeros((columns.shape[1], len(self.counts)))
        root = np.sqrt(self.counts)
        wanted[: len(root)] = np.diag(1 / root) - root[:, None] / self.counts.sum()
        factor = _factor(kept * (columns.T @ columns))
        return np.asarray(scale * (columns @ cho_solve(factor, wanted, check_finite=False)))


def _factor(products: Float[Array, "q q"]) -> tuple[Float[Array, "q q"], bool]:
    """Cholesky's, of the unit matrix less products."""
    inner = np.eye(len(products)) - products
    try:
        return cho_factor(inner, check_finite=False)
    except np.linalg.LinAlgError:
        return cho_factor(inner + ROUNDING * np.eye(len(inner)), check_finite=False)


class PreparedLda:
    """The classes outside each fold.

    Cost: once n d r + 4 r^3 multiplications with r = min(n, d), unless another kind of head has paid for it;
        then for every shrinkage, and folds of m examples, m^2 r each. For large folds once 4 r^3 each, unless
        paid for, and then n r k + k^3 for all of them, or r^3 where that is less.
    """

    def __init__(self, dealt: Dealt) -> None:
        one_each(dealt.gathered.labels)
        self.dealt, self._gathered = dealt, dealt.gathered
        self._ballots = Ballots(self._gathered.labels, self._gathered.class_count)
        self._classes: dict[Key, Classes] = {}
        self._advised: dict[Key, float] = {}

    def fit(self, head: Lda) -> Linear:
        """Fit to all examples, in the axes of their own spectrum.

        Where classes hardly vary, what they do is told less precisely from all the scatter than by the head.
        """
        side, whole, count = self._gathered.side, self._gathered.whole, len(self._gathered.labels)
        nobody = np.empty((0, len(whole.values)))
        with single_threaded_blas():
            left = LeftOut(whole, nobody, np.arange(count), side)
            classes = self._look(Outside.of(left), NO_ROWS)
            given = head.shrinkage
            directions, bias = classes.fit(self._advise(classes, NO_ROWS) if given is None else given)
            coefficients = whole.basis @ directions
            weights = side.lift(coefficients)
        bias = bias - whole.offset @ coefficients - side.centre @ weights
        found = Linear(weights.astype(np.float32), bias.astype(np.float32))
        return spread(found, classes.present, gap=float(np.log(count + 1)))

    def held_out(self, head: Lda, keys: tuple[Key, ...] | None) -> Scores:
        """Held-out scores under a shrinkage, of some folds."""
        assert keys is not None, "each example alone would be a fit for each"
        new = [key for key in keys if key not in self._classes]
        large = [key for key in new if self.dealt.has_own_axes(key)]
        outside = dict(zip(large, map(Outside.of, self.dealt.left_out(large)), strict=True))
        for key in new:
            fold = np.flatnonzero(self.dealt.fold(key))
            rest = outside[key] if key in outside else Outside.among(self._gathered, fold)
            self._classes[key] = self._look(rest, fold)
        if head.shrinkage is None:
            # Before there are threads, so that they share them.
            _ = self._gathered.coordinates
        found = in_parallel(lambda key: self._scores(key, head.shrinkage), keys)
        return self.dealt.mean(zip(keys, found, strict=True))

    def _scores(self, key: Key, shrinkage: float | None) -> Scores:
        self.dealt.pause()
        classes = self._classes[key]
        if shrinkage is not None:
            return classes.scores(shrinkage)
        if key not in self._advised:
            self._advised[key] = self._advise(classes, np.flatnonzero(self.dealt.fold(key)))
        return classes.scores(self._advised[key])

    def _advise(self, classes: Classes, fold: Rows) -> float:
        """Lengths are the same in all axes: those of all examples are there for every fold."""
        outside, every = Outside.among(self._gathered, fold), self._gathered.coordinates
        means = np.zeros((self._gathered.class_count, every.shape[1]))
        means[classes.present] = outside.sums.T[classes.present] / classes.counts[:, None]
        lengths = np.empty(len(outside.kept))
        for part in parts(len(lengths)):
            index = outside.kept[part]
            lengths[part] = ((every[index] - means[self._gathered.labels[index]]) ** 2).sum(axis=1)
        return classes.advised(lengths)

    @cached_property
    def _centre(self) -> Float[Array, " d"]:
        return column_means(self._gathered.features)

    @cached_property
    def _whole(self) -> Float[Array, "k1 d"]:
        return self._sums(len(self._gathered.labels))

    def _sums(self, rows: int | Rows) -> Float[Array, "k1 d"]:
        """Weighted sums of each class's features about the mean of all, and last those of their squares."""
        features, weights = self._gathered.features, self._gathered.weights

        def over(stretch: Sequence[Part]) -> Float[Array, "k1 d"]:
            total = np.zeros((self._gathered.class_count + 1, features.shape[1]))
            for part in stretch:
                seen = read_rows(features, part) - self._centre
                weighted = weights[part][:, None] * seen
                self._ballots.add_sums(total[:-1], weighted, part)
                seen *= weighted
                total[-1] += seen.sum(axis=0)
            return total

        return np.asarray(reduce(np.add, summed(over, rows)))

    def _look(self, outside: Outside, fold: Rows) -> Classes:
        """Classes outside a fold, and how they vary."""
        labels, class_count = self._gathered.labels[outside.kept], self._gathered.class_count
        present = np.bincount(labels, minlength=class_count) > 0
        counts = np.bincount(labels, outside.weights, minlength=class_count)[present]
        means = outside.sums[:, present] / counts
        sums = self._whole - self._sums(fold)
        overall, own = sums[-1] / counts.sum(), sums[:-1][present]
        variances = overall - (own**2 / counts[:, None]).sum(axis=0) / counts.sum()
        squares = (self._centre + own.sum(axis=0) / counts.sum()) ** 2
        # What only the fold's examples have leaves rounding, as a share of what all have.
        floors = np.maximum(ABSOLUTE_FLOOR * squares, RELATIVE_FLOOR * self._whole[-1] / counts.sum())
        if variances.sum() <= floors.sum():
            centre = (means @ counts / counts.sum())[:, None]
            apart = float(((means - centre) ** 2).sum(axis=0).mean())
            variance = apart / len(squares) if apart > ABSOLUTE_FLOOR * squares.sum() else np.inf
            return Classes(outside, present, means, counts, variance, 0)
        width = int((variances > floors).sum())
        return Classes(outside, present, means, counts, float(variances.sum()) / width, width)


def _squared(values: Float[Array, " r"], columns: Float[Array, "r k"]) -> float:
    """The sum of the squared entries of diag(values) - P P'; by rounding no less than the trace allows."""
    is_tall = columns.shape[1] < len(columns)
    inner = columns.T @ columns if is_tall else columns @ columns.T
    of_axes = (columns**2).sum(axis=1)
    trace = float(values.sum() - of_axes.sum())
    squared = float((values**2).sum() - 2 * values @ of_axes + (inner**2).sum())
    return max(squared, trace**2 / max(len(values), 1))
