"""Scores by hand, and their intervals: edges, groups, seeds, coverage."""

import json
import time

import numpy as np
import pytest

from regraft.core.hashing import plain
from regraft.evaluation import metrics, softmax, wilson
from regraft.evaluation.answers import Answers
from regraft.evaluation.metrics import balanced_accuracy


def draw(rng, n, k, prior=None, separation=2.5, sharpness=1.0):
    prior = np.full(k, 1 / k) if prior is None else np.asarray(prior)
    labels = rng.choice(k, n, p=prior)
    noise = rng.normal(size=(n, k))
    noise[np.arange(n), labels] += separation
    return softmax((noise * separation + np.log(prior)) * sharpness), labels


def test_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.3, 0.7]])
    found = metrics(p, np.array([0, 0, 0, 1, 1]))
    assert found["accuracy"].value == 0.8
    assert found["balanced_accuracy"].value == pytest.approx((1 + 0.5) / 2)
    assert found["macro_f1"].value == pytest.approx((6 / 7 + 2 / 3) / 2)
    assert found["log_loss"].value == pytest.approx(-np.log([0.9, 0.8, 0.7, 0.4, 0.7]).mean())
    assert found["roc_auc"].value == 1.0
    # Five images make one bin: mean confidence 0.74 against accuracy 0.8.
    assert found["expected_calibration_error"].value == pytest.approx(0.06)
    assert "top_2_accuracy" not in found


def test_calibration_error_of_two_bins_by_hand():
    confidence = np.array([0.6] * 10 + [0.9] * 10)
    right = np.array([1] * 8 + [0] * 2 + [1] * 7 + [0] * 3)
    p = np.stack([confidence, 1 - confidence], axis=1)
    found = metrics(p, 1 - right)["expected_calibration_error"]
    assert found.value == pytest.approx((0.2 + 0.2) / 2)


def test_top_k_needs_more_classes_than_k():
    rng = np.random.default_rng(0)
    assert "top_2_accuracy" in metrics(*draw(rng, 50, 3))
    assert "top_5_accuracy" not in metrics(*draw(rng, 50, 5))
    p, labels = draw(rng, 60, 6, separation=1)
    found = metrics(p, labels)
    order = np.argsort(-p, axis=1)
    assert found["top_5_accuracy"].value == np.mean(
        [y in row[:5] for y, row in zip(labels, order, strict=True)]
    )


def test_missing_classes_are_left_out_of_means():
    p = np.eye(4)[[0, 0, 1, 3]] * 0.9 + 0.025
    found = metrics(p, np.array([0, 0, 1, 1]))
    assert found["balanced_accuracy"].value == pytest.approx(0.75)
    assert found["macro_f1"].value == pytest.approx((1 + 2 / 3) / 2)
    assert "roc_auc" not in found


def test_all_right_still_leaves_doubt():
    p = np.eye(3)[np.arange(24) % 3] * 0.97 + 0.01
    found = metrics(p, np.arange(24) % 3)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc"):
        assert found[name].value == 1.0
        assert 0.5 < found[name].low < 0.93, name
    assert found["balanced_accuracy"].low == pytest.approx(wilson(24, 24).low, abs=1e-6)


def test_one_image_and_one_group_give_whole_ranges():
    p = np.array([[0.7, 0.3], [0.6, 0.4]])
    found = metrics(p, np.array([0, 1]), groups=["a", "a"])
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc"):
        assert (found[name].low, found[name].high) == (0.0, 1.0), name
    assert found["log_loss"].high == pytest.approx(15.94, abs=0.01)
    assert metrics(p[:1], np.array([0]))["accuracy"].low == pytest.approx(wilson(1, 1).low)


def test_groups_widen_every_interval():
    rng = np.random.default_rng(0)
    p, labels = draw(rng, 40, 3)
    p, labels, groups = np.repeat(p, 10, axis=0), np.repeat(labels, 10), np.repeat(np.arange(40), 10)
    alone, grouped = metrics(p, labels), metrics(p, labels, groups=groups)
    for name, interval in alone.items():
        assert grouped[name].value == pytest.approx(interval.value)
        assert grouped[name].high - grouped[name].low > 1.5 * (interval.high - interval.low), name


def test_the_seed_decides_and_json_takes_it():
    p, labels = draw(np.random.default_rng(0), 80, 3)
    assert metrics(p, labels, seed=4) == metrics(p, labels, seed=4)
    assert metrics(p, labels, seed=4)["macro_f1"] != metrics(p, labels, seed=5)["macro_f1"]
    assert (
        json.loads(json.dumps(plain(metrics(p, labels))))["accuracy"]["value"]
        == metrics(p, labels)["accuracy"].value
    )


def test_five_thousand_images_of_45_classes_take_no_time():
    p, labels = draw(np.random.default_rng(0), 5000, 45)
    metrics(p, labels)
    started = time.process_time()
    metrics(p, labels)
    assert time.process_time() - started < 1.5


def test_the_interval_of_the_mean_recall_by_hand():
    labels = np.repeat([0, 1], [10, 2])
    guess = np.where(np.isin(np.arange(12), [0, 10]), 1 - labels, labels)
    # Recalls 0.9 and 0.5, mean 0.7; with two images as right as the mean: 10.4 / 12 and 2.4 / 4.
    variance = (10.4 / 12 * 1.6 / 12 / 10 + 0.6 * 0.4 / 2) / 4
    effective = 0.7 * 0.3 / variance
    expected = wilson(0.7 * effective, effective)
    found = metrics(np.eye(2)[guess] * 0.8 + 0.1, labels)["balanced_accuracy"]
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_one_rare_class_makes_the_mean_recall_uncertain():
    labels = np.array([0] * 99 + [1])
    interval = balanced_accuracy(Answers(np.eye(2)[labels], labels))
    assert interval.low < 0.6
    assert wilson(100, 100).low > 0.95


@pytest.mark.parametrize(
    ("n", "prior", "sharpness"),
    [(60, [0.6, 0.4], 1.0), (150, [0.5, 0.2, 0.2, 0.1], 2.0)],
    ids=["small", "skewed"],
)
def test_intervals_cover_the_truth(n, prior, sharpness):
    rng = np.random.default_rng(7)
    k, repeats = len(prior), 80
    truth = metrics(*draw(rng, 20_000, k, prior, sharpness=sharpness))
    covered = dict.fromkeys(truth, 0)
    for _ in range(repeats):
        for name, interval in metrics(*draw(rng, n, k, prior, sharpness=sharpness)).items():
            covered[name] += interval.low <= truth[name].value <= interval.high
    for name, hits in covered.items():
        assert hits / repeats > 0.86, name
    assert covered["accuracy"] / repeats < 1


def test_calibrated_answers_are_not_called_miscalibrated():
    rng = np.random.default_rng(9)
    reaches_zero = [metrics(*draw(rng, 200, 4))["expected_calibration_error"].low == 0 for _ in range(60)]
    assert np.mean(reaches_zero) > 0.93
    overconfident = [
        metrics(*draw(rng, 600, 4, sharpness=4))["expected_calibration_error"].low for _ in range(10)
    ]
    assert min(overconfident) > 0
