"""Networks of timm: weights from its hub, from any hub repository it can read, or from a file."""

from typing import TYPE_CHECKING, Any

from regraft.backbones.connection import first_line, quick_hub_client
from regraft.backbones.similar import refusal
from regraft.backbones.source import NOT_STATED, Made, Source, intake_of
from regraft.backbones.state_files import (
    State,
    class_count_in,
    find_file,
    hash_of,
    load_into,
    misfit,
    read_state,
    unwrapped,
)
from regraft.core.errors import BackboneError, did_you_mean

if TYPE_CHECKING:
    from torch import nn

TIMM, HUB = "timm:", "hub:"


def identify_timm(rest: str) -> Source:
    """`ARCHITECTURE[.TAG][@FILE]`.

    Raises:
        BackboneError: there is no such file.
    """
    architecture, _, file = rest.partition("@")
    if not file:
        return Source(f"{TIMM}{architecture}", architecture, None, "")
    path = find_file(file, f"{TIMM}{rest}")
    return Source(f"{TIMM}{architecture}@{path}", architecture, path, hash_of(path))


def identify_hub(rest: str) -> Source:
    """`OWNER/ID`.

    Raises:
        BackboneError: it is no name of a repository.
    """
    owner, _, repository = rest.partition("/")
    if not owner or not repository or "/" in repository or "@" in rest or " " in rest:
        raise BackboneError(
            f"'{HUB}{rest}' names no repository of the hub. Write it as {HUB}OWNER/ID, as in "
            f"{HUB}timm/resnet50.a1_in1k."
        )
    return Source(f"{HUB}{rest}", f"hf-hub:{rest}", None, "", origin="hub")


def make_timm(source: Source) -> Made:
    """The network with weights of timm's hub or of a file.

    Raises:
        BackboneError: timm does not know the architecture, or the weights do not fit it or cannot be had.
    """
    _require_known(source.architecture)
    if source.file is None:
        return _made(_fetched(source), source.architecture)
    network = _with_state(source, read_state(source.file))
    # A file without a tag says nothing of where its numbers come from, whatever timm's own come from.
    return _made(network, source.architecture, is_stated="." in source.architecture)


def make_hub(source: Source) -> Made:
    """The network of a hub repository, by the configuration that lies there.

    Raises:
        BackboneError: the repository cannot be had, or timm does not understand it.
    """
    return _made(_fetched(source), source.architecture.removeprefix("hf-hub:"))


def _require_known(architecture: str) -> None:
    import timm

    known = timm.list_models()
    if architecture.partition(".")[0] not in known:
        raise BackboneError(f"timm has no architecture {architecture!r}. {did_you_mean(architecture, known)}")


def _create(architecture: str, **settings: Any) -> "nn.Module":
    import timm

    try:
        return timm.create_model(architecture, **settings)
    except Exception as error:
        raise BackboneError(f"timm cannot make {architecture!r}: {first_line(error)}") from error


def _fetched(source: Source) -> "nn.Module":
    import timm

    try:
        with quick_hub_client():
            return timm.create_model(source.architecture, pretrained=True)
    except Exception as error:  # The hub client raises a dozen unrelated types; all mean the same here.
        named = source.architecture if source.origin == "timm" else "ARCHITECTURE"
        raise BackboneError(
            f"The weights of {source.name} could not be fetched from the hub "
            f"({type(error).__name__}: {first_line(error)}). Without a network use lite0, lite1 or lite2, "
            f"or name a local file: '{TIMM}{named}@weights.safetensors'."
        ) from error


def _with_state(source: Source, state: State) -> "nn.Module":
    """The network that a file's weights fit: with as many classes as they tell apart, or with none."""
    network = _create(source.architecture)
    state = unwrapped(state, network.state_dict())
    classifiers = _classifiers(network)
    count = class_count_in(state, classifiers)
    if classifiers and count != getattr(network, "num_classes", count):
        other = _create(source.architecture, num_classes=count)
        # Without classes only where that fits: otherwise what is wrong is something else.
        network = other if count or not misfit(state, other.state_dict()) else network
    if source.image_px and misfit(state, network.state_dict()) and hasattr(network, "set_input_size"):
        # Position embeddings of a network trained at that size.
        resized = _create(source.architecture, num_classes=count, img_size=source.image_px)
        network = resized if not misfit(state, resized.state_dict()) else network
    return load_into(network, state, lambda difference: refusal(source, state, difference))


def _classifiers(network: Any) -> tuple[str, ...]:
    named = getattr(network, "pretrained_cfg", {}).get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def _made(network: "nn.Module", name: str, *, is_stated: bool = True) -> Made:
    from timm.data.config import resolve_data_config

    intake = intake_of(resolve_data_config({}, model=network))  # type: ignore[no-untyped-call]
    facts: dict[str, Any] = getattr(network, "pretrained_cfg", {}) if is_stated else {}
    on = facts.get("tag") or (name if "/" in name else NOT_STATED)
    return Made(network, intake, str(facts.get("license") or NOT_STATED), str(on))
