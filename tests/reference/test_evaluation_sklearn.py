"""Every score against scikit-learn, the p-value against scipy, the interval against statsmodels' formula."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from regraft.evaluation import compare, confusion, metrics, per_class, softmax, wilson


def draw(seed, n=300, k=7):
    rng = np.random.default_rng(seed)
    labels = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    scores = rng.normal(size=(n, k))
    scores[np.arange(n), labels] += 1.5
    # Rounding makes ties, which is where implementations part.
    return softmax(scores.round(1)), labels


@pytest.mark.parametrize("seed", range(3))
def test_scores(seed):
    p, labels = draw(seed)
    guess = p.argmax(axis=1)
    found = {name: interval.value for name, interval in metrics(p, labels).items()}
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, guess))
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, guess))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(labels, guess, average="macro"))
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, p))
    assert found["roc_auc"] == pytest.approx(
        reference.roc_auc_score(labels, p, multi_class="ovr", average="macro")
    )


@pytest.mark.parametrize("depth", [2, 5])
def test_top_k_without_ties(depth):
    rng = np.random.default_rng(0)
    labels, p = rng.integers(0, 9, 200), softmax(rng.normal(size=(200, 9)))
    expected = reference.top_k_accuracy_score(labels, p, k=depth)
    assert metrics(p, labels)[f"top_{depth}_accuracy"].value == pytest.approx(expected)


def test_area_of_two_classes_with_ties():
    p, labels = draw(1, k=2)
    assert metrics(p, labels)["roc_auc"].value == pytest.approx(reference.roc_auc_score(labels, p[:, 1]))


def test_scores_where_classes_are_missing():
    p, labels = draw(2)
    keep = ~np.isin(labels, [1, 5])
    p, labels = p[keep], labels[keep]
    guess, present = p.argmax(axis=1), np.unique(labels)
    expected = reference.f1_score(labels, guess, labels=present, average="macro", zero_division=0)
    assert metrics(p, labels)["macro_f1"].value == pytest.approx(expected)
    expected = reference.recall_score(labels, guess, labels=present, average="macro", zero_division=0)
    assert metrics(p, labels)["balanced_accuracy"].value == pytest.approx(expected)


def test_confusion_and_per_class():
    p, labels = draw(0)
    guess = p.argmax(axis=1)
    assert (confusion(p, labels) == reference.confusion_matrix(labels, guess)).all()
    rows = per_class(p, labels, [str(c) for c in range(7)])
    precision, recall, f1, count = reference.precision_recall_fscore_support(labels, guess, zero_division=0)
    assert [row.precision.value for row in rows] == pytest.approx(precision)
    assert [row.recall.value for row in rows] == pytest.approx(recall)
    assert [row.f1 for row in rows] == pytest.approx(f1)
    assert [row.count for row in rows] == count.tolist()


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (3, 7), (7, 7), (91, 168), (4999, 5000)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson(successes, n, level):
    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    found = wilson(successes, n, level)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 3), (4, 9), (30, 12), (200, 260)])
def test_mcnemar_is_a_binomial_test(only_a, only_b):
    right_a = np.r_[np.ones(only_a), np.zeros(only_b), np.ones(20)]
    right_b = np.r_[np.zeros(only_a), np.ones(only_b), np.ones(20)]
    sides = [np.stack([r, 1 - r], axis=1) for r in (right_a, right_b)]
    found = compare(*sides, np.zeros(len(right_a), int))
    total = only_a + only_b
    exact = stats.binomtest(only_a, total).pvalue
    assert found.p_value == pytest.approx(exact - stats.binom.pmf(only_a, total, 0.5))


def test_the_error_of_the_area_is_delongs():
    p, labels = draw(3, n=200, k=2)
    found = metrics(p, labels)["roc_auc"]
    positive, negative = p[labels == 1, 1], p[labels == 0, 1]
    above = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    variance = above.mean(axis=1).var(ddof=1) / len(positive) + above.mean(axis=0).var(ddof=1) / len(negative)
    half = stats.t.ppf(0.975, 199) * np.sqrt(variance) / (found.value * (1 - found.value))
    logit = np.log(found.value / (1 - found.value))
    ends = 1 / (1 + np.exp(-(logit + np.array([-half, half]))))
    assert [found.low, found.high] == pytest.approx(ends, abs=2e-3)
