"""What a ranking says of its first and second."""

from regraft.report.rank_words import reason


def ranked(behind: float, probability_better: float) -> dict:
    rows = [
        {"name": "a", "image_px": 224, "images": 64, "score": {"value": 0.9, "low": 0.8, "high": 0.95}},
        {
            "name": "b",
            "image_px": 224,
            "behind": {"value": behind, "low": -0.16, "high": 0.01},
            "probability_better": probability_better,
        },
    ]
    return {"candidates": rows, "multilabel": False}


def test_what_is_clear_is_said_of_the_measure_that_it_is_clear_by() -> None:
    said = reason(ranked(behind=-0.07, probability_better=0.02))
    assert said.endswith(
        "its log-loss is below that of b (224 px), the next, in 98.0 % of resamples (7.0 points behind)."
    )


def test_what_may_be_chance_is_called_so() -> None:
    assert reason(ranked(behind=-0.07, probability_better=0.2)).endswith("which may be chance.")
    assert "ahead but with the higher log-loss" in reason(ranked(behind=0.02, probability_better=0.01))
