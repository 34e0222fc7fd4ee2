import doctest

import numpy as np
import pytest

from regraft.core.errors import ArtifactError
from regraft.heads import (
    Classifier,
    Linear,
    NearestNeighbours,
    Neighbours,
    classifier,
    from_arrays,
    selection,
    to_arrays,
    weighting,
)


@pytest.mark.parametrize("module", [classifier, selection, weighting])
def test_examples_in_docstrings(module):
    tried = doctest.testmod(module, extraglobs={"np": np})
    assert tried.attempted > 0
    assert tried.failed == 0


def test_folding_is_composition():
    random = np.random.default_rng(0)
    head = Linear(random.standard_normal((5, 3)), random.standard_normal(3))
    shift, scale = random.standard_normal(5), random.uniform(0.1, 9, 5)
    raw = random.standard_normal((20, 5))
    np.testing.assert_allclose(head.fold(shift, scale).scores(raw), head.scores((raw - shift) * scale))


def voters(weights=(1, 1, 1, 1), neighbours=2, metric="euclidean"):
    examples = np.array([[0.0], [1.0], [2.0], [10.0]], np.float32)
    labels = np.array([0, 1, 1, 2])
    return Neighbours(examples, labels, np.array(weights, float), 3, neighbours, metric)


def shares(scores):
    return np.exp(scores.astype(float)).round(4).tolist()


def test_votes_become_smoothed_shares():
    asked = np.array([[0.4]], np.float32)
    assert shares(voters().scores(asked)) == [
        [round(x, 4) for x in ((1 + 1 / 3) / 3, (1 + 1 / 3) / 3, 1 / 9)]
    ]


def test_a_heavy_example_uses_up_the_votes():
    asked = np.array([[0.4]], np.float32)
    assert shares(voters(weights=(5, 1, 1, 1)).scores(asked)) == [
        [round(x, 4) for x in (7 / 9, 1 / 9, 1 / 9)]
    ]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_similar_examples_count_more(metric):
    """Four of the other class lie farther away than the one that is nearly the same."""
    examples = np.array([[1, 0.02], [1, 0.4], [1, 0.41], [1, 0.42], [1, 0.43], [1, 0.5]], np.float32)
    labels = np.array([0, 1, 1, 1, 1, 0])
    asked = np.array([[1, 0.0]], np.float32)
    by_number, by_similarity = (
        NearestNeighbours(3, metric, by).fit(examples, labels, class_count=2).scores(asked)
        for by in ("number", "similarity")
    )
    assert by_number.argmax() == 1
    assert by_similarity[0, 0] > by_number[0, 0]
    squares = ((examples - asked) ** 2).sum(1).astype(float)
    if metric == "cosine":
        squares = 2 - 2 / np.sqrt((examples.astype(float) ** 2).sum(1))
    counted = np.exp(-2 * squares[:3] / squares[3])
    expected = (counted[0] + 0.5) / (counted.sum() + 1)
    assert np.exp(by_similarity[0, 0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_similar_votes_do_not_depend_on_the_scale(metric):
    random = np.random.default_rng(0)
    examples, asked = random.standard_normal((2, 30, 5)).astype(np.float32)
    head = NearestNeighbours(4, metric, "similarity")
    one, thousand = (
        head.fit(scale * examples, np.arange(30) % 3, class_count=3).scores(scale * asked)
        for scale in (1, 1000)
    )
    np.testing.assert_allclose(one, thousand, atol=1e-4)


def test_copies_of_the_asker_have_whole_votes():
    head = NearestNeighbours(2, "euclidean", "similarity")
    fitted = head.fit(np.ones((5, 3), np.float32), np.array([0, 0, 0, 1, 1]), class_count=2)
    assert shares(fitted.scores(np.ones((1, 3), np.float32))) == [[round(2.5 / 3, 4), round(0.5 / 3, 4)]]


def test_similar_votes_are_saved_and_models_from_before_count():
    kind, arrays = to_arrays(voters(metric="cosine"))
    assert from_arrays(kind, {**arrays, "sizes": arrays["sizes"][:3]}).votes_by == "number"
    head = NearestNeighbours(2, votes_by="similarity").fit(
        np.eye(3, dtype=np.float32), np.arange(3), class_count=3
    )
    assert from_arrays(*to_arrays(head)).votes_by == "similarity"


def test_light_examples_are_joined_by_more():
    asked = np.array([[0.4]], np.float32)
    half = voters(weights=(0.5, 0.5, 0.5, 0.5))
    assert shares(half.scores(asked)) == [[0.2778, 0.4444, 0.2778]]


def test_equal_distances_are_settled_by_position():
    examples = np.zeros((50, 1), np.float32)
    labels = np.r_[np.zeros(25, int), np.ones(25, int)]
    head = Neighbours(examples, labels, np.ones(50), 2, 10, "euclidean")
    ten = head.scores(np.zeros((3, 1), np.float32))
    np.testing.assert_array_equal(ten[0], ten[2])


def test_more_neighbours_than_examples():
    scores = voters(neighbours=99).scores(np.array([[0.4]], np.float32))
    assert shares(scores) == [[round(x, 4) for x in ((1 + 1 / 3) / 5, (2 + 1 / 3) / 5, (1 + 1 / 3) / 5)]]


def test_a_row_of_zeros_has_a_cosine():
    assert np.isfinite(voters(metric="cosine").scores(np.zeros((1, 1), np.float32))).all()


def test_arrays_are_what_is_saved():
    kind, arrays = to_arrays(Linear(np.ones((2, 3)), np.zeros(3)))
    assert kind == "linear"
    assert sorted(arrays) == ["bias", "weights"]
    again = from_arrays(*to_arrays(voters(metric="cosine")))
    assert again.neighbours == 2
    assert again.metric == "cosine"
    assert isinstance(again, Classifier)


def test_what_cannot_be_read_is_said():
    with pytest.raises(ArtifactError, match=r"linaer.*linear"):
        from_arrays("linaer", {})
    with pytest.raises(ArtifactError, match="lacks bias"):
        from_arrays("linear", {"weights": np.ones((2, 3))})


def test_what_cannot_be_saved_is_said():
    class Odd:
        class_count = 2

        def scores(self, features):
            return features

    with pytest.raises(ArtifactError, match="Odd"):
        to_arrays(Odd())
