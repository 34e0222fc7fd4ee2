import numpy as np
import pytest

from regraft.core.hashing import plain
from regraft.evaluation import Evidence, LabelAnswers, verdicts

NAMES = ("disc", "red", "stripes")


def draw(n=300, seed=0, separation=0.5, thresholds=(0.5, 0.5, 0.5)):
    random = np.random.default_rng(seed)
    truth = random.random((n, 3)) < 0.3
    log_odds = random.normal(size=(n, 3)) + 6 * separation * (truth - 0.5)
    return LabelAnswers(1 / (1 + np.exp(-log_odds)), truth, np.array(thresholds))


def said(test, validation=None, counts=(80, 90, 70)):
    evidence = Evidence(NAMES, counts, validation=validation or draw(seed=9), test=test)
    return {verdict.name: verdict for verdict in verdicts(evidence)}


def test_a_good_result():
    found = said(draw())
    assert found["better_than_frequencies"].level == "good"
    assert found["validation_and_test"].level == "good"
    assert "mean average precision" in found["enough_images"].sentence
    assert found["weakest_label"].evidence["label"] in NAMES
    assert not {"never_predicted", "given_to_all", "rare_classes", "most_confused"} & set(found)


def test_scores_that_mean_nothing_are_not_better_than_frequencies():
    verdict = said(draw(separation=0.0))["better_than_frequencies"]
    assert verdict.level == "warning"
    assert verdict.evidence["frequency"] == pytest.approx(0.3, abs=0.05)


def test_a_test_that_is_worse_than_validation():
    verdict = said(draw(separation=0.1), validation=draw(separation=1.0))["validation_and_test"]
    assert verdict.level == "warning"
    assert "lower than chance explains" in verdict.sentence


def test_few_images_say_little():
    assert said(draw(12))["enough_images"].level == "warning"


def test_labels_that_are_never_given_or_given_to_all():
    found = said(draw(thresholds=(1.0, 0.5, 0.0)))
    assert found["never_predicted"].evidence["images"].keys() == {"disc"}
    assert found["given_to_all"].evidence["given_and_seen"]["stripes"][0] == 300


def test_a_label_that_most_images_have_may_be_given_to_all():
    truth = np.ones((40, 3), bool)
    truth[:4] = False
    answers = LabelAnswers(np.full((40, 3), 0.9), truth, np.full(3, 0.5))
    assert "given_to_all" not in said(answers)


def test_labels_without_images_are_named():
    answers = draw()
    truth = answers.truth.copy()
    truth[:, 1] = False
    found = said(LabelAnswers(answers.probabilities, truth, answers.thresholds))
    assert found["classes_not_judged"].evidence["classes"] == ["red"]


@pytest.mark.parametrize(
    ("shift", "level", "word"), [(2.5, "warning", "too sure"), (-3.0, "warning", "less sure")]
)
def test_more_labels_than_there_are(shift, level, word):
    answers = draw(1000, separation=0.2)
    log_odds = np.log(answers.probabilities / (1 - answers.probabilities)) + shift
    verdict = said(LabelAnswers(1 / (1 + np.exp(-log_odds)), answers.truth, answers.thresholds))[
        "calibration"
    ]
    assert verdict.level == level
    assert word in verdict.sentence


def test_probabilities_that_hold_are_praised():
    random = np.random.default_rng(0)
    probabilities = random.random((500, 3))
    answers = LabelAnswers(probabilities, random.random((500, 3)) < probabilities, np.full(3, 0.5))
    assert said(answers)["calibration"].level == "good"


def test_a_perfect_ranking_has_no_hardest_label():
    truth = np.arange(60).reshape(20, 3) % 4 < 2
    answers = LabelAnswers(truth * 0.8 + 0.1, truth, np.full(3, 0.5))
    assert "weakest_label" not in said(answers)


def test_without_a_test_part_validation_is_judged():
    found = {v.name: v for v in verdicts(Evidence(NAMES, (5, 90, 70), validation=draw()))}
    assert found["no_test_part"].level == "warning"
    assert found["rare_classes"].evidence["train_counts"] == {"disc": 5}
    assert "validation part" in found["enough_images"].sentence


def test_evidence_is_plain_data():
    import json

    assert json.dumps(plain([*said(draw(thresholds=(1.0, 0.5, 0.0))).values()]), allow_nan=False)
