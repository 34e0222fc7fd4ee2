"""Where a study is kept: a journal file, an SQLite file, or a database by URL.

The journal is the default: measured on two shared AMD EPYC cores, asking and telling a trial took 5 ms
there and 187 ms in SQLite (Optuna 5.0, 60 trials of 3 axes, 2026-11-23, n = 1).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage

from regraft.core.errors import ArtifactError, RecipeError, did_you_mean
from regraft.search.journal import Journal

SQLITE = (".sqlite", ".sqlite3", ".db")
DATABASES = ("postgresql", "sqlite", "mysql", "mariadb")
"""Those that Optuna is tested with."""

LOCK_TIMEOUT_S = 60
OPENINGS, OPENING_S = 5, 0.5
"""How often a database is tried, and the time between."""


def open_storage(where: str | Path | None) -> BaseStorage:
    """Open or begin the storage of studies; several processes may do so at once.

    Args:
        where: a file, SQLite if its name ends in .sqlite or .db and a journal otherwise; or a URL as
            SQLAlchemy writes them, such as `postgresql+psycopg://user@host/name`; None for this process's
            memory.

    Raises:
        ArtifactError: it cannot be opened or is no such file.
        RecipeError: the URL's database has no driver here.
    """
    if where is None:
        return InMemoryStorage()
    text = str(where)
    if "://" in text:
        return _database(text)
    path = Path(where).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactError(f"Cannot make the folder of the study {path}: {error.strerror}.") from error
    if path.suffix.lower() in SQLITE:
        return _database(f"sqlite:///{path}")
    return _opened(path, lambda: JournalStorage(Journal(path)))


def called(where: str | Path) -> str:
    """A storage as a report may name it: without the password of its URL.

    >>> called("postgresql://me:secret@host/studies"), called("runs/trials.log")
    ('postgresql://me:***@host/studies', 'runs/trials.log')
    """
    text = str(where)
    if "://" not in text:
        return text
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(text).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        # Whatever it is, a password might stand in it.
        return f"{text.partition('://')[0]}://..."


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Say of a database that is gone, full or locked for too long that it is.

    Raises:
        ArtifactError: it is.
    """
    try:
        yield
    except _or_of_a_database(StorageInternalError) as error:
        reason = _reason(error.__cause__ or error)
        raise ArtifactError(
            f"{what} can no longer be read or written: {reason}. What was told is kept; go on with it later."
        ) from error


def _or_of_a_database(*errors: type[Exception]) -> tuple[type[Exception], ...]:
    """These, or what a database raises. To be called in `except`, where something was raised already.

    SQLAlchemy takes half a second to be imported, and a journal has no use for it.
    """
    from sqlalchemy.exc import SQLAlchemyError

    return (*errors, SQLAlchemyError)


def _reason(error: BaseException) -> str:
    """What the database's own driver says, on one line; SQLAlchemy adds its statement and a link."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    return said.rstrip(".")


def _database(url: str) -> BaseStorage:
    is_file = url.startswith("sqlite")
    arguments: dict[str, Any] = {"connect_args": {"timeout": LOCK_TIMEOUT_S}} if is_file else {}
    try:
        return _opened(url, lambda: _with_tables(url, {"pool_pre_ping": True, **arguments}))
    except ImportError as error:
        raise RecipeError(
            f"The database of the study needs a driver that is not installed ({error}). For PostgreSQL: "
            f"pip install 'regraft[postgresql]', and write postgresql+psycopg://..."
        ) from error


def _with_tables(url: str, arguments: dict[str, Any]) -> BaseStorage:
    """Of processes that begin a database together all but one find its tables half made, and look again."""
    from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

    for _ in range(OPENINGS - 1):
        try:
            return RDBStorage(url, engine_kwargs=dict(arguments))
        except (IntegrityError, OperationalError, ProgrammingError):
            time.sleep(OPENING_S)
    return RDBStorage(url, engine_kwargs=dict(arguments))


def _opened(where: str | Path, make: Callable[[], BaseStorage]) -> BaseStorage:
    try:
        return make()
    except _or_of_a_database(OSError, ValueError, KeyError, RuntimeError, TypeError, AssertionError) as error:
        from sqlalchemy.exc import NoSuchModuleError

        if isinstance(error, NoSuchModuleError):
            kind = str(where).partition("://")[0].partition("+")[0]
            raise RecipeError(
                f"There is no kind of database {kind!r}. {did_you_mean(kind, DATABASES)}"
            ) from error
        raise ArtifactError(
            f"Cannot open the study in {called(where)}: {_reason(error)}. Name another place with --storage."
        ) from error
