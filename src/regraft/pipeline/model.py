"""A fitted classifier of images: which networks, which features, which weights, which names."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from regraft.backbones import Backbone, Card
from regraft.backbones import load as load_backbone
from regraft.core.arrays import Features, Probabilities, Scores
from regraft.core.errors import ArtifactError, BackboneError, DataError
from regraft.core.files import read_json, write_bytes, write_json
from regraft.core.hashing import sha256_of_bytes
from regraft.core.settings import from_plain
from regraft.data import Skipped, Source, batches
from regraft.evaluation import softmax
from regraft.features import Affine, columns, view_of
from regraft.heads import Classifier, Linear, from_arrays, to_arrays
from regraft.pipeline.recipe import Recipe

FORMAT = 1
SETTINGS_FILE = "model.json"
ARRAYS_FILE = "model.safetensors"
IMAGES_AT_ONCE = 256
BATCH = 16


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image: the likeliest class, and the probability of every class."""

    label: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Model:
    """A fitted classifier. `regraft.load` and `fit` make it; nothing in it changes afterwards.

    `affine` is None where it has been folded into a linear classifier. Scores divided by `temperature` are
    logits, calibrated on held-out images.
    """

    classes: tuple[str, ...]
    cards: tuple[Card, ...]
    recipe: Recipe
    classifier: Classifier
    affine: Affine | None = None
    temperature: float = 1.0

    def predict(self, images: Source | Iterable[Source]) -> list[Prediction]:
        """Classify images: paths, Pillow images, uint8 or [0, 1] float arrays [h, w, 3], one or many.

        An iterable is consumed in batches, so a generator over millions of images keeps a few in memory.

        Raises:
            DataError: an image cannot be decoded; `predict_each` goes on instead.
        """
        found = []
        for answer in self.predict_each(_many(images)):
            if isinstance(answer, Skipped):
                raise DataError(f"{answer.path} cannot be classified: {answer.reason}")
            found.append(answer)
        return found

    def predict_each(self, images: Iterable[Source]) -> Iterator[Prediction | Skipped]:
        """Classify images one after the other, in batches; what cannot be decoded is said to be skipped."""
        stream = iter(images)
        while chunk := list(islice(stream, IMAGES_AT_ONCE)):
            features, skipped = self._embed(chunk)
            kept = [index for index in range(len(chunk)) if index not in skipped]
            answers = dict(zip(kept, self._answers(features[kept]), strict=True))
            yield from (skipped.get(index) or answers[index] for index in range(len(chunk)))

    def scores(self, features: Features) -> Scores:
        """Logits [n, k] of unscaled features [n, d], those of `cards` side by side."""
        scaled = features if self.affine is None else self.affine(features)
        return self.classifier.scores(scaled) / self.temperature

    def probabilities(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of unscaled features [n, d]."""
        return softmax(self.scores(features))

    @cached_property
    def backbones(self) -> tuple[Backbone, ...]:
        """The networks, loaded when first needed.

        Raises:
            BackboneError: a network cannot be had, or its weights are not those the model was fitted on.
        """
        return tuple(_load_same(card, self.recipe) for card in self.cards)

    def _embed(self, images: Sequence[Source]) -> tuple[Features, dict[int, Skipped]]:
        """Features [n, d] of some images; rows of those that are skipped are zeros."""
        parts: list[Features] = []
        bad: dict[int, Skipped] = {}
        for backbone in self.backbones:
            rows = np.zeros((len(images), backbone.card.width), dtype=np.float32)
            skipped: list[Skipped] = []
            absent = np.ones(len(images), dtype=bool)
            for batch in batches(images, view_of(backbone), size=BATCH):
                if len(batch.indices):
                    rows[batch.indices] = backbone.embed(batch.images)
                absent[batch.indices] = False
                skipped += batch.skipped
            bad = dict(zip(np.flatnonzero(absent).tolist(), skipped, strict=True))
            parts += [rows[:, part] for part in columns(backbone.card, self.recipe.depths or "grid")]
        return np.concatenate(parts, axis=1), bad

    def _answers(self, features: Features) -> Iterator[Prediction]:
        for row in self.probabilities(features).tolist() if len(features) else []:
            named = dict(zip(self.classes, row, strict=True))
            label = max(named, key=named.__getitem__)
            yield Prediction(label, named[label], named)

    def save(self, folder: Path | str) -> None:
        """Write the model as safetensors and JSON; the JSON comes last and names the arrays' SHA-256.

        Raises:
            ArtifactError: the folder cannot be written.
        """
        kind, arrays = to_arrays(self.classifier)
        if self.affine is not None:
            arrays |= {"affine.shift": self.affine.shift, "affine.scale": self.affine.scale}
        data = save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        write_bytes(Path(folder) / ARRAYS_FILE, data)
        settings = {
            "format": FORMAT,
            "classes": self.classes,
            "temperature": self.temperature,
            "classifier": kind,
            "cards": self.cards,
            "recipe": self.recipe.to_json(),
            "sha256": sha256_of_bytes(data),
        }
        write_json(Path(folder) / SETTINGS_FILE, settings)


def load(folder: Path | str) -> Model:
    """Load a saved model, or the model of a run. Only JSON and safetensors are read: nothing is executed.

    Raises:
        ArtifactError: there is no model, its files do not belong together, or a newer version wrote it.
    """
    folder = Path(folder)
    if not (folder / SETTINGS_FILE).is_file() and (folder / "model" / SETTINGS_FILE).is_file():
        folder = folder / "model"
    if not (folder / SETTINGS_FILE).is_file():
        raise ArtifactError(
            f"There is no model in {folder}: it has no {SETTINGS_FILE}. Name the folder that 'regraft fit' "
            f"wrote. Other formats (.pkl, .pt, .joblib) are not read, since loading them can run code."
        )
    settings = read_json(folder / SETTINGS_FILE)
    arrays = _read_arrays(folder / ARRAYS_FILE, settings)
    try:
        affine = (
            Affine(arrays.pop("affine.shift"), arrays.pop("affine.scale"))
            if "affine.shift" in arrays
            else None
        )
        return Model(
            classes=tuple(settings["classes"]),
            cards=from_plain(tuple[Card, ...], settings["cards"], "cards"),
            recipe=Recipe.from_json(settings["recipe"]),
            classifier=from_arrays(settings["classifier"], arrays),
            affine=affine,
            temperature=float(settings["temperature"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{folder / SETTINGS_FILE} is no model description ({error!r}).") from error


def folded(classifier: Classifier, affine: Affine) -> tuple[Classifier, Affine | None]:
    """A linear classifier takes the scaling of its features into itself; another keeps it in front."""
    if isinstance(classifier, Linear):
        return classifier.fold(affine.shift, affine.scale), None
    return classifier, affine


def _many(images: Source | Iterable[Source]) -> Iterable[Source]:
    if isinstance(images, np.ndarray):
        return [images] if images.ndim < 4 else list(images)
    if isinstance(images, (str, bytes, Path)) or not isinstance(images, Iterable):
        return [images]
    return images


def _read_arrays(file: Path, settings: Any) -> dict[str, Any]:
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = settings.get("format") if isinstance(settings, dict) else None
        raise ArtifactError(
            f"{file.parent} holds a model of format {found}; this version reads format {FORMAT}."
        )
    try:
        data = file.read_bytes()
        if sha256_of_bytes(data) != settings.get("sha256"):
            raise ArtifactError(f"{file} is not the file that {SETTINGS_FILE} beside it belongs to.")
        return load_arrays(data)
    except OSError as error:
        raise ArtifactError(f"Cannot read {file}: {error.strerror or error}.") from error
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{file} is not a safetensors file ({error}).") from error


def _load_same(card: Card, recipe: Recipe) -> Backbone:
    backbone = load_backbone(card.name, runtime=recipe.runtime)
    if backbone.card.sha256 != card.sha256:
        raise BackboneError(
            f"The weights of {card.name} here (SHA-256 {backbone.card.sha256[:12]}...) are not those this "
            f"model was fitted on ({card.sha256[:12]}...): its scores would mean nothing."
        )
    return backbone
