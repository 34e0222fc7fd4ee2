"""Losses summed in blocks are those summed at once, and what nobody would wait for is refused."""

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import ElasticLogistic, LinearSvm, Logistic, loss
from regraft.heads.ballots import Ballots
from regraft.heads.logistic import cross_entropy, log_losses
from regraft.heads.loss import Posed, require_affordable_path
from regraft.heads.support_vectors import SQUARED_HINGE

COUNT, WIDTH, CLASSES = 300, 6, 5


def posed(*, several: bool = False) -> Posed:
    random = np.random.default_rng(0)
    truth = random.integers(0, CLASSES, COUNT) if not several else random.random((COUNT, CLASSES)) < 0.3
    rows = random.standard_normal((COUNT, WIDTH)).astype(np.float32)
    return Posed(rows, Ballots(truth, CLASSES), random.uniform(0.5, 2, COUNT))


def solution() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((WIDTH, CLASSES)).astype(np.float32)


def losses_of(given: Posed) -> list:
    several = given.ballots.truth.ndim == 2
    smooth = [cross_entropy(given.ballots.truth, share, weights=given.weights) for share in (0.0, 0.1)]
    return smooth if several else [*smooth, SQUARED_HINGE]


@pytest.fixture(params=[1, 7, 128, COUNT])
def rows_at_once(request, monkeypatch):
    monkeypatch.setattr(loss, "FEWEST_ROWS", request.param)
    monkeypatch.setattr(loss, "SCORES_AT_ONCE", 1)


@pytest.mark.parametrize("several", [False, True])
def test_blocks_sum_to_the_whole(rows_at_once, several):
    given, weights = posed(several=several), solution()
    scores = given.rows @ weights
    np.testing.assert_allclose(given.scores(weights), scores, atol=1e-5)
    for each in losses_of(given):
        losses, slopes = each.slopes(scores, given.ballots)
        value, gradient = given.gradient(each, lambda part: given.rows[part] @ weights)
        assert value == pytest.approx(given.weights @ losses, rel=1e-5)
        np.testing.assert_allclose(gradient, given.rows.T @ (given.weights[:, None] * slopes), atol=2e-3)


@pytest.mark.parametrize("several", [False, True])
def test_slopes_are_those_of_the_losses(several):
    given = posed(several=several)
    scores = (given.rows @ solution()).astype(np.float64)
    for each in losses_of(given):
        slopes = each.slopes(scores, given.ballots)[1]
        for column in range(CLASSES):
            step = np.zeros(CLASSES)
            step[column] = 1e-5
            above, below = (each.slopes(scores + sign * step, given.ballots)[0] for sign in (1, -1))
            np.testing.assert_allclose((above - below) / 2e-5, slopes[:, column], atol=1e-4)


def test_log_losses_are_the_unsmoothed_ones():
    given = posed()
    scores = given.rows @ solution()
    sharp = cross_entropy(given.ballots.truth, 0.0, weights=given.weights)
    np.testing.assert_allclose(log_losses(scores, given.ballots), sharp.slopes(scores, given.ballots)[0])
    assert given.total(log_losses, scores) == pytest.approx(
        given.weights @ sharp.slopes(scores, given.ballots)[0]
    )


@pytest.mark.parametrize("head", [Logistic(0.01), LinearSvm(0.1), ElasticLogistic(2.0)], ids=repr)
def test_a_fit_in_many_blocks_is_the_same(monkeypatch, head):
    random = np.random.default_rng(0)
    features = random.standard_normal((200, 12)).astype(np.float32)
    labels = (features[:, :4] + random.standard_normal((200, 4))).argmax(1)
    whole = head.fit(features, labels, class_count=4)
    monkeypatch.setattr(loss, "FEWEST_ROWS", 9)
    monkeypatch.setattr(loss, "SCORES_AT_ONCE", 1)
    np.testing.assert_allclose(
        head.fit(features, labels, class_count=4).scores(features), whole.scores(features), atol=5e-3
    )


@pytest.mark.parametrize("head", [Logistic(), LinearSvm(), ElasticLogistic()], ids=repr)
def test_a_path_that_nobody_would_wait_for_is_refused(monkeypatch, head):
    monkeypatch.setattr(loss, "MOST_HELD_OUT", 6 * 40 * 4 - 1)
    features, labels = np.eye(40, 5, dtype=np.float32), np.arange(40) % 4
    with pytest.raises(DataError, match=r"40 examples of 5 classes .* Give a penalty"):
        head.fit(features, labels, class_count=5)


def test_ten_thousand_classes_have_no_path_but_a_thousand_do():
    require_affordable_path(head="logistic", penalties=6, examples=100_000, classes=1000)
    with pytest.raises(DataError, match="5 GB"):
        require_affordable_path(head="logistic", penalties=6, examples=20_000, classes=10_000)
