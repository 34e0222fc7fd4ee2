"""A fitted multi-layer perceptron: affine maps with one function between them, in NumPy alone."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float

from regraft.core.arrays import Array, Features, Scores
from regraft.heads.classifier import Linear, check_width
from regraft.heads.weighting import spread

Activation = Literal["relu", "gelu", "silu", "tanh"]
ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False)
class Layers:
    """Scores are the last affine map of the others' outputs, each after the activation.

    Standardisation of the features and batch normalisation are affine at this point, so they lie in the
    weights; dropout was for training alone.
    """

    weights: tuple[Float[Array, "_ _"], ...]
    biases: tuple[Float[Array, " _"], ...]
    activation: Activation

    @property
    def class_count(self) -> int:
        """What the last map leads to."""
        return len(self.biases[-1])

    def scores(self, features: Features) -> Scores:
        """One product for each layer, in blocks of rows."""
        check_width(features, len(self.weights[0]))
        blocks = (features[i : i + ROWS_AT_ONCE] for i in range(0, len(features), ROWS_AT_ONCE))
        parts = [self._scores(block) for block in blocks]
        return np.concatenate(parts) if parts else np.empty((0, self.class_count), np.float32)

    def spread(self, present: Bool[Array, " k"], gap: float) -> "Layers":
        """The same with further classes that never win, as `weighting.spread` gives them to a linear head."""
        last = spread(Linear(self.weights[-1], self.biases[-1]), present, gap)
        weights, biases = (*self.weights[:-1], last.weights), (*self.biases[:-1], last.bias)
        return Layers(weights, biases, self.activation)

    def _scores(self, features: Features) -> Scores:
        found = features
        for at, (weights, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            found = (activate(found, self.activation) if at else found) @ weights + bias
        return np.asarray(found, np.float32)


def activate(inputs: Float[Array, "n q"], activation: Activation) -> Float[Array, "n q"]:
    """One of torch's activations; "gelu" is its approximation by tanh.

    >>> activate(np.array([[-1.0, 2.0]]), "relu").tolist()
    [[0.0, 2.0]]
    """
    if activation == "relu":
        return np.asarray(np.maximum(inputs, 0))
    if activation == "tanh":
        return np.asarray(np.tanh(inputs))
    # x sigmoid(u) = x (1 + tanh(u / 2)) / 2, with u = x for silu.
    half = inputs / 2 if activation == "silu" else 0.7978845608 * (inputs + 0.044715 * inputs**3)
    return np.asarray(0.5 * inputs * (1 + np.tanh(half)))
