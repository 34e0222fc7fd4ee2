"""A network ready to embed images, and how to get one."""

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from regraft.backbones.card import Card
from regraft.backbones.runtimes import (
    Embed,
    Runtime,
    convert_to_openvino,
    has_cuda,
    openvino_runtime,
    relative_error,
    torch_runtime,
)
from regraft.backbones.sources import Source, build, identify
from regraft.core.arrays import Features, Images
from regraft.core.errors import ArtifactError, BackboneError, RegraftError
from regraft.core.files import cache_folder, read_json, write_json
from regraft.core.hashing import fingerprint, sha256_of_file
from regraft.core.seeds import generator
from regraft.core.settings import from_plain
from regraft.data.formats.decode import DECODE_VERSION

if TYPE_CHECKING:
    from torch import nn

LAYOUT_VERSION = 1
"""Raise it when `depths.py` changes what a row holds: converted networks and stored features are then new."""

LARGEST_ERROR = 1e-3

CARD, NETWORK = "card.json", "network.xml"


@dataclass(frozen=True)
class Backbone:
    """A pretrained network that turns images into rows of pooled features.

    `relative_error` is that of the runtime against torch on the images of the check, 0 for torch itself.
    """

    card: Card
    runtime: Runtime
    relative_error: float
    _embed: Embed = field(repr=False, compare=False)

    def embed(self, images: Images) -> Features:
        """Pooled features [b, card.width] of uint8 images [b, card.image_px, card.image_px, 3]."""
        return self._embed(images)

    @property
    def key(self) -> str:
        """Names what features depend on besides the file: its decoding, weights, view, depths and pooling."""
        return fingerprint([LAYOUT_VERSION, DECODE_VERSION, self.card.identity])

    def measure_images_per_s(self, images: int = 16) -> float:
        """Throughput on a batch of noise, after one warm-up batch."""
        px = self.card.image_px
        batch = generator(0, "measure").integers(0, 256, (images, px, px, 3), dtype=np.uint8)
        self.embed(batch)
        started = time.perf_counter()
        self.embed(batch)
        return images / (time.perf_counter() - started)


def load(name: str, *, runtime: Literal["auto", "openvino", "torch"] = "auto") -> Backbone:
    """Load a pretrained network by name and choose how to run it.

    On a CPU the network is converted to OpenVINO once, compared with torch on the same images, and kept in
    the cache; later loads import neither torch nor timm. With a GPU, torch runs it.

    Args:
        name: `BASE[:96px][:int8|:bf16]`, as in `lite0:96px` or `timm:resnet50@weights.pth`; see `identify`.
        runtime: `auto` prefers torch on a GPU, then OpenVINO, then torch on the CPU.

    Raises:
        BackboneError: the name is unknown, the weights cannot be had or do not fit, or `openvino` was asked
            for and cannot run the network or disagrees with torch by more than 1e-3.
        ArtifactError: the cache folder cannot be written.
    """
    source = identify(name)
    if runtime == "torch" or (runtime == "auto" and has_cuda()):
        return _load_torch(source)
    folder = _converted_folder(source)
    try:
        return _load_converted(folder)
    except _NotConvertedError:
        pass
    try:
        _convert(source, folder)
    except _ConversionError:
        if runtime == "openvino":
            raise
        return _load_torch(source)
    return _load_converted(folder)


def is_ready(name: str, *, runtime: Literal["auto", "openvino", "torch"] = "auto") -> bool:
    """Whether loading a network takes a moment only, because it was converted before."""
    if runtime == "torch" or (runtime == "auto" and has_cuda()):
        return False
    return (_converted_folder(identify(name)) / CARD).exists()


class _ConversionError(BackboneError):
    """A network that OpenVINO cannot express, or that computes something else once converted."""


class _NotConvertedError(ArtifactError):
    """No converted network lies in the cache, or a damaged one."""


def _load_torch(source: Source) -> Backbone:
    from regraft.backbones.depths import Embedding

    network, card = build(source)
    return Backbone(card, "torch", 0.0, torch_runtime(Embedding(network, card)))


def _converted_folder(source: Source) -> Path:
    key = fingerprint([LAYOUT_VERSION, source.name, source.sha256, version("openvino"), version("timm")])
    return cache_folder() / "networks" / key[:16]


def _load_converted(folder: Path) -> Backbone:
    """Load from the cache. Whatever is wrong with what lies there is mended by converting again."""
    try:
        record = read_json(folder / CARD)
        if any(sha256_of_file(folder / file) != sha256 for file, sha256 in record["sha256"].items()):
            raise _NotConvertedError(f"A file in {folder} was cut short or changed.")
        card = from_plain(Card, record["card"])
        return Backbone(card, "openvino", record["relative_error"], openvino_runtime(folder / NETWORK))
    except (RegraftError, OSError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise _NotConvertedError(f"{folder} holds no network that can be used ({error}).") from error


def _convert(source: Source, folder: Path) -> None:
    """Convert, check, and put the result in place as one whole folder, also when two processes do so."""
    network, card = build(source)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".converting-"))
    except OSError as error:
        raise ArtifactError(f"Cannot write the cache folder {folder.parent}: {error.strerror}.") from error
    try:
        difference = _convert_and_compare(source, network, card, temporary / NETWORK)
        hashes = {file.name: sha256_of_file(file) for file in temporary.iterdir()}
        write_json(temporary / CARD, {"card": card, "relative_error": difference, "sha256": hashes})
        temporary.chmod(0o755)  # Temporary folders are private; a cache may be shared.
        _put_in_place(temporary, folder)
    except (OSError, RuntimeError) as error:
        # OpenVINO reports a full disk as a RuntimeError.
        raise ArtifactError(
            f"Cannot keep the converted network in {folder}: {error}. "
            f"Free some space, or name another folder in $REGRAFT_CACHE."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _convert_and_compare(source: Source, network: "nn.Module", card: Card, file: Path) -> float:
    from regraft.backbones.depths import Embedding

    embedding = Embedding(network, card).eval()
    try:
        convert_to_openvino(embedding, card.image_px, file)
    except BackboneError as error:
        raise _ConversionError(f"{source.name}: {error}") from error
    images = generator(0, "check").integers(0, 256, (3, card.image_px, card.image_px, 3), dtype=np.uint8)
    images[1] = np.linspace(0, 255, card.image_px, dtype=np.uint8)[:, None, None]
    try:
        rows = openvino_runtime(file)(images)
    except RuntimeError as error:
        raise _ConversionError(
            f"OpenVINO cannot run {source.name} ({error}). Use --runtime torch."
        ) from error
    difference = relative_error(rows, torch_runtime(embedding)(images))
    if not difference <= LARGEST_ERROR:
        raise _ConversionError(
            f"{source.name} converted to OpenVINO differs from torch by {difference:.1e} (relative), more "
            f"than {LARGEST_ERROR:.0e}. Use --runtime torch."
        )
    return difference


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Make the new folder the one that counts, unless another process just put a good one there."""
    for _attempt in range(3):
        try:
            temporary.rename(folder)
        except OSError:
            try:
                _load_converted(folder)
            except _NotConvertedError:
                shutil.rmtree(folder, ignore_errors=True)
                continue
        return
    raise OSError(f"{folder} cannot be replaced; delete it")
