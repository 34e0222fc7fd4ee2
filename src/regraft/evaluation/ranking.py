"""Area under the ROC curve: how often an image of a class is ranked above one of another class."""

import numpy as np

from regraft.core.arrays import Array
from regraft.evaluation.answers import Answers
from regraft.evaluation.interval import LEVEL, Interval, wilson
from regraft.evaluation.resampling import student


def roc_auc(answers: Answers, *, level: float = LEVEL) -> Interval | None:
    """Area under the ROC curve: of the second class if there are two, else the mean over one-against-rest.

    None if some class has no images, or is the only one: the area is then not defined.

    The interval comes from each image's influence on the area, added up over groups, on the logit scale.
    A perfect ranking shows no variance: its interval is Wilson's at the size of the rarest class.

    Source: DeLong et al. 1988, doi 10.2307/2531595; the logit scale as in Qin and Hotilovac 2008,
        doi 10.1177/0962280207087173.
    Differs: influences are summed over groups, and averaged over classes, before they are squared.
    Cost: O(k n log n).
    """
    counts = np.bincount(answers.labels, minlength=answers.k)
    if answers.k < 2 or counts.min() == 0:
        return None
    of_interest = [1] if answers.k == 2 else range(answers.k)
    parts = [one_against_rest(answers.probabilities[:, c], answers.labels == c) for c in of_interest]
    value = float(np.mean([area for area, _ in parts]))
    influence = np.mean([each for _, each in parts], axis=0)
    rarest = min(len(np.unique(answers.units[answers.labels == c])) for c in range(answers.k))
    return interval_of_influence(value, influence, answers.units, rarest=rarest, level=level)


def interval_of_influence(
    value: float, influence: Array, codes: Array, *, rarest: float, level: float = LEVEL
) -> Interval:
    """The interval, on the logit scale, of a score in [0, 1] from how much each image moves it `[n]`.

    Args:
        value: the score.
        influence: of each image; summed over the units in `codes`, they are as good as independent.
        codes: the unit that each image belongs to.
        rarest: trials of Wilson's interval, which takes the place of this one where nothing varies.
        level: how often the interval should cover the truth.
    """
    per_unit = np.bincount(codes, weights=influence)
    u = len(per_unit)
    if u < 2:
        return Interval(value, 0.0, 1.0)
    error = float(np.sqrt(u / (u - 1) * np.square(per_unit).sum()))
    if error < 1e-12 or not 0 < value < 1:
        return wilson(value * rarest, rarest, level)
    logit = np.log(value / (1 - value))
    half = student(u - 1, level) * error / (value * (1 - value))
    low, high = 1 / (1 + np.exp(-np.clip([logit - half, logit + half], -50, 50)))
    return Interval(value, float(low), float(high))


def one_against_rest(scores: Array, positive: Array) -> tuple[float, Array]:
    """The area, and by how much each image moves it `[n]`: both count ties as half."""
    above = _share_below(scores[positive], np.sort(scores[~positive]))
    below = 1 - _share_below(scores[~positive], np.sort(scores[positive]))
    area = float(above.mean())
    influence = np.empty(len(scores))
    influence[positive] = (above - area) / len(above)
    influence[~positive] = (below - area) / len(below)
    return area, influence


def _share_below(values: Array, ordered: Array) -> Array:
    """Which share of `ordered` lies below each value, ties counted as half."""
    ends = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    return ends / (2 * len(ordered))
