"""A head trained by gradient descent; hundreds of them train as one (`together`).

Importing this module does not import torch.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from regraft.core.arrays import Features, Folds, Scores, Truth, Weights
from regraft.core.errors import TrainingError
from regraft.core.settings import Knob
from regraft.heads.classifier import Linear
from regraft.heads.layers import Layers
from regraft.heads.member import Course, Member, Optimizer


@dataclass(frozen=True)
class TrainedLinear(Member):
    """Softmax regression by mini-batches on standardised features; with a width, on a hidden layer of them.

    The features' mean squared length is one, so that the same learning rates suit any number of features:
    about 0.01 for adam, adamw and rmsprop, about 1 for sgd and nesterov.

    Cost: 2 n d k multiplications per epoch, of which hundreds of heads side by side make few products; on a
        CUDA device where there is one.
    """

    optimizer: Annotated[Optimizer, Knob("how gradients become steps")] = "adamw"
    learning_rate: Annotated[float, Knob("step size", low=1e-6, high=100, log=True)] = 0.02
    weight_decay: Annotated[float, Knob("pull toward zero; decoupled for adamw", low=0, high=10)] = 1e-4
    epochs: Annotated[int, Knob("passes over the examples", low=1, high=10000)] = 50

    @property
    def course(self) -> Course:
        """How it trains in company."""
        return Course(self, self.epochs, self.seed)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Linear | Layers:
        """Standardise, train to the last epoch, and put the standardisation into the weights.

        Raises:
            DataError: features, labels or weights cannot be used.
            TrainingError: the weights are no finite numbers.
        """
        from regraft.heads.together import standardised, train_alone

        standard, data = standardised(features, labels, class_count=class_count, weights=weights)
        layers = train_alone(self.course, data)
        if not all(np.isfinite(layer).all() for layer in layers):
            raise self._diverged()
        first, last = layers[0], layers[-1]
        raw, bias = standard.unfold(first[:, : data.width].T, first[:, data.width])
        if not self.width:
            return Linear(raw, bias)
        return Layers((raw, np.ascontiguousarray(last[:, :-1].T)), (bias, last[:, -1]), "relu")

    def held_out(
        self,
        features: Features,
        labels: Truth,
        *,
        class_count: int,
        folds: Folds | None,
        weights: Weights | None = None,
    ) -> Scores:
        """Scores of every example by a fit to the other folds, all standardised as all examples say.

        Raises:
            DataError: features, labels, folds or weights cannot be used.
            TrainingError: a fit diverged.
        """
        from regraft.heads.together import held_out_together

        rounds = (np.arange(len(labels)) if folds is None else folds,)
        given = (features, labels)
        (found,) = held_out_together(
            [self], *given, class_count=class_count, rounds=rounds, weights=weights, halve=False
        )
        if found.scores is None:
            raise self._diverged()
        return found.scores

    def _diverged(self) -> TrainingError:
        return TrainingError(
            f"The head diverged with the learning rate {self.learning_rate:g}: its weights are no finite "
            f"numbers. Take a lower rate."
        )
