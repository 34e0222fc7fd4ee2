"""Rows of text from any kind of table: CSV, TSV, JSON lines, Parquet, Excel.

Whatever a cell holds becomes text: whole numbers without a point, dates as ISO 8601, nothing as "", and a
list (JSON lines, Parquet) its items with `|` between them. Of a workbook the first sheet is read.
"""

import codecs
import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regraft.core.errors import DataError
from regraft.data.names import SEPARATOR

HEADER_ROW = 1
LONGEST_HEADER = 1 << 16
INSTALL = "Install what reads it with: pip install 'regraft[tables]', or save the table as CSV."


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table's column names, in lower case, and its rows.

    A row's number counts as a spreadsheet does, the header being row 1; in JSON lines it is the line. A row
    that does not fit the columns is a text, which says why.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[int, dict[str, str] | str]]


def read_sheet(table: Path) -> Sheet:
    """Open a table by its ending; anything unknown is taken for CSV.

    Raises:
        DataError: it cannot be read, or what reads this kind of table is not installed.
    """
    reader = SHEETS.get(table.suffix.casefold(), _read_csv)
    try:
        return reader(table)
    except OSError as error:
        raise DataError(f"Cannot read the table {table}: {error.strerror or error}.") from error


def _read_csv(table: Path) -> Sheet:
    text = _text(table).lstrip("\r\n")
    header = text[:LONGEST_HEADER].splitlines()[:1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(table, "".join(header)))
    cells = _csv_rows(table, reader)
    _, first = next(cells, (HEADER_ROW, []))
    columns = _columns(first)
    return Sheet(
        columns, ((number, _fitted(columns, row)) for number, row in cells if any(map(str.strip, row)))
    )


def _csv_rows(table: Path, reader: Any) -> Iterator[tuple[int, list[str]]]:
    try:
        yield from enumerate(reader, start=HEADER_ROW)
    except csv.Error as error:
        raise DataError(f"{table} is no readable table: {error}, near line {reader.line_num}.") from error


def _text(table: Path) -> str:
    data = table.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:2]:
        # A column's name begins with a letter of ASCII, whose other half is zero in UTF-16.
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", errors="replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _delimiter(table: Path, header: str) -> str:
    if table.suffix.casefold() in (".tsv", ".tab"):
        return "\t"
    return max(",;\t", key=header.count)


def _fitted(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str] | str:
    if any(cell.strip() for cell in cells[len(columns) :]):
        return (
            f"has {len(cells)} cells for {len(columns)} columns; a cell with the separator in it needs quotes"
        )
    return dict(zip(columns, cells, strict=False))


def _read_json_lines(table: Path) -> Sheet:
    rows: list[tuple[int, dict[str, str] | str]] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(_text(table).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            row = {str(name).strip().casefold(): _cell(item) for name, item in value.items()}
            columns.update(dict.fromkeys(row))
            rows.append((number, row))
        else:
            rows.append((number, "is no JSON object"))
    return Sheet(tuple(columns), iter(rows))


def _read_parquet(table: Path) -> Sheet:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(f"{table} is Parquet, which needs pyarrow. {INSTALL}") from error
    try:
        content = parquet.read_table(table)
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{table} is no readable Parquet file: {error}.") from error
    columns = _columns(content.column_names)
    return Sheet(columns, enumerate(_arrow_rows(content, columns), start=HEADER_ROW + 1))


def _arrow_rows(content: Any, columns: Sequence[str]) -> Iterator[dict[str, str] | str]:
    for batch in content.to_batches():
        every = [column.to_pylist() for column in batch.columns]
        for row in zip(*every, strict=True):
            yield dict(zip(columns, map(_cell, row), strict=True))


def _read_excel(table: Path) -> Sheet:
    try:
        import python_calamine
    except ImportError as error:
        raise DataError(f"{table} is an Excel file, which needs python-calamine. {INSTALL}") from error
    try:
        with table.open("rb") as stream:
            book = python_calamine.load_workbook(stream)
            # Leading empty rows are kept, so that row numbers are those that Excel shows.
            rows = [
                [_cell(value) for value in row]
                for row in book.get_sheet_by_index(0).to_python(skip_empty_area=False)
            ]
    except (python_calamine.CalamineError, IndexError) as error:
        raise DataError(f"{table} is no readable Excel file: {error}.") from error
    columns = _columns(rows[0] if rows else [])
    numbered = enumerate(rows[1:], start=HEADER_ROW + 1)
    return Sheet(columns, ((number, _fitted(columns, row)) for number, row in numbered if any(row)))


def _columns(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip().casefold() for name in names)


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN, the only value that differs from itself
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        # One label in a list is still a set of labels.
        return SEPARATOR.join(map(_cell, value)) if len(value) != 1 else _cell(value[0]) + SEPARATOR
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


Reader = Callable[[Path], Sheet]

SHEETS: dict[str, Reader] = {
    ".csv": _read_csv,
    ".tsv": _read_csv,
    ".tab": _read_csv,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".parquet": _read_parquet,
    ".xlsx": _read_excel,
    ".xlsm": _read_excel,
    ".xls": _read_excel,
    ".ods": _read_excel,
}
"""How each kind of table is read, by its ending."""
