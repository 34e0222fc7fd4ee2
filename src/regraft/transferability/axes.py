"""Features in their own axes: the one decomposition that most scores of transferability read from.

Ridge, evidence, H-score, Fisher discriminants, mixtures and distances between classes do not change when
features are turned or shifted. With X = U S V' the centred features, all of them read the coordinates U S,
of which there are at most min(n - 1, d), and in which the covariance is diagonal.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from regraft.core.arrays import Array, Features, Labels
from regraft.core.threads import single_threaded_blas
from regraft.heads.ballots import Ballots
from regraft.heads.moments import NO_ROWS, Moments, moments
from regraft.heads.spectrum import Spectrum


@dataclass(frozen=True, eq=False)
class Axes:
    """Coordinates of n images along the r axes in which they differ, the one of least variance first.

    `width` is how many features there were, `labels` are 0 .. k - 1 with every class present.
    """

    side: Moments
    whole: Spectrum
    labels: Labels
    width: int

    @classmethod
    def of(cls, features: Features, labels: Labels, class_count: int) -> "Axes":
        """Decompose. Cost: n d r + 4 r^3 multiplications with r = min(n, d), in float64."""
        with single_threaded_blas():
            side = moments(features, Ballots(labels, class_count), np.ones(len(labels)))
            return cls(side, side.without(NO_ROWS), labels, features.shape[1])

    @cached_property
    def coordinates(self) -> Float[Array, "n r"]:
        """U S."""
        with single_threaded_blas():
            return self.side.coordinates(self.whole, slice(None))

    @property
    def variances(self) -> Float[Array, " r"]:
        """The variance along each axis, ascending; of the population, so that they sum to the mean square."""
        return np.asarray(self.whole.values / len(self.labels))

    @cached_property
    def counts(self) -> Int[Array, " k"]:
        """How many images each class has."""
        return np.bincount(self.labels)

    @property
    def shares(self) -> Float[Array, " k"]:
        """Which share of the images each class has."""
        return np.asarray(self.counts / len(self.labels))

    @cached_property
    def means(self) -> Float[Array, "k r"]:
        """The mean of each class; weighted by the shares they sum to 0."""
        # X'Y in these axes, which the decomposition has, is the sum over each class.
        return np.asarray(self.whole.targets.T / self.counts[:, None])

    def leading(self, count: int) -> Float[Array, "n a"]:
        """Coordinates along the axes of most variance, at most so many, the first one first."""
        return np.asarray(self.coordinates[:, ::-1][:, :count])
