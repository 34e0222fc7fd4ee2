"""How well each class is told from all the others."""

from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Array
from regraft.evaluation.answers import Answers
from regraft.evaluation.interval import LEVEL, Interval
from regraft.evaluation.ranking import interval_of_influence, one_against_rest


@dataclass(frozen=True, eq=False, slots=True)
class Told:
    """For each of k classes the area under the ROC curve against the rest, with its interval: arrays `[k]`.

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

    It needs no decision, so a cue that splits the classes in two heaps counts for all of them, though it
    names none. The intervals hold for all k classes at once (Bonferroni). Every class must have an image,
    and there must be at least two.

    Cost: O(k n log n).
    """
    level = 1 - (1 - LEVEL) / answers.k
    found = [_against_rest(answers, label, level) for label in range(answers.k)]
    value, low, high = np.array([(one.value, one.low, one.high) for one in found]).T
    return Told(value, low, high)


def _against_rest(answers: Answers, label: int, level: float) -> Interval:
    is_one = answers.labels == label
    area, influence = one_against_rest(answers.probabilities[:, label], is_one)
    rarest = len(np.unique(answers.units[is_one]))
    return interval_of_influence(area, influence, answers.units, rarest=rarest, level=level)
