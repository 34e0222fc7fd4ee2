import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.heads import Ridge, SelectedRidge, held_out
from regraft.heads.selection import held_out_loss
from regraft.pipeline.fitting import fit_head


def some_useful(count=150, width=40, *, seed=0):
    """Features of which only the last few say anything of the class."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    features = random.standard_normal((count, width))
    features[:, -4:] += 1.5 * np.array([[1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, -1]])[labels]
    return features.astype(np.float32), labels


def kept(fitted):
    return np.flatnonzero(fitted.weights.any(axis=1))


def test_the_useful_features_are_found():
    features, labels = some_useful()
    fitted = SelectedRidge(0.1).fit(features, labels, class_count=3)
    assert kept(fitted).tolist() == [36, 37, 38, 39]


def test_the_useful_block_is_found():
    features, labels = some_useful()
    fitted = SelectedRidge(0.1, blocks=(20, 16, 4)).fit(features, labels, class_count=3)
    assert kept(fitted).tolist() == [36, 37, 38, 39]
    # A wide block that is chosen is kept whole, also where it is more than the share.
    whole = SelectedRidge(0.1, blocks=(16, 24)).fit(features, labels, class_count=3)
    assert kept(whole).tolist() == list(range(16, 40))


def test_what_is_kept_is_fitted_by_ridge():
    features, labels = some_useful()
    fitted = SelectedRidge(0.1, 0.5).fit(features, labels, class_count=3)
    ridge = Ridge(0.5).fit(features[:, 36:], labels, class_count=3)
    np.testing.assert_array_equal(fitted.weights[36:], ridge.weights)
    np.testing.assert_array_equal(fitted.bias, ridge.bias)


def test_all_features_are_ridge():
    features, labels = some_useful()
    fitted = SelectedRidge(1.0, 0.5).fit(features, labels, class_count=3)
    everything = Ridge(0.5).fit(features, labels, class_count=3)
    np.testing.assert_allclose(fitted.weights, everything.weights, atol=1e-6)


@pytest.mark.parametrize(("share", "count"), [(0.05, 2), (0.5, 20), (0.99, 39)])
def test_the_share_is_kept_also_where_few_have_weight(share, count):
    features, labels = some_useful()
    assert len(kept(SelectedRidge(share, 0.5).fit(features, labels, class_count=3))) == count


def test_among_many_useless_features_it_beats_ridge():
    features, labels = some_useful(width=600)
    unseen, answers = some_useful(600, width=600, seed=1)
    right = [
        (head.fit(features, labels, class_count=3).scores(unseen).argmax(1) == answers).mean()
        for head in (SelectedRidge(0.01), Ridge())
    ]
    assert right[0] > right[1]


@pytest.mark.parametrize("blocks", [(3, 3), (40, 1), (40, 0), (41, -1)])
def test_blocks_must_be_the_features(blocks):
    features, labels = some_useful()
    with pytest.raises(DataError, match=r"blocks .*there are 40 features"):
        SelectedRidge(blocks=blocks).fit(features, labels, class_count=3)


def test_a_path_is_each_penalty_fitted_outside_each_fold():
    features, labels = some_useful()
    folds = np.arange(150) // 30 - 1
    path = SelectedRidge(0.1).path(features, labels, class_count=3, folds=folds)
    for at in (0, 12, 24):
        head = SelectedRidge(0.1, float(path.penalties[at]))
        expected = held_out(head, features, labels, class_count=3, folds=folds)
        np.testing.assert_allclose(path.scores(at), expected, atol=1e-5)
        whole = head.fit(features, labels, class_count=3)
        np.testing.assert_array_equal(path.classifier(at).weights, whole.weights)


def test_views_of_an_image_do_not_choose_the_penalty():
    """Left out one by one each is told by its like, and half of the labels are wrong: a weak one wins."""
    features, labels = some_useful(90, 100)
    random = np.random.default_rng(0)
    labels = np.where(random.random(90) < 0.5, random.integers(0, 3, 90), labels)
    folds, views = np.arange(90) % 5, np.tile(features, (4, 1))
    given = SelectedRidge(0.5), views, labels
    chosen, scores, _ = fit_head(*given, class_count=3, folds=(folds,), weights=None)
    by_like = held_out(SelectedRidge(0.5), views, np.tile(labels, 4), class_count=3, folds=np.tile(folds, 4))
    assert chosen.penalty > 1
    assert held_out_loss(scores, labels) < held_out_loss(by_like[:90], labels) - 0.02
