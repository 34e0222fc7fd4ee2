"""Wilson's interval: known values, edges, and how often it covers the truth."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.evaluation.interval import wilson
from regraft.evaluation.shares import share, shares


def test_agrees_with_the_textbook_case():
    interval = wilson(81, 263)
    assert (round(interval.value, 4), round(interval.low, 4), round(interval.high, 4)) == (
        0.308,
        0.2553,
        0.3662,
    )


def test_keeps_a_width_when_every_trial_succeeds():
    # z^2 = 3.8415, and the lower end is n / (n + z^2).
    assert wilson(24, 24).low == pytest.approx(24 / (24 + 3.841459), abs=1e-6)
    assert wilson(24, 24).high == 1.0
    assert wilson(0, 24).low == 0.0


def test_knows_nothing_of_no_trials():
    assert (wilson(0, 0).value, wilson(0, 0).low, wilson(0, 0).high) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 5), (6, 5)])
def test_refuses_impossible_counts(successes, n):
    with pytest.raises(DataError, match="must be between 0 and 5"):
        wilson(successes, n)


@pytest.mark.parametrize(("p", "n"), [(0.5, 20), (0.9, 40), (0.97, 100)])
def test_covers_the_truth_about_as_often_as_it_says(p, n):
    drawn = np.random.default_rng(0).binomial(n, p, 4000)
    ends = {s: wilson(s, n) for s in range(n + 1)}
    covered = np.mean([ends[s].low <= p <= ends[s].high for s in drawn.tolist()])
    assert 0.92 < covered < 0.985


def test_a_share_of_lone_images_is_wilsons():
    hits = np.array([1.0] * 9 + [0.0])
    ours, theirs = share(hits, np.arange(10)), wilson(9, 10)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_identical_images_in_a_group_count_once_or_less():
    hits = np.repeat([1.0] * 8 + [0.0] * 4, 10)
    grouped = share(hits, np.repeat(np.arange(12), 10))
    once = wilson(8, 12)
    assert grouped.low < once.low
    assert grouped.high > once.high
    assert share(hits, np.arange(120)).low > once.low


def test_all_right_in_groups_counts_groups():
    interval = share(np.ones(100), np.repeat(np.arange(10), 10))
    assert interval.low < wilson(10, 10).low < wilson(100, 100).low


def test_one_group_says_nothing():
    interval = share(np.array([1.0, 1.0, 0.0]), np.zeros(3, int))
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_shares_of_several_kinds_are_those_of_each_alone():
    rng = np.random.default_rng(3)
    kind, codes = rng.integers(0, 3, 200), rng.integers(0, 40, 200)
    hits = (rng.random(200) < 0.7).astype(float)
    together = shares(hits, kind, codes, kinds=4)
    for c in range(3):
        own = kind == c
        alone = share(hits[own], np.unique(codes[own], return_inverse=True)[1])
        assert together.interval(c).value == pytest.approx(alone.value)
        assert together.interval(c).low == pytest.approx(alone.low)
        assert together.interval(c).high == pytest.approx(alone.high)
    assert (together.count[3], together.low[3], together.high[3]) == (0, 0.0, 1.0)


def test_grouped_intervals_cover_where_plain_ones_do_not():
    rng = np.random.default_rng(5)
    codes, p = np.repeat(np.arange(20), 8), 0.8
    grouped = plain = 0
    for _ in range(400):
        chance = rng.beta(p * 2, (1 - p) * 2, 20)[codes]
        hits = (rng.random(160) < chance).astype(float)
        mine, naive = share(hits, codes), wilson(hits.sum(), 160)
        grouped += mine.low <= p <= mine.high
        plain += naive.low <= p <= naive.high
    assert grouped / 400 > 0.91
    assert plain / 400 < 0.75
