import numpy as np
import pytest
import torch

from regraft.heads import Member
from regraft.heads.augmentation import Ranges, kept_at_random, mixing, varied
from regraft.heads.fold import Fold, Rows
from regraft.heads.member import Course

FEATURES = np.random.default_rng(0).gamma(2.0, [1.0, 5.0, 0.2], (400, 3)).astype(np.float32)
LABELS = np.arange(400) % 4
RANGES = Ranges.of(torch.from_numpy(FEATURES))


def changed(kind, strength, rows=FEATURES):
    return varied(torch.from_numpy(rows), kind, strength, np.random.default_rng(1), RANGES).numpy()


def only_batch(**settings):
    weights = np.random.default_rng(3).uniform(0.5, 2, 400)
    data = Rows.load(FEATURES, LABELS, class_count=4, weights=weights)
    fold = Fold(data, np.arange(400), np.arange(0))
    course = Course(Member(batch_size=400, **settings), 3, 0)
    (batch,) = fold.batches(course, 0, read=fold.rows)
    return batch, fold


def test_noise_is_of_so_many_standard_deviations():
    distance = changed("noise", 0.3) - FEATURES
    np.testing.assert_allclose(distance.std(0) / FEATURES.std(0), 0.3, rtol=0.1)
    np.testing.assert_allclose(distance.mean(0) / FEATURES.std(0), 0, atol=0.05)


def test_brightness_adds_a_share_of_the_range():
    span = FEATURES.max(0) - FEATURES.min(0)
    middle = np.broadcast_to(FEATURES.min(0) + span / 2, (400, 3)).astype(np.float32)
    added = (changed("brightness", 0.2, middle) - middle) / span
    assert np.abs(added).max() <= 0.2 + 1e-6
    np.testing.assert_allclose(added.std(0), 0.2 / np.sqrt(3), rtol=0.1)


def test_contrast_stretches_the_distance_from_the_mean():
    factors = (changed("contrast", 0.4) - FEATURES.mean(0)) / (FEATURES - FEATURES.mean(0))
    assert factors.min() >= 0.6 - 1e-3
    assert factors.max() <= 1.4 + 1e-3
    assert factors.std() > 0.15


@pytest.mark.parametrize("kind", ["brightness", "contrast"])
def test_features_stay_in_their_range(kind):
    found = changed(kind, 1.0)
    assert (found >= FEATURES.min(0)).all()
    assert (found <= FEATURES.max(0)).all()


@pytest.mark.parametrize("kind", ["noise", "brightness", "contrast"])
def test_without_strength_nothing_changes(kind):
    np.testing.assert_allclose(changed(kind, 0.0), FEATURES, rtol=1e-5)


def test_pairs_are_mixed_by_a_beta_distribution():
    partners, kept = mixing(5000, 0.4, np.random.default_rng(0), torch.zeros(1))
    assert sorted(partners.tolist()) == list(range(5000))
    # The variance of a beta distribution of two equal parameters a is 1 / (4 (2 a + 1)).
    assert kept.mean().item() == pytest.approx(0.5, abs=0.02)
    assert kept.var().item() == pytest.approx(1 / (4 * 1.8), rel=0.05)


def test_mixup_mixes_rows_targets_and_weights_alike():
    batch, fold = only_batch(augmentation="mixup", strength=0.7)
    plain, _ = only_batch()
    assert batch.at.tolist() == plain.at.tolist()
    assert not torch.allclose(batch.rows, plain.rows)
    torch.testing.assert_close(batch.targets.sum(0), torch.ones(400))
    assert batch.shares.sum().item() == pytest.approx(1, abs=1e-5)
    # Every column is mixed by the same shares: whatever was linear in the rows still is.
    rows, targets = batch.rows[:, :3].double(), batch.targets.T.double()
    sums = torch.cat([plain.rows[:, :3].double(), plain.targets.T.double()], dim=1).sum(0)
    assert torch.cat([rows, targets], dim=1).sum(0) == pytest.approx(sums, rel=0.1)
    assert (batch.rows[:, 3] == 1).all()
    assert ((batch.targets > 0).sum(0) <= 2).all()
    assert fold.ranges.low.tolist() == pytest.approx(FEATURES.min(0).tolist())


def test_dropout_of_units_keeps_the_mean():
    factors = kept_at_random(300, 500, 0.3, np.random.default_rng(0))
    assert factors.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert factors.mean().item() == pytest.approx(1, abs=0.01)


def test_dropout_comes_before_the_last_layer():
    linear, _ = only_batch(dropout=0.5)
    hidden, _ = only_batch(dropout=0.5, width=6)
    assert linear.heard is None
    assert (linear.rows[:, :3] == 0).float().mean() > 0.3
    assert hidden.heard.shape == (6, 400)
    assert (hidden.rows[:, :3] > 0).all()


def test_the_same_draws_on_the_same_epoch_and_others_on_the_next():
    first, fold = only_batch(augmentation="noise")
    again, _ = only_batch(augmentation="noise")
    torch.testing.assert_close(first.rows, again.rows, rtol=0, atol=0)
    course = Course(Member(batch_size=400, augmentation="noise"), 3, 0)
    (later,) = fold.batches(course, 1, read=fold.rows)
    assert later.at.tolist() != first.at.tolist()
