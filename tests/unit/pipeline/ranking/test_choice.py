import numpy as np
import pytest

from regraft.evaluation import Answers, headline
from regraft.pipeline.ranking.choice import pareto_front, place
from regraft.pipeline.ranking.tournament import Standing


def standing(name: str, right: int, of: int) -> Standing:
    truth = np.zeros(of, np.int64)
    probabilities = np.tile([0.2, 0.8], (of, 1))
    probabilities[:right] = [0.8, 0.2]
    answers = Answers(probabilities, truth, None)
    return Standing(name, "all", of, answers, float(answers.losses.mean()), headline(answers))


def test_whoever_left_early_is_compared_on_the_images_it_saw():
    first = [standing("good", 36, 40), standing("fair", 32, 40), standing("bad", 20, 40)]
    last = [standing("good", 76, 80), standing("fair", 72, 80)]
    good, fair, bad = place([first, last])
    assert [one.standing.name for one in (good, fair, bad)] == ["good", "fair", "bad"]
    assert (good.behind.value, good.expected) == (0.0, 0.95)
    assert fair.behind.value == pytest.approx(-0.05)
    assert bad.behind.value == pytest.approx(-0.4)
    assert bad.expected == pytest.approx(0.55)
    assert bad.behind.low < -0.4 < bad.behind.high < 0
    assert bad.probability_better < 0.01


def test_expected_scores_stay_shares():
    first = [standing("good", 40, 40), standing("bad", 0, 40)]
    last = [standing("good", 40, 80)]
    assert place([first, last])[1].expected == 0.0


def test_the_front_keeps_equals_and_drops_who_is_beaten():
    assert pareto_front([0.9, 0.9, 0.8, 0.95], [5.0, 5.0, 5.0, 20.0]) == [True, True, False, True]
    assert pareto_front([0.5], [1.0]) == [True]
