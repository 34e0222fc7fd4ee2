from typing import Any

from regraft.report import evaluation_text


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


EVALUATION: dict[str, Any] = {
    "images": 1200,
    "skipped": 0,
    "skipped_files": [],
    "seen_in_training": 0,
    "metrics": {"accuracy": interval(0.8), "log_loss": interval(0.5), "something_new": interval(0.3)},
}


def test_an_evaluation_says_how_often_it_is_right_and_how_surely() -> None:
    shown = evaluation_text(EVALUATION)
    assert shown.splitlines()[0] == "Right on 80.0 % of 1,200 images (70.0 to 90.0 %)."
    assert "Log-loss                0.500   (0.400 to 0.600)" in shown
    assert "something_new" in shown
    assert "!" not in shown


def test_an_evaluation_on_what_was_learnt_is_marked() -> None:
    assert "! The run learnt from 7 images of these" in evaluation_text({**EVALUATION, "seen_in_training": 7})


def test_files_that_were_skipped_are_named_a_few_of_them() -> None:
    files = [{"path": f"{number}.png", "reason": "it is damaged"} for number in range(7)]
    shown = evaluation_text({**EVALUATION, "skipped": 7, "skipped_files": files})
    assert "! 7 files skipped:" in shown
    assert "    4.png: it is damaged" in shown
    assert "5.png" not in shown
    assert "and 2 more" in shown
