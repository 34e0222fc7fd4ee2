"""Features put on one scale before a gradient method sees them, and weights taken back."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Weights
from regraft.heads.blocks import parts, read_rows
from regraft.heads.moments import ABSOLUTE_FLOOR

LEAST_VARIANCE = 0.01
"""Added to every feature's variance before standardising by it, as a share of the mean variance."""


@dataclass(frozen=True, eq=False)
class Standard:
    """An affine map of every feature that varies; those that do not are left out.

    Rows have a mean squared length near one, so that a learning rate means the same for any number of
    features.
    """

    centre: Float[Array, " d"]
    scale: Float[Array, " v"]
    varies: Bool[Array, " d"]

    @classmethod
    def of(cls, features: Features, weights: Weights) -> "Standard":
        """By the features' weighted means and variances."""
        blocks = parts(len(features))
        # A few rows at a time, since features may be larger than memory.
        sums = (weights[part] @ read_rows(features, part) for part in blocks)
        centre = np.sum(list(sums), axis=0) / weights.sum()
        squares = (weights[part] @ (read_rows(features, part) - centre) ** 2 for part in blocks)
        variance = np.sum(list(squares), axis=0) / weights.sum()
        # What does not vary gets no weight, so that a constant feature changes nothing.
        varies = variance > ABSOLUTE_FLOOR * centre**2
        count = max(np.count_nonzero(varies), 1)
        # What hardly varied among the examples may vary widely elsewhere, and must not drown the rest there.
        least = LEAST_VARIANCE * variance[varies].sum() / count
        return cls(centre, 1 / np.sqrt(count * (variance[varies] + least)), varies)

    @property
    def by_feature(self) -> "Standard":
        """The same with a variance near one for every feature, whatever their number."""
        return replace(self, scale=self.scale * np.sqrt(max(len(self.scale), 1)))

    def rows(self, features: Features) -> Float[Array, "n v"]:
        """Mapped features [n, v]."""
        rows = np.empty((len(features), len(self.scale)), np.float32)
        for part in parts(len(features)):
            rows[part] = (read_rows(features, part)[:, self.varies] - self.centre[self.varies]) * self.scale
        return rows

    def unfold(
        self, weights: Float[Array, "v o"], bias: Float[Array, " o"]
    ) -> tuple[Float[Array, "d o"], Float[Array, " o"]]:
        """The weights of raw features that say what these say of mapped ones."""
        raw = np.zeros((len(self.varies), weights.shape[1]), np.float32)
        raw[self.varies] = weights * self.scale[:, None]
        return raw, (bias - self.centre @ raw).astype(np.float32)
