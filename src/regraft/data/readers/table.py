"""Reading a table of images with the columns `path` and `label`.

    path,label,group,split,label_stage
    scans/017.png,benign,patient 4,train,I
    scans/018.png,malignant,patient 9,test,III

- `group`, `domain`, `split`, `weight` (positive) and `time` (a number, or an ISO date) are optional, other
  columns are ignored, and names of columns may be written in any case. `file_name` will do for `path`.
- `label_stage` is a further label column: the task `stage`, which `Dataset.for_task` makes the label.
- `a|b` in a label cell gives several labels. One such cell makes the whole column multi-label, where an empty
  cell says "none of them"; without one, a row with an empty label is listed as skipped.
- Paths are relative to the table's folder, absolute, or begin with `~`; they may use backslashes.

`sheet` reads CSV, TSV, JSON lines, Parquet and Excel. CSV's separator (comma, semicolon or tab) is found from
the header; text is UTF-8, UTF-16, or else Windows-1252.
"""

import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regraft.core.errors import DataError, did_you_mean
from regraft.data.dataset import Dataset, Skipped
from regraft.data.names import part_of_name, read_cells
from regraft.data.readers.listing import Entry, Listing, to_dataset
from regraft.data.readers.sheet import read_sheet
from regraft.data.readers.times import as_number, read_time
from regraft.data.requirements import require_parts

PATH, LABEL = "path", "label"
ALSO_PATH = "file_name"
TASK_PREFIX = "label_"
WEB_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its number, the file it means, and its cells by column."""

    number: int
    path: Path
    cells: dict[str, str]


def read_table(path: Path | str, *, task: str | None = None) -> Dataset:
    """Read a table of image paths and labels; every file is hashed.

    Files that are missing or cannot be read, and rows that have no label or too many cells, are listed in
    `Dataset.skipped`.

    Args:
        path: the table.
        task: which further label column is the label, without `label_`; by default the column `label` is.

    Raises:
        DataError: the table cannot be read, lacks a column, holds web addresses, an unknown part, or a weight
            or time that is none, or says two different things about one file.
    """
    table = Path(path).expanduser().absolute()
    sheet = read_sheet(table)
    columns = tuple(
        PATH if name == ALSO_PATH and PATH not in sheet.columns else name for name in sheet.columns
    )
    label = LABEL if task is None else TASK_PREFIX + task.casefold()
    _require_columns(table, columns, label)
    tasks = tuple(name for name in columns if name.startswith(TASK_PREFIX) and name != TASK_PREFIX)
    skipped: list[Skipped] = []
    rows: dict[Path, Row] = {}
    for number, cells in sheet.rows:
        row = _row(table, number, cells, skipped)
        if row:
            _require_agreement(table, rows.setdefault(row.path, row), row, (label, *tasks))
    listed = sorted(rows.values(), key=lambda row: row.path.parts)
    entries, is_multilabel = _entries(table, listed, (label, *tasks), skipped)
    names = tuple(name.removeprefix(TASK_PREFIX) for name in tasks)
    dataset = to_dataset(Listing(table.parent, entries, skipped, names, is_multilabel))
    _require_some(table, dataset)
    require_parts(dataset)
    return dataset


def names_images(table: Path) -> bool:
    """Whether a table has the columns of a data set."""
    try:
        columns = read_sheet(table).columns
    except DataError:
        return False
    return bool({PATH, ALSO_PATH} & {*columns}) and any(name.startswith(LABEL) for name in columns)


def _require_columns(table: Path, columns: Sequence[str], label: str) -> None:
    tasks = sorted(name.removeprefix(TASK_PREFIX) for name in columns if name.startswith(TASK_PREFIX))
    if label not in columns and label != LABEL:
        known = did_you_mean(label.removeprefix(TASK_PREFIX), tasks) if tasks else "It has no such column."
        raise DataError(f"{table} has no column {label!r}, which holds the labels of that task. {known}")
    if label not in columns and tasks:
        raise DataError(
            f"{table} has no column 'label'. Choose one of its tasks with --task: {', '.join(tasks)}."
        )
    for name in (PATH, label):
        if columns.count(name) != 1:
            fault = "has no column" if name not in columns else "has more than one column"
            shown = ", ".join(map(repr, columns)) or "none"
            raise DataError(
                f"{table} {fault} named {name!r}. Its first row must name the columns, path and label "
                f"among them; the columns found are: {shown}."
            )


def _row(table: Path, number: int, cells: dict[str, str] | str, skipped: list[Skipped]) -> Row | None:
    """A row with the file it means, or None if it means none; then it is listed as skipped."""
    if isinstance(cells, str):
        skipped.append(Skipped(table, f"row {number} of {table.name} {cells}"))
        return None
    cells = {PATH if name == ALSO_PATH and PATH not in cells else name: cells[name].strip() for name in cells}
    name = cells.get(PATH, "")
    if not name or "\0" in name:
        skipped.append(Skipped(table, f"row {number} of {table.name} has no path"))
        return None
    if WEB_ADDRESS.match(name):
        raise DataError(
            f"Row {number} of {table} names the web address {name}. Nothing is downloaded: fetch the images "
            f"first and write where they lie on this machine."
        )
    return Row(number, _locate(table.parent, name), cells)


def _locate(folder: Path, name: str) -> Path:
    """The file that a table means, one spelling for each so that no file comes twice."""
    spellings = [name]
    if "\\" in name:
        spellings.append(name.replace("\\", "/"))
    if name.startswith("~"):
        spellings.append(os.path.expanduser(name))  # noqa: PTH111 - an unknown user is an error to Path
    if not name.isascii():
        spellings += [unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)]
    paths = [Path(os.path.normpath(folder / spelling)) for spelling in spellings]
    if len(paths) == 1:
        return paths[0]
    return next((path for path in paths if path.exists()), paths[-1] if "\\" in name else paths[0])


def _require_agreement(table: Path, first: Row, row: Row, labels: Sequence[str]) -> None:
    for name in (*labels, "split", "group", "domain", "weight", "time"):
        one, other = first.cells.get(name, ""), row.cells.get(name, "")
        if one != other:
            hint = (
                f" If it has both labels, write '{one}|{other}' in one row."
                if one and other and name in labels
                else ""
            )
            raise DataError(
                f"{table} lists {row.path} twice with different values of {name}: {one!r} in row "
                f"{first.number} and {other!r} in row {row.number}. Keep the row that is right.{hint}"
            )


def _entries(
    table: Path, rows: Sequence[Row], labels: Sequence[str], skipped: list[Skipped]
) -> tuple[list[Entry], bool]:
    """The entries of all rows with a label, and whether images have several.

    Args:
        table: for messages.
        rows: in the order wanted.
        labels: the column of the label, and those of further tasks.
        skipped: grows by the rows without a label.
    """
    label, *tasks = labels
    names, is_multilabel = read_cells([row.cells.get(label, "") for row in rows])
    entries = []
    dates = {as_number(time) is None for row in rows if (time := row.cells.get("time"))}
    if len(dates) > 1:
        raise DataError(
            f"The column time of {table} mixes numbers and dates, which have no order. Write one kind."
        )
    for row, of_row in zip(rows, names, strict=True):
        if of_row or is_multilabel:
            entries.append(_entry(table, row, of_row, tasks))
        else:
            skipped.append(Skipped(row.path, f"row {row.number} of {table.name} has no label"))
    return entries, is_multilabel


def _entry(table: Path, row: Row, labels: tuple[str, ...], tasks: Sequence[str]) -> Entry:
    cells = row.cells
    part = part_of_name(cells.get("split", ""))
    if cells.get("split") and part is None:
        raise DataError(
            f"Row {row.number} of {table} has the split {cells['split']!r}. It must be train, val or test, "
            f"or be left empty."
        )
    weight = as_number(cells.get("weight") or "1")
    if weight is None or weight <= 0:
        raise DataError(
            f"Row {row.number} of {table} has the weight {cells['weight']!r}. It must be above 0."
        )
    time = read_time(cells["time"]) if cells.get("time") else None
    if cells.get("time") and time is None:
        raise DataError(
            f"Row {row.number} of {table} has the time {cells['time']!r}. Write a number or a date such as "
            f"2024-01-31 or 2024-01-31T12:00:00."
        )
    return Entry(
        row.path,
        labels,
        group=cells.get("group", ""),
        domain=cells.get("domain", ""),
        part=part,
        weight=weight,
        time=time,
        tasks=tuple(cells.get(name, "") for name in tasks),
    )


def _require_some(table: Path, dataset: Dataset) -> None:
    if not len(dataset):
        skipped = dataset.skipped
        first = f" The first is {skipped[0].path}: {skipped[0].reason}." if skipped else ""
        raise DataError(
            f"{table} lists no usable image.{first} Paths are relative to the table's folder, {table.parent}."
        )
