"""How well each class is told from all the others."""

from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Array
from regraft.evaluation.answers import Answers
from regraft.evaluation.interval import LEVEL, Interval
from regraft.evaluation.shares import shares

STANDARD_ERRORS = 3


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """For each of k classes against the rest, the mean of sensitivity and specificity: arrays `[k]`.

    One half is guessing, 1 is certainty.
    """

    value: Array
    low: Array
    high: Array

    def interval(self, label: int) -> Interval:
        """One of them."""
        return Interval(float(self.value[label]), float(self.low[label]), float(self.high[label]))


def told_apart(answers: Answers) -> Told:
    """Judge every class on its own: a cue that gives one class of many away hardly moves a mean over all.

    The intervals hold for all k classes at once (Bonferroni). Each end takes the like ends of sensitivity
    and specificity together, which makes it wider than need be.
    """
    level, k = 1 - (1 - LEVEL) / answers.k, answers.k
    sensitivity = shares(answers.right, answers.labels, answers.units, kinds=k, level=level)
    others = np.maximum(answers.n - np.bincount(answers.labels, minlength=k), 1)
    alarms = np.bincount(answers.predicted[answers.right == 0], minlength=k)
    # Specificity rests on all other classes together; beside that of sensitivity its doubt is small.
    specificity = 1 - alarms / others
    error = STANDARD_ERRORS * np.sqrt(specificity * (1 - specificity) / others)
    return Told(
        (sensitivity.value + specificity) / 2,
        (sensitivity.low + np.maximum(specificity - error, 0)) / 2,
        (sensitivity.high + np.minimum(specificity + error, 1)) / 2,
    )
