"""One forward pass, pooled features at every stage."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from regraft.backbones.card import GRID, Card

HEAD = "head"
"""The network's own final embedding, what its classifier would read."""


class Depths(nn.Module):
    """Reads a timm network at named stages, by hooks, so that one class serves every family.

    Activations become [b, c, h, w] whatever the family's own order: transformers' patch tokens are laid out
    as the square they came from (their class token is left to the head), channels-last maps are turned.

    Source: reading several depths, Evci et al. 2022 (Head2Toe), 2201.03529; a coarse spatial grid, Lazebnik
    et al. 2006 (spatial pyramid matching), doi 10.1109/CVPR.2006.68.
    """

    def __init__(self, network: nn.Module, stages: Sequence[str]) -> None:
        super().__init__()
        self.network: Any = network
        self.stages = tuple(stages)
        self._read: dict[str, torch.Tensor] = {}
        widths = {info["module"]: info["num_chs"] for info in getattr(network, "feature_info", [])}
        for name in self.stages:
            network.get_submodule(name).register_forward_hook(self._reader(name, widths.get(name)))

    def _reader(self, name: str, width: int | None):  # type: ignore[no-untyped-def]  # noqa: ANN202
        prefix = getattr(self.network, "num_prefix_tokens", 0)

        def read(_module: nn.Module, _inputs: object, output: object) -> None:
            # A few families pass lists between their stages (several branches): those are not read.
            if isinstance(output, torch.Tensor) and 2 <= output.ndim <= 4:
                self._read[name] = _as_map(output, width, prefix)

        return read

    def activations(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Stage name -> [b, c, h, w] or [b, c], and `HEAD` -> [b, c], for normalised pixels [b, 3, h, w].

        A stage that gave no tensor is left out.
        """
        self._read.clear()
        head = self.network.forward_head(self.network.forward_features(pixels), pre_logits=True)
        outputs = {name: self._read[name] for name in self.stages if name in self._read}
        self._read.clear()
        return {**outputs, HEAD: head.flatten(1)}


def _as_map(output: torch.Tensor, width: int | None, prefix_tokens: int) -> torch.Tensor:
    if output.ndim == 3:
        # Plain integers, also while a tracer watches: the image's size is fixed, only the batch varies.
        tokens, patches = int(output.shape[1]), int(output.shape[1]) - prefix_tokens
        if not _is_square(patches) and _is_square(tokens):
            patches = tokens  # Where the class token joins late, early blocks hold patches alone.
        output = output[:, tokens - patches :].transpose(1, 2)
        side = math.isqrt(patches)
        return output.reshape(*output.shape[:2], side, side) if _is_square(patches) else output.mean(2)
    if output.ndim == 4 and width is not None and output.shape[1] != width == output.shape[3]:
        return output.permute(0, 3, 1, 2)
    return output


def _is_square(count: int) -> bool:
    return math.isqrt(count) ** 2 == count


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
        outputs = self.depths.activations(pixels)
        means = [outputs[name].mean((2, 3)) if name in self.maps else outputs[name] for name in self.names]
        grids = [functional.adaptive_avg_pool2d(outputs[name], GRID).flatten(1) for name in self.maps]
        return torch.cat([*means, *grids], dim=1)
