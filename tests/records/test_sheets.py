"""Spreadsheets: one sheet is a table, and what is none is told with its cells."""

import datetime
import sys
import zipfile

import pyarrow as pa
import pytest
from openpyxl import Workbook
from tests.commands import run_command

from evenhand import audit, open_records
from evenhand.errors import InputError
from evenhand.records import Kind, sheets

_MOMENT = datetime.datetime(2026, 5, 4, 3, 2, 1)  # noqa: DTZ001 - sheets know no zones


def _written(path, rows, *, others=(), merged=()):
    book = Workbook()
    sheet = book.active
    sheet.title = "Calls"
    for row in rows:
        sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    for name, more in others:
        other = book.create_sheet(name)
        for row in more:
            other.append(row)
    book.save(path)
    return path


_ROWS = [
    ["id", "site", "wrong", "loudness", "day", "moment", "ok", "mixed", "nothing"],
    [1, "north", 1, 0.5, datetime.date(2026, 5, 4), _MOMENT, True, "a", None],
    [2, "007", 0, 2, datetime.date(2026, 5, 5), _MOMENT, False, 7, None],
    [None] * 9,
    [3, "south ", None, None, None, None, None, 1.5, None],
]


def test_columns_have_the_types_of_their_cells(tmp_path):
    records = open_records(_written(tmp_path / "t.xlsx", _ROWS))
    kinds = {column.name: column.kind for column in records.columns}
    assert kinds == {
        "id": Kind.INTEGER, "site": Kind.TEXT, "wrong": Kind.INTEGER, "loudness": Kind.NUMBER, "day": Kind.DATE,
        "moment": Kind.DATE, "ok": Kind.BOOLEAN, "mixed": Kind.TEXT, "nothing": Kind.TEXT,
    }  # fmt: skip
    rows = records.read_rows().to_pylist()
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert [row["site"] for row in rows] == ["north", "007", "south "]
    assert [row["mixed"] for row in rows] == ["a", "7", "1.5"]
    assert rows[0]["day"] == datetime.date(2026, 5, 4)
    assert rows[1]["moment"] == _MOMENT
    assert [row["wrong"] for row in rows] == [1, 0, None]


def test_an_audit_of_a_sheet_is_that_of_its_rows(tmp_path):
    rows = [["site", "wrong"], *(["ab"[i % 2], i % 3 % 2] for i in range(80))]
    found = audit(_written(tmp_path / "t.xlsx", rows), "mean(wrong)", "site", worse="higher")
    table = pa.table({name: [row[i] for row in rows[1:]] for i, name in enumerate(rows[0])})
    plain = audit(table, "mean(wrong)", "site", worse="higher")
    assert found.groups == plain.groups
    shown = run_command("look", "t.xlsx", cwd=tmp_path)
    assert "t.xlsx: 80 rows, 2 columns" in shown.stdout


def test_several_sheets(tmp_path):
    path = _written(
        tmp_path / "t.xlsx", [["a"], [1]], others=[("June", [["b"], [2]]), ("Empty", [])]
    )
    with pytest.raises(
        InputError, match=r"has 2 sheets: Calls, June\.  Say which: '.*t\.xlsx#Calls'"
    ):
        open_records(path)
    assert open_records(f"{path}#June").read_rows().to_pylist() == [{"b": 2}]
    with pytest.raises(InputError, match=r"no sheet 'Jul'\.  It has: Calls, June, Empty"):
        open_records(f"{path}#Jul")
    with pytest.raises(InputError, match="the sheet has no cell"):
        open_records(f"{path}#Empty")
    kept = run_command(
        "audit", f"{path}#June", "--metric", "mean(b)", "--by", "b", "--html", str(path), "--force"
    )
    assert "which this run reads" in kept.stderr


@pytest.mark.parametrize(
    ("rows", "merged", "told"),
    [
        (
            [["a", "b"], [1, 2], [None, 3]],
            ["A2:A3"],
            r"line 2: cells A2:A3 are merged[\s\S]*fill in what each row says",
        ),
        (
            [["Calls of May"], ["a", "b"], [1, 2]],
            [],
            r"line 2: cells stand right of the last named column, A",
        ),
        ([["a", None, "b"], [1, 2, 3]], [], r"line 1: column B has no name"),
        ([["a", "a"], [1, 2]], [], r"line 1: column 'a' stands 2 times"),
        ([["a", "A"], [1, 2]], [], "differ in case only"),
    ],
)
def test_sheets_that_are_no_tables(tmp_path, rows, merged, told):
    with pytest.raises(InputError, match=told):
        open_records(_written(tmp_path / "t.xlsx", rows, merged=merged))


def test_a_file_that_would_fill_the_memory(tmp_path, monkeypatch):
    path = _written(tmp_path / "t.xlsx", [["a"], *([i] for i in range(500))])
    monkeypatch.setattr(sheets, "LARGEST", 4096)
    with pytest.raises(
        InputError, match=r"bytes when unpacked, more than 4,096\.  Save the sheet as CSV"
    ):
        open_records(path)


def test_files_that_are_no_sheets(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"x")
    with pytest.raises(InputError, match=r"t\.xlsx is no whole spreadsheet"):
        open_records(tmp_path / "t.xlsx")
    whole = _written(tmp_path / "u.xlsx", _ROWS).read_bytes()
    (tmp_path / "u.xlsx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"u\.xlsx is no whole spreadsheet"):
        open_records(tmp_path / "u.xlsx")
    _written(tmp_path / "v.xlsx", _ROWS)
    _written(tmp_path / "w.xlsx", _ROWS)
    with pytest.raises(InputError, match="names 2 spreadsheets, and one is read at a time"):
        open_records(str(tmp_path / "[vw].xlsx"))


def test_without_the_package(tmp_path, monkeypatch):
    path = _written(tmp_path / "t.xlsx", _ROWS)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(InputError, match=r"needs evenhand\[excel\]"):
        open_records(path)


_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
<office:body><office:spreadsheet><table:table table:name="Calls">\
<table:table-row><table:table-cell office:value-type="string"><text:p>site</text:p></table:table-cell>\
<table:table-cell office:value-type="string"><text:p>wrong</text:p></table:table-cell></table:table-row>\
<table:table-row><table:table-cell office:value-type="string"><text:p>north</text:p></table:table-cell>\
<table:table-cell office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"""


_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>
"""


def test_a_sheet_of_open_document(tmp_path):
    path = tmp_path / "t.ods"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        packed.writestr("META-INF/manifest.xml", _MANIFEST)
        packed.writestr("content.xml", _ODS)
    assert open_records(path).read_rows().to_pylist() == [{"site": "north", "wrong": 1}]
