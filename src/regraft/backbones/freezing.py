"""A freeze point: everything computed up to a stage stays as it is, whatever is trained behind it."""

from types import MethodType
from typing import Any

import torch
from torch import nn

from regraft.backbones.card import Card
from regraft.backbones.depths import (
    HEAD,
    activations_of,
    classifier_module,
    has_timm_head,
    knows_its_activations,
)
from regraft.backbones.layout import place_of, tensors_of
from regraft.core.errors import BackboneError, did_you_mean


def freeze(network: nn.Module, card: Card, *, until: str) -> tuple[str, ...]:
    """Fix everything that a network computes up to a stage, and let everything behind it be trained.

    Fixed parameters need no gradient. Fixed modules stay in evaluation mode, also when the network is put in
    training mode: BatchNorm's running statistics do not move and nothing is dropped, so that the activations
    at the freeze point are the same in every epoch and can be kept.

    Args:
        network: as `build` gives it; changed in place. What was frozen before is not.
        card: its card.
        until: a stage of the card, or `head`, behind which only the classifier is left.

    Returns:
        The names of the fixed parameters.

    Raises:
        BackboneError: the network has no such stage.

    Cost: one forward pass of one image up to the stage, and a backward pass.
    """
    known = [HEAD, *(stage.name for stage in card.stages)]
    if until not in known:
        raise BackboneError(f"{card.name} has no stage {until!r}. {did_you_mean(until, known)}")
    network.requires_grad_(requires_grad=True)
    thaw(network)
    ran, outputs = _run_until(network, until, card.image_px)
    fixed = _parameters_of(outputs, network)
    # Some networks keep what they computed in evaluation mode, here with its history, until they are trained.
    network.train().eval()
    for module in ran:
        if not any(True for _ in module.children()):
            fixed |= {id(parameter) for parameter in module.parameters()}
        module.train = MethodType(_stay_in_evaluation, module)  # type: ignore[method-assign]
        module.eval()
    for parameter in network.parameters():
        parameter.requires_grad = id(parameter) not in fixed
    return tuple(name for name, parameter in network.named_parameters() if id(parameter) in fixed)


def thaw(network: nn.Module) -> None:
    """Undo `freeze`: every parameter can be trained again, and every module put in training mode."""
    network.requires_grad_(requires_grad=True)
    for module in network.modules():
        module.__dict__.pop("train", None)


def _stay_in_evaluation(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: FBT001, FBT002 - torch's own
    """What `module.train` becomes."""
    del mode
    # The `train` of some networks returns nothing.
    type(module).train(module, mode=False)
    return module


class ReachedError(Exception):
    """Ends the forward pass at the freeze point."""


def _run_until(network: Any, until: str, image_px: int) -> tuple[list[nn.Module], list[torch.Tensor]]:
    """Modules that have finished once a stage has, and what it hands on, with its history."""
    ran: list[nn.Module] = []
    reached: list[Any] = []

    def end(output: object) -> None:
        reached.append(output)
        raise ReachedError

    hooks = [
        module.register_forward_hook(lambda module, *_: ran.append(module)) for module in network.modules()
    ]
    stop = _module_at(network, until)
    if stop is not None and until == HEAD:
        hooks.append(stop.register_forward_pre_hook(lambda _module, inputs: end(inputs)))
    elif stop is not None:
        hooks.append(stop.register_forward_hook(lambda _module, _inputs, output: end(output)))
    network.eval()
    try:
        with torch.enable_grad():
            given = activations_of(network, (), torch.zeros(1, 3, image_px, image_px))
            reached.append(given.get(until, given.get(HEAD)))
    except ReachedError:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return ran, [value for _, value in tensors_of(reached[0]) if value.requires_grad]


def _module_at(network: Any, until: str) -> nn.Module | None:
    """The module that ends a stage, or begins behind `HEAD`; None where the whole pass has to be run."""
    if until != HEAD:
        own: dict[str, nn.Module] = dict(network.named_modules())
        # Of a saved run, its class scores are a stage as well as its network's own.
        inside = f"depths.network.{place_of(until).module}"
        return own.get(inside) or own[place_of(until).module]
    return None if has_timm_head(network) or knows_its_activations(network) else classifier_module(network)


def _parameters_of(outputs: list[torch.Tensor], network: nn.Module) -> set[int]:
    """Those that the outputs depend on, also where they belong to no module of their own."""
    if not outputs:
        return set()
    parameters = list(network.parameters())
    total = torch.stack([output.sum() for output in outputs]).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    return {id(one) for one, gradient in zip(parameters, gradients, strict=True) if gradient is not None}
