"""How a module's output is laid out: maps in either order of axes, tokens with or without class token."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

CLASS = "class"
"""Ends the name of a stage that is a transformer's class token, as in `blocks.3:class`."""


@dataclass(frozen=True)
class Place:
    """What the name of a stage says: `MODULE[:BRANCH][:class]`.

    `branch` counts the tensors of a module that hands on several, such as one for each resolution.
    """

    module: str
    branch: int | None = None
    is_class: bool = False

    def __str__(self) -> str:
        """The stage's name."""
        branch = "" if self.branch is None else f":{self.branch}"
        return f"{self.module}{branch}{f':{CLASS}' if self.is_class else ''}"


def place_of(stage: str) -> Place:
    """Take the name of a stage apart.

    >>> place_of("blocks.3:1:class")
    Place(module='blocks.3', branch=1, is_class=True)
    """
    module, *rest = stage.split(":")
    branches = [int(part) for part in rest if part != CLASS]
    return Place(module, branches[0] if branches else None, CLASS in rest)


@dataclass(frozen=True)
class Layout:
    """What a network tells of its activations; where it tells nothing, their shapes have to."""

    prefix_tokens: int = 0
    has_class_token: bool = True
    is_channels_last: bool = False
    reroll: nn.Module | None = None

    def as_map(self, output: torch.Tensor, module: str) -> torch.Tensor:
        """[b, c, h, w], or [b, c] where there are no places: of an activation in any layout."""
        if output.ndim == 3:
            return self._patches_as_map(output, module)
        if output.ndim == 4 and self._ends_with_channels(output):
            return output.permute(0, 3, 1, 2)
        return output

    def class_token(self, output: torch.Tensor) -> torch.Tensor | None:
        """The class token [b, c] of tokens [b, t, c]; None where there is none."""
        if output.ndim != 3 or not self.has_class_token or not self._prefix(int(output.shape[1])):
            return None
        return output[:, 0]

    def _patches_as_map(self, output: torch.Tensor, module: str) -> torch.Tensor:
        if output.shape[1] == 1:
            return output[:, 0]
        if self.reroll is not None:
            # Hiera keeps its tokens in the order of its units; the network itself puts its blocks' back.
            container, _, number = module.rpartition(".")
            if container != "blocks":
                return output.mean(1)
            maps: torch.Tensor = self.reroll(output, int(number)).permute(0, 3, 1, 2)
            return maps
        # Plain integers, also while a tracer watches: the image's size is fixed, only the batch varies.
        tokens = int(output.shape[1])
        prefix = self._prefix(tokens)
        if prefix is None:
            return output.mean(1)
        patches = output[:, prefix:].transpose(1, 2)
        side = math.isqrt(tokens - prefix)
        return patches.reshape(*patches.shape[:2], side, side)

    def _prefix(self, tokens: int) -> int | None:
        """How many tokens stand before the patches; None where the rest is no square.

        Where the class token joins late, early blocks hold patches alone.
        """
        for prefix in (self.prefix_tokens, 0, 1, 2):
            if 0 < tokens - prefix == math.isqrt(tokens - prefix) ** 2:
                return prefix
        return None

    def _ends_with_channels(self, output: torch.Tensor) -> bool:
        first, second, third = (int(size) for size in output.shape[1:])
        if first == second == third:
            return self.is_channels_last
        return first == second


def layout_of(network: Any) -> Layout:
    """What a network says of its activations, by timm's names for it."""
    prefix = int(getattr(network, "num_prefix_tokens", 0) or 0)
    only_registers = prefix > 0 and getattr(network, "cls_token", 0) is None
    reroll = getattr(network, "reroll", None)
    return Layout(
        prefix_tokens=prefix,
        has_class_token=not only_registers,
        is_channels_last=getattr(network, "output_fmt", "NCHW") == "NHWC",
        reroll=reroll if isinstance(reroll, nn.Module) else None,
    )


def tensors_of(output: Any) -> list[tuple[int | None, torch.Tensor]]:
    """The tensors that a module hands on, each with its place among them; None for one that is alone."""
    if isinstance(output, torch.Tensor):
        return [(None, output)]
    if isinstance(output, (tuple, list)):
        return [(index, item) for index, item in enumerate(output) if isinstance(item, torch.Tensor)]
    return []
