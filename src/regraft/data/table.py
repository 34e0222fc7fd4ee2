"""Reading a table of images: CSV or TSV with the columns `path` and `label`.

    path,label,group,split
    scans/017.png,benign,patient 4,train
    scans/018.png,malignant,patient 9,test

`group`, `domain` and `split` are optional, other columns are ignored, and names of columns may be written
in any case. Paths are relative to the table's folder and may use backslashes. The separator (comma,
semicolon or tab) is found from the header; text is UTF-8, UTF-16 with its mark, or else Latin-1.
"""

import codecs
import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regraft.core.errors import DataError
from regraft.data.dataset import (
    Dataset,
    Example,
    Part,
    Skipped,
    clean_name,
    natural_key,
    part_of_name,
    require_parts,
)
from regraft.data.scan import hash_files

REQUIRED = ("path", "label")
HEADER_ROW = 1
LONGEST_HEADER = 1 << 16


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `number` counts as a spreadsheet does, the header being row 1."""

    number: int
    path: Path
    label: str
    group: str
    domain: str
    part: Part | None


def read_table(path: Path | str) -> Dataset:
    """Read a CSV or TSV of image paths and labels; every file is hashed.

    Files that are missing or cannot be read, and rows without a label, are listed in `Dataset.skipped`.

    Raises:
        DataError: the table cannot be read, lacks a column, names an unknown part, or says two different
            things about one file.
    """
    table = Path(path).expanduser().absolute()
    rows: dict[Path, Row] = {}
    skipped: list[Skipped] = []
    for row in _rows(table, _text(table)):
        lacks = "path" if row.path == table else "" if row.label else "label"
        if lacks:
            skipped.append(Skipped(row.path, f"row {row.number} of {table.name} has no {lacks}"))
        else:
            _require_agreement(table, rows.setdefault(row.path, row), row)
    return _to_dataset(table, sorted(rows.values(), key=lambda row: row.path.parts), skipped)


def _text(table: Path) -> str:
    try:
        data = table.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read the table {table}: {error.strerror or error}.") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _delimiter(table: Path, header: str) -> str:
    if table.suffix.casefold() in (".tsv", ".tab"):
        return "\t"
    return max(",;\t", key=header.count)


def _rows(table: Path, text: str) -> Iterator[Row]:
    header = text[:LONGEST_HEADER].splitlines()[:1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(table, "".join(header)))
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        _require_columns(table, columns)
        for number, cells in enumerate(reader, start=HEADER_ROW + 1):
            if any(cell.strip() for cell in cells):
                yield _row(table, number, dict(zip(columns, cells, strict=False)))
    except csv.Error as error:
        raise DataError(f"{table} is no readable table: {error}, near line {reader.line_num}.") from error


def _require_columns(table: Path, columns: list[str]) -> None:
    for name in REQUIRED:
        if columns.count(name) != 1:
            fault = "has no column" if name not in columns else "has more than one column"
            shown = ", ".join(map(repr, columns)) or "none"
            raise DataError(
                f"{table} {fault} named {name!r}. Its first row must name the columns, path and label "
                f"among them; the columns found are: {shown}."
            )


def _row(table: Path, number: int, cells: dict[str, str]) -> Row:
    split = cells.get("split", "").strip()
    part = part_of_name(split)
    if split and part is None:
        raise DataError(
            f"Row {number} of {table} has the split {split!r}. It must be train, val or test, or be left "
            f"empty."
        )
    name = cells.get("path", "").strip()
    return Row(
        number,
        path=_locate(table.parent, name) if name else table,
        label=clean_name(cells.get("label", "").strip()),
        group=cells.get("group", "").strip(),
        domain=cells.get("domain", "").strip(),
        part=part,
    )


def _locate(folder: Path, name: str) -> Path:
    """The file that a table means, one spelling for each so that no file comes twice."""
    as_written = os.path.normpath(folder / name)
    if "\\" in name and not Path(as_written).exists():
        return Path(os.path.normpath(folder / name.replace("\\", "/")))
    return Path(as_written)


def _require_agreement(table: Path, first: Row, row: Row) -> None:
    for name in ("label", "part", "group", "domain"):
        one, other = getattr(first, name), getattr(row, name)
        if one != other:
            raise DataError(
                f"{table} lists {row.path} twice with different values of {name}: {one!r} in row "
                f"{first.number} and {other!r} in row {row.number}. Keep the row that is right."
            )


def _to_dataset(table: Path, rows: list[Row], skipped: list[Skipped]) -> Dataset:
    hashes = hash_files([row.path for row in rows])
    usable = [(row, sha) for row, sha in zip(rows, hashes, strict=True) if isinstance(sha, str)]
    skipped = skipped + [sha for sha in hashes if isinstance(sha, Skipped)]
    if not usable:
        first = f" The first is {skipped[0].path}: {skipped[0].reason}." if skipped else ""
        raise DataError(
            f"{table} lists no usable image.{first} Paths are relative to the table's folder, {table.parent}."
        )
    classes = tuple(sorted({row.label for row, _ in usable}, key=natural_key))
    label = {name: i for i, name in enumerate(classes)}
    examples = tuple(Example(r.path, label[r.label], sha, r.group, r.domain, r.part) for r, sha in usable)
    dataset = Dataset(table.parent, classes, examples, tuple(sorted(skipped, key=lambda one: one.path.parts)))
    require_parts(dataset)
    return dataset
