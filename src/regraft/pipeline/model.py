"""A fitted classifier of images: which networks, which features, which weights, which names."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from regraft.backbones import Backbone, Card
from regraft.backbones import load as load_backbone
from regraft.core.arrays import Features, Probabilities, Scores
from regraft.core.errors import ArtifactError, BackboneError, DataError, RecipeError
from regraft.core.settings import from_plain
from regraft.data import Skipped, Source, batches
from regraft.evaluation import softmax
from regraft.features import Affine, columns, view_of, width
from regraft.heads import Classifier, Linear, from_arrays, to_arrays
from regraft.pipeline.artifact import read_artifact, write_artifact
from regraft.pipeline.recipe import Recipe

AFFINE = ("affine.shift", "affine.scale")
BATCH = 16
IMAGES_AT_ONCE = 8 * BATCH
"""Taken from a generator at a time; of pixels rather than paths, so many are held in memory."""


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
            answers = self._answers(features)
            yield from (skipped.get(index, answer) for index, answer in enumerate(answers))

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
        parts = [np.empty((len(images), 0), np.float32)]
        skipped: dict[int, Skipped] = {}
        for backbone in self.backbones:
            rows = np.zeros((len(images), backbone.card.width), np.float32)
            absent = np.ones(len(images), bool)
            reasons: list[Skipped] = []
            for batch in batches(images, view_of(backbone), size=BATCH):
                if len(batch.indices):
                    rows[batch.indices] = backbone.embed(batch.images)
                absent[batch.indices] = False
                reasons += batch.skipped
            skipped |= zip(np.flatnonzero(absent).tolist(), reasons, strict=True)
            parts += [rows[:, part] for part in columns(backbone.card, self.recipe.depths or "grid")]
        return np.concatenate(parts, axis=1), skipped

    def _answers(self, features: Features) -> Iterator[Prediction]:
        for row in self.probabilities(features).tolist():
            named = dict(zip(self.classes, row, strict=True))
            label = max(named, key=named.__getitem__)
            yield Prediction(label, named[label], named)

    def save(self, folder: Path | str) -> None:
        """Write the model as safetensors and JSON, in place of one that lies there.

        Raises:
            ArtifactError: the folder cannot be written.
        """
        kind, arrays = to_arrays(self.classifier)
        if self.affine is not None:
            arrays |= zip(AFFINE, (self.affine.shift, self.affine.scale), strict=True)
        settings = {
            "classes": self.classes,
            "temperature": self.temperature,
            "classifier": kind,
            "cards": self.cards,
            "recipe": self.recipe.to_json(),
        }
        write_artifact(Path(folder), settings, arrays)


def load(folder: Path | str) -> Model:
    """Load a saved model, or the model of a run. Only JSON and safetensors are read: nothing is executed.

    Raises:
        ArtifactError: there is no model, its files are damaged or do not belong together, or another version
            wrote it.
    """
    file, settings, arrays = read_artifact(Path(folder).expanduser())
    try:
        scaling = [arrays.pop(name) for name in AFFINE if name in arrays]
        model = Model(
            classes=tuple(from_plain(str, name, "classes") for name in settings["classes"]),
            cards=tuple(from_plain(Card, card, "cards") for card in settings["cards"]),
            recipe=Recipe.from_json(settings["recipe"]),
            classifier=from_arrays(settings["classifier"], arrays),
            affine=Affine(*scaling) if scaling else None,
            temperature=from_plain(float, settings["temperature"], "temperature"),
        )
        _check_fit(model)
    except (KeyError, TypeError, ValueError, DataError, RecipeError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ArtifactError(f"{file} describes no model that can be used: {what}.") from error
    return model


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


def _check_fit(model: Model) -> None:
    """Raise ValueError unless classes, networks and arrays belong to one model."""
    names = tuple(card.name for card in model.cards)
    if names and names != model.recipe.backbones:
        raise ValueError(f"its networks are {names}, and those of its recipe {model.recipe.backbones}")
    if len(set(model.classes)) != len(model.classes) or len(model.classes) != model.classifier.class_count:
        raise ValueError(f"{len(model.classes)} classes for {model.classifier.class_count} scores")
    if not 0 < model.temperature < math.inf:
        raise ValueError(f"its temperature is {model.temperature}")
    # An image without features: whoever cannot score it cannot score any.
    model.scores(np.zeros((1, width(model.cards, model.recipe.depths or "grid")), np.float32))


def _load_same(card: Card, recipe: Recipe) -> Backbone:
    backbone = load_backbone(card.name, runtime=recipe.runtime)
    if backbone.card.sha256 != card.sha256:
        raise BackboneError(
            f"The weights of {card.name} here (SHA-256 {backbone.card.sha256[:12]}...) are not those this "
            f"model was fitted on ({card.sha256[:12]}...): its scores would mean nothing."
        )
    return backbone
