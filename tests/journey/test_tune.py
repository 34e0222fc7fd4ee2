"""A search on the command line: to its end, killed in the middle, and shared by two processes."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TRIALS = 12
WORDS = (
    "--trials",
    TRIALS,
    "--budget",
    "200s",
    "--space",
    "head.kind=ridge,lda,nearest_neighbours",
    "--json",
)


def told(journal: Path) -> int:
    """How many answers a journal holds."""
    return journal.read_text().count('"told"') if journal.exists() else 0


def keys(search: dict[str, Any]) -> list[str]:
    return [json.dumps(trial["values"], sort_keys=True) for trial in search["trials"]]


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_where_it_was(regraft, until, digits_folder: Path) -> None:
    journal = regraft.folder / "run" / "study" / "trials.log"
    seen: list[dict[str, Any]] = []
    for kill_at in (2, 5, 8):
        process = regraft.begin("tune", digits_folder, "--out", "run", *WORDS)
        until(lambda at=kill_at: told(journal) >= at, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert not (regraft.folder / "run" / "manifest.json").exists()
    found = regraft("tune", digits_folder, "--out", "run", *WORDS).json
    search = found["search"]
    seen += search["trials"]
    assert [trial["state"] for trial in seen] == ["complete"] * TRIALS
    assert len(set(keys(search))) == TRIALS
    # Whatever was answered before the last kill was not computed again: one answer each.
    assert told(journal) == TRIALS
    files = sorted((regraft.folder / "run" / "study").rglob("*.npz"))
    assert {int(file.stem) for file in files} == {trial["number"] for trial in seen}
    assert all(np.isfinite(np.load(file)["probabilities"]).all() for file in files)
    assert search["corrected"]["candidates"] == TRIALS
    assert found["test"]["accuracy"]["value"] > 0.8
    assert "accuracy" in regraft("report", "run").out


@pytest.mark.slow
def test_two_processes_share_a_study(regraft, digits_folder: Path) -> None:
    words = ("tune", digits_folder, "--storage", regraft.folder / "shared.sqlite", *WORDS)
    one, other = (regraft.begin(*words, "--out", name) for name in ("one", "other"))
    searches = [regraft.end(process).json["search"] for process in (one, other)]
    assert [len(search["trials"]) for search in searches] == [TRIALS, TRIALS]
    assert len(set(keys(searches[0]))) == TRIALS
    assert max(search["counts"]["complete"] for search in searches) == TRIALS


def test_a_typo_costs_nothing(regraft, image_folder: Path) -> None:
    said = regraft.fails("tune", image_folder, "--out", "run", "--space", "head.penaltty=1..2")
    assert "Did you mean head.penalty" in said
    assert not (regraft.folder / "run").exists()
    assert "is reversed" in regraft.fails("tune", image_folder, "--space", "head.penalty=2..1")


def test_the_text_says_what_is_best_and_what_to_expect(regraft, image_folder: Path) -> None:
    out = regraft("tune", image_folder, "--out", "run", "--trials", 4, "--head", "ridge").out
    assert "4 trials by tpe" in out
    assert "The best by log-loss" in out
    assert "On new images expect log-loss" in out
    assert "Saved in" in out


def test_a_search_can_end_in_an_ablation_and_a_page(regraft, image_folder: Path) -> None:
    words = ("--trials", 4, "--head", "ridge", "--ablate", "--report")
    out = regraft("tune", image_folder, "--out", "run", *words).out
    assert "The winner with one setting changed: differences of the log-loss" in out
    assert "scaling" in out.split("one setting changed")[1]
    page = regraft.folder / "run" / "search.html"
    assert f"The search as a page: {page}" in out.replace("\n", "")
    assert "The best of 4 trials has log-loss" in page.read_text("utf-8")
    assert "search.html" in (regraft.folder / "run" / "manifest.json").read_text("utf-8")
    assert "Every trial in plots and tables" in (regraft.folder / "run" / "report.html").read_text("utf-8")


def test_a_blend_predicts_and_its_recipe_fits_it_again(regraft, digits_folder: Path) -> None:
    # On the last depth several kinds of head are about as good.
    asked = ("--depths", "last", "--trials", 12, "--budget", "100s", "--no-warm-start", "--json")
    found = regraft("tune", digits_folder, "--out", "run", *asked).json
    blend = found["ladder"][-1]
    assert blend["rung"] == "blend", found["ladder"]
    assert "on images that did not choose" in blend["reason"]
    assert (
        blend["adopted"]
        == (found["chosen"]["head"]["kind"] == "blend")
        == found["search"]["blend"]["delivered"]
    )
    page = (regraft.folder / "run" / "report.html").read_text("utf-8")
    assert "On new images expect log-loss" in page
    assert ("Delivered is a blend" in page) == blend["adopted"]
    words = ("fit", digits_folder, "--recipe", "run/recipe.json", "--out", "again", "--json")
    again = regraft(*words).json
    assert again["chosen"] == found["chosen"]
    assert again["test"]["accuracy"]["value"] == found["test"]["accuracy"]["value"]
