"""Paired comparison: exact p-values, intervals of the difference, groups."""

import numpy as np
import pytest

from regraft.evaluation import Answers, compare, compare_answers
from regraft.evaluation.comparison import paired_difference, sign_test


def answers(right, sure=0.9):
    """Two classes, all labels 0: the probability of the truth is `sure` where right."""
    own = np.where(right, sure, 1 - sure)
    return np.stack([own, 1 - own], axis=1)


LABELS = np.zeros(10, int)
A = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0], bool)
B = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1, 0], bool)


def test_by_hand():
    found = compare(answers(A), answers(B), LABELS)
    assert (found.n, found.only_a, found.only_b) == (10, 1, 4)
    assert found.accuracy_difference.value == pytest.approx(0.3)
    # Binomial with 5 tosses: twice (P(0) + P(1)), less P(1) for the mid-p value.
    assert found.p_value == pytest.approx(2 * (1 + 5) / 32 - 5 / 32)
    assert found.log_loss_difference.value == pytest.approx(-0.3 * np.log(9))
    assert 0.8 < found.probability_better < 1


def test_swapping_swaps():
    one, other = compare(answers(A), answers(B), LABELS), compare(answers(B), answers(A), LABELS)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.accuracy_difference.low == pytest.approx(-other.accuracy_difference.high)
    assert one.probability_better == pytest.approx(1 - other.probability_better)


def test_a_classifier_is_no_better_than_itself():
    found = compare(answers(A), answers(A), LABELS)
    assert found.p_value == 1.0
    assert found.probability_better == 0.5
    assert found.log_loss_difference.low == found.log_loss_difference.high == 0
    assert found.accuracy_difference.low < 0 < found.accuracy_difference.high


def test_bonett_and_price_by_hand():
    interval = paired_difference(A.astype(float), B.astype(float), np.arange(10))
    up, down = 5 / 12, 2 / 12
    half = 1.959964 * np.sqrt((up + down - (up - down) ** 2) / 12)
    assert (interval.low, interval.high) == pytest.approx((up - down - half, up - down + half), abs=1e-6)


def test_copies_in_groups_prove_nothing_more():
    tenfold = np.repeat(np.arange(10), 10)
    once = compare(answers(A), answers(B), LABELS)
    copied = compare(answers(A[tenfold]), answers(B[tenfold]), LABELS[tenfold], groups=tenfold)
    assert copied.p_value == pytest.approx(once.p_value)
    assert copied.probability_better == once.probability_better
    assert copied.accuracy_difference.low < once.accuracy_difference.low
    ignored = compare(answers(A[tenfold]), answers(B[tenfold]), LABELS[tenfold])
    assert ignored.p_value < 1e-4 < copied.p_value


@pytest.mark.parametrize("seed", range(4))
def test_the_sign_test_is_exact(seed):
    differences = np.random.default_rng(seed).integers(-3, 4, 9)
    signs = 1 - 2 * ((np.arange(512)[:, None] >> np.arange(9)) & 1)
    sums, seen = np.abs(signs @ differences), abs(differences.sum())
    expected = 1.0 if seen == 0 else (sums > seen).mean() + (sums == seen).mean() / 2
    assert sign_test(differences) == pytest.approx(expected)


def test_the_sign_test_keeps_its_word_for_groups():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(25), 6)
    grouped = ignored = covered = 0
    for _ in range(300):
        shared = rng.normal(size=25)[codes]
        a, b = (
            (rng.normal(size=150) + rng.normal(size=25)[codes] + shared > -1).astype(float) for _ in range(2)
        )
        grouped += sign_test(np.bincount(codes, weights=b - a)) < 0.05
        ignored += sign_test(b - a) < 0.05
        interval = paired_difference(a, b, codes)
        covered += interval.low <= 0 <= interval.high
    assert grouped / 300 < 0.09
    assert ignored / 300 > 0.12
    assert covered / 300 > 0.91


def test_one_group_says_nothing():
    found = compare(answers(A), answers(B), LABELS, groups=["x"] * 10)
    assert (found.accuracy_difference.low, found.accuracy_difference.high) == (-1.0, 1.0)
    assert found.p_value == pytest.approx(0.5)


def test_losses_are_compared_by_weight():
    probabilities_a = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    probabilities_b = np.array([[0.8, 0.2], [0.8, 0.2], [0.7, 0.3], [0.7, 0.3]])
    a, b = (Answers(each, np.zeros(4, int)) for each in (probabilities_a, probabilities_b))
    assert compare_answers(a, b).log_loss_difference.value < 0
    weighted = compare_answers(a, b, weights=np.array([10.0, 10.0, 1.0, 1.0]))
    assert weighted.log_loss_difference.value == pytest.approx((10 * np.log(9 / 8) + np.log(4 / 7)) / 11)
    assert weighted.probability_better < 0.5 < compare_answers(a, b).probability_better
    assert weighted.accuracy_difference == compare_answers(a, b).accuracy_difference


def test_shares_are_compared_by_weight():
    random = np.random.default_rng(6)
    a, b = (random.random(80) < share for share in (0.5, 0.7))
    codes, times = np.arange(80) % 30, random.integers(1, 4, 80)
    weighted = paired_difference(a.astype(float), b.astype(float), codes, weights=times.astype(float))
    repeated = paired_difference(
        np.repeat(a, times).astype(float), np.repeat(b, times).astype(float), np.repeat(codes, times)
    )
    assert weighted.value == pytest.approx(repeated.value)
    # Images that were repeated are as many more; those of weight are not.
    assert weighted.low <= repeated.low + 1e-9
    assert weighted.high >= repeated.high - 1e-9


def test_weights_of_one_change_nothing_and_few_disagreements_prove_nothing():
    a, b = np.zeros(40), np.zeros(40)
    b[:3] = 1
    plain = paired_difference(a, b, np.arange(40))
    assert paired_difference(a, b, np.arange(40), weights=np.full(40, 2.5)) == plain
    assert plain.low < 0
    uneven = paired_difference(a, b, np.arange(40), weights=np.linspace(1, 3, 40))
    assert uneven.low < 0 < uneven.high
