"""Which places of a network are worth reading: found by sending one image through and looking.

Networks of timm list stages of their own, and those are taken where they can be read. Everywhere else:
the last block of each spatial size where a network shrinks its maps, and evenly spaced blocks where it keeps
one size throughout, as transformers do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from regraft.backbones.card import Stage
from regraft.backbones.depths import HEAD, activations_of
from regraft.backbones.layout import Layout, Place, layout_of, tensors_of

MOST_STAGES = 9
MOST_EQUAL_STAGES = 6
"""Transformers have a dozen or more depths of one size; an evenly spaced choice of them says as much."""
FEWEST_SIZES = 3
LARGE_FRACTION = 0.5
CLASSIFIERS = ("classifier", "head", "heads", "fc")


@dataclass(frozen=True)
class Seen:
    """What a module handed on: for each tensor its stage, and how many places and channels that has."""

    module: str
    shapes: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def places(self) -> tuple[int, ...]:
        """Spatial sizes of its maps, in order."""
        return tuple(count for count, _ in self.shapes.values() if count > 1)

    def keep(self, maps: set[str]) -> "Seen":
        """Without other maps than these."""
        return Seen(self.module, {k: v for k, v in self.shapes.items() if v[0] == 1 or k in maps})


def find_stages(network: nn.Module, image_px: int) -> tuple[str, ...]:
    """Names of stages from shallow to deep, for `Depths`.

    Cost: one forward pass of one image.
    """
    seen = _probe(network, image_px)
    listed = _listed(network, seen)
    chosen = _spaced(listed, MOST_STAGES) if listed else _chosen(network, seen)
    return tuple(stage for one in chosen for stage in one.shapes)


def measure_stages(network: nn.Module, names: Sequence[str], image_px: int) -> tuple[tuple[Stage, ...], int]:
    """The stages that a card lists, `HEAD` among them, and the multiply-adds of one image."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    probe = torch.rand(1, 3, image_px, image_px, generator=torch.Generator().manual_seed(0))
    # Attention spelt out, since the counter does not know the fused kernel of CPUs.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        outputs = activations_of(network, names, probe)
    read = [name for name in outputs if name != HEAD]
    last = outputs[read[-1]] if read else None
    if last is not None and HEAD in outputs and last.shape[1] == outputs[HEAD].shape[1]:
        # Where nothing but pooling follows the last stage, the head would repeat it column by column.
        pooled = last.flatten(2).mean(2) if last.ndim > 2 else last
        if torch.allclose(pooled, outputs[HEAD], rtol=1e-4, atol=1e-5):
            del outputs[HEAD]
    stages = tuple(Stage(name, value.shape[1], value.ndim == 4) for name, value in outputs.items())
    return stages, counter.get_total_flops() // 2


def _probe(network: nn.Module, image_px: int) -> dict[str, Seen]:
    """What every module worth looking at hands on, in the order in which they finish."""
    layout, seen, calls = layout_of(network), dict[str, Seen](), Counter[str]()
    listed = [info["module"] for info in _feature_info(network)]
    names = dict.fromkeys([*_block_level(network), *listed])
    modules = dict(network.named_modules())

    def look(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: object, output: object) -> None:
            calls[name] += 1
            seen[name] = Seen(name, dict(_shapes(name, output, layout)))

        return hook

    hooks = [modules[name].register_forward_hook(look(name)) for name in names if name in modules]
    try:
        with torch.no_grad():
            activations_of(network, (), torch.zeros(1, 3, image_px, image_px))
    finally:
        for hook in hooks:
            hook.remove()
    # A module that runs several times, such as a shared activation, is in no one place.
    return {name: one for name, one in seen.items() if calls[name] == 1 and one.shapes}


def _shapes(name: str, output: object, layout: Layout) -> Iterator[tuple[str, tuple[int, int]]]:
    for branch, tensor in tensors_of(output):
        if tensor.shape[:1] != (1,) or not 3 <= tensor.ndim <= 4:
            continue  # Something else than one activation of one image.
        value = layout.as_map(tensor, name)
        if branch and value.ndim == 2 and tensor.shape[1] > 1:
            continue  # Tokens in no order, beside an activation that has one: some state of the block.
        yield str(Place(name, branch)), (value.flatten(2).shape[2] if value.ndim == 4 else 1, value.shape[1])
        if layout.class_token(tensor) is not None:
            yield str(Place(name, branch, is_class=True)), (1, tensor.shape[2])


def _block_level(network: nn.Module) -> Iterator[str]:
    """Modules that could end a stage: children of the network, of its containers and of its largest parts.

    What lies inside a block is left out: half-way through, a block is no depth of its own.
    """
    total = sum(parameter.numel() for parameter in network.parameters()) or 1

    def below(module: nn.Module, prefix: str) -> Iterator[str]:
        for child_name, child in module.named_children():
            name = f"{prefix}{child_name}"
            if name in CLASSIFIERS or isinstance(child, nn.AdaptiveAvgPool2d):
                continue  # What only pools to a fixed size adds no depth.
            yield name
            share = sum(parameter.numel() for parameter in child.parameters()) / total
            if isinstance(child, (nn.Sequential, nn.ModuleList)) or share > LARGE_FRACTION:
                yield from below(child, f"{name}.")

    yield from below(network, "")


def _feature_info(network: nn.Module) -> list[dict[str, Any]]:
    return list(getattr(network, "feature_info", None) or [])


def _listed(network: nn.Module, seen: dict[str, Seen]) -> list[Seen]:
    """The network's own stages, where every one of them is a module that can be read and the order holds."""
    names = list(dict.fromkeys(info["module"] for info in _feature_info(network)))
    ran = [name for name in seen if name in set(names)]
    return [seen[name] for name in names] if names == ran else []


def _chosen(network: nn.Module, seen: dict[str, Seen]) -> list[Seen]:
    last_of_size = {count: stage for one in seen.values() for stage, (count, _) in one.shapes.items()}
    last_of_size.pop(1, None)
    if len(last_of_size) >= FEWEST_SIZES:
        kept = (one.keep(set(last_of_size.values())) for one in seen.values())
        return _spaced([one for one in kept if one.places], MOST_STAGES)
    blocks = max(_rows_of_blocks(network, seen), key=len, default=[])
    return _spaced(blocks or [one for one in seen.values() if one.places][-1:], MOST_STAGES)


def _rows_of_blocks(network: nn.Module, seen: dict[str, Seen]) -> Iterator[list[Seen]]:
    """Blocks that stand in a row and hand on the same shape, for every container."""
    for parent, module in network.named_modules():
        if isinstance(module, (nn.Sequential, nn.ModuleList)):
            names = [f"{parent}.{child}" if parent else child for child, _ in module.named_children()]
            blocks = [seen[name] for name in names if name in seen and seen[name].places]
            yield [one for one in blocks if one.places == blocks[-1].places]


def _spaced(chosen: Sequence[Seen], most: int) -> list[Seen]:
    """Evenly spaced ones of too many, always with the last."""
    if len({one.places for one in chosen}) == 1:
        most = min(most, MOST_EQUAL_STAGES)
    if len(chosen) <= most:
        return list(chosen)
    step = (len(chosen) - 1) / (most - 1)
    return [chosen[round(index * step)] for index in range(most)]
