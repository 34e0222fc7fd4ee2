"""Linear discriminant analysis with a shrunken covariance, in as few dimensions as there are examples.

Classes are Gaussians of one covariance S and means m [d, k]. Scores are log densities plus log priors, less
what all classes share:

    x' A m - m' A m / 2 + log prior,    A = ((1 - s) S + s t I)^-1,    t = trace(S) / d

With S = V diag(l) V' from the spectrum of the examples about their class means, at most min(n, d) axes,

    A = (I - V V') / (s t) + V diag(1 / ((1 - s) l + s t)) V'

so nothing is ever [d, d] unless n > d.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Truth, Weights
from regraft.core.settings import Knob, check
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.classifier import Linear
from regraft.heads.spectrum import ABSOLUTE_FLOOR, NO_ROWS, moments
from regraft.heads.weighting import checked, indicators, one_each, spread

LEAST_SHRINKAGE = 1e-4


@dataclass(frozen=True)
class Lda:
    """Linear discriminant analysis; without a shrinkage, that of Ledoit and Wolf.

    Source: Fisher 1936, 10.1111/j.1469-1809.1936.tb02137.x; shrinkage of Ledoit & Wolf 2004,
        10.1016/S0047-259X(03)00096-4.
    Differs: one shrinkage for the pooled covariance, toward equal variances, where scikit-learn standardises
        and averages over classes. It does not fall below 1e-4, so that the covariance can be inverted.
    Cost: n d r + 12 r^3 + d r k multiplications with r = min(n, d).
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
        weights = checked(features, labels, class_count=class_count, weights=weights)
        labels = one_each(labels)
        present, place = np.unique(labels, return_inverse=True)
        centre = weights @ features / weights.sum()
        centred = features - centre
        with single_threaded_blas():
            means, shares = _means(centred, indicators(place, len(present)) * weights[:, None])
            inner = centred - means.T[place]
            directions = self._whitened(inner, means, weights, centre)
        bias = np.log(shares) - (means * directions).sum(axis=0) / 2 - centre @ directions
        fitted = Linear(directions.astype(np.float32), bias.astype(np.float32))
        is_present = np.isin(np.arange(class_count), present)
        return spread(fitted, is_present, gap=float(np.log(len(labels) + 1)))

    def _whitened(
        self,
        inner: Float[Array, "n d"],
        means: Float[Array, "d k"],
        weights: Weights,
        centre: Float[Array, " d"],
    ) -> Float[Array, "d k"]:
        """A m. Where no class has any spread, differences are measured by how far the means lie apart."""
        total = weights.sum()
        spreads = weights @ inner**2 / total
        # Features that are always the same have no share in what equal variances would be.
        trace, width = float(spreads.sum()), int((spreads > ABSOLUTE_FLOOR * centre**2).sum())
        rounding = ABSOLUTE_FLOOR * float(centre @ centre)
        if trace <= rounding:
            apart = float((means**2).sum(axis=0).mean())
            return np.asarray(means * (len(means) / apart if apart > rounding else 0.0))
        # The targets are not used: the spectrum alone is wanted.
        side = moments(inner, Ballots(np.zeros(len(inner), np.int64), 1), weights)
        whole = side.without(NO_ROWS)
        variances = whole.values / total
        given = (
            ledoit_wolf(inner, variances, weights, width=width) if self.shrinkage is None else self.shrinkage
        )
        share = max(given, LEAST_SHRINKAGE)
        axes, sphere = side.lift(whole.basis), share * trace / width
        along = 1 / ((1 - share) * variances + sphere) - 1 / sphere
        return np.asarray(means / sphere + axes @ (along[:, None] * (axes.T @ means)))


def ledoit_wolf(
    inner: Float[Array, "n d"], variances: Float[Array, " r"], weights: Weights, *, width: int
) -> float:
    """The shrinkage of least expected squared error of a covariance, of centred rows and its eigenvalues.

    The width is the number of features that vary.

    Source: Ledoit & Wolf 2004, 10.1016/S0047-259X(03)00096-4.
    Cost: one pass, no further product.
    """
    count = float(weights.sum())
    lengths = (inner**2).sum(axis=1)
    squared = float((variances**2).sum())
    dispersion = squared - float(variances.sum()) ** 2 / width
    noise = (float(weights @ lengths**2) / count - squared) / count
    return 1.0 if dispersion <= 0 else float(np.clip(noise / dispersion, 0, 1))


def _means(
    centred: Float[Array, "n d"], ballots: Float[Array, "n k"]
) -> tuple[Float[Array, "d k"], Float[Array, " k"]]:
    """Means of the classes, and their shares of the weight."""
    counts = ballots.sum(axis=0)
    return np.asarray(centred.T @ ballots / counts), np.asarray(counts / counts.sum())
