"""All scores of one set of answers, each with its interval."""

from typing import Any

import numpy as np

from regraft.core.arrays import Array, Labels, Probabilities
from regraft.core.seeds import generator
from regraft.evaluation.answers import SMALLEST_PROBABILITY, Answers, Groups
from regraft.evaluation.interval import Interval, wilson
from regraft.evaluation.ranking import roc_auc
from regraft.evaluation.resampling import expanded_tail, mean_interval, percentile, resampled_sums
from regraft.evaluation.shares import few_groups, share, shares

TOP = (2, 5)
BINS = 15
IMAGES_PER_BIN = 10


def metrics(
    probabilities: Probabilities, labels: Labels, *, groups: Groups | None = None, seed: int = 0
) -> dict[str, Interval]:
    """Every score that describes a classifier on labelled images, with 95 % intervals.

    accuracy: the share of images that are right.
    balanced_accuracy: the mean recall of the classes that occur in `labels`.
    macro_f1: the mean F1 of the classes that occur in `labels`.
    top_2_accuracy, top_5_accuracy: the true class is among the first 2 or 5; each only if there are more
        classes than that.
    log_loss: in nats; a probability counts as at least SMALLEST_PROBABILITY.
    expected_calibration_error: see `calibration_gaps`.
    roc_auc: see `ranking.roc_auc`; absent if some class has no images.

    Args:
        probabilities: `[n, k]`, rows that sum to one.
        labels: `[n]`, in 0 .. k - 1. Classes may be missing.
        groups: which images belong together; the intervals then rest on groups, not images.
        seed: for the resamples behind macro_f1, log_loss and expected_calibration_error.

    Raises:
        DataError: see `Answers`.
    """
    answers = Answers(probabilities, labels, groups)
    found = {"accuracy": share(answers.right, answers.units), "balanced_accuracy": balanced_accuracy(answers)}
    found |= _resampled(answers, seed)
    for depth in TOP:
        if answers.k > depth:
            hits = (answers.ranks < depth).astype(np.float64)
            found[f"top_{depth}_accuracy"] = share(hits, answers.units)
    area = roc_auc(answers)
    return found if area is None else found | {"roc_auc": area}


def balanced_accuracy(answers: Answers) -> Interval:
    """The mean recall of the classes present, with Wilson's interval at its effective number of images.

    The variance of the mean is that of the recalls, added up. A recall over few images says little about
    its own variance, so two images as right as the average are added to each class for that purpose.
    Unlike a bootstrap this keeps a width where every image is right, and for a class with one image.
    """
    recalls = shares(answers.right, answers.labels, answers.units, kinds=answers.k)
    present = recalls.count > 0
    recall, images = recalls.value[present], recalls.effective[present]
    mean, k = float(recall.mean()), len(recall)
    # Where all is right or all wrong, spread and variance vanish alike; a mean just inside gives the limit.
    inside = min(max(mean, 1e-9), 1 - 1e-9)
    likely = (recall * images + 2 * inside) / (images + 2) if 0 < mean < 1 else np.full(k, inside)
    effective = k * k * inside * (1 - inside) / float((likely * (1 - likely) / images).sum())
    groups = int(answers.units.max()) + 1
    if groups < answers.n:
        effective *= float(few_groups(np.array([groups]))[0])
    return Interval(mean, 0.0, 1.0) if effective == 0 else wilson(mean * effective, effective)


def calibration_gaps(answers: Answers) -> Any:
    """What each image adds to its bin's gap between confidence and accuracy, a sparse array `[n, bins]`.

    The absolute gaps, summed and divided by n, are the expected calibration error. Bins hold equally many
    images rather than equal ranges of confidence: a good classifier is nearly sure nearly always, and
    equal ranges would put almost all images into one bin. There are 15, fewer below 150 images so that
    each holds ten or so.

    The error is biased upwards: chance alone opens a gap in every bin. A small value is reassuring, a
    value whose interval reaches 0 is no sign of trouble.

    Source: Naeini et al. 2015 (AAAI) for the error; Roelofs et al. 2022, arXiv 2012.08668, for the bins.
    """
    from scipy import sparse

    bins = max(1, min(BINS, answers.n // IMAGES_PER_BIN))
    edges = np.quantile(answers.confidence, np.arange(1, bins) / bins)
    # Images of equal confidence fall into one bin, so the order of the images does not matter.
    places = np.searchsorted(edges, answers.confidence, "right")
    gaps = answers.confidence - answers.right
    return sparse.csr_array((gaps, (np.arange(answers.n), places)), shape=(answers.n, bins))


def _resampled(answers: Answers, seed: int) -> dict[str, Interval]:
    """The scores whose intervals need resampling, all from the same resamples in one product."""
    from scipy import sparse

    n, k = answers.n, answers.k
    rows, ones = np.arange(n), np.ones(n)
    truth = sparse.csr_array((ones, (rows, answers.labels)), shape=(n, k))
    guess = sparse.csr_array((ones, (rows, answers.predicted)), shape=(n, k))
    hit = sparse.csr_array((answers.right, (rows, answers.labels)), shape=(n, k))
    once, binned = sparse.csr_array(ones[:, None]), calibration_gaps(answers)
    quantities = sparse.hstack([once, binned, hit, guess, truth], format="csr")
    own = np.asarray(quantities.sum(axis=0))[None]
    drawn = resampled_sums(quantities, answers.units, seed=seed)
    doubt = answers.confidence * (1 - answers.confidence)
    noise = np.sqrt((abs(binned) > 0).T @ doubt) / n
    f1, f1_drawn = macro_f1(own[:, -3 * k :]), macro_f1(drawn[:, -3 * k :])
    gaps, gaps_drawn = (s[:, 1 : -3 * k] / s[:, :1] for s in (own, drawn))
    return {
        "macro_f1": bounded(float(f1[0]), f1_drawn, answers.count),
        "log_loss": mean_interval(
            answers.losses, answers.units, within=(0, -np.log(SMALLEST_PROBABILITY)), seed=seed
        ),
        "expected_calibration_error": _total_gap(gaps, gaps_drawn, answers.count, noise=noise),
    }


def macro_f1(sums: Array) -> Array:
    """Mean F1 over the classes that occur, from sums `[r, 3 k]` of hits, predictions and labels."""
    hit, guess, truth = np.split(sums, 3, axis=1)
    f1 = 2 * hit / np.maximum(guess + truth, 1)
    present = truth > 0
    # Images of several labels may have none at all.
    mean: Array = (f1 * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    return mean


def bounded(value: float, replicates: Array, count: int) -> Interval:
    """An interval in [0, 1]. Where all resamples agree (every image right), Wilson's takes its place."""
    if count < 2:
        return Interval(value, 0.0, 1.0)
    if np.ptp(replicates) == 0:
        return wilson(value * count, count)
    return percentile(value, replicates, count)


def _total_gap(own: Array, drawn: Array, count: int, *, noise: Array) -> Interval:
    """The sum of absolute gaps `[1, bins]`, with ends that allow for what chance adds to it.

    How far resampled gaps lie from our own, summed over bins, is how far ours may lie from the true ones.
    The true sum is at least ours less that (the triangle inequality), which is the lower end. A bin whose
    images are all right shows no such distance, though one of them might have been wrong: the distances
    that calibrated answers would have, of standard deviation `noise`, are therefore the least allowed for.
    """
    value = float(np.abs(own).sum())
    if count < 2:
        return Interval(value, 0.0, 1.0)
    calibrated = noise * generator(0, "calibrated").standard_normal(drawn.shape)
    distances = [np.abs(gaps).sum(axis=1) for gaps in (drawn - own, calibrated)]
    chance = max(np.quantile(each, 1 - expanded_tail(count)) for each in distances)
    high = percentile(value, np.abs(drawn).sum(axis=1), count).high
    return Interval(value, max(0.0, value - float(chance)), min(1.0, high))
