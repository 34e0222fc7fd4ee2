"""Networks of torchvision: weights by torchvision's own names, from its cache or server, or from a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from regraft.backbones.connection import first_line, is_reachable
from regraft.backbones.similar import refusal
from regraft.backbones.source import NOT_STATED, Intake, Made, Source
from regraft.backbones.state_files import (
    State,
    class_count_in,
    find_file,
    hash_of,
    load_into,
    read_state,
    unwrapped,
)
from regraft.core.errors import BackboneError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

TORCHVISION = "torchvision:"
BRANCHES = {"googlenet": "aux1.", "inception_v3": "AuxLogits."}
"""Networks with a further classifier half-way, for training only; a file may or may not hold it."""


def identify_torchvision(rest: str) -> Source:
    """`ARCHITECTURE[.WEIGHTS][@FILE]`, where WEIGHTS is torchvision's name, such as IMAGENET1K_V1.

    Raises:
        BackboneError: there is no such file.
    """
    architecture, _, file = rest.partition("@")
    if not file:
        return Source(f"{TORCHVISION}{rest}", architecture, None, "", origin="torchvision")
    path = find_file(file, f"{TORCHVISION}{rest}")
    return Source(
        f"{TORCHVISION}{architecture}@{path}", architecture, path, hash_of(path), origin="torchvision"
    )


def make_torchvision(source: Source) -> Made:
    """The network with torchvision's weights or a file's.

    Raises:
        BackboneError: torchvision does not know the architecture or the weights, or they do not fit it or
            cannot be had.
    """
    name, _, tag = source.architecture.partition(".")
    _require_known(name)
    weights = _weights(name, tag)
    if source.file is not None:
        network = _with_state(source, name, read_state(source.file))
        return Made(network, _intake(weights), NOT_STATED, str(tag) if tag else NOT_STATED)
    # torchvision states no licence for its weights; that of its code says nothing of them.
    return Made(_fetched(source, name, weights), _intake(weights), NOT_STATED, weights.name)


def is_torchvision(architecture: str) -> bool:
    """Whether torchvision has such a classifier."""
    return architecture in _known()


def _known() -> list[str]:
    from torchvision import models

    names: list[str] = models.list_models(module=models)
    return names


def _require_known(name: str) -> None:
    if not is_torchvision(name):
        raise BackboneError(f"torchvision has no architecture {name!r}. {did_you_mean(name, _known())}")


def _weights(name: str, tag: str) -> Any:
    """A member of torchvision's enumeration of weights; its default where no tag is given."""
    from torchvision import models

    known = models.get_model_weights(name)
    if not tag:
        return known.DEFAULT
    if tag not in known.__members__:
        raise BackboneError(
            f"torchvision has no weights {tag!r} of {name}. {did_you_mean(tag, list(known.__members__))}"
        )
    return known[tag]


def _intake(weights: Any) -> Intake:
    """What torchvision's own transforms do for these weights."""
    shown = weights.transforms()
    return Intake(
        image_px=int(shown.crop_size[0]),
        crop_fraction=shown.crop_size[0] / shown.resize_size[0],
        interpolation=str(shown.interpolation.value),
        mean=tuple(shown.mean),
        std=tuple(shown.std),
    )


def cached_file(url: str) -> Path:
    """Where torch keeps a file that it has fetched from an address."""
    from torch import hub

    return Path(hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name


def _fetched(source: Source, name: str, weights: Any) -> "nn.Module":
    from torchvision import models

    kept = cached_file(weights.url)
    try:
        if not kept.is_file() and not is_reachable(weights.url):
            raise ConnectionError(f"{urlsplit(weights.url).hostname} does not answer")  # noqa: TRY301
        network: nn.Module = models.get_model(name, weights=weights, progress=False)
    except Exception as error:  # A network that fails does so in many ways, and so does a damaged file.
        damaged = f" If the file {kept} is damaged, delete it." if kept.is_file() else ""
        raise BackboneError(
            f"The weights of {source.name} could not be fetched ({type(error).__name__}: "
            f"{first_line(error)}).{damaged} Put {weights.url} into {kept.parent} by hand, or name a local "
            f"file: '{TORCHVISION}{name}@weights.pth'. Without a network use lite0, lite1 or lite2."
        ) from error
    return network


def _with_state(source: Source, name: str, state: State) -> "nn.Module":
    from torch import nn

    from regraft.backbones.depths import NoClassifier, classifier_module

    network = _create(name)
    state = unwrapped(state, network.state_dict())
    if name in BRANCHES and not any(key.startswith(BRANCHES[name]) for key in state):
        network = _create(name, aux_logits=False)
    classifier = next(key for key, module in network.named_modules() if module is classifier_module(network))
    count = class_count_in(state, (classifier,))
    module = network.get_submodule(classifier)
    if count and isinstance(module, nn.Linear) and count != module.out_features:
        network = _create(name, num_classes=count, **_branches(network))
    elif not any(key.startswith(f"{classifier}.") for key in state):
        network.set_submodule(classifier, NoClassifier())
    return load_into(network, state, lambda difference: refusal(source, state, difference))


def _branches(network: Any) -> dict[str, bool]:
    return {"aux_logits": network.aux_logits} if hasattr(network, "aux_logits") else {}


def _create(name: str, **settings: Any) -> "nn.Module":
    from torchvision import models

    if name in BRANCHES:
        # Its own way to draw weights takes minutes and warns; these are replaced anyway.
        settings = {"init_weights": False, **settings}
    try:
        network: nn.Module = models.get_model(name, weights=None, **settings)
    except Exception as error:
        raise BackboneError(f"torchvision cannot make {name!r}: {first_line(error)}") from error
    return network
