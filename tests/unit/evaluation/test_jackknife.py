"""The delete-a-group jackknife: textbook values, groups, edges, and how often it covers the truth."""

import numpy as np
import pytest
from scipy.stats import t as student_t

from regraft.core.errors import DataError
from regraft.evaluation import jackknife
from regraft.evaluation.jackknife import deal


def mean_of(values):
    return lambda rows: float(values[rows].mean())


def test_leaving_each_image_out_gives_the_textbook_interval_of_a_mean():
    values = np.random.default_rng(0).normal(3, 2, 25)
    interval = jackknife(mean_of(values), 25, blocks=25)
    reach = student_t.ppf(0.975, 24) * values.std(ddof=1) / 5
    assert interval.value == pytest.approx(values.mean())
    assert (interval.low, interval.high) == pytest.approx((values.mean() - reach, values.mean() + reach))


def test_equal_blocks_of_a_mean_have_the_error_of_block_means():
    values = np.random.default_rng(1).normal(size=60)
    left_out = []
    interval = jackknife(lambda rows: left_out.append(rows) or float(values[rows].mean()), 60, blocks=6)
    means = [np.delete(values, rows).mean() for rows in left_out[1:]]
    reach = student_t.ppf(0.975, 5) * np.std(means, ddof=1) / np.sqrt(6)
    assert interval.high - interval.value == pytest.approx(reach)


def test_a_wider_level_is_a_wider_interval():
    values = np.random.default_rng(1).normal(size=60)
    narrow, wide = (jackknife(mean_of(values), 60, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_units_are_left_out_whole_and_each_once():
    units = np.random.default_rng(2).choice([7, -3, 100, 8, 9, 12, 55], 90)
    asked = []
    jackknife(lambda rows: asked.append(rows) or 1.0, units, blocks=4)
    assert asked[0].tolist() == list(range(90))
    gone = [set(range(90)) - set(rows.tolist()) for rows in asked[1:]]
    assert len(gone) == 4
    assert sorted(row for rows in gone for row in rows) == list(range(90))
    owners = [{int(units[row]) for row in rows} for rows in gone]
    assert sum(len(own) for own in owners) == 7


def test_fewer_units_than_blocks_are_left_out_one_by_one():
    calls = []
    jackknife(lambda rows: calls.append(rows) or 1.0, np.array([0, 0, 5, 5, 5, 9]), blocks=10)
    assert sorted(len(rows) for rows in calls) == [3, 4, 5, 6]


def test_blocks_are_of_nearly_one_size():
    sizes = np.random.default_rng(3).integers(1, 9, 200)
    held = np.bincount(deal(sizes, 10, seed=0), weights=sizes)
    assert held.max() - held.min() <= 1


def test_the_lot_depends_on_the_seed_alone():
    values = np.random.default_rng(4).normal(size=200)
    first, again, other = (jackknife(mean_of(values), 200, seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_constant_has_no_spread():
    interval = jackknife(lambda rows: 0.1 + 0.2 * (len(rows) > 0), 50)
    assert interval.low == interval.value == interval.high


def test_one_unit_says_nothing():
    interval = jackknife(lambda rows: 4.0, np.zeros(8, int))
    assert (interval.value, interval.low, interval.high) == (4.0, -np.inf, np.inf)


@pytest.mark.parametrize("units", [0, np.empty(0, int)])
def test_refuses_no_images(units):
    with pytest.raises(DataError, match="given 0"):
        jackknife(lambda rows: 1.0, units)


def test_refuses_one_block():
    with pytest.raises(DataError, match="given 9 and 1"):
        jackknife(lambda rows: 1.0, 9, blocks=1)


def test_names_the_block_without_which_there_is_no_value():
    with pytest.raises(DataError, match=r"without block \d of 3 is nan"):
        jackknife(lambda rows: 1.0 if 4 in rows else np.nan, 9, blocks=3)


def test_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    # A ratio of means of skewed numbers: not linear in the images, as scores are not.
    covered = 0
    for round_ in range(300):
        pair = random.gamma(2.0, size=(80, 2)) + np.array([1.0, 0.0])
        interval = jackknife(lambda rows, pair=pair: float(np.divide(*pair[rows].mean(0))), 80, seed=round_)
        covered += interval.low <= 1.5 <= interval.high
    assert 0.91 < covered / 300 < 0.98


def test_covers_where_images_come_in_groups_and_ungrouped_ones_do_not():
    random = np.random.default_rng(6)
    owners = np.repeat(np.arange(30), random.integers(1, 9, 30))
    grouped = alone = 0
    for round_ in range(300):
        values = random.normal(size=30)[owners] + random.normal(size=len(owners))
        with_groups = jackknife(mean_of(values), owners, seed=round_)
        without = jackknife(mean_of(values), len(owners), seed=round_)
        grouped += with_groups.low <= 0 <= with_groups.high
        alone += without.low <= 0 <= without.high
    assert 0.9 < grouped / 300 < 0.99
    assert alone / 300 < 0.8
