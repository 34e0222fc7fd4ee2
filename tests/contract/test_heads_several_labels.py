"""What every head that learns several labels per image must do, and what the others say."""

import numpy as np
import pytest

from regraft.core.errors import DataError, RecipeError
from regraft.heads import HEADS, Linear, Logistic, Ridge, held_out

OF_ONE_PENALTY = [Ridge(1.0), Logistic(1e-2, smoothing=0.0)]
LEARNERS = [Ridge(), Logistic(), *OF_ONE_PENALTY]
OTHERS = [settings() for settings in HEADS.values() if settings not in (Ridge, Logistic)]


@pytest.fixture(params=LEARNERS, ids=repr)
def head(request):
    return request.param


def draw(count=90, width=12, seed=0):
    """Three labels by sign of a feature each; the last is rare. The ."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, width)).astype(np.float32)
    return features, features[:, :3] > np.array([0.0, 0.3, 1.2], np.float32)


@pytest.mark.parametrize("width", [6, 200])
def test_each_label_is_learnt_for_itself(head, width):
    features, truth = draw(width=width)
    if width > len(features):
        features[:, :3] *= 5  # Among many features that mean nothing, those that do must stand out.
    fitted = head.fit(features, truth, class_count=3)
    assert isinstance(fitted, Linear)
    new, expected = draw(500, width, seed=1)
    if width > len(features):
        new[:, :3] *= 5
    scores = fitted.scores(new)
    for label in range(3):
        own = scores[expected[:, label], label]
        assert np.median(own) > np.quantile(scores[~expected[:, label], label], 0.9)


@pytest.mark.parametrize("head", OF_ONE_PENALTY, ids=repr)
def test_a_label_does_not_depend_on_the_others(head):
    features, truth = draw()
    together = head.fit(features, truth, class_count=3).scores(features)
    alone = head.fit(features, truth[:, 1:2], class_count=1).scores(features)
    np.testing.assert_allclose(together[:, 1:2], alone, atol=5e-3)


@pytest.mark.parametrize("head", OF_ONE_PENALTY, ids=repr)
def test_held_out_scores_are_of_fits_that_did_not_see_the_image(head):
    features, truth = draw()
    folds = np.arange(len(features)) % 3
    scores = held_out(head, features, truth, class_count=3, folds=folds)
    # An image's own labels turned round: its own held-out scores must not notice.
    turned = truth.copy()
    turned[folds == 1] = ~turned[folds == 1]
    again = held_out(head, features, turned, class_count=3, folds=folds)
    np.testing.assert_allclose(again[folds == 1], scores[folds == 1], atol=1e-5)
    assert np.abs(again[folds == 0] - scores[folds == 0]).max() > 0.01


def test_labels_that_no_image_or_every_image_has(head):
    features, truth = draw()
    truth[:, 0], truth[:, 2] = False, True
    scores = head.fit(features, truth, class_count=3).scores(features)
    assert np.isfinite(scores).all()
    assert scores[:, 0].max() < scores[:, 2].min()


def test_a_weight_is_a_number_of_copies(head):
    if head == Ridge():
        head = Ridge(0.3)  # Leaving one copy out is not leaving the example out.
    if head == Logistic():
        head = Logistic(1e-2)
    features, truth = draw()
    times = np.random.default_rng(1).integers(1, 4, len(features))
    weighted = head.fit(features, truth, class_count=3, weights=times.astype(float)).scores(features)
    copied = head.fit(features.repeat(times, 0), truth.repeat(times, 0), class_count=3).scores(features)
    np.testing.assert_allclose(weighted, copied, atol=5e-3)


def test_columns_must_be_as_many_as_classes(head):
    features, truth = draw()
    with pytest.raises(DataError, match="3 columns, for 5 classes"):
        head.fit(features, truth, class_count=5)


@pytest.mark.parametrize("other", OTHERS, ids=repr)
def test_heads_of_one_class_each_say_so(other):
    features, truth = draw()
    with pytest.raises(RecipeError, match="Take ridge or logistic"):
        other.fit(features, truth, class_count=3)
