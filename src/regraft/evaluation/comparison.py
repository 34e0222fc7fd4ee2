"""Two classifiers on the same images: which is better, by how much, and may it be chance?"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from regraft.core.arrays import Array, Labels, Probabilities, Weights
from regraft.evaluation.answers import SMALLEST_PROBABILITY, Answers, Groups
from regraft.evaluation.evidence import AnyAnswers
from regraft.evaluation.interval import LEVEL, Interval
from regraft.evaluation.resampling import mean_interval, resampled_sums
from regraft.evaluation.shares import few_groups


@dataclass(frozen=True, slots=True)
class Comparison:
    """What n images say about classifiers a and b. Differences are b minus a.

    Attributes:
        n: how many images.
        only_a: images that only a has right.
        only_b: images that only b has right.
        accuracy_difference: above 0 where b is better.
        p_value: of McNemar's test; see `sign_test`.
        log_loss_difference: in nats; below 0 where b is better.
        probability_better: the share of resamples in which b has the lower log-loss.
    """

    n: int
    only_a: int
    only_b: int
    accuracy_difference: Interval
    p_value: float
    log_loss_difference: Interval
    probability_better: float


def compare(
    probabilities_a: Probabilities,
    probabilities_b: Probabilities,
    labels: Labels,
    *,
    groups: Groups | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two classifiers that answered on the same images, image by image.

    Raises:
        DataError: see `Answers`.
    """
    both = (Answers(each, labels, groups) for each in (probabilities_a, probabilities_b))
    return compare_answers(*both, seed=seed)


def compare_answers(
    a: AnyAnswers, b: AnyAnswers, *, seed: int = 0, weights: Weights | None = None
) -> Comparison:
    """Compare answers on the same images. Of several labels, an image is right where all of them are.

    Losses are compared by the images' weights, right answers without them.
    """
    codes = a.units
    gain = b.losses - a.losses
    weighted = gain if weights is None else weights * gain
    drawn = resampled_sums(weighted[:, None], codes, seed=seed)[:, 0]
    # Gains and losses that cancel leave rounding errors; such a resample is a tie.
    rounding = 1e-12 * float(np.abs(weighted).sum())
    most = -float(np.log(SMALLEST_PROBABILITY))
    return Comparison(
        n=a.n,
        only_a=int((a.right > b.right).sum()),
        only_b=int((b.right > a.right).sum()),
        accuracy_difference=paired_difference(a.right, b.right, codes),
        p_value=sign_test(np.bincount(codes, weights=b.right - a.right)),
        log_loss_difference=mean_interval(gain, codes, within=(-most, most), seed=seed, weights=weights),
        probability_better=float((drawn < -rounding).mean() + (np.abs(drawn) <= rounding).mean() / 2),
    )


def paired_difference(
    right_a: Array, right_b: Array, codes: Array, *, level: float = LEVEL, weights: Weights | None = None
) -> Interval:
    """The share that b has right minus the share that a has right, on the same images `[n]`.

    Where images come in groups, n is the effective number, as in `shares`; where they have weights, that of
    Kish, (sum w)^2 / sum w^2.

    Source: Bonett and Price 2012, doi 10.3102/1076998611411915: one image is added to each way of
        disagreeing, so that the interval keeps a width where the two never disagree.
    """
    change = right_b - right_a
    n = len(change)
    weight = np.ones(n) if weights is None else np.asarray(weights, np.float64)
    total = float(weight.sum())
    value = float(weight @ change) / total
    gained, lost = (float(weight @ (sign * change > 0)) / total for sign in (1, -1))
    sums, sizes = np.bincount(codes, weights=weight * change), np.bincount(codes, weights=weight)
    u = len(sums)
    images = effective = total * total / float(weight @ weight)
    if u < n:
        expected = gained + lost - value * value
        seen = float(np.square(sums - value * sizes).sum()) / total * u / max(u - 1, 1)
        # Without any disagreement there is no variance to see, and each group counts as one image.
        ratio = 1.0 if expected == seen == 0 else expected / seen if seen > 0 else np.inf
        effective = min(images, total * ratio if expected > 0 else u) * float(few_groups(np.array([u]))[0])
    if effective == 0:
        return Interval(value, -1.0, 1.0)
    up = (gained * effective + 1) / (effective + 2)
    down = (lost * effective + 1) / (effective + 2)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    half = z * float(np.sqrt((up + down - (up - down) ** 2) / (effective + 2)))
    low, high = max(-1.0, up - down - half), min(1.0, up - down + half)
    return Interval(value, min(low, value), max(high, value))


def sign_test(differences: Array) -> float:
    """How often differences as large in sum would arise if the sign of each were a coin's; two-sided.

    For images on their own (differences -1, 0, 1) this is McNemar's exact test with the mid-p value. For
    groups, the differences are sums over each group, and groups change sign as a whole. The distribution
    is exact, not sampled: one convolution for each distinct size of difference.

    Source: McNemar 1947, doi 10.1007/BF02295996; Fagerland et al. 2013, doi 10.1186/1471-2288-13-91, for
        the mid-p value, which unlike the plain exact test is not needlessly cautious.

    >>> print(f"{sign_test(np.array([1, 1, 1, 1])):.4f}")
    0.0625
    """
    from scipy.special import gammaln

    total = abs(round(float(differences.sum())))
    if total == 0:
        return 1.0
    sizes, copies = np.unique(np.abs(differences[differences != 0]).astype(np.int64), return_counts=True)
    chances = np.ones(1)
    for size, m in zip(sizes.tolist(), copies.tolist(), strict=True):
        heads = np.arange(m + 1)
        binomial = np.exp(gammaln(m + 1) - gammaln(heads + 1) - gammaln(m - heads + 1) - m * np.log(2))
        spaced = np.zeros(2 * size * m + 1)
        spaced[:: 2 * size] = binomial
        chances = np.convolve(chances, spaced)
    middle = len(chances) // 2
    # Both tails are alike, so one of them is added up and doubled.
    tail = float(chances[middle + total + 1 :].sum() + chances[middle + total] / 2)
    return min(1.0, 2 * tail)
