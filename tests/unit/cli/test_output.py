import json
from pathlib import Path

import pytest

from regraft.cli.output import json_line
from regraft.pipeline import Recipe


def test_json_is_one_line_and_comes_back() -> None:
    value = {"name": "Größe\n渐变", "path": Path("a/b"), "recipe": Recipe(), "pair": (1, 2.5)}
    line = json_line(value)
    assert "\n" not in line
    found = json.loads(line)
    assert found["name"] == "Größe\n渐变"
    assert found["path"] == "a/b"
    assert found["recipe"]["backbones"] == list(Recipe().backbones)
    assert found["pair"] == [1, 2.5]
    assert "Größe" in line


def test_a_file_name_that_is_not_utf8_survives() -> None:
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    line = json_line({"path": name})
    assert line.encode("utf-8")
    assert json.loads(line)["path"] == name


def test_numbers_that_json_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_line({"accuracy": float("nan")})
