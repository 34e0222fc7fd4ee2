"""What must stay true of the source as a whole."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import regraft
from regraft.core import errors

ROOT = Path(regraft.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers", "tools"}
FLOORS = (
    "core",
    "data",
    "backbones",
    "features",
    "heads",
    "training",
    "search",
    "transferability",
    "evaluation",
    "report",
)

IMPORT = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*[name for name in ("torch", "timm", "torchvision", "openvino", "sklearn") if name in sys.modules])
"""


@pytest.mark.parametrize("floor", FLOORS)
def test_importing_a_floor_loads_no_deep_learning_framework(floor: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, f"regraft.{floor}"], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & {"torch", "timm", "torchvision", "openvino"} == set()


def trees() -> Iterator[tuple[str, ast.Module]]:
    for file in FILES:
        yield str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Modules that a file imports, and the names it takes from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names]


def test_there_is_source_to_look_at() -> None:
    assert len(FILES) > 30


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [file for file in FILES if VAGUE & {file.stem, *file.relative_to(ROOT).parent.parts}] == []


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text("utf-8").splitlines()) for file in FILES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_file_says_what_it_is() -> None:
    assert [name for name, tree in trees() if not ast.get_docstring(tree)] == []


def test_nothing_executable_is_imported() -> None:
    unsafe = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    found = [(name, module) for name, tree in trees() for module, _ in imported(tree)]
    assert found
    assert [(name, module) for name, module in found if module.split(".")[0] in unsafe] == []


def test_nothing_executable_is_read_or_written() -> None:
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _require_safe(node)


def _require_safe(call: ast.Call) -> None:
    called = ast.unparse(call.func)
    keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    if called == "torch.load":
        assert keywords.get("weights_only") == "True"
    if called in ("np.load", "numpy.load"):
        assert keywords.get("allow_pickle", "False") == "False"
    assert called not in ("eval", "exec", "np.save", "torch.save")


@pytest.mark.parametrize(
    ("code", "is_safe"),
    [
        ("torch.load(f)", False),
        ("torch.load(f, weights_only=False)", False),
        ("torch.load(f, weights_only=True)", True),
        ("np.load(f, allow_pickle=True)", False),
        ("np.load(f)", True),
        ("eval(text)", False),
    ],
)
def test_the_check_for_safe_calls_finds_unsafe_ones(code: str, is_safe: bool) -> None:
    call = ast.parse(code).body[0].value
    if is_safe:
        _require_safe(call)
    else:
        with pytest.raises(AssertionError):
            _require_safe(call)


def test_inside_nothing_imports_the_public_face() -> None:
    # `from regraft import data` names a floor; `from regraft import fit` would be the public face.
    floors = {folder.name for folder in ROOT.iterdir() if folder.is_dir()}
    inside = [(name, *found) for name, tree in trees() for found in imported(tree)]
    assert [one for one in inside if one[1] == "regraft" and not set(one[2]) <= floors] == []


def test_annotations_are_not_strings() -> None:
    # Shapes are checked, and flags are made, from the annotations themselves.
    assert [name for name, tree in trees() for module, _ in imported(tree) if module == "__future__"] == []


def test_the_errors_are_the_tree_that_is_drawn() -> None:
    drawn = re.findall(r"[├└]── (\w+)", errors.__doc__ or "")
    here = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    classes = {name: kind for name, kind in here.items() if kind.__module__ == errors.__name__}
    assert set(classes) == {"RegraftError", *drawn}
    assert len(drawn) == 5
    assert all(classes[name].__bases__ == (errors.RegraftError,) for name in drawn)
    assert errors.RegraftError.__bases__ == (Exception,)
    assert all(kind.__doc__ for kind in classes.values())
