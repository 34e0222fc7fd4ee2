"""How good a fitted recipe is on images that its fits did not see, and the calibration found on the way."""

from dataclasses import dataclass, replace

import numpy as np

from regraft.core.arrays import Scores, Truth, Weights
from regraft.core.errors import RecipeError
from regraft.data import Dataset
from regraft.evaluation import (
    Answers,
    AnyAnswers,
    Groups,
    Interval,
    LabelAnswers,
    fit_temperature,
    fit_thresholds,
    headline,
    softmax,
)
from regraft.heads import KernelRidge, KernelSvm, Linear, Logistic, Platt, Ridge, TrainedLinear, fit_platt
from regraft.heads.kernel_machine import require_few
from regraft.pipeline.model import Model
from regraft.pipeline.recipe import BLEND, Head, Recipe, kind_of

LINEAR = (
    "ridge",
    "logistic",
    "elastic",
    "lda",
    "nearest_mean",
    "linear_svm",
    "selected_ridge",
    "trained_linear",
)
"""Kinds of head that are one matrix once they are fitted."""


@dataclass(frozen=True)
class Candidate:
    """A fitted recipe, and what it says of images that its fits did not see.

    `answers` are on the held-out examples and calibrated on them; `loss` is their mean log-loss, `score` the
    one by which results are known: accuracy, or of several labels mean average precision.
    """

    recipe: Recipe
    model: Model
    answers: AnyAnswers
    loss: float
    score: Interval


def truth_of(dataset: Dataset) -> Truth:
    """What heads learn: one label each, or which labels each image has."""
    return dataset.label_matrix if dataset.is_multilabel else dataset.labels


@dataclass(frozen=True)
class Calibration:
    """Held-out scores as probabilities, and how a model comes to give the same.

    Labels that exclude each other share a temperature; others have a Platt curve and a threshold each.
    """

    answers: AnyAnswers
    temperature: float = 1.0
    platt: Platt | None = None

    def of(self, model: Model) -> Model:
        """The model, calibrated. A linear head takes Platt curves into itself."""
        if self.platt is None:
            return replace(model, temperature=self.temperature)
        assert isinstance(model.classifier, Linear), "the heads that learn several labels are linear"
        assert isinstance(self.answers, LabelAnswers)
        thresholds = (*self.answers.thresholds.tolist(),)
        return replace(model, classifier=self.platt.fold(model.classifier), thresholds=thresholds)


def calibrate(scores: Scores, truth: Truth, *, groups: Groups, weights: Weights | None = None) -> Calibration:
    """The calibration that suits held-out scores best, found on these very scores."""
    if truth.ndim == 2:
        platt = fit_platt(scores, truth, weights=weights)
        probabilities = platt.probabilities(scores)
        answers = LabelAnswers(probabilities, truth, fit_thresholds(probabilities, truth), groups)
        return Calibration(answers, platt=platt)
    temperature = fit_temperature(scores, truth, weights)
    return Calibration(Answers(softmax(scores.astype(np.float64), temperature), truth, groups), temperature)


def judge(
    model: Model, scores: Scores, truth: Truth, *, groups: Groups, weights: Weights | None
) -> Candidate:
    """Calibrate held-out scores, and the model with them, and say how good they are."""
    found = calibrate(scores, truth, groups=groups, weights=weights)
    loss = float(np.average(found.answers.losses, weights=weights))
    return Candidate(model.recipe, found.of(model), found.answers, loss, headline(found.answers))


def no_image_known(truth: Truth, class_count: int, *, weights: Weights | None) -> Linear:
    """The classifier that looks at nothing: every class in proportion to its examples."""
    if truth.ndim == 2:
        shares = np.ones(len(truth)) if weights is None else weights
        counts = shares @ truth
        bias = np.log((counts + 1) / (shares.sum() - counts + 1))
    else:
        counts = np.bincount(truth, weights=weights, minlength=class_count)
        bias = np.log((counts + 1) / (counts + 1).sum())
    return Linear(np.empty((0, class_count), np.float32), bias.astype(np.float32))


def require_linear(head: Head) -> None:
    """Check that training a network can start from a head.

    Raises:
        RecipeError: it comes to no matrix.
    """
    has_layer = isinstance(head, TrainedLinear) and head.width > 0
    if kind_of(head) not in (*LINEAR, BLEND) or has_layer:
        raise RecipeError(
            f"Fine-tuning starts from a linear head, and {kind_of(head)} is none. Take ridge or logistic."
        )


def require_suitable(recipe: Recipe, dataset: Dataset) -> None:
    """Check that what was asked for can learn such labels, before anything is computed for it.

    Raises:
        RecipeError: images have several labels, and the head or the class weights want one class each.
        DataError: there are more images than the head can be fitted to.
    """
    if isinstance(recipe.head, KernelSvm | KernelRidge):
        fitted = int((1 - recipe.test_fraction) * len(dataset))
        require_few(fitted, recipe.head.most_examples, head=kind_of(recipe.head))
    if recipe.finetune and recipe.head is not None:
        require_linear(recipe.head)
    if not dataset.is_multilabel:
        return
    if recipe.finetune is not None:
        raise RecipeError(
            f"The images in {dataset.root} have several labels or none; fine-tuning learns one class each."
        )
    if not isinstance(recipe.head, Ridge | Logistic | None):
        raise RecipeError(
            f"The images in {dataset.root} have several labels or none, and the head "
            f"{type(recipe.head).__name__} gives every image one class. Take ridge or logistic."
        )
    if recipe.class_weights != "none":
        raise RecipeError(
            f"class_weights is {recipe.class_weights!r}, and the images in {dataset.root} have several "
            f"labels or none: a weight that suits one label is wrong for another. Leave it at 'none'; each "
            f"label has a threshold of its own."
        )
