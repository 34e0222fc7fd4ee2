"""A saved run as a network: the features it was made of, and its own class scores as one more stage."""

from collections.abc import Sequence

import torch
from torch import nn

from regraft.backbones.card import Card
from regraft.backbones.depths import Depths, pooled

CLASSES = "classes"


class Grafted(nn.Module):
    """A pretrained network with the linear classifier that a run put on it.

    `parts` are the columns of the network's row that the classifier reads.
    """

    def __init__(self, network: nn.Module, card: Card, classes: nn.Linear, parts: Sequence[slice]) -> None:
        super().__init__()
        self.stages = tuple(stage.name for stage in card.stages)
        self.maps = tuple(stage.name for stage in card.stages if stage.is_map)
        self.depths = Depths(network, [name for name in self.stages if name != "head"])
        self.classes = classes
        self.parts = tuple(parts)

    def activations(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """The network's stages, and class scores [b, k] over the temperature."""
        outputs = self.depths.activations(pixels)
        row = pooled(outputs, self.stages, self.maps)
        read = torch.cat([row[:, part] for part in self.parts], dim=1)
        return {**{name: outputs[name] for name in self.stages}, CLASSES: self.classes(read)}

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Class scores of normalised pixels."""
        return self.activations(pixels)[CLASSES]


def linear(weights: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    """A linear layer of weights [d, k] and bias [k]."""
    layer = nn.Linear(*weights.shape)
    layer.load_state_dict({"weight": weights.T.contiguous(), "bias": bias})
    return layer
