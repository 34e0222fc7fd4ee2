"""Answers of a model as plain data, the same for a fit and for an evaluation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from regraft.core.arrays import Probabilities
from regraft.core.errors import DataError
from regraft.core.hashing import plain
from regraft.data import Dataset
from regraft.evaluation import (
    Answers,
    AnyAnswers,
    LabelAnswers,
    confusion,
    label_metrics,
    metrics,
    per_class,
    per_label,
)
from regraft.pipeline.model import Model


def answers_of(model: Model, probabilities: Probabilities, dataset: Dataset) -> AnyAnswers:
    """What a model answered beside what is true. One class each is a case of several labels, not the reverse.

    Raises:
        DataError: the model gives every image one class, and these images have several labels or none.
    """
    groups = [example.group for example in dataset.examples]
    if model.thresholds is not None:
        return LabelAnswers(probabilities, dataset.label_matrix, np.array(model.thresholds), groups)
    if dataset.is_multilabel:
        raise DataError(
            f"The images in {dataset.root} have several labels or none, and the model gives every image one "
            f"class. Evaluate it on images of one class each, or fit a model to images with several labels."
        )
    return Answers(probabilities, dataset.labels, groups)


def scores_of(answers: AnyAnswers) -> dict[str, Any]:
    """Every metric as `{"value": v, "low": l, "high": h}`."""
    if isinstance(answers, LabelAnswers):
        return dict(plain(label_metrics(answers)))
    return dict(plain(metrics(answers.probabilities, answers.labels, groups=answers.groups)))


def details_of(answers: AnyAnswers, classes: Sequence[str]) -> dict[str, Any]:
    """`per_class`, and `confusion` with rows of truth and columns of predictions.

    Labels that do not exclude each other are not taken for each other: `confusion` is then empty, and
    `multilabel` says why.
    """
    if isinstance(answers, LabelAnswers):
        return {"multilabel": True, "per_class": plain(per_label(answers, classes)), "confusion": []}
    rows = per_class(answers.probabilities, answers.labels, classes, groups=answers.groups)
    return {"per_class": plain(rows), "confusion": confusion(answers.probabilities, answers.labels).tolist()}
