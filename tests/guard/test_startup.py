"""What is imported when: the quick commands stay quick because they load little."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = """
import sys
from regraft.cli import main
sys.argv = {words!r}
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("|".join(["", *sys.modules]), file=sys.stderr)
"""
HEAVY = {"torch", "torchvision", "timm", "openvino", "numpy", "scipy", "sklearn", "PIL", "safetensors"}


def loaded(*words: object) -> set[str]:
    """The modules that a command has loaded when it is done."""
    code = MODULES.format(words=["regraft", *map(str, words)])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split("|"))


@pytest.mark.parametrize("words", [(), ("--help",), ("--version",)])
def test_help_is_quick(words: tuple[str, ...]) -> None:
    modules = loaded(*words)
    assert not modules & HEAVY
    assert len(modules) < 700
    assert not {name for name in modules if name.startswith("regraft.") and name.count(".") > 1} - {
        "regraft.cli.app",
        "regraft.core.errors",
    }


def test_help_of_a_verb_needs_no_torch() -> None:
    assert not loaded("fit", "--help") & {"torch", "torchvision", "timm", "openvino", "sklearn"}


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import regraft, sys; print([n for n in sys.modules if n.startswith('regraft')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['regraft']"


@pytest.mark.parametrize(
    "kind",
    ["ridge", "perceptron", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("lda", "kernel_svm"))],
)
def test_a_prediction_needs_no_torch(kind: str, tmp_path: Path, image_folder: Path) -> None:
    from regraft.heads import HEADS
    from regraft.pipeline import Recipe, fit

    settings = {"epochs": 2} if kind == "perceptron" else {}
    recipe = Recipe(("lite0",), "last", "depth", HEADS[kind](**settings))
    run = fit(image_folder, budget="120s", out=tmp_path / "run", recipe=recipe)
    modules = loaded("predict", run.folder, next((image_folder / "discs").iterdir()))
    assert "openvino" in modules
    assert not modules & {"torch", "torchvision", "timm", "sklearn"}
