"""Scores of several labels per image against scikit-learn."""

import numpy as np
import pytest
from sklearn import metrics as reference

from regraft.evaluation import LabelAnswers, average_precisions, label_metrics, per_label


def draw(seed, n=200, k=5):
    random = np.random.default_rng(seed)
    truth = random.random((n, k)) < np.linspace(0.05, 0.5, k)
    truth[:2] = True
    # Rounding makes ties, which is where implementations part.
    probabilities = np.clip(0.5 * random.random((n, k)) + 0.3 * truth, 0, 1).round(2)
    return LabelAnswers(probabilities, truth, np.linspace(0.3, 0.55, k))


@pytest.mark.parametrize("seed", range(3))
def test_scores(seed):
    answers = draw(seed)
    guess, truth = answers.predicted, answers.truth
    found = {name: interval.value for name, interval in label_metrics(answers).items()}
    expected = {
        "mean_average_precision": reference.average_precision_score(truth, answers.probabilities),
        "micro_f1": reference.f1_score(truth, guess, average="micro"),
        "macro_f1": reference.f1_score(truth, guess, average="macro", zero_division=0),
        "subset_accuracy": reference.accuracy_score(truth, guess),
        "hamming_loss": reference.hamming_loss(truth, guess),
        "log_loss": np.mean(
            [
                reference.log_loss(truth[:, c], np.clip(answers.probabilities[:, c], 1.2e-7, 1 - 1.2e-7))
                for c in range(answers.k)
            ]
        ),
    }
    assert found == pytest.approx(expected, rel=1e-5)


def test_labels_that_no_image_has_take_no_part():
    answers = draw(0)
    truth = answers.truth.copy()
    truth[:, 2] = False
    answers, rest = LabelAnswers(answers.probabilities, truth, answers.thresholds), [0, 1, 3, 4]
    found = label_metrics(answers)
    assert found["mean_average_precision"].value == pytest.approx(
        reference.average_precision_score(truth[:, rest], answers.probabilities[:, rest])
    )
    assert found["macro_f1"].value == pytest.approx(
        reference.f1_score(truth[:, rest], answers.predicted[:, rest], average="macro", zero_division=0)
    )


def test_each_label():
    answers = draw(1)
    rows = per_label(answers, [str(c) for c in range(5)])
    precision, recall, f1, count = reference.precision_recall_fscore_support(
        answers.truth, answers.predicted, zero_division=0
    )
    purity = reference.average_precision_score(answers.truth, answers.probabilities, average=None)
    assert [row.precision.value for row in rows] == pytest.approx(precision)
    assert [row.recall.value for row in rows] == pytest.approx(recall)
    assert [row.f1 for row in rows] == pytest.approx(f1)
    assert [row.count for row in rows] == count.tolist()
    assert [row.average_precision.value for row in rows] == pytest.approx(purity)
    assert [row.predicted for row in rows] == answers.predicted.sum(axis=0).tolist()


@pytest.mark.parametrize("label", [0, 3])
def test_an_image_moves_average_precision_as_its_weight_does(label):
    answers = draw(2, n=40)
    truth, scores, step = answers.truth[:, label], answers.probabilities[:, label], 1e-5
    plain = reference.average_precision_score(truth, scores)
    for image in range(40):
        weights = np.ones(40)
        weights[image] += step
        moved = (reference.average_precision_score(truth, scores, sample_weight=weights) - plain) / step
        assert average_precisions(answers).influence[image, label] == pytest.approx(moved, abs=1e-5)
