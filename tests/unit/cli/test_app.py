"""What the command line does with wrong usage and with errors, in this process: no network is loaded."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from regraft.cli import app as app_module
from regraft.cli import main
from regraft.core.errors import DataError


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Type a command line; returns the exit status and what was printed where."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["regraft", *map(str, words)])
        try:
            main()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("fitt photos", 'Did you mean "fit"?'),
        ("fit", "SOURCE requires an argument"),
        ("fit photos --bugdet 3m", "Did you mean --budget?"),
        ("fit photos --folds many", 'unable to convert "many" into int'),
        ("fit photos --depths deep", '"last", "all", "grid"'),
        ("fit photos --runtime cuda", '"auto", "openvino", "onnxruntime", "torch"'),
        ("predict run", "IMAGES requires an argument"),
        ("cache empty", '"list", "clear"'),
        ("embed photos", "--out"),
        ("report", "RUN requires an argument"),
    ],
)
def test_wrong_usage_is_status_2_and_a_hint(type_in: Any, words: str, hint: str) -> None:
    status, out, err = type_in(*words.split())
    assert (status, out) == (2, "")
    assert hint in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fit none", "There is no folder or table {here}/none. Check the name."),
        ("fit empty", "There is no image in {here}/empty. Put the images of each class in a sub-folder"),
        ("fit photos --budget soon", "'soon' is no duration. Write 90s, 10m, 1.5h or 1h30m."),
        ("fit photos --head rigde", "There is no head 'rigde'. Did you mean ridge?"),
        ("fit photos --folds 1", "Recipe.folds is 1; it must be at least 2 and at most 50."),
        (
            "backbones --measure",
            "--measure takes one network: name it, as in 'regraft backbones lite0 --measure'.",
        ),
        ("fit photos --backbones lite0,lite0", "backbones must be one or more different names"),
        ("fit photos --backbones ,", "backbones must be one or more different names"),
        ("fit photos --recipe none.json", "Cannot read none.json: No such file or directory."),
        ("fit photos --recipe wrong.json", "wrong.json is no recipe: recipe has no setting 'deepness'"),
        ("fit pets --out pets/run", "which is never written. Name another one with --out."),
        ("fit pets --out wrong.csv", "is a file. Name a folder with --out."),
        ("fit photos", "There is a single class, 'cat'"),
        ("fit wrong.csv", "has no column named 'path'"),
        ("fit wrong.json", "is neither a folder nor a table"),
        ("predict none photos", "There is no folder none. Name the one that 'regraft fit' wrote."),
        ("predict photos photos", "There is no model in photos: it has no model.json."),
        ("evaluate none photos", "There is no folder none."),
        ("report photos", "photos holds no finished run (there is no manifest.json)."),
        ("inspect none", "There is no folder or table"),
        ("backbones lite9", "There is no backbone 'lite9'. Did you mean"),
        ("embed none --out f.npz", "There is no folder or table"),
    ],
)
def test_an_error_is_status_1_and_one_message(
    type_in: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "cat" / "1.png").write_bytes(b"some bytes")
    for name in ("cat/1", "cat/2", "dog/1", "dog/2"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).with_suffix(".png").write_text(name)
    (tmp_path / "wrong.json").write_text('{"deepness": 2}')
    (tmp_path / "wrong.csv").write_text("file,class\na.png,b\n")
    status, out, err = type_in(*words.split())
    assert (status, out) == (1, "")
    assert err.startswith("regraft: ")
    assert message.format(here=tmp_path) in err
    assert err.count("\n") == 1


def test_debug_shows_where_an_error_arose(type_in: Any) -> None:
    for words in (("--debug", "fit", "none"), ("fit", "none", "--debug")):
        with pytest.raises(DataError):
            type_in(*words)


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (KeyboardInterrupt(), 130, "regraft: stopped.\n"),
        (
            PermissionError(13, "Permission denied", "photos"),
            1,
            "regraft: [Errno 13] Permission denied: 'photos'\n",
        ),
    ],
)
def test_what_else_ends_a_command(
    type_in: Any, monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int, message: str
) -> None:
    def fail(_: object) -> None:
        raise raised

    monkeypatch.setattr(app_module, "app", fail)
    assert type_in("fit", "photos") == (status, "", message)


def test_an_error_of_the_program_itself_is_not_hidden(type_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app_module, "app", fail)
    with pytest.raises(ZeroDivisionError):
        type_in("fit", "photos")


def test_it_is_also_a_module() -> None:
    words = [sys.executable, "-m", "regraft", "--version"]
    said = subprocess.run(words, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == version("regraft")
