"""Classifiers that compare an image with examples through a Gaussian kernel, once they are fitted."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from regraft.core.arrays import Array, Features, Scores, Weights
from regraft.core.errors import DataError
from regraft.heads.classifier import Linear, check_width

ROWS_AT_ONCE = 1024
MEASURED = 1000
"""So many examples, spread evenly over all, say how far examples lie apart."""


@dataclass(frozen=True, eq=False)
class KernelMachine:
    """Scores are `kernel(features, examples) @ duals + bias`, the kernel exp(-gamma * |x - e|^2).

    Examples are kept about their centre, where float32 loses least of a distance.
    """

    examples: Features
    duals: Float[Array, "e k"]
    bias: Float[Array, " k"]
    centre: Float[Array, " d"]
    gamma: float

    @classmethod
    def of(
        cls, centred: Features, duals: Linear, centre: Float[Array, " d"], gamma: float
    ) -> "KernelMachine":
        """In float32, from examples about their centre and what is linear in the kernel."""
        arrays = (centred, duals.weights, duals.bias, centre)
        examples, weights, bias, about = (array.astype(np.float32) for array in arrays)
        return cls(examples, weights, bias, about, gamma)

    @property
    def class_count(self) -> int:
        """The number of biases."""
        return len(self.bias)

    def scores(self, features: Features) -> Scores:
        """Cost: n x (examples) x (d + k) multiplications, in blocks of rows."""
        check_width(features, self.examples.shape[1])
        blocks = (features[i : i + ROWS_AT_ONCE] for i in range(0, len(features), ROWS_AT_ONCE))
        parts = [self._scores(block) for block in blocks]
        return np.concatenate(parts) if parts else np.empty((0, self.class_count), np.float32)

    def _scores(self, features: Features) -> Scores:
        centred = (features - self.centre).astype(self.examples.dtype, copy=False)
        closeness = gaussian(squared_distances(centred, self.examples), self.gamma)
        return np.asarray(closeness @ self.duals + self.bias, np.float32)


def squared_distances(first: Float[Array, "n d"], second: Float[Array, "e d"]) -> Float[Array, "n e"]:
    """|x|^2 - 2 x'e + |e|^2, never below 0. Cost: n e d multiplications."""
    squares = first @ second.T
    squares *= -2
    squares += (first**2).sum(axis=1)[:, None]
    squares += (second**2).sum(axis=1)
    return np.asarray(np.maximum(squares, 0, out=squares))


def gaussian(squares: Float[Array, "n e"], gamma: float) -> Float[Array, "n e"]:
    """exp(-gamma * squares), in place of the squares."""
    squares *= -gamma
    return np.asarray(np.exp(squares, out=squares))


def gamma_of(squares: Float[Array, "n n"], weights: Weights, *, width: float) -> float:
    """1 / (2 w^2) for a kernel as wide as `width` times the median distance between examples.

    Copies of one example, and the example itself, lie nowhere apart and do not count; an example of weight 2
    counts in its pairs as two do. Where nothing lies apart the kernel is one wide.

    Source: the median heuristic; Garreau et al. 2017, 1707.07269.
    Cost: a sort of half a million numbers.
    """
    some = np.arange(0, len(squares), -(-len(squares) // MEASURED))
    first, second = np.triu_indices(len(some), 1)
    apart, shares = squares[some[first], some[second]], (weights[some[first]] * weights[some[second]])
    # Distances of that size are rounding of float32 features.
    far = apart > max(1e-9 * float(apart.max(initial=0)), float(np.finfo(np.float32).tiny))
    if not far.any():
        return 0.5 / width**2
    order = np.argsort(apart[far])
    reached = np.cumsum(shares[far][order])
    median = apart[far][order[np.searchsorted(reached, reached[-1] / 2)]]
    return float(0.5 / (width**2 * median))


def require_few(count: int, most: int, *, head: str) -> None:
    """Raise `DataError` where a matrix of all pairs of examples would be too large.

    Raises:
        DataError: there are more examples than `most`.
    """
    if count > most:
        raise DataError(
            f"The {head} head compares every example with every other and takes at most {most} of them; "
            f"there are {count}. Take ridge, logistic, linear_svm or perceptron."
        )
