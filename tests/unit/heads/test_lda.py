import tracemalloc

import numpy as np

from regraft.heads import Lda, NearestMean


def test_many_features_of_few_examples_need_no_covariance():
    random = np.random.default_rng(0)
    features = random.standard_normal((60, 10_000)).astype(np.float32)
    features[:, :200] += np.arange(60)[:, None] % 3
    tracemalloc.start()
    fitted = Lda().fit(features, np.arange(60) % 3, class_count=3)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6  # [d, d] would take 800 MB.
    assert (fitted.scores(features).argmax(1) == np.arange(60) % 3).all()


def test_one_example_of_each_class_is_the_nearest_mean():
    random = np.random.default_rng(1)
    features, unseen = random.standard_normal((2, 12, 7)).astype(np.float32)
    labels = np.arange(12)
    ours, nearest = (
        head.fit(features, labels, class_count=12).scores(unseen) for head in (Lda(), NearestMean())
    )
    np.testing.assert_array_equal(ours.argmax(1), nearest.argmax(1))


def test_full_shrinkage_of_equal_classes_is_the_nearest_mean():
    random = np.random.default_rng(1)
    features, labels = random.standard_normal((60, 7)).astype(np.float32), np.arange(60) % 4
    ours, nearest = (
        head.fit(features, labels, class_count=4).scores(features) for head in (Lda(1.0), NearestMean())
    )
    np.testing.assert_array_equal(ours.argmax(1), nearest.argmax(1))


def test_correlated_noise_is_seen_through():
    """Along the noise the classes overlap widely; across it they do not at all."""
    random = np.random.default_rng(2)
    labels = np.arange(400) % 2
    noise = 5 * random.standard_normal(400)
    features = np.column_stack([noise + labels, noise - labels]) + 0.1 * random.standard_normal((400, 2))
    features = features.astype(np.float32)
    ours, nearest = (
        (head.fit(features, labels, class_count=2).scores(features).argmax(1) == labels).mean()
        for head in (Lda(), NearestMean())
    )
    assert ours > 0.99
    assert nearest < 0.99


def test_rare_classes_have_low_priors():
    random = np.random.default_rng(3)
    features, labels = random.standard_normal((200, 3)).astype(np.float32), (np.arange(200) < 20).astype(int)
    scores = Lda().fit(features, labels, class_count=2).scores(features)
    assert np.median(scores[:, 0] - scores[:, 1]) > 1.5
