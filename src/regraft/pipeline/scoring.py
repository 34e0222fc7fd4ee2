"""Answers of a model as plain data, the same for a fit and for an evaluation."""

from collections.abc import Sequence
from typing import Any

from regraft.core.hashing import plain
from regraft.evaluation import Answers, confusion, metrics, per_class


def scores_of(answers: Answers) -> dict[str, Any]:
    """Every metric as `{"value": v, "low": l, "high": h}`."""
    return dict(plain(metrics(answers.probabilities, answers.labels, groups=answers.groups)))


def details_of(answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """`per_class`, and `confusion` with rows of truth and columns of predictions."""
    rows = per_class(answers.probabilities, answers.labels, classes, groups=answers.groups)
    return {"per_class": plain(rows), "confusion": confusion(answers.probabilities, answers.labels).tolist()}
