import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from regraft.core.errors import DataError
from regraft.heads import KernelMachine, KernelRidge, KernelSvm, Linear
from regraft.heads.kernel_machine import gamma_of, require_few, squared_distances


def scattered(count, width=5, *, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width)) + 4


def test_distances_are_scipys():
    first, second = scattered(30), scattered(20, seed=1)
    np.testing.assert_allclose(
        squared_distances(first, second), cdist(first, second, "sqeuclidean"), atol=1e-9
    )


@pytest.mark.parametrize("width", [0.5, 1.0, 3.0])
def test_the_kernel_is_as_wide_as_the_median_distance(width):
    features = scattered(41)
    gamma = gamma_of(squared_distances(features, features), np.ones(41), width=width)
    assert 1 / np.sqrt(2 * gamma) == pytest.approx(width * np.median(pdist(features)), rel=0.01)


def test_copies_count_as_weights_do():
    features = scattered(25)
    times = np.random.default_rng(2).integers(1, 5, 25)
    copied = features.repeat(times, axis=0)
    weighted = gamma_of(squared_distances(features, features), times.astype(float), width=1.0)
    assert gamma_of(squared_distances(copied, copied), np.ones(len(copied)), width=1.0) == pytest.approx(
        weighted
    )
    assert gamma_of(squared_distances(features, features), np.ones(25), width=1.0) != pytest.approx(weighted)


def test_many_examples_are_measured_by_some():
    features = scattered(2500)
    gamma = gamma_of(squared_distances(features, features), np.ones(2500), width=1.0)
    assert 1 / np.sqrt(2 * gamma) == pytest.approx(np.median(pdist(features)), rel=0.03)


def test_where_nothing_lies_apart_the_kernel_is_one_wide():
    assert gamma_of(np.zeros((4, 4)), np.ones(4), width=1.0) == 0.5
    assert gamma_of(np.zeros((1, 1)), np.ones(1), width=2.0) == 0.125


def test_scores_far_from_all_examples_are_the_bias():
    machine = KernelMachine.of(scattered(4), Linear(np.ones((4, 2)), np.array([1.0, -1.0])), np.zeros(5), 0.5)
    np.testing.assert_array_equal(machine.scores(np.full((1, 5), 1e6)), [[1.0, -1.0]])


def test_many_rows_are_scored_in_blocks():
    machine = KernelMachine.of(scattered(4), Linear(np.eye(4), np.zeros(4)), np.zeros(5), 0.1)
    rows = scattered(2500, seed=3).astype(np.float32)
    expected = np.exp(-0.1 * cdist(rows, scattered(4), "sqeuclidean"))
    np.testing.assert_allclose(machine.scores(rows), expected, atol=1e-5)


def test_more_examples_than_can_be_compared_are_refused(monkeypatch):
    with pytest.raises(DataError, match=r"kernel_ridge head .* at most 5000 .* there are 5001"):
        require_few(5001, 5000, head="kernel_ridge")
    monkeypatch.setattr(KernelRidge, "most_examples", 9)
    monkeypatch.setattr(KernelSvm, "most_examples", 9)
    features, labels = scattered(10).astype(np.float32), np.arange(10) % 2
    for head in (KernelRidge(), KernelSvm()):
        with pytest.raises(DataError, match="at most 9 of them; there are 10"):
            head.fit(features, labels, class_count=2)


def test_classes_without_examples_are_not_fitted():
    features = scattered(10).astype(np.float32)
    assert KernelSvm().fit(features, np.arange(10) % 4, class_count=50).class_count == 50
