"""What holds for answers of several labels, whatever they are."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.evaluation import LabelAnswers, average_precisions, fit_thresholds, label_metrics, per_label
from regraft.heads import fit_platt


@st.composite
def answers(draw):
    n, k = draw(st.integers(1, 30)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    # Few decimals make ties; few images make labels that none or all have.
    probabilities = rng.random((n, k)).round(draw(st.integers(0, 3)))
    truth = rng.random((n, k)) < draw(st.floats(0, 1))
    groups = [str(g) for g in rng.integers(0, draw(st.integers(1, n)), n)] if draw(st.booleans()) else None
    # The shape checks draw lots, which Hypothesis does not allow inside a strategy.
    return probabilities, truth, rng.random(k), groups


@settings(deadline=None, max_examples=60)
@given(answers())
def test_every_score_is_a_number_in_its_interval(drawn):
    a = LabelAnswers(*drawn)
    found = label_metrics(a)
    scores = [
        *found.values(),
        *(row.average_precision for row in per_label(a, "abcd"[: a.k])),
    ]
    for interval in scores:
        assert np.isfinite([interval.value, interval.low, interval.high]).all()
        assert interval.low <= interval.value <= interval.high
    for name in set(found) - {"log_loss"}:
        assert 0 <= found[name].low <= found[name].high <= 1


@settings(deadline=None, max_examples=60)
@given(answers(), st.integers(0, 100))
def test_the_order_of_images_and_of_labels_does_not_matter(drawn, seed):
    a, rng = LabelAnswers(*drawn), np.random.default_rng(seed)
    rows, columns = rng.permutation(a.n), rng.permutation(a.k)
    mixed = LabelAnswers(
        a.probabilities[rows][:, columns],
        a.truth[rows][:, columns],
        a.thresholds[columns],
        None if a.groups is None else [a.groups[i] for i in rows],
    )
    for name, interval in label_metrics(a).items():
        assert abs(label_metrics(mixed)[name].value - interval.value) < 1e-9, name
    np.testing.assert_allclose(average_precisions(mixed).values, average_precisions(a).values[columns])


@settings(deadline=None, max_examples=100)
@given(answers())
def test_influences_cancel(drawn):
    a = LabelAnswers(*drawn)
    # Counting every image a little more changes no average precision.
    np.testing.assert_allclose(average_precisions(a).influence.sum(axis=0), 0, atol=1e-9)


@settings(deadline=None, max_examples=100)
@given(answers())
def test_a_threshold_is_a_probability_of_something_uncertain(drawn):
    a = LabelAnswers(*drawn)
    found = fit_thresholds(a.probabilities, a.truth)
    assert ((found > 0) & (found < 1)).all()


@settings(deadline=None, max_examples=100)
@given(answers(), st.floats(-3, 3), st.integers(-6, 6))
def test_curves_are_finite_and_keep_the_order(drawn, shift, power):
    a = LabelAnswers(*drawn)
    scores = (a.probabilities + shift) * 10.0**power
    found = fit_platt(scores, a.truth)
    assert np.isfinite(found.slope).all()
    assert np.isfinite(found.offset).all()
    assert (found.slope >= 0).all()
    probabilities = found.probabilities(scores)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    # In the mean as frequent as smoothed targets say.
    seen = a.truth.sum(axis=0)
    smoothed = (seen * (seen + 1) / (seen + 2) + (a.n - seen) / (a.n - seen + 2)) / a.n
    np.testing.assert_allclose(probabilities.mean(axis=0), smoothed, atol=2e-3)
