"""One door for every source of labelled images."""

from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import Dataset
from regraft.data.folder import read_folder
from regraft.data.table import read_table

TABLES = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".parquet", ".xlsx", ".xlsm", ".xls", ".ods")


def read(source: Path | str, *, label_from: str | None = None, task: str | None = None) -> Dataset:
    """Read a folder of class folders, or a table of paths and labels.

    Raises:
        DataError: there is no such folder or table, or it cannot be used; the message says why.
    """
    path = Path(source).expanduser().absolute()
    if path.is_dir():
        return read_folder(path, label_from=label_from, task=task)
    if not path.exists():
        raise DataError(f"There is no folder or table {path}. Check the name.")
    if path.suffix.casefold() in TABLES:
        return read_table(path, task=task)
    raise DataError(
        f"{path} is neither a folder nor a table. Give a folder that holds one sub-folder per class, or a "
        f".csv file with the columns path and label."
    )
