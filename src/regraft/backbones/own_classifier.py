"""A network's own linear classifier, taken out so that its scores follow from stored rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from regraft.backbones.card import Card
from regraft.backbones.depths import HEAD, activations_of, classifier_module, knows_its_activations
from regraft.backbones.source_head import SourceHead

AGREES_TO = 1e-3
PROBED = 2


def classifier_of(network: nn.Module, card: Card, *, names: Sequence[str] | None = None) -> SourceHead | None:
    """Weights [d, z] and bias [z] of a network's classifier, where it is linear in a block of the row.

    It is believed only where it gives the network's own scores on two images. None for encoders, for
    networks that read several embeddings (distilled pairs), and where something stands between.

    Cost: one forward pass of two images.
    """
    if knows_its_activations(network):
        return _of_a_run(card, names)
    layer = _linear(network)
    last = [block for block in card.blocks if block.pooling == "mean"][-1]
    if layer is None or layer.in_features != last.stop - last.start:
        return None
    weights = np.ascontiguousarray(layer.weight.detach().numpy().T, np.float32)
    bias = np.zeros(layer.out_features, np.float32)
    if layer.bias is not None:
        bias = layer.bias.detach().numpy().astype(np.float32)
    head = SourceHead(weights, bias, last.stage, _named(names, bias))
    return head if _gives_the_networks_scores(head, network, card) else None


def _of_a_run(card: Card, names: Sequence[str] | None) -> SourceHead:
    """A run's class scores are a block of the row themselves."""
    last = card.stages[-1]
    bias = np.zeros(last.width, np.float32)
    return SourceHead(np.eye(last.width, dtype=np.float32), bias, last.name, _named(names, bias))


def _named(names: Sequence[str] | None, bias: np.ndarray) -> tuple[str, ...] | None:
    return tuple(names) if names is not None and len(names) == len(bias) else None


def _linear(network: Any) -> nn.Linear | None:
    found = network.get_classifier() if hasattr(network, "get_classifier") else classifier_module(network)
    if isinstance(found, nn.Linear):
        return found
    if isinstance(found, nn.Conv2d) and found.kernel_size == (1, 1) and found.groups == 1:
        # A classifier by convolution of one place is a linear one.
        linear = nn.Linear(found.in_channels, found.out_channels, bias=found.bias is not None)
        state = {"weight": found.weight.flatten(1)}
        linear.load_state_dict(state | ({} if found.bias is None else {"bias": found.bias}))
        return linear
    return None


def _gives_the_networks_scores(head: SourceHead, network: Any, card: Card) -> bool:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randn(PROBED, 3, card.image_px, card.image_px, generator=generator)
    stages = [stage.name for stage in card.stages if stage.name != HEAD]
    with torch.no_grad():
        value = activations_of(network, stages, pixels)[head.block]
        scores = network(pixels)
    if not isinstance(scores, torch.Tensor) or scores.ndim != 2:
        return False
    read = value.flatten(2).mean(2) if value.ndim == 4 else value
    own = read.numpy() @ head.weights + head.bias
    if own.shape != tuple(scores.shape):
        return False
    return bool(np.abs(own - scores.numpy()).max() <= AGREES_TO * max(float(scores.abs().max()), 1e-6))
