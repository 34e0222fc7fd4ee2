from typing import Any

from regraft.report import audit_text, evaluation_text


def interval(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


EVALUATION: dict[str, Any] = {
    "images": 1200,
    "skipped": 0,
    "skipped_files": [],
    "seen_in_training": 0,
    "metrics": {"accuracy": interval(0.8), "log_loss": interval(0.5), "something_new": interval(0.3)},
}
AUDIT: dict[str, Any] = {
    "images": 5,
    "classes": {"cat": 3, "dog": 2},
    "parts": {"undecided": 5},
    "groups": 0,
    "domains": {},
    "skipped": 0,
    "skipped_files": [],
    "kinds": {"PNG RGB": 5},
    "width_px": {"least": 1, "median": 2.5, "most": 4},
    "height_px": {"least": 5, "median": 6, "most": 7},
    "copies": [],
    "conflicts": [],
    "leaks": [],
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


def test_a_look_at_sound_images_has_no_warning() -> None:
    assert audit_text(AUDIT).splitlines() == [
        "5 images in 2 classes.",
        "  dog                             2",
        "  cat                             3",
        "Sizes: 1 x 5 to 4 x 7 pixels, median 2.5 x 6.",
        "Kinds: PNG RGB (5).",
    ]


def test_a_look_names_what_is_wrong() -> None:
    shown = audit_text(
        {
            **AUDIT,
            "parts": {"train": 3, "test": 2},
            "groups": 4,
            "domains": {"day": 3, "night": 2},
            "copies": [["a.png", "b.png"], ["c.png", "d.png"]],
            "conflicts": [["c.png", "d.png"]],
            "leaks": [["e.png", "f.png"]],
        }
    )
    assert "Parts: train 3, test 2." in shown
    assert "Domains: day 3, night 2." in shown
    assert "Groups: 4." in shown
    assert "! 2 images stored more than once (kept together in every split): a.png = b.png, ..." in shown
    assert "! 1 image stored under different labels (correct one of them): c.png = d.png" in shown
    assert "! 1 image or group in more than one given part" in shown


def test_many_classes_are_shown_by_the_smallest_and_the_largest() -> None:
    shown = audit_text({**AUDIT, "classes": {f"class {n}": n for n in range(1, 31)}})
    assert "class 1 " in shown
    assert "class 30 " in shown
    assert "class 15 " not in shown
    assert "(the 6 smallest and the 6 largest of 30)" in shown


def test_without_any_usable_image_nothing_is_said_of_their_kind() -> None:
    nothing = {**AUDIT, "images": 0, "classes": {"cat": 0}, "kinds": {}, "width_px": None, "height_px": None}
    assert audit_text(nothing).splitlines() == ["0 images in 1 class.", "  cat                             0"]


def test_names_cannot_rearrange_the_terminal() -> None:
    shown = audit_text(
        {
            **AUDIT,
            "classes": {"\x1b[2Jcat": 5},
            "skipped": 1,
            "skipped_files": [{"path": "\x1b[2J.png", "reason": "it\nis damaged"}],
        }
    )
    assert "\x1b" not in shown
    assert "it?is damaged" in shown
