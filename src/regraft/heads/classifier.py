"""What every head becomes once it is fitted: a function from features to scores.

Many ways to fit, few fitted things. Ridge, logistic regression, nearest means and every member of a trained
population are a matrix and a bias; nearest neighbours keep their examples.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from regraft.core.arrays import Array, Features, Labels, Scores, Weights
from regraft.core.errors import DataError
from regraft.heads.blocks import parts, read_rows

ROWS_AT_ONCE, PAIRS_AT_ONCE = 1024, 1 << 23
"""That neighbours are sought for: as many as have so many pairs with the examples, 200 MB of them."""

NEARER = 1e-5
"""Of a vote, that the nearest example has beside it, and the next ones less."""


@runtime_checkable
class Classifier(Protocol):
    """A fitted head. `softmax(scores / temperature)` are probabilities, at a temperature fitted elsewhere."""

    @property
    def class_count(self) -> int:
        """How many classes the scores have, those without examples included."""
        ...

    def scores(self, features: Features) -> Scores:
        """One row of class scores per example; the largest is the prediction."""
        ...


@dataclass(frozen=True, eq=False)
class Linear:
    """Scores are `features @ weights + bias`."""

    weights: Float[Array, "d k"]
    bias: Float[Array, " k"]

    @property
    def class_count(self) -> int:
        """The number of columns."""
        return len(self.bias)

    def scores(self, features: Features) -> Scores:
        """One matrix product; in blocks of features in half precision or in a mapped file.

        Raises:
            DataError: the width is not the one fitted.
        """
        check_width(features, len(self.weights))
        if not isinstance(features, np.memmap) and features.dtype != np.float16:
            return np.asarray(features @ self.weights + self.bias)
        scores = np.empty((len(features), self.class_count), np.result_type(self.weights, np.float32))
        for part in parts(len(features)):
            scores[part] = read_rows(features, part) @ self.weights + self.bias
        return scores

    def fold(self, shift: Float[Array, " d"], scale: Float[Array, " d"]) -> "Linear":
        """The same function of raw features when this one was fitted on `(raw - shift) * scale`.

        An affine map in front of a linear head is a linear head: (x - t) S W + b = x (S W) + (b - t S W).

        >>> head = Linear(np.array([[2.0, 0.0]]), np.array([1.0, 0.0]))
        >>> head.fold(np.array([3.0]), np.array([0.5])).scores(np.array([[5.0]])).tolist()
        [[3.0, 0.0]]
        """
        weights = self.weights * scale[:, None]
        return Linear(weights, self.bias - shift @ weights)


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Fitted k-nearest-neighbours: the examples that vote, as the metric wants them.

    Scores are logarithms of smoothed vote shares, log((votes + 1/k) / (total + 1)) for k classes, so they are
    finite and their softmax at temperature 1 gives the shares back. An example of weight 2 casts two votes,
    as if it stood there twice: the nearest examples vote until their weights sum to `neighbours`. Of classes
    with as many votes the nearer one is ahead by a trifle.

    Where votes go by similarity, a vote counts exp(-2 (d / r)^2), for the distance d and that of the first
    example which has no more vote, r; the cosine's distances are those between rows of unit length.
    """

    examples: Features
    labels: Labels
    weights: Weights
    class_count: int
    neighbours: int
    metric: str = "cosine"
    votes_by: str = "number"

    def scores(self, features: Features) -> Scores:
        """Votes of the nearest examples. Cost: n x (examples) x d multiplications, in blocks of rows."""
        check_width(features, self.examples.shape[1])
        found = [self.votes(features[part]) for part in self.blocks(len(features))]
        return np.concatenate(found) if found else np.empty((0, self.class_count), np.float32)

    def blocks(self, count: int) -> list[slice]:
        """So many rows, as many at a time as memory should hold comparisons of."""
        size = max(1, min(ROWS_AT_ONCE, PAIRS_AT_ONCE // len(self.examples)))
        return [slice(start, start + size) for start in range(0, count, size)]

    def votes(self, features: Features, *, excluded: Bool[Array, "n e"] | None = None) -> Scores:
        """Scores of some rows, all at once; `excluded` [rows, examples] marks who may not vote for whom."""
        closeness = self._closeness(features)
        if excluded is not None:
            closeness[excluded] = -np.inf
        asked = self._nearest(closeness)
        weights = np.where(np.isneginf(np.take_along_axis(closeness, asked, 1)), 0, self.weights[asked])
        before = np.cumsum(weights, axis=1) - weights
        ballots = np.minimum(weights, np.maximum(self.neighbours - before, 0))
        if self.votes_by == "similarity":
            ballots *= _kernel(
                self._squared_distances(features, asked, closeness), before + weights > self.neighbours
            )
        else:
            ballots += np.where(ballots > 0, NEARER / (1 + before), 0)
        votes = np.zeros((len(features), self.class_count))
        np.add.at(votes, (np.arange(len(features))[:, None], self.labels[asked]), ballots)
        shares = (votes + 1 / self.class_count) / (votes.sum(1, keepdims=True) + 1)
        return np.asarray(np.log(shares), np.float32)

    def _closeness(self, features: Features) -> Float[Array, "n e"]:
        """Cosine similarity, or minus half the squared distance but for the asker's own constant."""
        if self.metric == "cosine":
            return np.asarray(unit_rows(features) @ self.examples.T)
        lengths = np.einsum("ed,ed->e", self.examples, self.examples)
        return np.asarray(features @ self.examples.T - lengths / 2)

    def _squared_distances(
        self, features: Features, asked: Int[Array, "n m"], closeness: Float[Array, "n e"]
    ) -> Float[Array, "n m"]:
        """Of the nearest examples; infinite for those who may not vote."""
        lengths = (features.astype(np.float64) ** 2).sum(axis=1, keepdims=True)
        near = np.take_along_axis(closeness, asked, 1).astype(np.float64)
        return np.maximum((1 - near if self.metric == "cosine" else lengths / 2 - near), 0) * 2

    def _nearest(self, closeness: Float[Array, "n e"]) -> Int[Array, "n m"]:
        """As many nearest examples as the votes may need, nearest first, ties by position.

        Where more are as near as the last of them, which of these it is is not said.
        """
        # One more than vote: its distance says how far the votes reach.
        wanted = min(int(np.ceil(self.neighbours / self.weights.min())) + 1, closeness.shape[1])
        found = np.argpartition(-closeness, wanted - 1, axis=1)[:, :wanted]
        found.sort(axis=1)
        order = np.argsort(-np.take_along_axis(closeness, found, 1), axis=1, kind="stable")
        return np.take_along_axis(found, order, 1)


def _kernel(squares: Float[Array, "n m"], beyond: Bool[Array, "n m"]) -> Float[Array, "n m"]:
    """What votes at some squared distances count, nearest first; `beyond` have no vote, or part of one.

    Where everybody votes, they reach as far as the farthest who does.
    """
    may = np.isfinite(squares)
    last = np.where(beyond.any(axis=1), beyond.argmax(axis=1), np.maximum(may.sum(axis=1) - 1, 0))
    reach = np.take_along_axis(squares, last[:, None], 1)
    shares = np.where(may, squares, 0) / np.where((reach > 0) & np.isfinite(reach), reach, np.inf)
    return np.exp(-2 * shares)


def unit_rows(features: Features) -> Features:
    """Rows divided by their length, in float32 or wider; a row of zeros stays."""
    features = np.asarray(features, np.result_type(features, np.float32))
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.where(length > 0, length, 1))


def check_width(features: Features, width: int) -> None:
    """Raise `DataError` unless the features have the width that a classifier was fitted on."""
    if features.ndim != 2 or features.shape[1] != width:
        raise DataError(
            f"The features have shape {features.shape}; this classifier was fitted on rows of {width}. "
            f"Compute them with the same backbone, depths and scaling."
        )
