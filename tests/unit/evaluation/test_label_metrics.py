import numpy as np
import pytest

from regraft.core.errors import DataError
from regraft.evaluation import LabelAnswers, average_precisions, label_metrics, per_label


def draw(n=300, k=4, seed=0, groups=None, separation=0.4):
    random = np.random.default_rng(seed)
    truth = random.random((n, k)) < np.linspace(0.1, 0.5, k)
    noise = random.random((n, k)) * 0.6
    return LabelAnswers(np.clip(noise + separation * truth, 0, 1), truth, np.full(k, 0.5), groups)


def perfect(n=40):
    truth = np.random.default_rng(0).random((n, 3)) < 0.3
    return LabelAnswers(truth * 0.8 + 0.1, truth, np.full(3, 0.5))


def test_every_score_lies_in_its_interval():
    for interval in label_metrics(draw()).values():
        assert interval.low < interval.value < interval.high


@pytest.mark.parametrize("name", ["mean_average_precision", "micro_f1", "macro_f1", "subset_accuracy"])
def test_where_all_is_right_doubt_remains(name):
    found = label_metrics(perfect())[name]
    assert (found.value, found.high) == (1, 1)
    assert 0.7 < found.low < 0.99


def test_no_wrong_decision_may_be_luck():
    found = label_metrics(perfect())["hamming_loss"]
    assert (found.value, found.low) == (0, 0)
    assert 0.01 < found.high < 0.2


def test_more_images_say_more():
    few, many = label_metrics(draw(100)), label_metrics(draw(1600))
    for name in ("mean_average_precision", "micro_f1", "hamming_loss", "subset_accuracy"):
        widths = [found[name].high - found[name].low for found in (few, many)]
        # Four times narrower in the long run.
        assert 2 < widths[0] / widths[1] < 8, name


def test_copies_in_groups_say_no_more():
    once = draw(80)
    copied = LabelAnswers(
        once.probabilities.repeat(5, 0),
        once.truth.repeat(5, 0),
        once.thresholds,
        [str(i) for i in range(80) for _ in range(5)],
    )
    alone = LabelAnswers(copied.probabilities, copied.truth, copied.thresholds)
    for name, plain in label_metrics(once).items():
        width, grouped, ungrouped = (
            found.high - found.low
            for found in (plain, label_metrics(copied)[name], label_metrics(alone)[name])
        )
        # Where an image is right or wrong, groups that agree leave Wilson's interval; it knows of few groups.
        assert grouped == pytest.approx(width, rel=0.1), name
        assert ungrouped < 0.6 * width, name


def test_a_single_group_tells_nothing():
    found = label_metrics(draw(30, groups=["all"] * 30))
    for name in ("mean_average_precision", "micro_f1", "macro_f1", "subset_accuracy", "hamming_loss"):
        assert (found[name].low, found[name].high) == (0, 1), name


def test_the_interval_of_average_precision_covers_the_truth():
    truth = average_precisions(draw(200_000, separation=0.3)).mean().value
    found = [average_precisions(draw(150, seed=seed, separation=0.3)).mean() for seed in range(200)]
    covered = np.mean([each.low <= truth <= each.high for each in found])
    assert 0.88 < covered < 0.99


def test_images_in_any_order_reach_the_frequency():
    truth = np.arange(50)[:, None] % 5 == 0
    found = average_precisions(LabelAnswers(np.full((50, 1), 0.3), truth, np.array([0.5])))
    assert found.values[0] == pytest.approx(0.2)


def test_a_label_that_no_image_has_is_unknown():
    answers = draw()
    truth = answers.truth.copy()
    truth[:, 1] = False
    rows = per_label(LabelAnswers(answers.probabilities, truth, answers.thresholds), "abcd")
    assert rows[1].count == 0
    for interval in (rows[1].recall, rows[1].average_precision):
        assert (interval.value, interval.low, interval.high) == (0, 0, 1)


def test_without_any_label_nothing_is_known():
    answers = LabelAnswers(np.full((9, 2), 0.1), np.zeros((9, 2), bool), np.full(2, 0.5))
    found = label_metrics(answers)["mean_average_precision"]
    assert (found.value, found.low, found.high) == (0, 0, 1)
    assert label_metrics(answers)["subset_accuracy"].value == 1


def test_a_label_carries_its_threshold():
    answers = LabelAnswers(draw().probabilities, draw().truth, np.array([0.1, 0.2, 0.3, 0.4]))
    assert [row.threshold for row in per_label(answers, "abcd")] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [row.name for row in per_label(answers, "abcd")] == [*"abcd"]
    with pytest.raises(DataError, match="3 names were given for 4 labels"):
        per_label(answers, "abc")
