import numpy as np

from regraft.evaluation import Answers
from regraft.pipeline.scoring import details_of, scores_of

ANSWERS = Answers(np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1]))


def test_every_metric_has_a_value_and_both_ends() -> None:
    found = scores_of(ANSWERS)
    assert {"accuracy", "balanced_accuracy", "macro_f1", "log_loss"} <= set(found)
    for interval in found.values():
        assert set(interval) == {"value", "low", "high"}
        assert interval["low"] <= interval["value"] <= interval["high"]
    assert found["accuracy"]["value"] == 2 / 3


def test_details_are_of_the_truth_by_rows() -> None:
    found = details_of(ANSWERS, ("a", "b"))
    assert found["confusion"] == [[1, 0], [1, 1]]
    assert [(row["name"], row["count"]) for row in found["per_class"]] == [("a", 1), ("b", 2)]
