"""From a name to weights: an installed package, a file, a hub, a saved run, and nothing silently random.

`identify` needs no torch: it finds the weights and names them, which is enough to find a network that was
converted before. `build` makes the torch module and its card.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from regraft.backbones.bundled_weights import identify_bundled, identify_other, make_bundled
from regraft.backbones.card import Card
from regraft.backbones.catalogue import BY_NAME
from regraft.backbones.families import SHORT_NAMES
from regraft.backbones.lenet import identify_scratch, make_scratch
from regraft.backbones.names import Name, parse
from regraft.backbones.onnx_file import identify_onnx, make_onnx
from regraft.backbones.resolution import resize
from regraft.backbones.run_folder import identify_run, make_run
from regraft.backbones.source import Made, Source
from regraft.backbones.timm_weights import identify_hub, identify_timm, make_hub, make_timm
from regraft.backbones.torchvision_weights import identify_torchvision, make_torchvision
from regraft.core.errors import BackboneError, did_you_mean
from regraft.core.hashing import sha256_of_bytes

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["PREFIXES", "Source", "build", "identify"]


@dataclass(frozen=True)
class Origin:
    """Where weights can come from: how a name is written, found, and made into a network."""

    usage: str
    identify: Callable[[str], Source]
    make: Callable[[Source], Made]


def _identify_file(rest: str) -> Source:
    """`ARCHITECTURE@PATH`: the same as `timm:` or `torchvision:` with a file, by any name it has."""
    architecture, at, file = rest.partition("@")
    if not at or not file:
        raise BackboneError(
            f"'file:{rest}' lacks the architecture or the file. Write it as {PREFIXES['file'].usage}."
        )
    row = SHORT_NAMES.get(architecture)
    named = row.architecture if row else architecture.removeprefix("timm:")
    if named.startswith("torchvision:"):
        return identify_torchvision(f"{named.removeprefix('torchvision:')}@{file}")
    return identify_timm(f"{named}@{file}")


PREFIXES: Mapping[str, Origin] = {
    "timm": Origin("timm:ARCHITECTURE[.TAG][@FILE]", identify_timm, make_timm),
    "torchvision": Origin(
        "torchvision:ARCHITECTURE[.WEIGHTS][@FILE]", identify_torchvision, make_torchvision
    ),
    "hub": Origin("hub:OWNER/ID", identify_hub, make_hub),
    "file": Origin("file:ARCHITECTURE@FILE", _identify_file, make_timm),
    "run": Origin("run:FOLDER", identify_run, make_run),
    "onnx": Origin("onnx:FILE", identify_onnx, make_onnx),
    "scratch": Origin("scratch:lenet5", identify_scratch, make_scratch),
}
"""What stands before the colon. `file` becomes one of the first two, whose names its networks then bear."""


WITH_FILE = ("bundled", "timm", "torchvision")
"""Origins whose names take `@FILE`."""


def identify(name: str) -> Source:
    """Find the weights that a name stands for.

    Args:
        name: a short name of the catalogue (`lite0`, `resnet50`), a bundled one with other weights
            (`lite0@FILE`), or a prefix and what follows it (`PREFIXES`); each as it is or with `:96px` (image
            size) and `:int8` or `:bf16` (precision).

    Raises:
        BackboneError: the name is unknown, or its file is missing or not what the catalogue says.
    """
    asked = parse(name)
    source = _identify_base(asked.base)
    full_name = str(asked.with_base(source.name))
    return replace(source, name=full_name, image_px=asked.image_px, precision=asked.precision)


def _identify_base(name: str) -> Source:
    if name in BY_NAME:
        return identify_bundled(BY_NAME[name])
    short, at, file = name.partition("@")
    if at and short in BY_NAME:
        return identify_other(BY_NAME[short], file)
    if name in SHORT_NAMES:
        return replace(_identify_base(SHORT_NAMES[name].source), name=name)
    prefix, colon, rest = name.partition(":")
    if not colon or prefix not in PREFIXES:
        raise BackboneError(_no_such(name, prefix if colon else ""))
    return PREFIXES[prefix].identify(rest)


def _no_such(name: str, prefix: str) -> str:
    forms = ", ".join(origin.usage for origin in PREFIXES.values())
    if prefix and not prefix.startswith(tuple(SHORT_NAMES)):
        return (
            f"There is no backbone {name!r}: {prefix!r} is no origin of weights. "
            f"{did_you_mean(prefix, PREFIXES)} Names are short ones ('regraft backbones') or {forms}."
        )
    if prefix in SHORT_NAMES:
        return (
            f"There is no backbone {name!r}. Behind {prefix} may stand a size such as ':96px' and a "
            f"precision, ':int8' or ':bf16'."
        )
    return (
        f"There is no backbone {name!r}. {did_you_mean(name, SHORT_NAMES)} 'regraft backbones' lists the "
        f"short names. Any other network is {forms}."
    )


def with_weights(source: Source, file: str) -> str:
    """The name of the same network with weights from a file: same stages, same pictures in.

    Raises:
        BackboneError: names of this origin do not take a file.
    """
    if source.origin not in WITH_FILE:
        raise BackboneError(
            f"{source.name} cannot have other weights than its own. Take a bundled network, or one of timm "
            f"or torchvision."
        )
    base = source.bundled.name if source.bundled else f"{source.origin}:{source.architecture}"
    return str(Name(f"{base}@{file}", source.image_px, source.precision))


def build(source: Source) -> tuple["nn.Module", Card]:
    """Make the network in evaluation mode, with its weights, and its card.

    Raises:
        BackboneError: timm does not know the architecture, or the weights do not fit it or cannot be had.
    """
    made = _make(source)
    # At the network's own size, so that its stages are the same at any other.
    stages = made.stages or _find_stages(made.network, made.intake.image_px, source.name)
    made = _at_size(replace(made, stages=stages), source)
    return made.network, _card(source, made)


def build_bare(source: Source) -> "nn.Module":
    """The network alone, for who has its card: nothing is measured.

    Raises:
        BackboneError: as `build`.
    """
    return _at_size(_make(source), source).network


def _make(source: Source) -> Made:
    made = make_bundled(source) if source.bundled else PREFIXES[source.origin].make(source)
    return replace(made, network=made.network.eval().requires_grad_(requires_grad=False))


def _at_size(made: Made, source: Source) -> Made:
    if source.image_px in (None, made.intake.image_px):
        return made
    return replace(made, network=resize(made.network, source.image_px, name=source.name))


def _find_stages(network: "nn.Module", image_px: int, name: str) -> tuple[str, ...]:
    from regraft.backbones.connection import first_line
    from regraft.backbones.stages import find_stages

    try:
        return find_stages(network, image_px)
    except Exception as error:  # Some of timm's are no classifiers of images of one size in three colours.
        raise BackboneError(f"{name} cannot be read as a network for images: {first_line(error)}.") from error


def _card(source: Source, made: Made) -> Card:
    from regraft.backbones.stages import measure_stages

    image_px = source.image_px or made.intake.image_px
    stages, multiply_adds = measure_stages(made.network, made.stages or (), image_px)
    return Card(
        name=source.name,
        architecture=source.architecture,
        sha256=source.sha256 or _sha256_of_state(made.network.state_dict()),
        licence=made.licence,
        pretrained_on=made.pretrained_on,
        image_px=image_px,
        crop_fraction=made.intake.crop_fraction,
        interpolation=made.intake.interpolation,
        mean=made.intake.mean,
        std=made.intake.std,
        stages=stages,
        parameters=sum(parameter.numel() for parameter in made.network.parameters()),
        multiply_adds=multiply_adds,
        precision=source.precision,
    )


def _sha256_of_state(state: Mapping[str, "torch.Tensor"]) -> str:
    parts = [f"{name}:{sha256_of_bytes(t.cpu().numpy().tobytes())}" for name, t in state.items()]
    return sha256_of_bytes("\n".join(parts).encode())
