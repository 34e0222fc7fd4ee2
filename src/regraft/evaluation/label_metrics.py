"""All scores where an image may have several labels, each with its interval, and how each label fares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from regraft.core.arrays import Array
from regraft.core.errors import DataError
from regraft.evaluation.answers import SMALLEST_PROBABILITY
from regraft.evaluation.average_precision import average_precisions
from regraft.evaluation.interval import Interval, wilson
from regraft.evaluation.label_answers import LabelAnswers
from regraft.evaluation.metrics import bounded, macro_f1
from regraft.evaluation.resampling import mean_interval, resampled_sums
from regraft.evaluation.shares import Shares, share, shares


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How one label fares.

    Precision is 0 in [0, 1] for a label that was never given; recall and average precision are for one that
    no image has.
    """

    name: str
    count: int
    predicted: int
    precision: Interval
    recall: Interval
    f1: float
    average_precision: Interval
    threshold: float


def label_metrics(answers: LabelAnswers, *, seed: int = 0) -> dict[str, Interval]:
    """Every score that describes a classifier of several labels, with 95 % intervals.

    mean_average_precision: over the labels that some image has; it needs no thresholds.
    micro_f1: the F1 of all decisions together, so that common labels count most.
    macro_f1: the mean F1 of the labels that some image has.
    subset_accuracy: the share of images with all labels right.
    hamming_loss: the share of decisions that are wrong.
    log_loss: binary, in nats, the mean over images and labels.

    Args:
        answers: probabilities, truth and thresholds.
        seed: for the resamples behind all but the first and subset_accuracy.
    """
    wrong = np.asarray((answers.predicted != answers.truth).mean(axis=1), np.float64)
    most = -float(np.log(SMALLEST_PROBABILITY))
    return {
        "mean_average_precision": average_precisions(answers).mean(),
        **_f1_scores(answers, seed),
        "subset_accuracy": share(answers.right, answers.units),
        "hamming_loss": _mean_share(wrong, answers, seed),
        "log_loss": mean_interval(answers.losses, answers.units, within=(0, most), seed=seed),
    }


def per_label(answers: LabelAnswers, labels: Sequence[str]) -> tuple[LabelScore, ...]:
    """Precision, recall, F1 and average precision of every label, in the order of `labels`.

    Raises:
        DataError: there are not as many names as labels.
    """
    if len(labels) != answers.k:
        raise DataError(f"{len(labels)} names were given for {answers.k} labels.")
    both = answers.truth & answers.predicted
    recall, precision = (_shares_of(both, of, answers) for of in (answers.truth, answers.predicted))
    f1 = 2 * both.sum(axis=0) / np.maximum(answers.seen + answers.guessed, 1)
    purity = average_precisions(answers)
    return tuple(
        LabelScore(
            name=name,
            count=int(answers.seen[c]),
            predicted=int(answers.guessed[c]),
            precision=precision.interval(c),
            recall=recall.interval(c),
            f1=float(f1[c]),
            average_precision=purity.label(c),
            threshold=float(answers.thresholds[c]),
        )
        for c, name in enumerate(labels)
    )


def _shares_of(both: Any, of: Any, answers: LabelAnswers) -> Shares:
    """For each label, the share of hits among the images that `of` marks."""
    rows, columns = np.nonzero(of)
    hits = both[rows, columns].astype(np.float64)
    return shares(hits, columns, answers.units[rows], kinds=answers.k)


def _f1_scores(answers: LabelAnswers, seed: int) -> dict[str, Interval]:
    quantities = np.hstack([answers.truth & answers.predicted, answers.predicted, answers.truth]).astype(
        float
    )
    own = quantities.sum(axis=0)[None]
    drawn = resampled_sums(quantities, answers.units, seed=seed)
    found = {}
    for name, statistic in (("micro_f1", micro_f1), ("macro_f1", macro_f1)):
        found[name] = bounded(float(statistic(own)[0]), statistic(drawn), answers.count)
    return found


def micro_f1(sums: Array) -> Array:
    """F1 of all labels' decisions together, from sums `[r, 3 k]` of hits, predictions and labels."""
    hit, guess, truth = (part.sum(axis=1) for part in np.split(sums, 3, axis=1))
    return np.asarray(2 * hit / np.maximum(guess + truth, 1))


def _mean_share(values: Array, answers: LabelAnswers, seed: int) -> Interval:
    """The mean of shares. Where all are equal (no decision is wrong), Wilson's interval keeps a width."""
    if np.ptp(values) == 0:
        return wilson(float(values[0]) * answers.count, answers.count)
    return mean_interval(values, answers.units, within=(0, 1), seed=seed)
