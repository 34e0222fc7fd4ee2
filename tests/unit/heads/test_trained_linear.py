import numpy as np
import pytest

from regraft.core.errors import TrainingError
from regraft.heads import Layers, Linear, Member, TrainedLinear
from regraft.heads.fold import Fold, Rows
from regraft.heads.gram_block import is_cheaper
from regraft.heads.member import Course
from regraft.heads.standard import Standard


def clouds(count=240):
    """Two classes that no straight line parts: a ring around a heap."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    angle, radius = random.uniform(0, 2 * np.pi, count), 3 * labels + 0.4 * random.standard_normal(count)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).astype(np.float32), labels


def test_a_hidden_layer_learns_what_is_not_linear():
    features, labels = clouds()
    flat = TrainedLinear().fit(features, labels, class_count=2)
    bent = TrainedLinear(width=32).fit(features, labels, class_count=2)
    assert isinstance(flat, Linear)
    assert isinstance(bent, Layers)
    assert (flat.scores(features).argmax(1) == labels).mean() < 0.7
    assert (bent.scores(features).argmax(1) == labels).mean() > 0.97


@pytest.mark.parametrize("augmentation", ["mixup", "noise", "brightness", "contrast"])
def test_augmentation_regularises(augmentation):
    """Of labels that features say nothing about less is learnt by heart."""
    random = np.random.default_rng(0)
    features, labels = random.standard_normal((60, 80)).astype(np.float32), np.arange(60) % 2
    plain, changed = (
        TrainedLinear(augmentation=kind, strength=0.9).fit(features, labels, class_count=2).scores(features)
        for kind in ("none", augmentation)
    )
    margins = [
        (one[np.arange(60), labels] - one[np.arange(60), 1 - labels]).mean() for one in (plain, changed)
    ]
    assert 0 < margins[1] < margins[0]


def test_seeds_are_of_what_is_random():
    features, labels = clouds()

    def scores(**settings):
        return TrainedLinear(epochs=3, **settings).fit(features, labels, class_count=2).scores(features)

    assert np.abs(scores(seed=0) - scores(seed=1)).max() > 1e-4
    np.testing.assert_array_equal(scores(seed=1), scores(seed=1))


def test_divergence_is_said():
    features, labels = clouds()
    wild = TrainedLinear("sgd", 100.0, weight_decay=10.0, decay="constant", epochs=60)
    with pytest.raises(TrainingError, match=r"learning rate 100.*lower"):
        wild.fit(features, labels, class_count=2)


def test_standardised_rows_are_of_length_one():
    random = np.random.default_rng(0)
    features = (random.standard_normal((5000, 30)) * np.geomspace(1, 100, 30) + 7).astype(np.float32)
    features[:, 4] = 7
    weights = random.uniform(0.5, 2, 5000)
    standard = Standard.of(features, weights)
    rows = standard.rows(features)
    assert rows.shape == (5000, 29)
    np.testing.assert_allclose(weights @ rows, 0, atol=1e-2)
    assert 0.7 < np.average((rows**2).sum(1), weights=weights) < 1
    matrix, bias = random.standard_normal((29, 3)).astype(np.float32), np.ones(3, np.float32)
    raw, moved = standard.unfold(matrix, bias)
    np.testing.assert_allclose(features @ raw + moved, rows @ matrix + bias, atol=1e-4)


def test_mapped_features_are_read_in_blocks(tmp_path):
    features, labels = clouds()
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    head = TrainedLinear(epochs=3)
    expected = head.fit(features, labels, class_count=2).scores(features)
    np.testing.assert_allclose(head.fit(mapped, labels, class_count=2).scores(features), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "members", "expected"),
    [
        ({"optimizer": "sgd"}, 30, True),
        ({"optimizer": "nesterov"}, 30, True),
        ({"optimizer": "sgd"}, 1, False),
        ({"optimizer": "adam"}, 30, False),
        ({"optimizer": "rmsprop"}, 30, False),
        ({"optimizer": "sgd", "dropout": 0.5}, 30, False),
        ({"optimizer": "sgd", "augmentation": "noise"}, 30, False),
        ({"optimizer": "sgd", "width": 8}, 30, False),
    ],
)
def test_who_is_trained_as_weights_on_examples(settings, members, expected):
    features = np.random.default_rng(0).standard_normal((60, 200)).astype(np.float32)
    data = Rows.load(features, np.arange(60) % 3, class_count=3, weights=np.ones(60))
    fold = Fold(data, np.arange(40), np.arange(40, 60))
    course = Course(Member(**settings), 10, 0)
    assert is_cheaper(course, fold, members, None) == expected
    assert not is_cheaper(course, fold, members, Linear(np.zeros((200, 3)), np.zeros(3)))
    narrow = Rows.load(features[:, :30], np.arange(60) % 3, class_count=3, weights=np.ones(60))
    assert not is_cheaper(course, Fold(narrow, np.arange(40), np.arange(20)), members, None)
