"""What every origin of weights gives: where they are, and the network that they make."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regraft.backbones.catalogue import Bundled
from regraft.backbones.names import Precision

if TYPE_CHECKING:
    from torch import nn

NOT_STATED = "not stated"


@dataclass(frozen=True)
class Source:
    """Where a network's weights are, and how it is to run.

    `origin` is the prefix that says which module makes the network. `name` is the whole name in its
    canonical form, with size and precision where they were asked for. `sha256` is empty for a hub, where a
    name stands for its weights. `image_px` None is the network's own.
    """

    name: str
    architecture: str
    file: Path | None
    sha256: str
    bundled: Bundled | None = None
    image_px: int | None = None
    precision: Precision = "full"
    origin: str = "timm"


@dataclass(frozen=True)
class Intake:
    """What a network wants to be shown. `mean` and `std` are of pixels scaled to [0, 1]."""

    image_px: int
    crop_fraction: float
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Made:
    """A network with its weights, and what its card says of them. `stages` None: to be found."""

    network: "nn.Module"
    intake: Intake
    licence: str = NOT_STATED
    pretrained_on: str = NOT_STATED
    stages: tuple[str, ...] | None = None


def intake_of(facts: dict[str, Any]) -> Intake:
    """From timm's data configuration."""
    return Intake(
        image_px=int(facts["input_size"][-1]),
        crop_fraction=float(facts["crop_pct"]),
        interpolation=str(facts["interpolation"]),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
    )
