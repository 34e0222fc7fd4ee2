"""`onnx:FILE`: any ONNX classifier or encoder as a frozen trunk, read and run by OpenVINO.

What a file does not say has to be assumed. Without a mean and standard deviation in its metadata, pixels are
normalised as for ImageNet, and the card says so; a network whose first layers already do that gets it twice.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from regraft.backbones.card import Card, Stage
from regraft.backbones.onnx_bytes import OnnxFacts, read_facts
from regraft.backbones.onnx_graph import count_multiply_adds, count_parameters, find_classifier, find_maps
from regraft.backbones.onnx_input import Opened, open_network
from regraft.backbones.onnx_rows import HEAD, Depth, express_rows, run_once
from regraft.backbones.runtimes import relative_error
from regraft.backbones.source import NOT_STATED, Made, Source
from regraft.backbones.source_head import SourceHead
from regraft.core.arrays import Array
from regraft.core.errors import BackboneError
from regraft.core.hashing import fingerprint, sha256_of_file
from regraft.core.seeds import generator

if TYPE_CHECKING:
    from openvino import Model

PREFIX = "onnx"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CROP_FRACTION = 0.875
CLASS_NAMES = ("classes", "labels", "names")
SAME = 1e-4


@dataclass(frozen=True)
class OnnxNetwork:
    """A file's network from bytes to rows, its card, and its classifier where it has a linear one."""

    card: Card
    network: "Model"
    head: SourceHead | None


def identify_onnx(rest: str) -> Source:
    """Find the file behind `onnx:`.

    Raises:
        BackboneError: there is none, it is no ONNX file, or a file with its weights is missing.
    """
    file = Path(rest).expanduser().resolve()
    if not file.is_file():
        raise BackboneError(f"There is no ONNX file {file} (named by the backbone 'onnx:{rest}').")
    facts = _facts(file)
    missing = [str(path) for path in facts.beside if not path.is_file()]
    if missing:
        raise BackboneError(f"{file} keeps its weights in {', '.join(missing)}, not found. Copy it too.")
    sha256 = sha256_of_file(file)
    if facts.beside:
        sha256 = fingerprint([sha256, *(sha256_of_file(path) for path in facts.beside)])
    return Source(f"{PREFIX}:{file}", "ONNX", file, sha256, origin=PREFIX)


def make_onnx(source: Source) -> Made:
    """Refuse: what only OpenVINO can run has no weights to train.

    Raises:
        BackboneError: always.
    """
    raise BackboneError(
        f"{source.name} is frozen: it runs with OpenVINO only and cannot be trained. Name the network that "
        f"it was exported from."
    )


def build_onnx(source: Source) -> OnnxNetwork:
    """Read the network of an ONNX file, with its depths pooled as those of any other.

    Depths are the last activation of each spatial size, named by it, since names in the graph need not be the
    same the next time. Then the head: what the final matrix product reads, or the output where there is none.

    Raises:
        BackboneError: it cannot be read, takes no images, or not of that size.
    """
    assert source.file is not None, "an ONNX network always has a file"
    facts = _facts(source.file)
    opened = open_network(source.file, image_px=source.image_px)
    classifier = find_classifier(opened.network)
    depths = [Depth(name, output) for name, output in find_maps(opened.network)]
    depths.append(
        Depth(HEAD, classifier.reads if classifier else opened.network.get_results()[0].input_value(0))
    )
    mean, std = _normalisation(facts)
    pixels = generator(0, "probe").normal(size=(2, 3, opened.image_px, opened.image_px))
    scores = [classifier.scores] if classifier else []
    pooled = run_once(opened, [*depths, *(Depth("scores", output) for output in scores)], pixels)
    depths = _without_repetition(depths, pooled)
    card = _card(source, opened, depths, facts)
    head = None
    if classifier:
        head = _source_head(classifier.weights, pooled[HEAD], pooled["scores"], depths[-1].name, facts)
    return OnnxNetwork(card, express_rows(opened, depths, mean=mean, std=std), head)


def _facts(file: Path) -> OnnxFacts:
    try:
        return read_facts(file)
    except ValueError as error:
        raise BackboneError(f"{file} is no ONNX file: {error}. Export the network again.") from error
    except OSError as error:
        raise BackboneError(f"{file} cannot be read: {error.strerror or error}.") from error


def _without_repetition(depths: list[Depth], pooled: dict[str, Array]) -> list[Depth]:
    """Leave the head out where it is the last map's mean: it would repeat it column by column."""
    maps = depths[:-1]
    if not maps or pooled[HEAD].shape != pooled[maps[-1].name].shape:
        return depths
    return maps if relative_error(pooled[maps[-1].name], pooled[HEAD]) < SAME else depths


def _card(source: Source, opened: Opened, depths: list[Depth], facts: OnnxFacts) -> Card:
    mean, std = _normalisation(facts)
    said = facts.metadata.get("pretrained_on", NOT_STATED)
    assumed = "" if _states_normalisation(facts) else " (normalised as for ImageNet: the file says no mean)"
    return Card(
        name=source.name,
        architecture=source.architecture,
        sha256=source.sha256,
        licence=facts.metadata.get("license", facts.metadata.get("licence", NOT_STATED)),
        pretrained_on=f"{said}{assumed}",
        image_px=opened.image_px,
        crop_fraction=CROP_FRACTION,
        interpolation="bicubic",
        mean=mean,
        std=std,
        stages=tuple(Stage(depth.name, _width(depth), depth.is_map) for depth in depths),
        parameters=count_parameters(opened.network),
        multiply_adds=count_multiply_adds(opened.network),
        precision=source.precision,
    )


def _width(depth: Depth) -> int:
    shape = depth.output.get_partial_shape()
    return int(shape[2 if len(shape) == 3 else 1].get_length())


def _states_normalisation(facts: OnnxFacts) -> bool:
    return all(_three(facts.metadata.get(name, "")) for name in ("mean", "std"))


def _normalisation(facts: OnnxFacts) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation of pixels in [0, 1]; files may state them for 0 to 255 as well."""
    mean, std = _three(facts.metadata.get("mean", "")), _three(facts.metadata.get("std", ""))
    if mean is None or std is None:
        return IMAGENET_MEAN, IMAGENET_STD
    if max(std) > 1:
        mean, std = tuple(one / 255 for one in mean), tuple(one / 255 for one in std)  # type: ignore[assignment]
    return mean, std


def _three(text: str) -> tuple[float, float, float] | None:
    """Three finite numbers, in brackets or not, apart by commas or spaces."""
    try:
        numbers = [float(part) for part in text.strip("[]() ").replace(",", " ").split()]
    except ValueError:
        return None
    if len(numbers) != 3 or not np.isfinite(numbers).all():
        return None
    return numbers[0], numbers[1], numbers[2]


def _source_head(
    weights: Array, read: Array, scores: Array, block: str, facts: OnnxFacts
) -> SourceHead | None:
    """The classifier as a matrix and a bias, believed only where it gives the network's own scores."""
    bias = (scores - read @ weights)[0]
    if not relative_error(read @ weights + bias, scores) < SAME:
        return None
    return SourceHead(
        weights.astype(np.float32), bias.astype(np.float32), block, _class_names(facts, len(bias))
    )


def _class_names(facts: OnnxFacts, count: int) -> tuple[str, ...] | None:
    for key in CLASS_NAMES:
        try:
            names = json.loads(facts.metadata.get(key, ""))
        except ValueError:
            continue
        if isinstance(names, list) and len(names) == count:
            return tuple(map(str, names))
    return None
