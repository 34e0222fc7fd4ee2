"""Every verb explains itself, and every flag says what it is for."""

import io
import re

import pytest
from rich.console import Console

from regraft.cli.app import VERBS, app


def help_of(*words: str) -> str:
    """What a wide terminal shows."""
    stream = io.StringIO()
    app([*words, "--help"], console=Console(file=stream, width=240))
    return stream.getvalue()


def test_the_help_names_every_verb_and_what_it_does() -> None:
    shown = " ".join(help_of().split())
    for verb, line in VERBS.items():
        assert verb in shown
        assert line in shown
    assert "--debug" in shown


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    shown = help_of(verb)
    assert f"Usage: regraft {verb}" in shown
    assert "--json" in shown
    for row in re.findall(r"^│ [ *] +(.*?) *│$", shown, re.MULTILINE):
        assert re.search(r"[a-z]{3,} .*[a-z]{3,}", row), f"{verb}: {row!r} says nothing"


def test_the_first_line_of_a_verb_is_the_one_in_the_table() -> None:
    assert {command.name[0] for command in app.subapps} >= set(VERBS)
