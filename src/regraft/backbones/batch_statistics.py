"""What a network's normalisation layers remember of the images it was trained on, beside the user's images.

Batch normalisation keeps mean and variance of every channel over the training images. They are all that is
left of these images in a file of weights, and enough to say how far others are from them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from regraft.backbones.card import Card
from regraft.backbones.sources import build_bare, identify
from regraft.core.arrays import Array, Images

if TYPE_CHECKING:
    from torch import nn

IMAGES_AT_ONCE = 4
"""Activations of so few stay in the cores' caches."""


@dataclass(frozen=True)
class LayerStatistics:
    """Means and variances of one layer's channels, over images and positions: the user's and the source's."""

    mean: Float[Array, " c"]
    variance: Float[Array, " c"]
    source_mean: Float[Array, " c"]
    source_variance: Float[Array, " c"]


def batch_statistics(card: Card, images: Images) -> list[LayerStatistics]:
    """Of every batch normalisation that works on maps, in the order of the network; none where it has none.

    Args:
        card: of a network that torch can run.
        images: [b, card.image_px, card.image_px, 3].

    Source: Li et al. 2016, 1603.04779 (these statistics hold what is particular to a domain).
    Cost: one forward pass in torch.

    Raises:
        BackboneError: the network cannot be had as a torch module.
    """
    import torch

    network = build_bare(identify(card.name)).to(memory_format=torch.channels_last)
    layers = [layer for layer in network.modules() if _keeps_statistics(layer)]
    sums = [_Sums() for _ in layers]
    hooks = [layer.register_forward_pre_hook(total.add) for layer, total in zip(layers, sums, strict=True)]
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    with torch.inference_mode():
        for start in range(0, len(images), IMAGES_AT_ONCE):
            some = torch.from_numpy(np.ascontiguousarray(images[start : start + IMAGES_AT_ONCE]))
            network((some.permute(0, 3, 1, 2).float() - mean) / std)
    for hook in hooks:
        hook.remove()
    return [total.beside(layer) for layer, total in zip(layers, sums, strict=True) if total.count]


def _keeps_statistics(layer: "nn.Module") -> bool:
    from torch import nn

    return isinstance(layer, nn.BatchNorm2d) and layer.running_mean is not None


class _Sums:
    """Means and mean squares over images and positions of what goes into a layer, batch by batch."""

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = 0.0
        self.square: Any = 0.0

    def add(self, _layer: "nn.Module", inputs: tuple[Any, ...]) -> None:
        import torch

        images = len(inputs[0])
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        self.count += images
        self.mean = self.mean + images * mean.double()
        self.square = self.square + images * (variance.double() + mean.double() ** 2)

    def beside(self, layer: Any) -> LayerStatistics:
        mean = (self.mean / self.count).numpy()
        variance = np.maximum((self.square / self.count).numpy() - mean**2, 0)
        kept = (layer.running_mean, layer.running_var)
        return LayerStatistics(mean, variance, *(each.double().numpy() for each in kept))
