"""Every kind of table gives the same rows of text."""

import datetime as dt
import json
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from regraft.core.errors import DataError
from regraft.data.readers.sheet import SHEETS, read_sheet

COLUMNS = ("path", "label", "weight")
ROWS = [("images/0.png", "cat", 2), ("images/1.png", "dog", None), ("ü 猫.png", "7", 0.5)]
AS_TEXT = [("images/0.png", "cat", "2"), ("images/1.png", "dog", ""), ("ü 猫.png", "7", "0.5")]


def excel(path: Path, rows: list[tuple[object, ...]]) -> None:
    """The least that Excel itself opens: one sheet of strings and numbers, without styles."""
    cells = "".join(f"<row>{''.join(_excel_cell(value) for value in row)}</row>" for row in rows)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    inside = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    outside = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    package = "application/vnd.openxmlformats-package"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            f'<Default Extension="rels" ContentType="{package}.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/></Types>',
        )
        book.writestr(
            "_rels/.rels",
            f'<Relationships {outside}><Relationship Id="a" Type="{inside}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        book.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{inside}">'
            '<sheets><sheet name="s" sheetId="1" r:id="a"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships {outside}><Relationship Id="a" Type="{inside}/worksheet" '
            'Target="worksheets/sheet1.xml"/></Relationships>',
        )
        book.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>"
        )


def _excel_cell(value: object) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    return f"<c><v>{value}</v></c>"


def write(path: Path) -> Path:
    kind = path.suffix
    if kind in (".xlsx", ".xlsm"):
        excel(path, [COLUMNS, *ROWS])
    elif kind == ".parquet":
        values = [*zip(*ROWS, strict=True)]
        parquet.write_table(pa.table([pa.array(column) for column in values], names=COLUMNS), path)
    elif kind in (".jsonl", ".ndjson"):
        path.write_text("\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in ROWS))
    else:
        separator = "," if kind == ".csv" else "\t"
        lines = [
            separator.join("" if cell is None else str(cell) for cell in row) for row in (COLUMNS, *ROWS)
        ]
        path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("kind", [kind for kind in SHEETS if kind not in (".xls", ".ods")])
def test_every_kind_gives_the_same_text(kind: str, tmp_path: Path) -> None:
    sheet = read_sheet(write(tmp_path / f"t{kind}"))
    assert sheet.columns == COLUMNS
    numbers, rows = zip(*sheet.rows, strict=True)
    assert [tuple(row[name] for name in COLUMNS) for row in rows] == AS_TEXT
    assert numbers == ((1, 2, 3) if kind in (".jsonl", ".ndjson") else (2, 3, 4))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("kind", [".csv", ".jsonl"])
def test_encodings(encoding: str, kind: str, tmp_path: Path) -> None:
    text = "path,label\nä.png,Bär €\n" if kind == ".csv" else '{"path": "ä.png", "label": "Bär €"}\n'
    (tmp_path / f"t{kind}").write_bytes(text.encode(encoding))
    ((_, row),) = read_sheet(tmp_path / f"t{kind}").rows
    assert row == {"path": "ä.png", "label": "Bär €"}


def test_empty_lines_before_and_between_and_other_line_ends(tmp_path: Path) -> None:
    for end in ("\n", "\r\n", "\r"):
        (tmp_path / "t.csv").write_bytes(
            end.join(["", "path,label", "", "a,b", ",", '"c', 'd",e', ""]).encode()
        )
        sheet = read_sheet(tmp_path / "t.csv")
        assert sheet.columns == ("path", "label")
        assert [row for _, row in sheet.rows] == [
            {"path": "a", "label": "b"},
            {"path": f"c{end}d", "label": "e"},
        ]


def test_bytes_that_no_encoding_has(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"path,label\nx.png,\x81\xe4\n")
    ((_, row),) = read_sheet(tmp_path / "t.csv").rows
    assert row["label"] == "\x81ä"


def test_lists_become_several_labels(tmp_path: Path) -> None:
    lists = [["a", "b"], ["a"], []]
    lines = [json.dumps({"path": "x", "label": one}) for one in lists]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    parquet.write_table(pa.table({"path": ["x"] * 3, "label": lists}), tmp_path / "t.parquet")
    for name in ("t.jsonl", "t.parquet"):
        assert [row["label"] for _, row in read_sheet(tmp_path / name).rows] == ["a|b", "a|", ""]


def test_what_is_no_number_is_empty(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"path": ["x"], "label": [float("nan")]}), tmp_path / "t.parquet")
    ((_, row),) = read_sheet(tmp_path / "t.parquet").rows
    assert row == {"path": "x", "label": ""}


def test_only_line_ends_end_a_line_of_json(tmp_path: Path) -> None:
    name = "a\u2028b\x85c"
    (tmp_path / "t.jsonl").write_text(
        f'{{"path": "{name}"}}\r\n{{"path": "d"}}', encoding="utf-8", newline=""
    )
    assert [row["path"] for _, row in read_sheet(tmp_path / "t.jsonl").rows] == [name, "d"]


def test_dates_become_iso(tmp_path: Path) -> None:
    table = pa.table(
        {
            "path": ["x"],
            "time": [dt.datetime.fromisoformat("2024-01-31T12:00")],
            "day": [dt.date(2024, 1, 31)],
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    ((_, row),) = read_sheet(tmp_path / "t.parquet").rows
    assert (row["time"], row["day"]) == ("2024-01-31T12:00:00", "2024-01-31")


def test_rows_that_do_not_fit_say_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("path,label\na.png\nb.png,x,,\nc.png,x,y\n")
    rows = dict(read_sheet(tmp_path / "t.csv").rows)
    assert rows[2] == {"path": "a.png"}
    assert rows[3] == {"path": "b.png", "label": "x"}
    assert rows[4] == "has 3 cells for 2 columns; a cell with the separator in it needs quotes"
    (tmp_path / "t.jsonl").write_text('{"path": "a"}\n\n[1]\n{"path": "b"\n' + "[" * 100_000 + "\n")
    assert dict(read_sheet(tmp_path / "t.jsonl").rows) == {
        1: {"path": "a"},
        3: "is no JSON object",
        4: "is no JSON object",
        5: "is no JSON object",
    }


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [("t.parquet", "pyarrow", "pyarrow"), ("t.xlsx", "python_calamine", "python-calamine")],
)
def test_what_is_not_installed_is_named(
    name: str, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf"needs {package}\. Install .*pip install 'regraft\[tables\]'"):
        read_sheet(path)


@pytest.mark.parametrize("kind", SHEETS)
def test_damaged_and_missing_tables(kind: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Cannot read the table"):
        read_sheet(tmp_path / f"none{kind}")
    path = tmp_path / f"t{kind}"
    path.write_bytes(bytes(range(256)) * 4)
    if kind in (".parquet", ".xlsx", ".xlsm", ".xls", ".ods"):
        with pytest.raises(DataError, match="is no readable"):
            read_sheet(path)
    else:
        assert "path" not in read_sheet(path).columns


@pytest.mark.parametrize("kind", [".parquet", ".xlsx"])
def test_a_table_cut_short(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"t{kind}")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="is no readable"):
        read_sheet(path)
