"""The eigen-decomposition that ridge, its held-out scores and the reduced basis all read from.

Let X have the rows sqrt(w_i) (x_i - mu), with mu the mean under the weights w. Its singular value
decomposition X = U S V' is taken from whichever symmetric matrix is smaller; see `moments`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve

from regraft.core.arrays import Array, Weights

# Eigenvalues below this share of the largest are rounding of float64 sums of float32 features.
RELATIVE_FLOOR = 1e-12
# From so many times the floors on, what rounding adds to a solution is too little to be left out.
FAR_ABOVE = 1e3


@dataclass(frozen=True, eq=False)
class Spectrum:
    """X of some examples, in its own axes.

    With z the representation of an example (`Moments.rows`), its coordinates along V are
    (z - offset) @ basis. `values` are the squared singular values without the null space; `targets` [r, k]
    are X'Y in these axes, for targets centred at `intercept`.
    """

    values: Float[Array, " r"]
    basis: Float[Array, "q r"]
    offset: Float[Array, " q"]
    targets: Float[Array, "r k"]
    intercept: Float[Array, " k"]

    def spread(self, weights: Weights) -> float:
        """Weighted mean squared distance of the examples from their mean: the unit of penalties."""
        return float(self.values.sum() / weights.sum())

    def ridge(self, penalties: Float[Array, " p"]) -> Float[Array, "r p k"]:
        """The ridge solution in these axes for every penalty: X'Y / (values + penalty)."""
        return np.asarray(self.targets[:, None] / (self.values[:, None] + penalties)[..., None])

    def on_rows(self, penalty: float) -> "OnRows":
        """The ridge solution for one penalty."""
        return OnRows(self.basis @ self.ridge(np.array([penalty]))[:, 0], self.offset, self.intercept)


class OnRows(NamedTuple):
    """Scores of an example with the representation z: (z - offset) @ coefficients + intercept."""

    coefficients: Float[Array, "q k"]
    offset: Float[Array, " q"]
    intercept: Float[Array, " k"]


def positive(matrix: Float[Array, "q q"], *, floor: float) -> tuple[Float[Array, " r"], Float[Array, "q r"]]:
    """Eigenvalues above rounding, and their vectors."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > max(RELATIVE_FLOOR * values[-1], floor)
    return values[kept], vectors[:, kept]


def solved(
    matrix: Float[Array, "q q"], right: Float[Array, "q k"], penalty: float, *, floor: float
) -> Float[Array, "q k"]:
    """(matrix + penalty)^-1 right, by Cholesky's factor; the matrix is overwritten.

    Where the penalty is not far above rounding, directions of rounding are left out, as in `positive`.
    """
    if penalty <= FAR_ABOVE * max(floor, RELATIVE_FLOOR * float(np.trace(matrix))):
        values, axes = positive(matrix, floor=floor)
        return np.asarray(axes @ ((axes.T @ right) / (values + penalty)[:, None]))
    matrix[np.diag_indices(len(matrix))] += penalty
    return np.asarray(solve(matrix, right, assume_a="pos", overwrite_a=True, check_finite=False))
