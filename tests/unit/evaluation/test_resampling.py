"""Resampling: its sums, its speed-up, and how often its intervals cover the truth."""

import numpy as np
import pytest
from scipy import sparse

from regraft.evaluation.interval import Interval
from regraft.evaluation.resampling import bootstrap, expanded_tail, mean_interval, resampled_sums, resamples


def test_every_resample_draws_as_many_units_as_there_are():
    counts = np.concatenate(list(resamples(7, seed=0, rounds=50)), axis=1)
    assert counts.shape == (7, 50)
    assert (counts.sum(axis=0) == 7).all()
    assert len({tuple(c) for c in counts.T.tolist()}) > 40


def test_blocks_do_not_change_how_many_resamples_there_are(monkeypatch):
    monkeypatch.setattr("regraft.evaluation.resampling.BLOCK", 30)
    blocks = list(resamples(7, seed=0, rounds=10))
    assert [b.shape[1] for b in blocks] == [4, 4, 2]


def test_sums_are_those_of_whole_groups():
    values = np.array([[1.0, 0.0], [2.0, 1.0], [10.0, 5.0]])
    drawn = resampled_sums(values, np.array([0, 0, 1]), seed=0)
    possible = {(6.0, 2.0), (13.0, 6.0), (20.0, 10.0)}
    assert {tuple(row) for row in drawn.tolist()} == possible


def test_sparse_and_dense_quantities_give_the_same():
    values = np.random.default_rng(0).normal(size=(30, 4)).round(1)
    codes = np.arange(30) // 2
    dense = resampled_sums(values, codes, seed=1)
    assert np.allclose(dense, resampled_sums(sparse.csr_array(values), codes, seed=1))
    assert not np.allclose(dense, resampled_sums(values, codes, seed=2))


def test_few_units_leave_out_less_at_each_end():
    assert expanded_tail(10_000) == pytest.approx(0.025, abs=1e-4)
    # t with 9 degrees of freedom is 2.2622; times sqrt(10 / 9) it is 2.3846.
    assert expanded_tail(10) == pytest.approx(0.00855, abs=1e-4)
    assert expanded_tail(1) == 0.0


def mean(sums):
    return sums[:, 0] / sums[:, 1]


def test_groups_widen_the_interval_of_a_ratio():
    codes = np.repeat(np.arange(15), 10)
    values = np.random.default_rng(0).normal(size=15)[codes]
    quantities = np.stack([values, np.ones(150)], axis=1)
    alone, grouped = bootstrap(quantities, mean), bootstrap(quantities, mean, groups=codes)
    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_percentile_intervals_of_groups_cover():
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(25), 4)
    covered = 0
    for _ in range(200):
        values = rng.normal(size=25)[codes] + rng.normal(size=100)
        interval = bootstrap(np.stack([values, np.ones(100)], axis=1), mean, groups=codes)
        covered += interval.low <= 0 <= interval.high
    assert 0.90 <= covered / 200 <= 0.985


def test_the_bootstrap_t_covers_skewed_means_where_percentiles_do_not():
    rng = np.random.default_rng(2)
    truth = float(np.exp(1.5**2 / 2))
    ours = theirs = 0
    for _ in range(200):
        values = np.exp(1.5 * rng.normal(size=40))
        t = mean_interval(values, np.arange(40), within=(0, np.inf))
        p = bootstrap(np.stack([values, np.ones(40)], axis=1), mean)
        ours += t.low <= truth <= t.high
        theirs += p.low <= truth <= p.high
    assert ours / 200 > 0.9
    assert ours > theirs + 10


def test_equal_values_have_no_width_and_one_unit_has_all():
    same = mean_interval(np.full(6, 0.1), np.arange(6), within=(0, 9))
    assert (same.low, same.high) == pytest.approx((0.1, 0.1))
    assert mean_interval(np.array([1.0, 3.0]), np.zeros(2, int), within=(0, 9)) == Interval(2.0, 0, 9)


def test_an_image_of_weight_two_counts_as_two_in_its_group():
    random = np.random.default_rng(4)
    values, codes, times = random.exponential(size=60), np.arange(60) % 20, random.integers(1, 4, 60)
    weighted = mean_interval(values, codes, weights=times.astype(float))
    repeated = mean_interval(np.repeat(values, times), np.repeat(codes, times))
    for end in ("value", "low", "high"):
        assert getattr(weighted, end) == pytest.approx(getattr(repeated, end), rel=1e-9)
