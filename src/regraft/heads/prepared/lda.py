"""Linear discriminant analysis under one shrinkage after another: each fold is decomposed once."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Scores
from regraft.core.threads import in_parallel, single_threaded_blas
from regraft.heads.lda import Lda, Pooled
from regraft.heads.prepared.preparation import Dealt


class Seen(NamedTuple):
    """A fold's examples, and the classes' means, as the others' covariance sees them.

    Attributes:
        pooled: the fit to the others, without their sums.
        on_means: the examples' inner products with the means.
        on_axes: how far the examples reach along the covariance's axes, and
        means_on_axes: how far the means do.
    """

    pooled: Pooled
    on_means: Float[Array, "h k"]
    on_axes: Float[Array, "h r"]
    means_on_axes: Float[Array, "r k"]

    @classmethod
    def of(cls, pooled: Pooled, features: Features) -> "Seen":
        """Project the examples."""
        centred = (features - pooled.centre).T
        # In float64: with little shrinkage what lies along the axes and what does not nearly cancel.
        on_axes = np.ascontiguousarray(pooled.reaching(centred).T)
        light = replace(pooled, side=None, whole=None)
        return cls(light, centred.T @ pooled.means, on_axes, pooled.reaching(pooled.means))

    @property
    def nbytes(self) -> int:
        """Of its arrays."""
        return self.on_axes.nbytes + self.means_on_axes.nbytes + self.pooled.means.nbytes

    def scores(self, shrinkage: float | None) -> Scores:
        """What `Pooled.linear` says of these examples."""
        pooled = self.pooled
        sphere, along = pooled.curvature.inverse(shrinkage)
        reached = along[:, None] * self.means_on_axes
        lengths = (pooled.means**2).sum(axis=0) / sphere + (self.means_on_axes * reached).sum(axis=0)
        known = self.on_means / sphere + self.on_axes @ reached + pooled.log_shares - lengths / 2
        scores = np.empty((len(known), len(pooled.present)), np.float32)
        scores[:, pooled.present] = known
        scores[:, ~pooled.present] = known.mean(axis=1, keepdims=True) - pooled.gap
        return scores


class PreparedLda:
    """Each fold's examples in the axes of the covariance of the others.

    Cost: once a fit for every fold, and n^2 (d + r) / f multiplications; then n r k for every shrinkage.
    """

    def __init__(self, dealt: Dealt) -> None:
        self.dealt = dealt
        self._seen: dict[int, Seen] = {}

    @property
    def nbytes(self) -> int:
        """Of what folds look like."""
        return sum(seen.nbytes for seen in self._seen.values())

    def held_out(self, head: Lda, numbers: tuple[int, ...] | None) -> Scores:
        """Held-out scores under a shrinkage, of some folds."""
        assert numbers is not None, "each example alone would be a fit for each"
        new = [number for number in numbers if number not in self._seen]
        self._seen |= dict(zip(new, in_parallel(self._look, new), strict=True))
        scores = self.dealt.nowhere()
        with single_threaded_blas():
            for number in numbers:
                scores[self.dealt.fold(number)] = self._seen[number].scores(head.shrinkage)
        return scores

    def _look(self, number: int) -> Seen:
        dealt, out = self.dealt, self.dealt.fold(number)
        given = (dealt.features[~out], dealt.labels[~out])
        pooled = Pooled.of(*given, class_count=dealt.class_count, weights=dealt.weights[~out])
        return Seen.of(pooled, dealt.features[out])
