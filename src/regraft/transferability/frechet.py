"""How far apart two sets of features lie, taken as Gaussians."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import svdvals

from regraft.core.arrays import Array, Features
from regraft.core.errors import DataError
from regraft.core.threads import single_threaded_blas
from regraft.heads.weighting import check_features


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean and covariance of features."""

    mean: Float[Array, " d"]
    covariance: Float[Array, "d d"]

    @classmethod
    def of(cls, features: Features) -> "Gaussian":
        """Of a sample, the covariance without bias; of a single image it is 0."""
        mean, rows = _centred(features)
        return cls(mean, rows.T @ rows / max(len(rows) - 1, 1))

    @property
    def root(self) -> Float[Array, "d d"]:
        """The symmetric square root of the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)


def frechet(first: Float[Array, "a d"], second: Float[Array, "b e"]) -> float:
    """The squared Frechet distance between two samples, each taken as a Gaussian.

        |m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2))

    It is biased upwards, the more the fewer images: compare samples of one size.

    Source: Heusel et al. 2017, 1706.08500; Dowson & Landau 1982, 10.1016/0047-259X(82)90077-X.
    Differs: with rows X1 and X2 about their means, the last trace is the sum of the singular values of
        X1 X2' / sqrt((n1 - 1) (n2 - 1)), so that no covariance is made where images are fewer than features.
    Cost: n1 n2 d + 2 n^3 multiplications where n, the smaller sample, is below d; else as for Gaussians.

    Raises:
        DataError: samples of different width, or features that are not finite.
    """
    if min(len(first), len(second)) >= first.shape[1]:
        return frechet_between(Gaussian.of(first), Gaussian.of(second))
    (mean, rows), (other_mean, other_rows) = _centred(first), _centred(second)
    _check_widths(mean, other_mean)
    # A factor of n - 1 for each sample; a single image has no rows that differ from their mean.
    rows, other_rows = (part / np.sqrt(max(len(part) - 1, 1)) for part in (rows, other_rows))
    with single_threaded_blas():
        shared = float(svdvals(rows @ other_rows.T).sum())
    return _distance(mean - other_mean, float((rows**2).sum()), float((other_rows**2).sum()), shared)


def frechet_between(first: Gaussian, second: Gaussian) -> float:
    """The squared Frechet distance between two Gaussians; see `frechet`.

    Cost: about 25 d^3 multiplications.

    Raises:
        DataError: Gaussians of different width.
    """
    _check_widths(first.mean, second.mean)
    with single_threaded_blas():
        # tr((A B)^(1/2)) is the sum of singular values of A^(1/2) B^(1/2), which loses no digits to squares.
        shared = float(svdvals(first.root @ second.root).sum())
    spreads = float(np.trace(first.covariance)), float(np.trace(second.covariance))
    return _distance(first.mean - second.mean, *spreads, shared)


def _distance(gap: Float[Array, " d"], spread: float, other_spread: float, shared: float) -> float:
    # Rounding may leave a hair below 0 between equals.
    return max(float(gap @ gap) + spread + other_spread - 2 * shared, 0.0)


def _centred(features: Features) -> tuple[Float[Array, " d"], Float[Array, "n d"]]:
    check_features(features)
    wide = features.astype(np.float64)
    mean = wide.mean(axis=0)
    return mean, wide - mean


def _check_widths(mean: Float[Array, " d"], other: Float[Array, " e"]) -> None:
    if len(mean) != len(other):
        raise DataError(
            f"Features of width {len(mean)} cannot be compared with features of width {len(other)}; "
            f"take both from the same network and depths."
        )
