"""What must hold for any data."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.heads import Linear, NearestNeighbours, Ridge, leaving_out, ridge_path, tempered_log_loss
from regraft.heads.weighting import spread

sizes = st.tuples(st.integers(4, 40), st.integers(1, 40), st.integers(2, 5), st.integers(0, 10**6))


def drawn(size):
    count, width, classes, seed = size
    random = np.random.default_rng(seed)
    features = random.standard_normal((count, width)) * 10 ** random.uniform(-2, 2, width) + random.normal(
        0, 9
    )
    return features, random.integers(0, classes, count), classes, random


@given(size=sizes, folds=st.integers(2, 4))
@settings(deadline=None, max_examples=30)
def test_solving_a_block_and_refitting_agree(size, folds):
    features, labels, classes, random = drawn(size)
    given = {"class_count": classes, "folds": np.arange(len(labels)) % folds}
    given["weights"] = random.uniform(0.2, 3, len(labels))
    chosen, found = leaving_out.cheaper_to_refit, []
    try:
        for refit in (False, True):
            leaving_out.cheaper_to_refit = lambda *_args, answer=refit, **_sizes: answer
            found.append(ridge_path(features, labels, **given).held_out)
    finally:
        leaving_out.cheaper_to_refit = chosen
    np.testing.assert_allclose(*found, atol=1e-4)


@given(size=sizes)
@settings(deadline=None, max_examples=30)
def test_one_example_per_fold_is_leave_one_out(size):
    features, labels, classes, _ = drawn(size)
    alone = ridge_path(features, labels, class_count=classes, folds=None).held_out
    folded = ridge_path(features, labels, class_count=classes, folds=np.arange(len(labels))).held_out
    np.testing.assert_allclose(alone, folded, atol=1e-4)


@given(size=sizes)
@settings(deadline=None, max_examples=60)
def test_ridge_scores_sum_to_one_and_ignore_shifts(size):
    features, labels, classes, _ = drawn(size)
    scores = Ridge(0.1).fit(features, labels, class_count=classes).scores(features)
    shifted = Ridge(0.1).fit(features + 3, labels, class_count=classes).scores(features + 3)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-3)
    np.testing.assert_allclose(scores, shifted, atol=1e-3)


@given(size=sizes, neighbours=st.integers(1, 50))
@settings(deadline=None, max_examples=60)
def test_votes_are_shares(size, neighbours):
    features, labels, classes, random = drawn(size)
    weights = random.uniform(0.2, 3, len(labels))
    head = NearestNeighbours(neighbours, "euclidean")
    scores = head.fit(features, labels, class_count=classes, weights=weights).scores(features)
    np.testing.assert_allclose(np.exp(scores).sum(1), 1, atol=1e-5)


@given(size=sizes)
@settings(deadline=None, max_examples=60)
def test_the_best_temperature_is_no_worse_than_any_other(size):
    _, labels, classes, random = drawn(size)
    scores = random.standard_normal((len(labels), classes))
    loss, _ = tempered_log_loss(scores, labels)
    rows = np.arange(len(labels))
    for temperature in (0.01, 0.3, 1.0, 7.0, 500.0):
        scaled = scores / temperature
        at_this = (
            np.log(np.exp(scaled - scaled.max(1, keepdims=True)).sum(1))
            + scaled.max(1)
            - scaled[rows, labels]
        )
        assert loss <= at_this.mean() + 1e-4


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=60)
def test_an_absent_class_never_wins(seed, scale):
    random = np.random.default_rng(seed)
    present = random.permutation([True, True, False, False, True])
    fitted = Linear(scale * random.standard_normal((4, 3)), scale * random.standard_normal(3))
    scores = spread(fitted, present, gap=0.1).scores(scale * random.standard_normal((50, 4)))
    assert present[scores.argmax(1)].all()
