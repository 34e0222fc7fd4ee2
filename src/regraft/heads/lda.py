"""Linear discriminant analysis with a shrunken covariance, in as few dimensions as there are examples.

Classes are Gaussians of one covariance S and means m [d, k]. Scores are log densities plus log priors, less
what all classes share:

    x' A m - m' A m / 2 + log prior,    A = ((1 - s) S + s t I)^-1,    t = trace(S) / d

With S = V diag(l) V' from the spectrum of the examples about their class means, at most min(n, d) axes,

    A = (I - V V') / (s t) + V diag(1 / ((1 - s) l + s t)) V'

so nothing is ever [d, d] unless n > d.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Labels, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots, class_sums
from regraft.heads.blocks import Part, read_rows, summed
from regraft.heads.classifier import Linear
from regraft.heads.moments import ABSOLUTE_FLOOR, NO_ROWS, Covariance, Gram, Moments
from regraft.heads.spectrum import Spectrum
from regraft.heads.weighting import checked, one_each, spread

LEAST_SHRINKAGE = 1e-4


@dataclass(frozen=True)
class Lda:
    """Linear discriminant analysis; without a shrinkage, that of Ledoit and Wolf.

    Source: Fisher 1936, 10.1111/j.1469-1809.1936.tb02137.x; shrinkage of Ledoit & Wolf 2004,
        10.1016/S0047-259X(03)00096-4.
    Differs: one shrinkage for the pooled covariance, toward equal variances, where scikit-learn standardises
        and averages over classes. It does not fall below 1e-4, so that the covariance can be inverted.
    Cost: n d r + 12 r^3 + n d k multiplications with r = min(n, d). Where n > d, some thousand rows of a
        mapped file are in memory at a time.
    """

    shrinkage: Annotated[
        float | None, Knob("share of the covariance replaced by equal variances", low=0, high=1)
    ] = None

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear:
        """Fit by one eigen-decomposition."""
        pooled = Pooled.of(features, labels, class_count=class_count, weights=weights)
        with single_threaded_blas():
            return pooled.linear(self.shrinkage)


class Curvature(NamedTuple):
    """What of the classes' common covariance a shrinkage changes, and what it needs to do so.

    `variances` [r] are along the covariance's axes, `mean` is that of all features that vary, `advised` the
    shrinkage of Ledoit and Wolf. Where no class has any spread there are no axes.
    """

    variances: Float[Array, " r"]
    mean: float
    advised: float

    def inverse(self, shrinkage: float | None) -> tuple[float, Float[Array, " r"]]:
        """The variance taken for every direction, and what A has along the axes beyond its inverse."""
        share = max(self.advised if shrinkage is None else shrinkage, LEAST_SHRINKAGE)
        sphere = (share if len(self.variances) else 1.0) * self.mean
        return sphere, np.asarray(1 / ((1 - share) * self.variances + sphere) - 1 / sphere)


@dataclass(frozen=True, eq=False)
class Pooled:
    """What is fitted whatever the shrinkage: the classes' means, and the covariance they share in its axes.

    Attributes:
        centre: the mean of all examples.
        means: of the classes that have examples, about the centre.
        log_shares: logarithms of the shares that these classes have of the weight.
        present: which classes they are.
        gap: how far classes without examples stay below the others.
        side: sums over examples about their classes' means, and
        whole: what they were decomposed into; both None where no class has any spread.
    """

    centre: Float[Array, " d"]
    means: Float[Array, "d k"]
    log_shares: Float[Array, " k"]
    present: Bool[Array, " c"]
    gap: float
    curvature: Curvature
    side: Moments | None
    whole: Spectrum | None

    @classmethod
    def of(
        cls, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> "Pooled":
        """Check the examples and decompose them."""
        weights = checked(features, labels, class_count=class_count, weights=weights)
        present, place = np.unique(one_each(labels), return_inverse=True)
        with single_threaded_blas():
            sums, counts = class_sums(features, Ballots(place, len(present)), weights)
            centre, means = sums.sum(axis=1) / counts.sum(), sums / counts
            side, whole, curvature = _decomposed(Within(features, place, means.T, weights), centre)
        shares, gap = np.log(counts / counts.sum()), float(np.log(len(labels) + 1))
        is_present = np.isin(np.arange(class_count), present)
        return cls(centre, means - centre[:, None], shares, is_present, gap, curvature, side, whole)

    def linear(self, shrinkage: float | None) -> Linear:
        """The classifier under a shrinkage."""
        sphere, along = self.curvature.inverse(shrinkage)
        directions = self.means / sphere
        if self.side is not None and self.whole is not None:
            directions += self.side.lift(self.whole.basis @ (along[:, None] * self.reaching(self.means)))
        bias = self.log_shares - (self.means * directions).sum(axis=0) / 2 - self.centre @ directions
        fitted = Linear(directions.astype(np.float32), bias.astype(np.float32))
        return spread(fitted, self.present, gap=self.gap)

    def reaching(self, vectors: Float[Array, "d m"]) -> Float[Array, "r m"]:
        """How far vectors reach along the covariance's axes, which are written down only where n > d."""
        if self.side is None or self.whole is None:
            return np.empty((0, vectors.shape[1]))
        if isinstance(self.side, Gram):
            vectors = self.side.features @ vectors - self.side.centre @ vectors
        return np.asarray(self.whole.basis.T @ vectors)


def _decomposed(
    within: "Within", centre: Float[Array, " d"]
) -> tuple[Moments | None, Spectrum | None, Curvature]:
    """Where no class has any spread, differences are measured by how far the means lie apart."""
    spreads, lengths = within.measured()
    # Features that are always the same have no share in what equal variances would be.
    trace, width = float(spreads.sum()), int((spreads > ABSOLUTE_FLOOR * centre**2).sum())
    rounding = ABSOLUTE_FLOOR * float(centre @ centre)
    if trace <= rounding:
        apart = float(((within.means - centre) ** 2).sum(axis=1).mean())
        return None, None, Curvature(np.empty(0), apart / len(centre) if apart > rounding else np.inf, 1.0)
    side = within.moments()
    whole = side.without(NO_ROWS)
    variances = whole.values / within.weights.sum()
    advised = ledoit_wolf(lengths, variances, within.weights, width=width)
    return side, whole, Curvature(variances, trace / width, advised)


@dataclass(frozen=True, eq=False)
class Within:
    """Examples about the means [k, d] of their classes, a block of them at a time."""

    features: Features
    place: Labels
    means: Float[Array, "k d"]
    weights: Weights

    def rows(self, part: Part) -> Float[Array, "i d"]:
        """Some examples less their classes' means, in float64."""
        return np.asarray(read_rows(self.features, part) - self.means[self.place[part]])

    def measured(self) -> tuple[Float[Array, " d"], Float[Array, " n"]]:
        """The variance of every feature, and the squared length of every example."""
        lengths = np.empty(len(self.place))

        def over(stretch: Sequence[Part]) -> Float[Array, " d"]:
            total = np.zeros(self.features.shape[1])
            for part in stretch:
                squares = self.rows(part) ** 2
                lengths[part] = squares.sum(axis=1)
                total += self.weights[part] @ squares
            return total

        spreads = reduce(np.add, summed(over, len(self.place))) / self.weights.sum()
        return np.asarray(spreads), lengths

    def moments(self) -> Moments:
        """Their sums. The targets are not used: the spectrum alone is wanted."""
        targets = Ballots(np.zeros(len(self.place), np.int64), 1)
        if len(self.place) <= self.features.shape[1]:
            return Gram(self.rows(slice(None)), targets, self.weights)
        return WithinCovariance(self, targets)


class WithinCovariance(Covariance):
    """The n > d side, about the means of the classes."""

    def __init__(self, within: Within, targets: Ballots) -> None:
        self.within, self.features = within, within.features
        self.targets, self.weights = targets, within.weights
        self.centre = np.zeros(within.features.shape[1])
        self.all = self.sums(len(within.place))

    def rows(self, index: Part) -> Float[Array, "i d"]:
        """Examples less their classes' means."""
        return self.within.rows(index)


def ledoit_wolf(
    lengths: Float[Array, " n"], variances: Float[Array, " r"], weights: Weights, *, width: int
) -> float:
    """The shrinkage of least expected squared error of a covariance.

    Args:
        lengths: squared lengths of the centred examples.
        variances: the covariance's eigenvalues, those that are zero left out.
        weights: of the examples.
        width: the number of features that vary.

    Source: Ledoit & Wolf 2004, 10.1016/S0047-259X(03)00096-4.
    """
    trace, squared = float(variances.sum()), float((variances**2).sum())
    return advised_shrinkage(lengths, weights, trace=trace, squared=squared, width=width)


def advised_shrinkage(
    lengths: Float[Array, " n"], weights: Weights, *, trace: float, squared: float, width: int
) -> float:
    """The same of a covariance whose trace is known, and the sum of its squared entries."""
    count = float(weights.sum())
    dispersion = squared - trace**2 / width
    noise = (float(weights @ lengths**2) / count - squared) / count
    return 1.0 if dispersion <= 0 else float(np.clip(noise / dispersion, 0, 1))
