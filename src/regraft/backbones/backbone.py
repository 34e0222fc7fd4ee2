"""A network ready to embed images, and how to get one."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from regraft.backbones import onnx_file, source_head
from regraft.backbones.card import Card
from regraft.backbones.converted import (
    CARD,
    LAYOUT_VERSION,
    ConversionError,
    ConvertedFor,
    check_images,
    folder_of,
    load_converted,
)
from regraft.backbones.runtimes import (
    Embed,
    Runtime,
    RuntimeChoice,
    has_cuda,
    relative_error,
    require_cpu_precision,
    torch_runtime,
)
from regraft.backbones.source_head import SourceHead
from regraft.backbones.sources import Source, build, identify
from regraft.core.arrays import Features, Images
from regraft.core.errors import BackboneError
from regraft.core.hashing import fingerprint
from regraft.core.seeds import generator
from regraft.data.formats.decode import DECODE_VERSION

if TYPE_CHECKING:
    from torch import nn


def _no_head() -> SourceHead | None:
    return None


@dataclass(frozen=True)
class Backbone:
    """A pretrained network that turns images into rows of pooled features.

    `relative_error` is that of the runtime and its precision against the network as it was given, on the
    images of the check; 0 for torch in full precision. `size_bytes` is what the network takes on disk, or in
    torch's memory, as it runs.
    """

    card: Card
    runtime: Runtime
    relative_error: float
    _embed: Embed = field(repr=False, compare=False)
    _quantised_sha256: str = field(default="", repr=False)
    _read_source_head: Callable[[], SourceHead | None] = field(default=_no_head, repr=False, compare=False)
    size_bytes: int = 0

    def embed(self, images: Images) -> Features:
        """Pooled features [b, card.width] of uint8 images [b, card.image_px, card.image_px, 3]."""
        return self._embed(images)

    @property
    def key(self) -> str:
        """Names what features depend on besides the file: its decoding, weights, view, depths and pooling.

        An int8 network's numbers come from the quantisation, so they are part of its name.
        """
        quantised = [self._quantised_sha256] if self._quantised_sha256 else []
        return fingerprint([LAYOUT_VERSION, DECODE_VERSION, self.card.identity, *quantised])

    @cached_property
    def source_head(self) -> SourceHead | None:
        """The linear classifier the network was trained with; None where it has none, or another kind."""
        return self._read_source_head()

    def measure_images_per_s(self, images: int = 16) -> float:
        """Throughput on a batch of noise, after one warm-up batch."""
        px = self.card.image_px
        batch = generator(0, "measure").integers(0, 256, (images, px, px, 3), dtype=np.uint8)
        self.embed(batch)
        started = time.perf_counter()
        self.embed(batch)
        return images / (time.perf_counter() - started)


def load(name: str, *, runtime: RuntimeChoice = "auto") -> Backbone:
    """Load a pretrained network by name and choose how to run it.

    On a CPU the network is converted to OpenVINO once, compared with torch on the same images, and kept in
    the cache; later loads import neither torch nor timm. With a GPU, torch runs it.

    Args:
        name: `BASE[:96px][:int8|:bf16|:fp16]`, as in `lite0:96px` or `timm:resnet50@weights.pth`; see
            `identify`. `int8` is quantised and runs with OpenVINO; `bf16` wants a CPU or GPU that has it;
            `fp16` wants a GPU.
        runtime: `auto` prefers torch on a GPU, then OpenVINO, then torch on the CPU. `torch-compile` is torch
            with a network compiled at the first batch.

    Raises:
        BackboneError: the name is unknown, the weights cannot be had or do not fit, or the runtime asked for
            cannot run the network, lacks its precision, or disagrees with torch by more than 1e-3.
        ArtifactError: the cache folder cannot be written.
    """
    source = identify(name)
    chosen = _choose(source, runtime)
    match chosen:
        case "torch" | "torch-compile":
            return _load_torch(source, chosen)
        case "openvino" | "onnxruntime":
            try:
                return _load_converted(source, chosen)
            except ConversionError:
                if runtime != "auto" or _needs_openvino(source):
                    raise
    return _load_torch(source, "torch")


def is_ready(name: str, *, runtime: RuntimeChoice = "auto") -> bool:
    """Whether loading a network takes a moment only, because it was converted before."""
    source = identify(name)
    match _choose(source, runtime):
        case "openvino" | "onnxruntime" as chosen:
            return (folder_of(source, chosen) / CARD).exists()
        case _:
            return False


def address(name: str, *, runtime: RuntimeChoice = "auto") -> tuple[str, Runtime]:
    """A key of a network's weights, size and precision, and the runtime it would get; loads nothing.

    Raises:
        BackboneError: the name is unknown, its file is missing, or the runtime lacks its precision.
    """
    source = identify(name)
    return fingerprint([LAYOUT_VERSION, source.name, source.sha256]), _choose(source, runtime)


def _choose(source: Source, runtime: RuntimeChoice) -> Runtime:
    """The runtime that `auto` stands for.

    Raises:
        BackboneError: the runtime cannot run a network of this precision.
    """
    if runtime == "auto":
        on_torch = source.precision == "fp16" or has_cuda()
        runtime = "torch" if on_torch and not _needs_openvino(source) else "openvino"
    if runtime != "openvino" and _needs_openvino(source):
        raise BackboneError(f"{source.name} runs with OpenVINO only. Leave '--runtime {runtime}' away.")
    if runtime == "onnxruntime" and source.precision != "full":
        raise BackboneError(
            f"ONNX Runtime runs networks in full precision here. Leave ':{source.precision}' away, or use "
            f"--runtime openvino."
        )
    if runtime == "openvino":
        require_cpu_precision(source.precision)
    return runtime


def _needs_openvino(source: Source) -> bool:
    return source.precision == "int8" or source.origin == onnx_file.PREFIX


def _load_torch(source: Source, runtime: Runtime) -> Backbone:
    from regraft.backbones.depths import Embedding
    from regraft.backbones.own_classifier import classifier_of

    network, card = build(source)
    embedding = Embedding(network, card).eval()
    embed = torch_runtime(embedding, precision=card.precision, compiled=runtime == "torch-compile")
    error = _error_of_precision(embedding, card, embed)
    # From a network of its own: this one may be on a GPU, or compiled, and holds other readers' hooks.
    numbers = [*network.parameters(), *network.buffers()]
    return Backbone(
        card,
        runtime,
        error,
        embed,
        _read_source_head=lambda: classifier_of(*build(source)),
        size_bytes=sum(tensor.numel() * tensor.element_size() for tensor in numbers),
    )


def _error_of_precision(embedding: "nn.Module", card: Card, embed: Embed) -> float:
    if card.precision == "full":
        return 0.0
    images = check_images(card)
    return relative_error(embed(images), torch_runtime(embedding)(images))


def _load_converted(source: Source, runtime: ConvertedFor) -> Backbone:
    found = load_converted(source, runtime)
    return Backbone(
        found.card,
        runtime,
        found.relative_error,
        found.embed,
        found.weights_sha256 if source.precision == "int8" else "",
        lambda: source_head.read(found.folder),
        sum(file.stat().st_size for file in found.folder.glob("network.*")),
    )
