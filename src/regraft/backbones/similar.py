"""Weights that do not fit the architecture named: which other one of the catalogue they would fit."""

from typing import TYPE_CHECKING

from regraft.backbones.families import FAMILIES, Row
from regraft.backbones.source import Source
from regraft.backbones.state_files import COUNTER, State, unwrapped
from regraft.core.errors import BackboneError

if TYPE_CHECKING:
    from torch import nn

NEAR_FRACTION = 0.05
"""Only networks of about as many parameters are built and compared; statistics of BatchNorm come on top."""
IMAGENET_CLASSES = 1000
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
    near = [row for row in FAMILIES if _is_near(row, state)]
    return [name for name in dict.fromkeys(row.architecture for row in near) if _fits(state, name)]


def _is_near(row: Row, state: State) -> bool:
    """Whether a file holds about as many numbers, with or without a classifier on either side."""
    sizes = [tensor.numel() for name, tensor in state.items() if not name.endswith(COUNTER)]
    last_matrix = [tensor.numel() for tensor in state.values() if tensor.ndim == 2][-1:]
    in_file = {sum(sizes) / 1e6, (sum(sizes) - sum(last_matrix)) / 1e6}
    in_row = {row.parameters_m, row.parameters_m - row.width * IMAGENET_CLASSES / 1e6}
    return any(abs(found - size) <= NEAR_FRACTION * size for found in in_file for size in in_row)


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
