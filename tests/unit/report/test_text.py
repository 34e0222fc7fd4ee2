"""The report in a terminal: what it says, how wide it is, and that names cannot disturb it."""

import io

import pytest
from rich.console import Console

from regraft.core.errors import ArtifactError
from regraft.report import check_summary, renderable, text
from regraft.report.phrases import headline, moment, weakest
from regraft.report.text import bar


def test_begins_with_the_sentence_to_remember(summary):
    assert summary["test"]["accuracy"]["value"] == 156 / 168
    first = text(summary).strip().splitlines()[0]
    assert first == "Right on 92.9 % of 168 test images it had never seen (87.9 to 95.9 %)."


def test_ends_with_what_to_type_next(summary):
    assert text(summary).strip().splitlines()[-1].split() == [
        "Next", "regraft", "predict", '"runs/first', 'cats"', "IMAGES..."
    ]  # fmt: skip


@pytest.mark.parametrize("width", [80, 60, 120])
def test_fits_its_width_without_colour(summary, width):
    summary["classes"][0] = summary["per_class"][0]["name"] = "a very long class name " * 6
    summary["run"] = "runs/" + "deep/" * 40
    shown = text(summary, width=width)
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    # A path is of use only if it is whole: once to see where the run is, once to type.
    assert "".join(shown.split()).count("deep/") == 80
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_is_short(summary):
    assert len(text(summary).splitlines()) < 50


def test_colour_only_adds_colour(summary):
    console = Console(file=io.StringIO(), width=80)
    console.print(renderable(summary))
    assert "\x1b[" in text(summary, colour=True)
    plain = console.file.getvalue()
    assert [line.rstrip() for line in plain.splitlines()] == text(summary).splitlines()


def test_shows_every_rung_and_why(summary):
    shown = text(summary)
    assert "83.3 %  77.0 to 88.2 %  adopted; 71 points" in shown
    assert "would take 3 min" in shown


def test_shows_the_five_weakest_classes(summary):
    order = [row["name"] for row in weakest(summary["per_class"])]
    shown = text(summary)
    assert "Weakest classes" in shown
    assert order[-1] not in shown.replace('"', "")
    assert [row["f1"] for row in weakest(summary["per_class"])] == sorted(
        row["f1"] for row in summary["per_class"]
    )


def test_verdicts_are_marked_by_level(summary):
    summary["verdicts"] = [
        {"name": "a", "level": "warning", "sentence": "Beware."},
        {"name": "b", "level": "note", "sentence": "Notice."},
        {"name": "c", "level": "good", "sentence": "Fine."},
    ]
    lines = [line.strip() for line in text(summary).splitlines()]
    assert {"! Beware.", "· Notice.", "✓ Fine."} <= set(lines)


def test_names_cannot_steer_the_terminal_or_the_markup(summary):
    summary["ladder"][0]["rung"] = "[bold]x[/]\x1b[2J"
    summary["run"] = "runs/[red]:smile:"
    shown = text(summary)
    assert "[bold]x[/]?[2J" in shown
    assert "runs/[red]:smile:" in shown
    assert "\x1b" not in shown


def test_says_so_without_a_test_part(without_test):
    shown = text(without_test)
    assert "168 validation images that helped to choose it" in " ".join(shown.split())
    assert "\n  Validation " in shown


def test_nothing_held_out_is_said():
    assert headline({"test": None, "validation": {}, "parts": {}}).startswith("No images were held out")


def test_a_report_that_was_cut_short_is_refused(summary):
    del summary["ladder"], summary["test"]
    with pytest.raises(ArtifactError, match="lacks ladder, test"):
        text(summary)
    with pytest.raises(ArtifactError, match="lacks"):
        check_summary({})


def test_bars_point_at_their_values():
    assert bar({"value": 1.0, "low": 0.5, "high": 1.0}, 5) == "··━━●"
    assert bar({"value": 0.0, "low": 0.0, "high": 0.0}, 5) == "●····"


def test_a_moment_that_is_no_date_is_left_alone():
    assert moment("yesterday") == "yesterday"
