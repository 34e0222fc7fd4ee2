"""What holds for any answers at all."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from regraft.evaluation import (
    Answers,
    Evidence,
    compare,
    fit_temperature,
    metrics,
    per_class,
    softmax,
    verdicts,
    wilson,
)

BOUNDED = {"accuracy", "balanced_accuracy", "macro_f1", "expected_calibration_error", "roc_auc"}


@st.composite
def answers(draw):
    n, k = draw(st.integers(1, 30)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    scores = rng.normal(size=(n, k)) * draw(st.sampled_from([0.0, 1.0, 30.0]))
    labels = rng.integers(0, draw(st.integers(1, k)), n)
    groups = draw(st.sampled_from([None, "few", "some"]))
    codes = (
        None
        if groups is None
        else [["", "a", "b", "c"][i] for i in rng.integers(0, 2 if groups == "few" else 4, n)]
    )
    return softmax(scores), labels, codes


@settings(max_examples=60, deadline=None)
@given(answers())
def test_every_interval_holds_its_value_and_is_finite(drawn):
    p, labels, groups = drawn
    for name, i in metrics(p, labels, groups=groups).items():
        assert np.isfinite([i.value, i.low, i.high]).all(), name
        assert i.low <= i.value <= i.high, name
        assert i.low >= 0, name
        if name in BOUNDED:
            assert i.high <= 1, name


@settings(max_examples=40, deadline=None)
@given(answers(), st.randoms(use_true_random=False))
def test_the_order_of_images_does_not_matter_to_scores(drawn, random):
    p, labels, groups = drawn
    order = list(range(len(labels)))
    random.shuffle(order)
    moved = None if groups is None else [groups[i] for i in order]
    one, other = metrics(p, labels, groups=groups), metrics(p[order], labels[order], groups=moved)
    for name in one:
        assert np.isclose(one[name].value, other[name].value), name
    for name in ("accuracy", "balanced_accuracy"):
        assert np.allclose([one[name].low, one[name].high], [other[name].low, other[name].high]), name


@settings(max_examples=40, deadline=None)
@given(answers(), answers())
def test_comparison_is_antisymmetric(drawn, other):
    p, labels, groups = drawn
    rng = np.random.default_rng(len(other[1]))
    q = softmax(rng.normal(size=p.shape) * 3)
    forth, back = compare(p, q, labels, groups=groups), compare(q, p, labels, groups=groups)
    assert 0 < forth.p_value <= 1
    assert np.isclose(forth.p_value, back.p_value)
    assert np.isclose(forth.accuracy_difference.low, -back.accuracy_difference.high)
    assert np.isclose(forth.probability_better, 1 - back.probability_better)
    for interval in (forth.accuracy_difference, forth.log_loss_difference):
        assert interval.low <= interval.value <= interval.high


@settings(max_examples=40, deadline=None)
@given(answers())
def test_verdicts_and_class_scores_never_fail(drawn):
    p, labels, groups = drawn
    names = [f"class {c}" for c in range(p.shape[1])]
    found = verdicts(Evidence(names, [20] * len(names), test=Answers(p, labels, groups)))
    assert {"better_than_majority", "enough_images", "calibration"} <= {v.name for v in found}
    rows = per_class(p, labels, names, groups=groups)
    assert sum(row.count for row in rows) == sum(row.predicted for row in rows) == len(labels)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_mirrors_and_widens_with_the_level(case, level):
    successes, n = case
    one, mirrored = wilson(successes, n, level), wilson(n - successes, n, level)
    assert np.isclose(one.low, 1 - mirrored.high)
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert wilson(successes, n, 0.4).high <= one.high


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_temperature_scales_with_the_scores(seed, factor):
    rng = np.random.default_rng(seed)
    scores, labels = rng.normal(size=(40, 3)), rng.integers(0, 3, 40)
    labels[:20] = scores[:20].argmax(axis=1)
    one = softmax(scores, fit_temperature(scores, labels))
    other = softmax(scores * factor, fit_temperature(scores * factor, labels))
    assert np.allclose(one, other, atol=2e-3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_softmax_rows_are_probabilities_and_shifts_do_not_matter(seed, temperature, shift):
    scores = np.random.default_rng(seed).normal(size=(5, 4)) * 100
    p = softmax(scores, temperature)
    assert np.allclose(p.sum(axis=1), 1)
    assert p.min() >= 0
    assert (p.argmax(axis=1) == scores.argmax(axis=1)).all() or temperature > 1e3
    if temperature >= 1:
        assert np.allclose(p, softmax(scores + shift, temperature), atol=1e-6)
