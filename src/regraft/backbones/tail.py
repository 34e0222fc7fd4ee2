"""A network cut at its freeze point: what the fixed part hands on is computed once, for all training."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch
from torch import nn

from regraft.backbones.card import Card
from regraft.backbones.depths import HEAD, Depths, knows_its_activations, pooled
from regraft.backbones.freezing import ReachedError, freeze, thaw
from regraft.backbones.layout import place_of
from regraft.core.errors import BackboneError

AGREES_TO = 1e-3
PROBED = 2
SMALLEST, LARGEST = 1e-2, 1e3
"""Of what is handed on of noise, at its largest: half precision reaches from 6e-8 to 6e4."""


class Tail(nn.Module):
    """The last stages of a network, fed with what the fixed part before them hands on.

    The network itself is run, but modules that ended before the freeze point return at once: the last of them
    what is fed, the others what they gave for a black image. So whatever stands between modules (position
    embeddings, concatenations) needs no knowledge of the family. That nothing else crosses the freeze point
    is checked on two images.

    Batch normalisation keeps the statistics it came with, and nothing is dropped: the trained part computes
    the same function of its input in training and afterwards.

    Source: materialising what frozen layers hand on, Nakandala and Kumar 2022 (Nautilus), doi
    10.1145/3514221.3517846.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, network: nn.Module, card: Card, trained: int) -> None:
        super().__init__()
        parts = stages_by_module(card)
        self.network = network
        self.names = tuple(name for part in parts[len(parts) - trained :] for name in part)
        self.maps = tuple(stage.name for stage in card.stages if stage.is_map and stage.name in self.names)
        self.image_px = card.image_px
        self.register_buffer("mean", 255 * torch.tensor(card.mean).view(1, 3, 1, 1))
        self.register_buffer("std", 255 * torch.tensor(card.std).view(1, 3, 1, 1))
        self._fed: torch.Tensor | None = None
        self._end: nn.Module | None = None
        self._kept_as = torch.float16
        if trained == len(parts):
            thaw(network)
        else:
            until = parts[-1 - trained][-1]
            freeze(network, card, until=until)
            self._end = network.get_submodule(place_of(until).module)
            self._skip_until(self._end, until, card)
        network.eval()
        self._depths = Depths(network, [name for name in self.names if name != HEAD])
        self._check(card)

    def hand_on(self, images: torch.Tensor) -> torch.Tensor:
        """What to keep of images [b, h, w, 3] of uint8: activations, or with nothing fixed the images.

        Activations are kept in half precision unless they are too large or too small for it.
        """
        if self._end is None:
            return images
        # Not in inference mode: what is handed on in full precision is an input of training as it is.
        with torch.no_grad():
            return self._until_the_end(self._pixels(images)).to(self._kept_as)

    def forward(self, fed: torch.Tensor) -> torch.Tensor:
        """The blocks of the trained stages [b, t], in the card's order, of what was handed on."""
        return pooled(self._stages_of(fed), self.names, self.maps)

    def _stages_of(self, fed: torch.Tensor) -> dict[str, torch.Tensor]:
        if self._end is None:
            return self._depths.activations(self._pixels(fed))
        self._fed = fed.float()
        try:
            nothing = self.mean.new_zeros(1, 1, 1, 1).expand(len(fed), 3, self.image_px, self.image_px)
            return self._depths.activations(nothing)
        finally:
            self._fed = None

    def _pixels(self, images: torch.Tensor) -> torch.Tensor:
        return (images.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def _until_the_end(self, pixels: torch.Tensor) -> torch.Tensor:
        reached: list[torch.Tensor] = []

        def end(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            reached.append(output)
            raise ReachedError

        assert self._end is not None, "only a network with a fixed part has an end of it"
        with _hooked([self._end], end), suppress(ReachedError):
            self.network(pixels)
        return reached[0]

    def _skip_until(self, end: nn.Module, until: str, card: Card) -> None:
        """Let modules that ended before the freeze point return at once while something is fed."""
        ended = _ended_before(self.network, end, card.image_px)
        if not isinstance(ended[-1][1], torch.Tensor):
            raise BackboneError(
                f"{card.name} hands on several tensors behind {until}, so it cannot be cut there. Train "
                f"another number of stages."
            )
        for module, output in ended:
            module.forward = self._in_place_of(module, output)

    def _in_place_of(self, module: nn.Module, output: Any) -> Callable[..., Any]:
        own, is_end = module.forward, module is self._end

        def forward(*given: Any, **named: Any) -> Any:
            if self._fed is None:
                return own(*given, **named)
            return self._fed if is_end else _as_many(output, self._fed)

        return forward

    def _check(self, card: Card) -> None:
        """Raise unless the tail gives what the whole network gives."""
        noise = torch.Generator().manual_seed(0)
        shape = (PROBED, self.image_px, self.image_px, 3)
        images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=noise)
        with torch.no_grad():
            whole = pooled(self._depths.activations(self._pixels(images)), self.names, self.maps)
            fed = images if self._end is None else self._until_the_end(self._pixels(images))
            if not SMALLEST < float(fed.abs().max()) < LARGEST:
                self._kept_as = torch.float32
            difference = self._distance(fed, whole)
        if not difference <= AGREES_TO:
            raise BackboneError(
                f"{card.name} cannot be cut before its last {len(self.names)} stages: they also read what "
                f"comes from further ahead. Train another number of stages."
            )

    def _distance(self, fed: torch.Tensor, whole: torch.Tensor) -> float:
        """Between the tail's outputs and what they are to be; infinite where it cannot be fed."""
        try:
            return float((self(fed) - whole).abs().max() / whole.abs().max().clamp_min(1e-6))
        except RuntimeError:
            # Where batches do not come first, what modules gave for one image cannot stand for several.
            return math.inf


def cut(network: nn.Module, card: Card, *, trained: int) -> Tail:
    """Fix all but the last stages of a network, in place, and cut it there.

    Args:
        network: as `build` gives it.
        card: its card.
        trained: how many of `stages_by_module` are trained; all of them fix nothing.

    Raises:
        BackboneError: it has fewer stages, or cannot be cut there.

    Cost: some forward passes of one or two images.
    """
    parts = stages_by_module(card)
    if not 1 <= trained <= len(parts):
        raise BackboneError(
            f"{card.name} has {len(parts)} stages ({', '.join(part[0] for part in parts)}), so that 1 to "
            f"{len(parts)} of them can be trained, not {trained}."
        )
    if knows_its_activations(network):
        raise BackboneError(f"{card.name} is a saved run; fine-tune the network it was made of instead.")
    return Tail(network, card, trained)


def stages_by_module(card: Card) -> list[tuple[str, ...]]:
    """The card's stages from shallow to deep, those together that are read from one module."""
    found: dict[str, list[str]] = {}
    for stage in card.stages:
        found.setdefault(place_of(stage.name).module, []).append(stage.name)
    return [tuple(names) for names in found.values()]


def _ended_before(network: nn.Module, end: nn.Module, image_px: int) -> list[tuple[nn.Module, Any]]:
    """Modules that have run when one ends, and what they gave, without those inside of others that have."""
    ran: list[tuple[nn.Module, Any]] = []

    def note(module: nn.Module, _inputs: object, output: Any) -> None:
        ran.append((module, output))
        if module is end:
            raise ReachedError

    with torch.no_grad(), _hooked([*network.modules()], note), suppress(ReachedError):
        network(torch.zeros(1, 3, image_px, image_px))
    inside = {id(part) for module, _ in ran for part in module.modules() if part is not module}
    assert ran[-1][0] is end, "freezing has found it"
    return [(module, output) for module, output in ran if id(module) not in inside]


@contextmanager
def _hooked(modules: Sequence[nn.Module], hook: Callable[..., None]) -> Iterator[None]:
    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _as_many(output: Any, fed: torch.Tensor) -> Any:
    """The output for one image as one for as many as are fed, without memory of its own."""
    if isinstance(output, torch.Tensor):
        return output.to(fed.device).expand(len(fed), *output.shape[1:])
    if isinstance(output, (tuple, list)):
        return type(output)(_as_many(each, fed) for each in output)
    return output
