import numpy as np
import pytest

from regraft.core.errors import RecipeError
from regraft.heads import Blend, Lda, NearestNeighbours, Part, Ridge, held_out


def examples():
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = random.standard_normal((90, 12)).astype(np.float32)
    features[:, :3] += 2 * np.eye(3, dtype=np.float32)[labels]
    return 5 * features + 7, labels


RIDGE = Part(Ridge(0.1), 0.7, 0.5, columns=((0, 2), (4, 9)), scaling="depth")
LDA = Part(Lda(), 0.3, 2.0, columns=((1, 12),), scaling="feature")


def test_a_blend_scores_as_its_parts_do_on_average():
    features, labels = examples()
    fitted = Blend((RIDGE, LDA)).fit(features, labels, class_count=3)
    expected = 0
    for part in (RIDGE, LDA):
        scaled, _ = part.scaled(features)
        own = part.head.fit(scaled, labels, class_count=3).scores(scaled)
        expected = expected + part.share / part.temperature * own
    np.testing.assert_allclose(fitted.scores(features), expected, rtol=1e-3, atol=1e-3)


def test_columns_that_no_part_reads_have_no_weight():
    features, labels = examples()
    fitted = Blend((RIDGE,)).fit(features, labels, class_count=3)
    assert (np.abs(fitted.weights).sum(1) > 0).tolist() == [at in (0, 1, 4, 5, 6, 7, 8) for at in range(12)]


def test_held_out_scores_are_those_of_the_parts():
    features, labels = examples()
    given = {"class_count": 3, "folds": np.arange(90) % 5}
    found = held_out(Blend((RIDGE, LDA)), features, labels, **given)
    parts = [
        part.share / part.temperature * held_out(part.head, part.scaled(features)[0], labels, **given)
        for part in (RIDGE, LDA)
    ]
    np.testing.assert_allclose(found, sum(parts), rtol=1e-4, atol=1e-4)


def test_depths_are_scaled_to_equal_variance():
    features, _ = examples()
    scaled, _ = RIDGE.scaled(features)
    assert scaled.shape == (90, RIDGE.width)
    for block in (slice(0, 2), slice(2, 7)):
        assert scaled[:, block].var(0).sum() == pytest.approx(1, rel=1e-3)


def test_what_cannot_be_blended_is_said():
    features, labels = examples()
    neighbours = Part(NearestNeighbours(), 1.0, 1.0, columns=((0, 12),), scaling="none")
    with pytest.raises(RecipeError, match="NearestNeighbours is none"):
        Blend((neighbours,)).fit(features, labels, class_count=3)
    with pytest.raises(RecipeError, match="reads 12 columns; the features have 9"):
        Blend((LDA,)).fit(features[:, :9], labels, class_count=3)
    with pytest.raises(RecipeError, match="at least one part"):
        Blend(())
    with pytest.raises(RecipeError, match=r"Part.share is 1.5"):
        Part(Ridge(), 1.5, 1.0, columns=((0, 1),), scaling="none")
    with pytest.raises(RecipeError, match="needs columns"):
        Part(Ridge(), 1.0, 1.0, columns=(), scaling="none")
