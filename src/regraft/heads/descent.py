"""The training of a perceptron, on torch. What it leaves is NumPy's: see `layers`."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from regraft.core.arrays import Array, Features, Labels, Mask, Weights
from regraft.core.errors import TrainingError
from regraft.core.seeds import derive_seed, generator
from regraft.heads.blocks import parts
from regraft.heads.layers import Layers

if TYPE_CHECKING:
    from regraft.heads.perceptron import Perceptron

EPSILON = 1e-5
"""Under the variance of a batch."""

STEPS, SIZES = 32, (16, 256)
"""Of an epoch, and of the batches, where no batch size is given."""

KEPT = 0.9
"""Of the running means and variances, at each step."""


@dataclass(frozen=True, eq=False)
class Training:
    """Standardised examples of classes that all have some, and which of them training is stopped by."""

    features: Features
    labels: Labels
    class_count: int
    weights: Weights
    held_out: Mask


class Network:
    """The numbers that are learnt, and what they make of a batch."""

    def __init__(self, settings: "Perceptron", training: Training, device: torch.device) -> None:
        self.settings = settings
        sizes = [training.features.shape[1], *[settings.width] * settings.layers, training.class_count]
        random = generator(settings.seed, "first weights")
        self.weights, self.biases = [], []
        for at, (inputs, outputs) in enumerate(pairwise(sizes)):
            drawn = np.sqrt(2 / max(inputs, 1)) * random.standard_normal((inputs, outputs))
            # A feature that hardly varies starts, and by its small slopes stays, with hardly any weight.
            drawn *= 1 if at else _deviations(training)[:, None]
            self.weights.append(_to(drawn.astype(np.float32), device).requires_grad_())
            self.biases.append(torch.zeros(outputs, device=device, requires_grad=True))
        hidden = range(settings.layers if settings.batch_norm else 0)
        self.gains = [torch.ones(settings.width, device=device, requires_grad=True) for _ in hidden]
        self.means = [torch.zeros(settings.width, device=device) for _ in hidden]
        self.variances = [torch.ones(settings.width, device=device) for _ in hidden]
        self.noise = torch.Generator(device).manual_seed(derive_seed(settings.seed, "dropout"))

    def scores(self, rows: Tensor, *, training: bool) -> Tensor:
        """Scores of a batch; in training with dropout, and with the batch's own means and variances."""
        for at, weights in enumerate(self.weights[:-1]):
            rows = rows @ weights
            if self.gains:
                rows = functional.batch_norm(
                    rows, self.means[at], self.variances[at], self.gains[at],
                    training=training, momentum=1 - KEPT, eps=EPSILON,
                )  # fmt: skip
            rows = self._activate(rows + self.biases[at])
            if training and self.settings.dropout:
                heard = torch.rand(rows.shape, generator=self.noise, device=rows.device)
                rows = rows * (heard >= self.settings.dropout) / (1 - self.settings.dropout)
        return rows @ self.weights[-1] + self.biases[-1]

    def _activate(self, rows: Tensor) -> Tensor:
        name = self.settings.activation
        if name == "gelu":
            return functional.gelu(rows, approximate="tanh")
        return {"relu": torch.relu, "silu": functional.silu, "tanh": torch.tanh}[name](rows)

    def groups(self) -> list[dict[str, object]]:
        """What the optimizer moves; only weights decay."""
        decay = self.settings.weight_decay
        rest = [*self.biases, *self.gains]
        return [{"params": self.weights, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]

    def layers(self) -> Layers:
        """Copies of the numbers, batch normalisation folded into the weights before it."""
        weights = [each.detach().cpu().numpy().copy() for each in self.weights]
        biases = [each.detach().cpu().numpy().copy() for each in self.biases]
        for at, gain in enumerate(self.gains):
            factor = (gain.detach() / torch.sqrt(self.variances[at] + EPSILON)).cpu().numpy()
            weights[at] *= factor
            biases[at] -= self.means[at].cpu().numpy() * factor
        return Layers(tuple(weights), tuple(biases), self.settings.activation)


def train(settings: "Perceptron", training: Training) -> Layers:
    """Train to the epoch of the lowest held-out loss; without a held-out part, to the last.

    Raises:
        TrainingError: the loss is no finite number.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = Network(settings, training, device)
    rows, labels = _to(training.features, device), _to(training.labels, device)
    shares = _to((training.weights / training.weights.mean()).astype(np.float32), device)
    optimizer = torch.optim.AdamW(network.groups(), lr=settings.learning_rate, fused=True)
    best, lowest, best_epoch = network.layers(), np.inf, 0
    trained, held = (np.flatnonzero(training.held_out == out) for out in (False, True))
    for epoch in range(settings.epochs):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * 0.5 * (1 + np.cos(np.pi * epoch / settings.epochs))
        for batch in _batches(trained, settings, epoch):
            index = _to(batch, device)
            loss = _loss(network, rows[index], labels[index], shares[index], smoothing=settings.smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        judged = _judge(network, rows, labels, shares, _to(held, device)) if len(held) else -float(epoch)
        if not np.isfinite(loss.item()):
            lowest = lowest if len(held) else np.inf
            break
        if judged < lowest:
            best, lowest, best_epoch = network.layers(), judged, epoch
        elif epoch - best_epoch >= settings.patience:
            break
    _require_finite(best, lowest, settings)
    return best


def _loss(network: Network, rows: Tensor, labels: Tensor, shares: Tensor, *, smoothing: float) -> Tensor:
    """The mean cross-entropy of a batch, by weight."""
    scores = network.scores(rows, training=True)
    losses = functional.cross_entropy(scores, labels, reduction="none", label_smoothing=smoothing)
    return (shares * losses).mean()


def _judge(network: Network, rows: Tensor, labels: Tensor, shares: Tensor, held: Tensor) -> float:
    """The held-out log-loss by weight, without dropout and smoothing."""
    with torch.no_grad():
        scores = network.scores(rows[held], training=False)
        losses = functional.cross_entropy(scores, labels[held], reduction="none")
        return float((shares[held] * losses).sum() / shares[held].sum())


def _batches(trained: Int[Array, " t"], settings: "Perceptron", epoch: int) -> list[Int[Array, " _"]]:
    """An epoch's rows in random order, in batches of nearly equal size.

    Two rows at least, as batch normalisation needs them: a lone one stands there twice.
    """
    order = generator(settings.seed, "order", epoch).permutation(trained)
    if len(order) == 1:
        order = np.repeat(order, 2)
    size = settings.batch_size or int(np.clip(len(order) // STEPS, *SIZES))
    return list(np.array_split(order, min(round(len(order) / size), len(order) // 2) or 1))


def _deviations(training: Training) -> Float[Array, " d"]:
    """Standard deviations of the features, whose means are zero."""
    rows, weights = training.features, training.weights
    squares = [weights[part] @ rows[part] ** 2 for part in parts(len(rows))]
    return np.asarray(np.sqrt(np.sum(squares, axis=0) / weights.sum()))


def _to(array: Features | Labels | Weights, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def _require_finite(layers: Layers, lowest: float, settings: "Perceptron") -> None:
    finite = all(np.isfinite(each).all() for each in (*layers.weights, *layers.biases))
    if not finite or lowest == np.inf:
        raise TrainingError(
            f"The perceptron diverged with the learning rate {settings.learning_rate:g}: its loss is no "
            f"number. Take a lower rate."
        )
