"""One forward pass, pooled features at every stage."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.hooks import RemovableHandle

from regraft.backbones.card import GRID, Card
from regraft.backbones.layout import layout_of, place_of, tensors_of

HEAD = "head"
"""The network's own final embedding, what its classifier would read."""


class NoClassifier(nn.Identity):
    """Stands where a network's classifier was, so that what it read is still found."""


class Depths(nn.Module):
    """Reads a network at named stages, by hooks, so that one class serves every family.

    A stage is a module's name, with the number of the tensor behind it where the module hands on several,
    and `class` where the class token is meant (`layout.Place`). Activations become [b, c, h, w] whatever the
    family's own order: transformers' patch tokens are laid out as the square they came from.

    Source: reading several depths, Evci et al. 2022 (Head2Toe), 2201.03529; a coarse spatial grid, Lazebnik
    et al. 2006 (spatial pyramid matching), doi 10.1109/CVPR.2006.68.
    """

    def __init__(self, network: nn.Module, stages: Sequence[str]) -> None:
        super().__init__()
        self.network: Any = network
        self.places = {name: place_of(name) for name in stages}
        self._layout = layout_of(network)
        self._read: dict[str, Any] = {}
        self._hooks: list[RemovableHandle] = []
        if knows_its_activations(network):
            return
        for module in dict.fromkeys(place.module for place in self.places.values()):
            self._hooks.append(network.get_submodule(module).register_forward_hook(self._keep(module)))
        if not has_timm_head(network):
            classifier = classifier_module(network)
            if classifier is not None:
                self._hooks.append(classifier.register_forward_pre_hook(self._keep_input))

    def let_go(self) -> None:
        """Leave the network as it was, without hooks."""
        for hook in self._hooks:
            hook.remove()

    def _keep(self, module: str) -> Callable[..., None]:
        def keep(_module: nn.Module, _inputs: object, output: object) -> None:
            self._read[module] = output

        return keep

    def _keep_input(self, _module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        # A map where the classifier itself is a convolution, before pooling.
        self._read[HEAD] = inputs[0].mean((2, 3)) if inputs[0].ndim == 4 else inputs[0]

    def activations(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Stage name -> [b, c, h, w] or [b, c], and `HEAD` -> [b, c], for normalised pixels [b, 3, h, w]."""
        if knows_its_activations(self.network):
            known: dict[str, torch.Tensor] = self.network.activations(pixels)
            return known
        self._read.clear()
        head = self._head(pixels)
        outputs = {name: self._activation(name) for name in self.places}
        self._read.clear()
        return {**outputs, HEAD: head}

    def _head(self, pixels: torch.Tensor) -> torch.Tensor:
        if has_timm_head(self.network):
            head = self.network.forward_head(self.network.forward_features(pixels), pre_logits=True)
        else:
            output = self.network(pixels)
            head = self._read.get(HEAD, output)
        parts = [part.mean(1) if part.ndim == 3 else part.flatten(1) for _, part in tensors_of(head)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def _activation(self, name: str) -> torch.Tensor:
        place = self.places[name]
        output = dict(tensors_of(self._read[place.module]))[place.branch]
        if place.is_class:
            token = self._layout.class_token(output)
            assert token is not None, f"{name} has no class token"
            return token
        return self._layout.as_map(output, place.module)


def activations_of(
    network: nn.Module, stages: Sequence[str], pixels: torch.Tensor
) -> dict[str, torch.Tensor]:
    """One reading of a network that is left as it was."""
    depths = Depths(network, stages)
    try:
        return depths.activations(pixels)
    finally:
        depths.let_go()


def knows_its_activations(network: Any) -> bool:
    """Whether a network gives its activations by itself, as a saved run does."""
    return callable(getattr(network, "activations", None))


def has_timm_head(network: Any) -> bool:
    """Whether a network gives its final embedding by timm's two passes."""
    return hasattr(network, "forward_features") and hasattr(network, "forward_head")


def classifier_module(network: nn.Module) -> nn.Module | None:
    """The module that turns the final embedding into classes: the last linear one, or what stands for it."""
    removed = [module for module in network.modules() if isinstance(module, NoClassifier)]
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    named = [module for name, module in network.named_children() if name == "classifier"]
    return next(iter(removed or linear[-1:] or named), None)


class Embedding(nn.Module):
    """Bytes in, one row of pooled features per image out: normalisation, trunk and pooling in one graph.

    Takes uint8 [b, h, w, 3] and returns float32 [b, card.width] in the order of `card.blocks`.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, card: Card) -> None:
        super().__init__()
        self.depths = Depths(network, [stage.name for stage in card.stages if stage.name != HEAD])
        self.names = tuple(stage.name for stage in card.stages)
        self.maps = tuple(stage.name for stage in card.stages if stage.is_map)
        self.register_buffer("mean", 255 * torch.tensor(card.mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(card.std).view(1, 3, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Pooled features of a batch of images."""
        pixels = (images.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return pooled(self.depths.activations(pixels), self.names, self.maps)


def pooled(outputs: Mapping[str, torch.Tensor], names: Sequence[str], maps: Sequence[str]) -> torch.Tensor:
    """One row per image, in the order of `card.blocks`: every stage's mean, then the maps on a grid."""
    means = [outputs[name].mean((2, 3)) if name in maps else outputs[name] for name in names]
    grids = [functional.adaptive_avg_pool2d(outputs[name], GRID).flatten(1) for name in maps]
    return torch.cat([*means, *grids], dim=1)
