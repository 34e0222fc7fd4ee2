"""Each verdict in its cases: good, noted, warned, or left out."""

import json

import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.core.hashing import plain
from regraft.evaluation import Answers, Evidence, verdicts


def answers(n, right, k=3, sure=None, groups=None, labels=None):
    """n images, labels in turn, of which the first `right` are right; mistakes go to the next class."""
    labels = np.arange(n) % k if labels is None else np.asarray(labels)
    guess = np.where(np.arange(n) < right, labels, (labels + 1) % k)
    sure = right / n if sure is None else sure
    p = np.full((n, k), (1 - sure) / (k - 1))
    p[np.arange(n), guess] = sure
    return Answers(p, labels, groups)


def judge(test=None, validation=None, counts=(50, 40, 30), **more):
    found = verdicts(Evidence(("cat", "dog", "emu"), counts, validation, test, **more))
    return {v.name: v for v in found}


def test_a_good_result_is_called_good():
    found = judge(answers(600, 540), answers(600, 550))
    assert found["better_than_majority"].level == "good"
    assert found["better_than_majority"].sentence == (
        'Better than always answering "cat", the most frequent class: '
        "right on 90.0 % of the test images, not 33.3 %."
    )
    assert found["validation_and_test"].level == "good"
    assert (
        found["enough_images"].sentence
        == "The test part has 600 images: the accuracy is known to ± 2 points."
    )
    assert found["calibration"].level == "good"
    assert not {"rare_classes", "never_predicted", "skipped_files", "no_test_part"} & set(found)


def test_no_better_than_the_majority_is_a_warning():
    found = judge(answers(30, 12))["better_than_majority"]
    assert found.level == "warning"
    assert "40.0 % against 33.3 % of 30 test images" in found.sentence
    assert found.evidence["difference"]["low"] < 0


def test_few_images_are_known_only_roughly():
    found = judge(answers(24, 18))["enough_images"]
    assert found.level == "warning"
    assert found.sentence == "The test part has 24 images: the accuracy is known only to ± 16 points."
    assert judge(answers(150, 130))["enough_images"].level == "note"


def test_many_images_in_few_groups_are_few():
    groups = [f"p{i // 100}" for i in range(600)]
    found = judge(answers(600, 540, groups=groups))["enough_images"]
    assert found.level == "warning"
    assert "600 images in 6 groups" in found.sentence


def test_validation_above_test_is_a_warning_and_below_a_note():
    assert judge(answers(400, 320), answers(400, 370))["validation_and_test"].level == "warning"
    assert judge(answers(400, 370), answers(400, 320))["validation_and_test"].level == "note"
    assert judge(answers(40, 32), answers(40, 37))["validation_and_test"].level == "good"
    assert "validation_and_test" not in judge(answers(40, 32))


def test_without_a_test_part_validation_is_judged_and_said_so():
    found = judge(None, answers(600, 540))
    assert found["no_test_part"].level == "warning"
    assert found["enough_images"].sentence.startswith("The validation part")


def test_rare_classes_are_named_rarest_first():
    found = judge(answers(60, 50), counts=(50, 9, 4))["rare_classes"]
    assert found.level == "note"
    assert '"emu" (4), "dog" (9)' in found.sentence
    assert judge(answers(60, 50), counts=(50, 9, 0))["rare_classes"].level == "warning"
    assert "1 class has" in judge(answers(60, 50), counts=(50, 10, 9))["rare_classes"].sentence


def test_a_class_that_is_never_predicted():
    p = np.tile([0.6, 0.3, 0.1], (6, 1))
    p[3] = [0.3, 0.6, 0.1]
    found = judge(Answers(p, np.array([0, 0, 1, 1, 2, 2])))["never_predicted"]
    assert found.level == "warning"
    assert '"emu" (2 images)' in found.sentence
    assert found.evidence == {"images": {"emu": 2}}


def test_a_class_without_test_images_is_not_judged():
    found = judge(answers(40, 30, labels=np.arange(40) % 2))["classes_not_judged"]
    assert found.level == "note"
    assert '"emu"' in found.sentence


@pytest.mark.parametrize(
    ("sure", "level", "words"),
    [
        (0.99, "warning", "too sure of itself"),
        (0.85, "note", "too sure"),
        (0.5, "warning", "less sure"),
        (0.81, "good", ""),
    ],
)
def test_calibration(sure, level, words):
    found = judge(answers(2000, 1600, sure=sure))["calibration"]
    assert found.level == level
    assert words in found.sentence


def test_chance_is_not_called_miscalibration():
    assert judge(answers(20, 15, sure=0.85))["calibration"].level == "good"


def test_the_most_confused_pair():
    found = judge(answers(30, 28))["most_confused"]
    assert found.sentence == 'Most often confused: "dog" taken for "emu", 1 of 10 images.'
    assert "most_confused" not in judge(answers(30, 30))


def test_skipped_files_are_counted():
    assert judge(answers(30, 28), skipped=1)["skipped_files"].sentence.startswith("1 file could")
    assert judge(answers(30, 28), skipped=1200)["skipped_files"].sentence.startswith("1,200 files could")


def test_warnings_come_first_and_everything_is_json():
    evidence = Evidence(("a", "b", "c"), (5, 5, 90), answers(30, 29), answers(30, 15), skipped=2)
    found = verdicts(evidence)
    levels = [v.level for v in found]
    assert levels == sorted(levels, key=["warning", "note", "good"].index)
    assert json.loads(json.dumps(plain(found)))[0]["level"] == "warning"


def test_nothing_held_out_is_still_an_answer():
    assert set(judge(counts=(3, 40, 50))) == {"no_test_part", "rare_classes"}


def test_counts_must_fit_the_classes():
    with pytest.raises(DataError, match="3 class names"):
        judge(counts=(1, 2))
