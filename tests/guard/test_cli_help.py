"""Every verb explains itself, and every flag says what it is for."""

import re
import sys

import pytest

from regraft.cli import main
from regraft.cli.app import VERBS, app


@pytest.fixture
def help_of(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "200")

    def ask(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["regraft", *words, "--help"])
        main()
        return capsys.readouterr().out

    return ask


def test_the_help_names_every_verb_and_what_it_does(help_of) -> None:
    shown = " ".join(help_of().split())
    for verb, line in VERBS.items():
        assert verb in shown
        assert line in shown
    assert "--debug" in shown


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, help_of) -> None:
    shown = help_of(verb)
    assert f"Usage: regraft {verb}" in shown
    assert "--json" in shown
    for row in re.findall(r"^│ [ *] +(.*?) *│$", shown, re.MULTILINE):
        assert re.search(r"[a-z]{3,} .*[a-z]{3,}", row), f"{verb}: {row!r} says nothing"


def test_the_first_line_of_a_verb_is_the_one_in_the_table(help_of) -> None:
    assert {command.name[0] for command in app.subapps} >= set(VERBS)
