"""How alike the user's images are to those that a network was trained on."""

from typing import Any

import numpy as np

from regraft.backbones import Backbone
from regraft.backbones.batch_statistics import LayerStatistics, batch_statistics
from regraft.core.arrays import Features, Probabilities
from regraft.core.errors import BackboneError
from regraft.data import Dataset, batches
from regraft.evaluation import softmax
from regraft.features.extract import view_of
from regraft.transferability import source_entropy

IMAGES = 8
"""Enough: every channel is averaged over all their positions."""
SMALLEST_VARIANCE = 1e-8


def source_probabilities(backbone: Backbone, rows: Features) -> Probabilities | None:
    """What the network's own head says of images, from rows of all depths; None if it has no such head."""
    head = backbone.source_head
    return None if head is None else softmax(head.scores(rows, backbone.card).astype(np.float64))


def likeness(
    backbone: Backbone, sample: Dataset, source: Probabilities | None, *, with_shift: bool
) -> dict[str, Any]:
    """`shift` and `entropy`, each None where the network cannot tell, or was not asked.

    `shift` is the Frechet distance between the user's images and the network's training images, in units of
    the latter's variance: channel by channel, what goes into each batch normalisation, averaged.
    `entropy` is that of the network's own head, as a share of the largest possible.

    Source: Dowson and Landau 1982, 10.1016/0047-259X(82)90077-X (the distance between Gaussians).
    """
    return {
        "shift": _shift(backbone, sample) if with_shift else None,
        "entropy": None if source is None else source_entropy(source).value,
    }


def _shift(backbone: Backbone, sample: Dataset) -> float | None:
    step = max(1, len(sample) // IMAGES)
    stream = batches(sample.paths[::step][:IMAGES], view_of(backbone), size=IMAGES, workers=2)
    try:
        layers = batch_statistics(backbone.card, next(iter(stream)).images)
    except BackboneError:
        return None
    return float(np.mean([_distance(layer) for layer in layers])) if layers else None


def _distance(layer: LayerStatistics) -> float:
    """Between two Gaussians of independent channels: (difference of means)^2 + (of deviations)^2."""
    variance = np.maximum(layer.source_variance, SMALLEST_VARIANCE)
    moved = (layer.mean - layer.source_mean) ** 2
    widened = (np.sqrt(layer.variance) - np.sqrt(layer.source_variance)) ** 2
    return float(np.mean((moved + widened) / variance))
