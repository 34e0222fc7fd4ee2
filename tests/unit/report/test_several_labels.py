"""Reports where an image may have several labels or none."""

import json

import numpy as np
import pytest

from regraft.core.hashing import plain
from regraft.evaluation import Evidence, LabelAnswers, label_metrics, per_label, verdicts
from regraft.report import check_summary, evaluation_text, html, text

NAMES = ("disc", "<b>red</b>", "stripes", "square", "green", "blue", "far away")


@pytest.fixture
def summary(summary):
    """The summary of all report tests with answers of several labels in place of its own."""

    def draw(seed):
        random = np.random.default_rng(seed)
        truth = random.random((150, len(NAMES))) < 0.3
        truth[:, -1] = False
        probabilities = np.clip(random.random(truth.shape) * 0.6 + 0.35 * truth, 0, 1)
        return LabelAnswers(probabilities, truth, np.full(len(NAMES), 0.45))

    validation, test = draw(0), draw(1)
    changed = {
        "classes": NAMES,
        "validation": label_metrics(validation),
        "test": label_metrics(test),
        "per_class": per_label(test, NAMES),
        "confusion": [],
        "multilabel": True,
        "verdicts": verdicts(Evidence(NAMES, [100] * len(NAMES), validation, test)),
    }
    return json.loads(json.dumps(plain(summary | changed)))


def test_the_page_speaks_of_labels(summary):
    page = html(check_summary(summary))
    purity = summary["test"]["mean_average_precision"]["value"]
    assert f"<h1>Mean average precision {100 * purity:.1f} % on " in page
    assert "Mean average precision on validation." in page
    assert "Labels, weakest first" in page
    assert "<th>Label</th>" in page
    for title in ("Micro F1", "Macro F1", "Subset accuracy", "Hamming loss", "Average precision"):
        assert title in page
    assert "45.0 %" in page
    assert "&lt;b&gt;red&lt;/b&gt;" in page
    assert "<b>red</b>" not in page
    assert "Accuracy on" not in page
    assert "What is taken for what" not in page
    assert "Without images in this part: far away." in page


def test_the_page_of_one_class_each_says_nothing_of_labels(without_test):
    page = html(without_test)
    assert "Accuracy on validation." in page
    assert "Classes, weakest first" in page
    assert "Average precision" not in page
    assert "Both on the validation part." in page


@pytest.mark.parametrize("width", [80, 120])
def test_the_text_speaks_of_labels(summary, width):
    shown = text(summary, width=width)
    assert max(map(len, shown.splitlines())) <= width
    words = " ".join(shown.split())
    assert words.startswith("Mean average precision ")
    for phrase in ("all labels right", "F1 of all decisions", "Weakest labels", "of 7 labels"):
        assert phrase in words
    assert "<b>red</b>" in words


def test_an_evaluation_in_words(summary):
    found = {
        "images": 150,
        "skipped": 0,
        "skipped_files": [],
        "seen_in_training": 0,
        "metrics": summary["test"],
    }
    lines = evaluation_text(found).splitlines()
    assert lines[0].startswith("Mean average precision ")
    assert " on 150 images (" in lines[0]
    titles = [line[2:25].strip() for line in lines[2:]]
    assert titles[:3] == ["Mean average precision", "Micro F1", "Macro F1"]
    assert len({line.index("(") for line in lines[2:]}) == 1
