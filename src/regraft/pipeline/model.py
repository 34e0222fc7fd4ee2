"""A fitted classifier of images: which networks, which features, which weights, which names."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from regraft.backbones import Backbone, Card
from regraft.backbones import load as load_backbone
from regraft.backbones.names import moved, weights_file, with_file
from regraft.core.arrays import Features, Probabilities, Scores
from regraft.core.artifact import keep_beside, read_artifact, write_artifact
from regraft.core.errors import ArtifactError, BackboneError, DataError, RecipeError
from regraft.core.settings import from_plain
from regraft.data import Skipped, Source, batches
from regraft.evaluation import softmax
from regraft.features import Affine, Representation, columns, view_of, width
from regraft.heads import Classifier, Linear, from_arrays, sigmoid, to_arrays
from regraft.pipeline.recipe import Head, Recipe

AFFINE = ("affine.shift", "affine.scale")
BATCH = 16
IMAGES_AT_ONCE = 8 * BATCH
"""Taken from a generator at a time; of pixels rather than paths, so many are held in memory."""

Fitted = tuple[Classifier, Affine | None]
"""A classifier, and what has to scale features before it, if anything."""

Made = tuple[Head, Scores, Fitted]
"""A head with what it found on its own, its held-out scores [n, k], and what its fit to all images gave."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image: the likeliest class, and the probability of every class.

    Of a model of several labels, `labels` are those it gives the image, maybe none, in the order of the
    classes, with their probabilities; `label` is the likeliest one, given or not.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    labels: dict[str, float] | None = None

    @property
    def given(self) -> dict[str, float]:
        """The labels it gives the image, with their probabilities: one, unless it is a model of several."""
        return {self.label: self.probability} if self.labels is None else self.labels


@dataclass(frozen=True)
class Model:
    """A fitted classifier. `regraft.load` and `fit` make it; nothing in it changes afterwards.

    `affine` is None where it has been folded into a linear classifier. Scores divided by `temperature` are
    logits, calibrated on held-out images.

    With `thresholds` it is a model of several labels: each has a probability of its own, and an image is
    given those that reach their thresholds.
    """

    classes: tuple[str, ...]
    cards: tuple[Card, ...]
    recipe: Recipe
    classifier: Classifier
    affine: Affine | None = None
    temperature: float = 1.0
    thresholds: tuple[float, ...] | None = None

    @property
    def representation(self) -> Representation:
        """How it describes an image: as its recipe says, by the networks of its cards.

        They bear other names than those of the recipe where these were fine-tuned.
        """
        return replace(self.recipe.representation, backbones=tuple(card.name for card in self.cards))

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
            answers = self.named(self.probabilities(features))
            yield from (skipped.get(index, answer) for index, answer in enumerate(answers))

    def scores(self, features: Features) -> Scores:
        """Logits [n, k] of unscaled features [n, d], those of `cards` side by side."""
        scaled = features if self.affine is None else self.affine(features)
        return self.classifier.scores(scaled) / self.temperature

    def probabilities(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of unscaled features [n, d]; of several labels, rows do not sum to one."""
        return softmax(self.scores(features)) if self.thresholds is None else sigmoid(self.scores(features))

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

    def named(self, probabilities: Probabilities) -> Iterator[Prediction]:
        """What probabilities [n, k] say of each image, by the names of the classes."""
        for row in probabilities.tolist():
            named = dict(zip(self.classes, row, strict=True))
            label = max(named, key=named.__getitem__)
            yield Prediction(label, named[label], named, self._reached(named))

    def _reached(self, named: dict[str, float]) -> dict[str, float] | None:
        if self.thresholds is None:
            return None
        reached = zip(named.items(), self.thresholds, strict=True)
        return dict(item for item, threshold in reached if item[1] >= threshold)

    def save(self, folder: Path | str) -> None:
        """Write the model as safetensors and JSON, in place of one that lies there.

        Weights that were fine-tuned lie beside it; pretrained ones are named.

        Raises:
            ArtifactError: the folder cannot be written.
        """
        kind, arrays = to_arrays(self.classifier)
        cards = [self._kept_beside(card, Path(folder)) for card in self.cards]
        beside = [str(file) for card in cards if (file := weights_file(card.name))]
        if self.affine is not None:
            arrays |= zip(AFFINE, (self.affine.shift, self.affine.scale), strict=True)
        settings = {
            "classes": self.classes,
            "temperature": self.temperature,
            "thresholds": self.thresholds,
            "classifier": kind,
            "cards": cards,
            "recipe": self.recipe.to_json(),
        }
        write_artifact(Path(folder), settings, arrays, beside=beside)

    def _kept_beside(self, card: Card, folder: Path) -> Card:
        """The card of a fine-tuned network as it is saved: with the name of the file that lies beside it."""
        file = weights_file(card.name)
        if self.recipe.finetune is None or file is None:
            return card
        return replace(card, name=with_file(card.name, keep_beside(file, folder)))


def load(folder: Path | str) -> Model:
    """Load a saved model, or the model of a run. Only JSON and safetensors are read: nothing is executed.

    Raises:
        ArtifactError: there is no model, its files are damaged or do not belong together, or another version
            wrote it.
    """
    file, settings, arrays = read_artifact(Path(folder).expanduser())
    try:
        scaling = [arrays.pop(name) for name in AFFINE if name in arrays]
        recipe = Recipe.from_json(settings["recipe"])
        cards = tuple(from_plain(Card, card, "cards") for card in settings["cards"])
        if recipe.finetune:
            cards = tuple(replace(card, name=moved(card.name, file.parent)) for card in cards)
        model = Model(
            classes=tuple(from_plain(str, name, "classes") for name in settings["classes"]),
            cards=cards,
            recipe=recipe,
            classifier=from_arrays(settings["classifier"], arrays),
            affine=Affine(*scaling) if scaling else None,
            temperature=from_plain(float, settings["temperature"], "temperature"),
            thresholds=_thresholds(settings),
        )
        _check_fit(model)
    except (KeyError, TypeError, ValueError, DataError, RecipeError) as error:
        what = f"it lacks {error}" if isinstance(error, KeyError) else error
        raise ArtifactError(f"{file} describes no model that can be used: {what}.") from error
    return model


def kept(model: Model, folder: Path) -> Model:
    """Save a model; the same, with the weights that lie there now if some were trained.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    model.save(folder)
    return replace(model, cards=load(folder).cards) if model.recipe.finetune else model


def folded(classifier: Classifier, affine: Affine) -> Fitted:
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


def _thresholds(settings: dict[str, Any]) -> tuple[float, ...] | None:
    """Absent, or null, where an image has one class."""
    found = settings.get("thresholds")
    return None if found is None else tuple(from_plain(float, each, "thresholds") for each in found)


def _check_fit(model: Model) -> None:
    """Raise ValueError unless classes, networks and arrays belong to one model."""
    names = tuple(card.name for card in model.cards)
    if names and model.recipe.finetune is None and names != model.recipe.backbones:
        raise ValueError(f"its networks are {names}, and those of its recipe {model.recipe.backbones}")
    if len(set(model.classes)) != len(model.classes) or len(model.classes) != model.classifier.class_count:
        raise ValueError(f"{len(model.classes)} classes for {model.classifier.class_count} scores")
    if not 0 < model.temperature < math.inf:
        raise ValueError(f"its temperature is {model.temperature}")
    if model.thresholds is not None and len(model.thresholds) != len(model.classes):
        raise ValueError(f"{len(model.thresholds)} thresholds for {len(model.classes)} labels")
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
