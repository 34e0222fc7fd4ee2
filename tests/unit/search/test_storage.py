from collections.abc import Callable
from pathlib import Path

import pytest

from regraft.core.errors import ArtifactError, RecipeError
from regraft.search import Outcome
from regraft.search.journal import HeldLock
from regraft.search.storage import called, open_storage
from regraft.search.study import Study

Opened = Callable[..., Study]


@pytest.mark.parametrize(("file", "start"), [("s.log", b"{"), ("s.sqlite", b"SQLite"), ("s.db", b"SQLite")])
def test_the_name_says_what_kind_of_file(opened: Opened, tmp_path: Path, file: str, start: bytes) -> None:
    opened(file=file).ask()
    assert (tmp_path / file).read_bytes().startswith(start)


def test_the_folder_is_made(opened: Opened, tmp_path: Path) -> None:
    opened(file="new/folder/s.log")
    assert (tmp_path / "new" / "folder" / "s.log").is_file()


@pytest.mark.parametrize("file", ["s.log", "s.sqlite"])
def test_what_is_no_study_is_said(tmp_path: Path, file: str, opened: Opened) -> None:
    (tmp_path / file).write_text("these are\nno trials\nat all\n")
    with pytest.raises(ArtifactError, match="Cannot open the study"):
        opened(file=file)


def test_a_database_without_driver_is_said() -> None:
    with pytest.raises((RecipeError, ArtifactError), match=r"PostgreSQL|Cannot open"):
        open_storage("postgresql+pg8000://nobody@localhost:1/none")


def test_a_database_of_no_kind_is_said() -> None:
    with pytest.raises(RecipeError, match=r"no kind of database 'postgress'\. Did you mean postgresql"):
        open_storage("postgress://me@host/studies")


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("postgresql+psycopg://me:secret@host:1/x?a=b", "postgresql+psycopg://me:***@host:1/x?a=b"),
        ("postgresql://secret:secret:secret", "postgresql://..."),
        ("/home/secret/s.log", "/home/secret/s.log"),
        (Path("s.sqlite"), "s.sqlite"),
    ],
)
def test_no_password_is_named(where: str | Path, said: str) -> None:
    assert called(where) == said


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="Cannot open the study in sqlite") as caught:
        open_storage(f"sqlite:///{tmp_path}/none/s.sqlite")
    assert "\n" not in str(caught.value)
    assert "unable to open database file. Name another place" in str(caught.value)


@pytest.mark.parametrize("content", ["[1,2]", "5", "null", '{"op_code": 99}', '{"op_code": 4}'])
def test_json_that_is_no_journal_is_said(opened: Opened, tmp_path: Path, content: str) -> None:
    (tmp_path / "study.log").write_text(f"{content}\n")
    with pytest.raises(ArtifactError, match="Name another place with --storage"):
        opened()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArtifactError, match="Cannot make the folder"):
        open_storage(tmp_path / "file" / "s.log")


def test_a_line_that_a_dead_process_left_half_is_dropped(opened: Opened, tmp_path: Path) -> None:
    study = opened()
    study.tell(study.ask()[0], Outcome(1.0))
    with (tmp_path / "study.log").open("ab") as journal:
        journal.write(b'{"op_code": 4, "half')
    again = opened()
    again.tell(again.ask()[0], Outcome(2.0))
    assert [trial.value for trial in opened().trials] == [1.0, 2.0]
    assert b"half" not in (tmp_path / "study.log").read_bytes()


def test_an_empty_or_whole_journal_is_left_as_it_is(tmp_path: Path) -> None:
    for content in (b"", b'{"a": 1}\n'):
        journal = tmp_path / "j.log"
        journal.write_bytes(content)
        lock = HeldLock(journal)
        lock.acquire()
        lock.release()
        assert journal.read_bytes() == content
