"""The README against the house: its tree, and the commands in it."""

import re
import shlex
from pathlib import Path

import pytest

from regraft.cli.app import VERBS, app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`(regraft [^`]+)`", README)


def commands() -> list[str]:
    """Every `regraft ...` command in a block of code or in a line of text, without its comment."""
    lines = [line.strip().removeprefix("$ ") for block in BLOCKS for line in block.splitlines()]
    found = [
        line.split(" #")[0].strip() for line in lines if line.startswith("regraft ") or "$ regraft " in line
    ]
    return list(dict.fromkeys(found + INLINE))


def flags_of(verb: str) -> set[str]:
    """The long flags that a verb takes."""
    return {name for argument in app[verb].assemble_argument_collection() for name in argument.names} | {
        "--help"
    }


def test_there_are_commands_and_a_tree() -> None:
    assert len(commands()) >= len(VERBS)
    assert any("src/regraft/" in block for block in BLOCKS)


@pytest.mark.parametrize("command", commands())
def test_every_command_in_it_exists(command: str) -> None:
    verb, *words = shlex.split(command.removeprefix("regraft "))
    if verb.startswith("--"):
        assert verb in ("--help", "--version", "--debug")
        return
    assert verb in VERBS
    unknown = {word.split("=")[0] for word in words if word.startswith("--")} - flags_of(verb)
    assert not unknown


def test_every_verb_is_mentioned() -> None:
    assert set(VERBS) == {command.split()[1] for command in commands()} & set(VERBS)


def test_its_tree_names_every_package_and_no_other() -> None:
    (tree,) = (block for block in BLOCKS if "src/regraft/" in block)
    named = set(re.findall(r"^  (\w+)/ ", tree, re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "src" / "regraft").glob("*/__init__.py")}
    assert named == packages


def test_the_folders_in_its_tree_exist() -> None:
    (tree,) = (block for block in BLOCKS if "src/regraft/" in block)
    for name in re.findall(r"^(\S+)/ ", tree, re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_files_it_names_exist() -> None:
    for name in re.findall(r"`((?:docs/)?[\w-]+\.md)`", README):
        assert (ROOT / name).is_file(), name
