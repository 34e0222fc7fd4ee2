"""`docs/json.md` against what the commands print."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from regraft.cli.app import VERBS
from regraft.report import Summary

DOCUMENT = Path(__file__).parents[2] / "docs" / "json.md"
INTERVAL = {"value", "low", "high"}


def documented() -> dict[str, set[str]]:
    """Command to the names in its section that are written as code."""
    found: dict[str, set[str]] = {}
    for section in DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        names = {name for code in re.findall(r"`([^`]+)`", body) for name in re.findall(r"\w+", code)}
        found |= dict.fromkeys(re.findall(r"`(\w+)`", title), names)
    return found


KEYS = documented()


def test_every_command_is_documented() -> None:
    assert set(KEYS) == set(VERBS)


def test_a_fit_has_every_documented_key_and_no_other(finished: dict[str, Any]) -> None:
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## ")[1]
    cells = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    assert {key for cell in cells for key in re.findall(r"`(\w+)`", cell)} == set(finished)
    assert set(Summary.__required_keys__) <= set(finished)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("report", ["RUN"]),
        ("evaluate", ["RUN", "IMAGES"]),
        ("embed", ["IMAGES", "--out", "f.npz"]),
        ("inspect", ["IMAGES"]),
        ("backbones", []),
        ("backbones", ["lite0"]),
    ],
)
def test_every_key_is_documented(
    command: str, words: list[str], regraft: Any, run: Path, image_folder: Path
) -> None:
    meant = {"RUN": run, "IMAGES": image_folder}
    assert set(regraft(command, *(meant.get(word, word) for word in words), "--json").json) <= KEYS[command]


@pytest.mark.parametrize("action", ["list", "clear"])
def test_the_keys_of_the_cache(action: str, regraft: Any, tmp_path: Path) -> None:
    regraft.cache = tmp_path / "cache"
    assert set(regraft("cache", action, "--json").json) <= KEYS["cache"]


def test_the_keys_of_a_prediction(regraft: Any, run: Path, image_folder: Path) -> None:
    single = next((image_folder / "discs").iterdir())
    assert set(json.loads(regraft("predict", run, single, "--json").out)) <= KEYS["predict"]


def test_the_parts_of_a_fit(finished: dict[str, Any]) -> None:
    for step in finished["ladder"]:
        assert set(step) == {"rung", "seconds", "validation", "adopted", "reason"}
        assert step["validation"] is None or set(step["validation"]) == INTERVAL
    for scores in (finished["validation"], finished["test"]):
        assert {"accuracy", "macro_f1", "log_loss", "roc_auc"} <= set(scores) <= KEYS["fit"]
        assert all(set(interval) == INTERVAL for interval in scores.values())
    assert sum(map(sum, finished["confusion"])) == finished["parts"]["test"]
    for part in (*finished["per_class"], *finished["verdicts"]):
        assert set(part) <= KEYS["fit"]
    assert set(finished["machine"]) == {"cpu", "cores", "memory_gb", "system"}


def test_fit_prints_one_object_and_nothing_else(
    regraft: Any, image_folder: Path, run: Path, finished: dict[str, Any]
) -> None:
    done = regraft("fit", image_folder, "--recipe", run / "recipe.json", "--json")
    assert done.out.count("\n") == 1
    assert set(done.json) == set(finished)
    assert done.err == ""
