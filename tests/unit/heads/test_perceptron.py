import doctest
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch

from regraft.core.errors import TrainingError
from regraft.heads import Layers, Perceptron, descent, layers
from regraft.heads.descent import Network, Training
from regraft.heads.perceptron import inner_part


def clouds(count=240, *, seed=0):
    """Two classes that no straight line parts: a ring around a heap."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    angle = random.uniform(0, 2 * np.pi, count)
    radius = 3 * labels + 0.4 * random.standard_normal(count)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).astype(np.float32), labels


def test_examples_in_docstrings():
    tried = doctest.testmod(layers, extraglobs={"np": np})
    assert tried.attempted > 0
    assert tried.failed == 0


@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "tanh"])
@pytest.mark.parametrize("depth", [1, 2])
def test_what_is_not_linear_is_learnt(activation, depth):
    features, labels = clouds()
    head = Perceptron(32, depth, activation, learning_rate=1e-2, epochs=60)
    scores = head.fit(features, labels, class_count=2).scores(clouds(seed=1)[0])
    assert (scores.argmax(1) == labels).mean() > 0.97


@pytest.mark.parametrize("depth", [1, 2])
def test_batch_normalisation_is_folded(depth):
    features, labels = clouds()
    settings = Perceptron(8, depth, "gelu", dropout=0.5)
    training = Training(features, labels, 2, np.ones(240), np.zeros(240, bool))
    network = Network(settings, training, torch.device("cpu"))
    rows = torch.from_numpy(features)
    with torch.no_grad():
        for each in (*network.gains, *network.biases):
            each.uniform_(0.5, 2)
        for _ in range(20):
            network.scores(3 * rows + 1, training=True)
        expected = network.scores(rows, training=False).numpy()
    np.testing.assert_allclose(network.layers().scores(features), expected, atol=1e-5)
    assert np.abs(expected).max() > 0.1


@pytest.mark.parametrize("count", [2, 3, 7, 15])
def test_no_batch_is_a_single_row(count):
    features, labels = clouds(count)
    head = Perceptron(8, batch_size=2, epochs=2)
    assert np.isfinite(head.fit(features, labels, class_count=2).scores(features)).all()
    batches = descent._batches(np.arange(count), head, 0)
    assert sorted(np.concatenate(batches)) == list(range(count))
    assert min(map(len, batches)) >= 2


def test_features_are_held_once_in_single_precision():
    features = np.random.default_rng(0).standard_normal((20_000, 100)).astype(np.float32)
    Perceptron(4, epochs=1).fit(*clouds(), class_count=2)
    tracemalloc.start()
    Perceptron(4, epochs=1).fit(features, np.arange(20_000) % 2, class_count=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * features.nbytes


def test_another_seed_is_another_network():
    features, labels = clouds(60)
    first, second = (
        Perceptron(seed=seed, epochs=3).fit(features, labels, class_count=2).scores(features)
        for seed in (0, 1)
    )
    assert np.abs(first - second).max() > 0.01


def test_torchs_own_random_numbers_are_left_alone():
    features, labels = clouds(60)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    Perceptron(epochs=2).fit(features, labels, class_count=2)
    assert torch.equal(torch.rand(3), expected)


def test_training_stops_when_it_ceases_to_learn(monkeypatch):
    random = np.random.default_rng(0)
    features, labels = random.standard_normal((300, 10)).astype(np.float32), random.integers(0, 2, 300)
    epochs = []
    monkeypatch.setattr(
        "regraft.heads.descent._batches",
        lambda trained, settings, epoch: epochs.append(epoch) or np.array_split(trained, 8),
    )
    Perceptron(epochs=500, patience=4, learning_rate=1e-2).fit(features, labels, class_count=2)
    assert 4 < len(epochs) < 60


def test_the_inner_part_takes_from_each_class_and_never_all():
    labels = np.array([0] * 200 + [1] * 40 + [2] * 2 + [3])
    held = inner_part(labels, seed=0)
    assert np.bincount(labels[held])[:2].tolist() == [30, 6]
    assert not held[labels == 3].any()
    assert held[labels == 2].sum() < 2
    assert (held != inner_part(labels, seed=1)).any()
    assert not inner_part(labels[:60], seed=0).any()


def test_many_classes_of_few_examples_have_an_inner_part_too():
    held = inner_part(np.arange(600) % 200, seed=0)
    assert 60 < held.sum() < 120


def test_a_rate_that_diverges_is_said():
    features, labels = clouds(60)
    with pytest.raises(TrainingError, match="diverged with the learning rate 1"):
        Perceptron(learning_rate=1.0, weight_decay=10, epochs=300, batch_norm=False).fit(
            1e3 * features, labels, class_count=2
        )


def test_a_feature_that_hardly_varied_does_not_drown_the_rest():
    features, labels = clouds()
    features = np.column_stack([features, np.zeros(240, np.float32)])
    features[7, 2] = 1e-3
    fitted = Perceptron(epochs=20).fit(features, labels, class_count=2)
    moved = features.copy()
    moved[:, 2] = 1.0
    assert (fitted.scores(moved).argmax(1) == fitted.scores(features).argmax(1)).mean() > 0.9


def test_predicting_needs_no_torch():
    code = """
import sys, numpy as np
from regraft.heads import Layers
Layers((np.ones((3, 4)), np.ones((4, 2))), (np.zeros(4), np.zeros(2)), "gelu").scores(np.ones((2, 3)))
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert isinstance(Layers, type)


def test_one_thread_trains_and_the_others_come_back(monkeypatch):
    """Threads that share a small product wait for each other, beside another process most of the time."""
    seen, loss = set(), descent._loss

    def watched(*given, **named):
        seen.add(torch.get_num_threads())
        return loss(*given, **named)

    monkeypatch.setattr(descent, "_loss", watched)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        features, labels = clouds()
        Perceptron(epochs=2).fit(features, labels, class_count=2)
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
