"""A perceptron of one or two hidden layers, trained by gradient descent and stopped when it ceases to learn.

Importing this module does not import torch, nor do predictions: see `layers`.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from regraft.core.arrays import Features, Labels, Mask, Truth, Weights
from regraft.core.seeds import generator
from regraft.core.settings import Knob, check
from regraft.heads.layers import Activation, Layers
from regraft.heads.standard import Standard
from regraft.heads.weighting import checked, one_each

HELD_OUT_FRACTION = 0.15
FEWEST_HELD_OUT = 20
"""With fewer examples to stop by, chance would say when: then all are trained on, to the last epoch."""


@dataclass(frozen=True)
class Perceptron:
    """Affine maps with an activation between them, on standardised features, trained by AdamW.

    Training stops once the log-loss of an inner held-out part, drawn within each class, has not fallen for
    `patience` epochs, and what it was best at is kept. The learning rate falls to zero along a cosine.
    Without a batch size there are 32 steps an epoch, of 16 to 256 examples each.

    Source: Rumelhart et al. 1986, 10.1038/323533a0; AdamW of Loshchilov & Hutter 2019, 1711.05101; dropout of
        Srivastava et al. 2014; batch normalisation of Ioffe & Szegedy 2015, 1502.03167; first weights of He
        et al. 2015, 1502.01852.
    Differs: an example of weight 2 counts twice in every step that sees it, rather than being seen twice.
    Cost: 6 n (d h + h^2 + h k) multiplications per epoch at width h; on a CUDA device where there is one.
        Equal seeds give equal weights on equal machines.
    """

    width: Annotated[int, Knob("units of each hidden layer", low=1, high=8192, log=True)] = 256
    layers: Annotated[int, Knob("hidden layers", low=1, high=2)] = 1
    activation: Annotated[Activation, Knob("what follows each hidden layer")] = "relu"
    dropout: Annotated[float, Knob("share of units zeroed at each step", low=0, high=0.9)] = 0.2
    batch_norm: Annotated[bool, Knob("normalise units over each batch, before the activation")] = True
    learning_rate: Annotated[float, Knob("step size of AdamW", low=1e-6, high=1, log=True)] = 1e-3
    weight_decay: Annotated[float, Knob("pull toward zero", low=0, high=10)] = 1e-2
    smoothing: Annotated[float, Knob("share of each target spread over all classes", low=0, high=0.5)] = 0.0
    batch_size: Annotated[int | None, Knob("examples per step", low=2, high=65536, log=True)] = None
    epochs: Annotated[int, Knob("passes over the examples, at most", low=1, high=10000)] = 100
    patience: Annotated[int, Knob("epochs without improvement before it stops", low=1, high=10000)] = 15
    seed: Annotated[int, Knob("of first weights, order, dropout and the inner part", low=0, high=2**31)] = 0

    def __post_init__(self) -> None:
        check(self)

    def fit(
        self, features: Features, labels: Truth, *, class_count: int, weights: Weights | None = None
    ) -> Layers:
        """Standardise, train, and put the standardisation into the first layer.

        Raises:
            DataError: features, labels or weights cannot be used.
            TrainingError: the loss is no finite number.
        """
        weights = checked(features, labels, class_count=class_count, weights=weights)
        labels = one_each(labels)
        present, place = np.unique(labels, return_inverse=True)
        standard = Standard.of(features, weights).by_feature

        from regraft.heads.descent import Training, train
        from regraft.heads.team import one_thread

        rows, held_out = standard.rows(features), inner_part(labels, seed=self.seed)
        training = Training(rows, place, len(present), weights, held_out)
        with one_thread():
            learnt = train(self, training)
        first, bias = standard.unfold(learnt.weights[0], learnt.biases[0])
        unfolded = Layers((first, *learnt.weights[1:]), (bias, *learnt.biases[1:]), self.activation)
        return unfolded.spread(np.isin(np.arange(class_count), present), float(np.log(len(labels) + 1)))


def inner_part(labels: Labels, *, seed: int) -> Mask:
    """Which examples are held out to stop by: a share of each class, rounded by lot, never a whole class."""
    random = generator(seed, "inner part")
    held = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        count = min(int(HELD_OUT_FRACTION * len(own) + random.random()), len(own) - 1)
        held[random.permutation(own)[:count]] = True
    return held if held.sum() >= FEWEST_HELD_OUT else np.zeros(len(labels), bool)
