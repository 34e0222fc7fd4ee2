"""Weights that do not fit the architecture named: which other one of the catalogue they would fit."""

from typing import TYPE_CHECKING

from regraft.backbones.families import FAMILIES
from regraft.backbones.source import Source
from regraft.backbones.state_files import COUNTER, State, unwrapped
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

NEAR_FRACTION = 0.25
"""Only networks of about as many parameters are built and compared; a classifier can be a fifth of them."""
MOST_SHOWN = 3


def refusal(source: Source, state: State, difference: str) -> BackboneError:
    """The error that says what does not fit, and what would."""
    fits = fitting(state)
    advice = (
        f"They fit {' or '.join(fits[:MOST_SHOWN])}."
        if fits
        else "Name the architecture they were saved from."
    )
    return BackboneError(
        f"The weights in {source.file} do not fit {source.architecture}: {difference}. {advice}"
    )


def fitting(state: State) -> list[str]:
    """Architectures of the catalogue that have these tensors, their classifier aside.

    Cost: those of about as many parameters are built, without their numbers.
    """
    millions = sum(tensor.numel() for tensor in state.values()) / 1e6
    near = [row for row in FAMILIES if abs(row.parameters_m - millions) <= NEAR_FRACTION * row.parameters_m]
    named = dict.fromkeys(row.architecture for row in sorted(near, key=lambda row: -row.parameters_m))
    return [name for name in named if _fits(state, name)]


def _fits(state: State, architecture: str) -> bool:
    try:
        expected = _bare(architecture).state_dict()
    except Exception:  # noqa: BLE001 - an architecture that this version does not have fits nothing
        return False
    found = unwrapped(state, expected)
    shapes = {name: tensor.shape for name, tensor in found.items() if not name.endswith(COUNTER)}
    wanted = {name: tensor.shape for name, tensor in expected.items() if not name.endswith(COUNTER)}
    differing = {name for name in shapes.keys() | wanted.keys() if shapes.get(name) != wanted.get(name)}
    classifiers = {name for name in wanted if _is_classifier(name, wanted)}
    return differing <= classifiers


def _is_classifier(name: str, wanted: State | dict[str, object]) -> bool:
    """The last layer's weights and bias."""
    last = list(wanted)[-1].rpartition(".")[0]
    return name.rpartition(".")[0] == last


def _bare(architecture: str) -> "nn.Module":
    """A network without numbers."""
    import timm
    import torch

    with torch.device("meta"):
        if not architecture.startswith("torchvision:"):
            return timm.create_model(architecture)
        import torchvision

        network: nn.Module = torchvision.models.get_model(architecture.removeprefix("torchvision:"))
        return network
