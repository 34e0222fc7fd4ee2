"""The winner's curse: the best of many candidates looks better than it is, because it was also lucky."""

from dataclasses import dataclass

import numpy as np

from regraft.core.arrays import Array
from regraft.core.errors import DataError
from regraft.evaluation.answers import Groups, units
from regraft.evaluation.interval import Interval, wilson
from regraft.evaluation.resampling import mean_interval, percentile, resamples
from regraft.evaluation.shares import few_groups, share

ROUNDING = 1e-12
"""Differences between scores that are none."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The winning candidate, its score on the images that chose it, and that score without its luck."""

    winner: int
    naive: Interval
    corrected: Interval


def corrected_best(
    scores: Array,
    *,
    groups: Groups | None = None,
    lower_is_better: bool = False,
    seed: int = 0,
    weights: Array | None = None,
) -> Selection:
    """Choose the candidate with the best mean score, and say what to expect of it on new images.

    Each resample chooses anew, among all candidates, on the images drawn; the chosen one is scored on the
    images left out, which had no part in the choice. The mean of those scores is the corrected score.

    Source: Tsamardinos et al. 2018, doi 10.1007/s10994-018-5714-4 (BBC-CV).
    Differs: groups are resampled instead of images where given. The paper takes percentiles of the
        left-out scores as the interval; those are too wide, as only 37 % of the images are left out. Their
        distances from the mean are shrunk by sqrt(0.368 / 0.632), which is right for one candidate: a
        mean over a share f of the sample, drawn without replacement, varies by (1 - f) / f.
    Cost: rounds x candidates x units multiplications.

    Args:
        scores: `[candidates, n]`, what each candidate scored on each held-out image (by a model that did
            not see it): 1 or 0 for right or wrong, or a loss.
        groups: which images belong together.
        lower_is_better: the scores are losses.
        seed: for the resamples.
        weights: of the images; a score is their weighted mean.

    Raises:
        DataError: no candidates or no images, or scores that are not finite.
    """
    values = np.asarray(scores, np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise DataError(
            f"Scores of shape {values.shape} must be finite, of one candidate and image at least."
        )
    codes = units(groups, values.shape[1])
    weight = np.ones(values.shape[1]) if weights is None else np.asarray(weights, np.float64)
    sizes = np.bincount(codes, weights=weight)
    totals = np.stack([np.bincount(codes, weights=weight * row) for row in values])
    sign = -1.0 if lower_is_better else 1.0
    winner = int((sign * totals.sum(axis=1)).argmax())
    naive = _plain_interval(values[winner], codes, seed, weights)
    if len(sizes) < 2:
        return Selection(winner, naive, naive)

    left_out = _left_out_scores(totals, sizes, sign, seed)
    if np.ptp(left_out) <= ROUNDING:
        # Every winner is always right, or never: no resample shows what chance may have done.
        return Selection(winner, naive, naive)
    expected = float(left_out.mean())
    shrunk = expected + (left_out - expected) * np.sqrt(0.368 / 0.632)
    return Selection(winner, naive, percentile(expected, shrunk, len(sizes)))


def _left_out_scores(totals: Array, sizes: Array, sign: float, seed: int) -> Array:
    """One score for each resample that leaves something out: of its winner, on what it left out."""
    found = []
    for counts in resamples(len(sizes), seed=seed):
        # Sums over one resample are compared with each other only, but groups differ in size; a common
        # divisor changes no winner, so none is needed.
        chosen = (sign * (totals @ counts)).argmax(axis=0)
        absent = (counts == 0).astype(np.float64)
        images = sizes @ absent
        sums = (totals @ absent)[chosen, np.arange(len(chosen))]
        found.append(sums[images > 0] / images[images > 0])
    return np.concatenate(found)


def _plain_interval(values: Array, codes: Array, seed: int, weights: Array | None) -> Interval:
    """Of a share if the values are 0 and 1, and count alike, else of a mean.

    Where all are 0 or all are 1, and have weights, it is Wilson's at as many images, or groups, as Kish's
    (sum w)^2 / sum w^2 says: a mean would have no width.
    """
    is_share = np.isin(values, (0.0, 1.0)).all()
    if is_share and weights is None:
        return share(values, codes)
    if is_share and np.ptp(values) == 0 and codes.max() > 0:
        sizes = np.bincount(codes, weights=weights)
        effective = float(sizes.sum() ** 2 / (sizes @ sizes))
        if len(sizes) < len(values):
            effective *= float(few_groups(np.array([len(sizes)]))[0])
        return wilson(float(values[0]) * effective, effective)
    within = (0.0, 1.0) if is_share else (float(values.min()), float(values.max()))
    return mean_interval(values, codes, within=within, seed=seed, weights=weights)
