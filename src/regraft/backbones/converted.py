"""Networks converted for a runtime, once: checked against the original, then kept in the cache."""

import math
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from regraft.backbones import onnx_file, source_head
from regraft.backbones.calibration_images import calibration_images
from regraft.backbones.card import Card
from regraft.backbones.names import without_file
from regraft.backbones.quantise import quantise, require_nncf
from regraft.backbones.runtimes import (
    Embed,
    convert_to_onnx,
    convert_to_openvino,
    first_line,
    onnxruntime_runtime,
    openvino_runtime,
    relative_error,
    save_openvino,
    torch_runtime,
)
from regraft.backbones.source_head import SourceHead
from regraft.backbones.sources import Source, build
from regraft.core.arrays import Images
from regraft.core.errors import ArtifactError, BackboneError, RegraftError
from regraft.core.files import cache_folder, read_json, write_json
from regraft.core.hashing import fingerprint, sha256_of_file
from regraft.core.seeds import generator
from regraft.core.settings import from_plain

if TYPE_CHECKING:
    from openvino import Model
    from torch import nn

ConvertedFor = Literal["openvino", "onnxruntime"]

LAYOUT_VERSION = 1
"""Raise it when `depths.py` changes what a row holds: converted networks and stored features are then new."""
FOLDER_VERSION = 2
"""Raise it when such a folder holds something else than before; features in the store stay valid."""
LARGEST_ERROR = 1e-3
CHECKED = 8

CARD = "card.json"
NETWORK = {"openvino": "network.xml", "onnxruntime": "network.onnx"}
PACKAGES = {"openvino": ("openvino", "timm"), "onnxruntime": ("onnxruntime", "torch", "timm")}
"""A converted network is that of these packages' versions."""


@dataclass(frozen=True)
class Converted:
    """What one folder holds. `relative_error` is against the original; `weights_sha256` of what runs."""

    card: Card
    relative_error: float
    embed: Embed
    folder: Path
    weights_sha256: str


class ConversionError(BackboneError):
    """A network that a runtime cannot express, or that computes something else once converted."""


class NotConvertedError(ArtifactError):
    """No converted network lies in the cache, or a damaged one."""


def folder_of(source: Source, runtime: ConvertedFor) -> Path:
    """Where a network converted for a runtime lies, or would lie."""
    versions = [_version(package) for package in PACKAGES[runtime]]
    if source.precision == "int8":
        versions.append(_version("nncf"))
    named = [without_file(source.name), source.architecture, source.sha256]
    key = fingerprint([LAYOUT_VERSION, FOLDER_VERSION, *named, runtime, versions])
    return cache_folder() / "networks" / key[:16]


def load_converted(source: Source, runtime: ConvertedFor) -> Converted:
    """A network that runs by something else than torch, converted now if it was not before.

    Raises:
        ConversionError: the runtime cannot express the network, or disagrees with torch by more than 1e-3.
        BackboneError: the weights cannot be had, or a package is missing.
        ArtifactError: the cache folder cannot be written.
    """
    folder = folder_of(source, runtime)
    try:
        found = _read(folder, runtime)
    except NotConvertedError:
        _convert(source, runtime, folder)
        found = _read(folder, runtime)
    # The same weights may have lain elsewhere when they were converted.
    return replace(found, card=replace(found.card, name=source.name))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _read(folder: Path, runtime: ConvertedFor) -> Converted:
    """Load from the cache. Whatever is wrong with what lies there is mended by converting again."""
    try:
        record = read_json(folder / CARD)
        hashes: dict[str, str] = record["sha256"]
        if any(sha256_of_file(folder / file) != sha256 for file, sha256 in hashes.items()):
            raise NotConvertedError(f"A file in {folder} was cut short or changed.")
        card = from_plain(Card, record["card"])
        embed = _runtime(folder / NETWORK[runtime], runtime, card)
        return Converted(card, record["relative_error"], embed, folder, _weights_sha256(hashes))
    except (RegraftError, OSError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise NotConvertedError(f"{folder} holds no network that can be used ({error}).") from error


def _runtime(file: Path, runtime: ConvertedFor, card: Card) -> Embed:
    if runtime == "onnxruntime":
        return onnxruntime_runtime(file)
    return openvino_runtime(file, precision=card.precision)


def _convert(source: Source, runtime: ConvertedFor, folder: Path) -> None:
    """Convert, check, and put the result in place as one whole folder, also when two processes do so."""
    if source.precision == "int8":
        require_nncf()
    original = _original(source)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    except OSError as error:
        raise ArtifactError(f"Cannot write the cache folder {folder.parent}: {error.strerror}.") from error
    try:
        difference = _convert_and_compare(original, runtime, temporary / NETWORK[runtime])
        if (head := original.head()) is not None:
            source_head.save(head, temporary)
        hashes = {file.name: sha256_of_file(file) for file in sorted(temporary.iterdir())}
        write_json(temporary / CARD, {"card": original.card, "relative_error": difference, "sha256": hashes})
        temporary.chmod(0o755)  # Temporary folders are private; a cache may be shared.
        _put_in_place(temporary, folder, runtime)
    except (OSError, RuntimeError) as error:
        # OpenVINO reports a full disk as a RuntimeError.
        raise ArtifactError(
            f"Cannot keep the converted network in {folder}: {error}. "
            f"Free some space, or name another folder in $REGRAFT_CACHE."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@dataclass(frozen=True)
class _Original:
    """What a conversion starts from, and is compared with: a network in torch, or one read from ONNX."""

    card: Card
    head: Callable[[], SourceHead | None]
    embed: Embed
    in_torch: "nn.Module | None"
    in_openvino: "Model | None" = None


def _original(source: Source) -> _Original:
    if source.origin == onnx_file.PREFIX:
        found = onnx_file.build_onnx(source)
        return _Original(found.card, lambda: found.head, openvino_runtime(found.network), None, found.network)
    from regraft.backbones.depths import Embedding
    from regraft.backbones.own_classifier import classifier_of

    network, card = build(source)
    embedding = Embedding(network, card).eval()
    embed = torch_runtime(embedding)
    # To be asked last: what it leaves behind in the network would be traced. The check may have used a GPU.
    return _Original(card, lambda: classifier_of(network.cpu(), card), embed, embedding)


def _convert_and_compare(original: _Original, runtime: ConvertedFor, file: Path) -> float:
    card = original.card
    try:
        _write(original, runtime, file)
    except BackboneError as error:
        raise ConversionError(f"{card.name}: {error}") from error
    images = check_images(card)
    try:
        rows = _runtime(file, runtime, card)(images)
    except RuntimeError as error:
        raise ConversionError(
            f"{runtime} cannot run {card.name} ({first_line(error)}). Use --runtime torch."
        ) from error
    difference = relative_error(rows, original.embed(images))
    if not difference <= (LARGEST_ERROR if card.precision == "full" else math.inf):
        raise ConversionError(
            f"{card.name} converted for {runtime} differs from torch by {difference:.1e} (relative), more "
            f"than {LARGEST_ERROR:.0e}. Use --runtime torch."
        )
    return difference


def _write(original: _Original, runtime: ConvertedFor, file: Path) -> None:
    image_px = original.card.image_px
    if runtime == "onnxruntime":
        assert original.in_torch is not None, "an ONNX file runs with OpenVINO"
        convert_to_onnx(original.in_torch, image_px, file)
        return
    network = original.in_openvino
    if network is None:
        assert original.in_torch is not None, "a network is in one of the two"
        network = convert_to_openvino(original.in_torch, image_px)
    save_openvino(quantise(network, image_px) if original.card.precision == "int8" else network, file)


def check_images(card: Card) -> Images:
    """Images on which a runtime is compared with the original.

    In full precision noise, and a ramp from black to white. Otherwise pictures, since rounding costs far more
    on noise than on what networks are made for; they are not those that a quantisation was fitted to.
    """
    px = card.image_px
    if card.precision != "full":
        return calibration_images(CHECKED, px, purpose="check")
    images = generator(0, "check").integers(0, 256, (3, px, px, 3), dtype=np.uint8)
    images[1] = np.linspace(0, 255, px, dtype=np.uint8)[:, None, None]
    return images


def _put_in_place(temporary: Path, folder: Path, runtime: ConvertedFor) -> None:
    """Make the new folder the one that counts, unless another process just put a good one there."""
    for _attempt in range(3):
        try:
            temporary.rename(folder)
        except OSError:
            try:
                _read(folder, runtime)
            except NotConvertedError:
                shutil.rmtree(folder, ignore_errors=True)
                continue
        return
    raise OSError(f"{folder} cannot be replaced; delete it")


def _weights_sha256(hashes: dict[str, str]) -> str:
    """Of the files that hold numbers: the names in an .xml file differ from one conversion to the next."""
    return fingerprint({file: sha256 for file, sha256 in hashes.items() if not file.endswith(".xml")})
