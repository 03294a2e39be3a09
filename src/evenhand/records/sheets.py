"""Spreadsheets as tables: one sheet, whose first row that is not empty names the columns."""

from __future__ import annotations

import datetime
import importlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.deferred import pyarrow as pa
from evenhand.errors import Fault, FaultsError, InputError
from evenhand.records.delimited import check_case
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.native_types import load_native
from evenhand.records.text_files import Loaded

ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
#: Bytes of a file when it is unpacked, at most: it is held in memory.
LARGEST = 512 * 2**20
_MIDNIGHT = datetime.time()


def split_sheet(name: str) -> tuple[str, str | None]:
    """A file, and the sheet that is named behind it.

    Examples
    --------
    >>> split_sheet("calls.xlsx#May"), split_sheet("calls.csv")
    (('calls.xlsx', 'May'), ('calls.csv', None))
    """
    place, mark, sheet = name.rpartition("#")
    if mark and place.lower().endswith(ENDINGS):
        return place, sheet
    return name, None


def load_sheet(
    engine: DuckDBEngine,
    path: Path,
    sheet: str | None,
    declared: Mapping[str, str],
    missing: Sequence[str],
) -> Loaded:
    """Open one sheet of a spreadsheet.

    Raises
    ------
    InputError, FaultsError
        Where the package that reads it is absent, the sheet is not told, cells are merged, or no row names columns.
    """
    _check_size(path)
    calamine = _reader(path)
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        found = book.get_sheet_by_name(_chosen(path, book, sheet))
        merged = found.merged_cell_ranges or []
        rows = found.to_python(skip_empty_area=False)
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise InputError(f"{path} is no whole spreadsheet ({error}).  Save it again.") from error
    if merged:
        faults = [
            Fault(line=first[0] + 1, message=f"cells {_range(first, last)} are merged")
            for first, last in merged
        ]
        raise FaultsError(
            str(path),
            faults,
            advice="Only the first of merged cells has a value.  Unmerge them, fill in what each row says, and save.",
        )
    engine.register("sheet", _table(path, rows))
    return load_native(engine, "sheet", declared, missing)


def _reader(path: Path) -> Any:
    try:
        return importlib.import_module("python_calamine")
    except ImportError as error:
        raise InputError(
            f"{path} is a spreadsheet, which needs evenhand[excel] (pip install 'evenhand[excel]').  Or save the "
            "sheet as 'CSV UTF-8'."
        ) from error


def _check_size(path: Path) -> None:
    """Refuse a file that would fill the memory: all but .xls are archives that say how large they are."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as packed:
        size = sum(item.file_size for item in packed.infolist())
    if size > LARGEST:
        raise InputError(
            f"{path} has {size:,} bytes when unpacked, more than {LARGEST:,}.  Save the sheet as CSV, which is read as "
            "a stream."
        )


def _chosen(path: Path, book: Any, sheet: str | None) -> str:
    """The sheet that is named, or the only one that holds anything."""
    names = list(book.sheet_names)
    if sheet is not None:
        if sheet not in names:
            raise InputError(f"{path} has no sheet {sheet!r}.  It has: {', '.join(names)}")
        return sheet
    filled = [name for name in names if book.get_sheet_by_name(name).total_height]
    if not filled:
        raise InputError(f"{path} is empty: no sheet has a cell.")
    if len(filled) > 1:
        raise InputError(
            f"{path} has {len(filled)} sheets: {', '.join(filled)}.  Say which: '{path}#{filled[0]}'"
        )
    return str(filled[0])


def _range(first: tuple[int, int], last: tuple[int, int]) -> str:
    return f"{_letters(first[1])}{first[0] + 1}:{_letters(last[1])}{last[0] + 1}"


def _letters(column: int) -> str:
    out = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        out = chr(65 + rest) + out
    return out


def _table(path: Path, rows: Sequence[Sequence[Any]]) -> pa.Table:
    start = next((i for i, row in enumerate(rows) if any(cell != "" for cell in row)), None)
    if start is None:
        raise InputError(f"{path} is empty: the sheet has no cell.")
    width = max(i for i, cell in enumerate(rows[start]) if cell != "") + 1
    names = [str(cell).strip() for cell in rows[start][:width]]
    body = [row for row in rows[start + 1 :] if any(cell != "" for cell in row)]
    beside = (
        i for i, row in enumerate(rows[start:], start) if any(cell != "" for cell in row[width:])
    )
    wide = next(beside, None)
    faults = [
        Fault(line=start + 1, message=f"column {_letters(i)} has no name")
        for i, name in enumerate(names)
        if not name
    ]
    faults += [
        Fault(line=start + 1, message=f"column {name!r} stands {names.count(name)} times")
        for name in dict.fromkeys(names)
        if name and names.count(name) > 1
    ]
    if wide is not None:
        last = _letters(width - 1)
        faults.append(
            Fault(line=wide + 1, message=f"cells stand right of the last named column, {last}")
        )
    if faults:
        raise FaultsError(
            str(path),
            faults,
            advice="The first row that is not empty must name every column, once.  Delete titles above it and notes "
            "beside the table.",
        )
    check_case(str(path), names)
    return pa.table({name: _column([row[i] for row in body]) for i, name in enumerate(names)})


def _column(cells: Sequence[Any]) -> pa.Array:
    """Cells in the type that all of them have; cells of several types are text."""
    values = [None if cell == "" else cell for cell in cells]
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        whole = all(value is None or float(value).is_integer() for value in values)
        if whole and kinds:
            return pa.array([None if value is None else int(value) for value in values], pa.int64())
        return pa.array(values, pa.float64() if kinds else pa.string())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds <= {datetime.datetime, datetime.date}:
        moments = [_moment(value) for value in values]
        if all(value is None or value.time() == _MIDNIGHT for value in moments):
            return pa.array([None if v is None else v.date() for v in moments], pa.date32())
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _moment(value: Any) -> datetime.datetime | None:
    if value is None or isinstance(value, datetime.datetime):
        return value
    return datetime.datetime.combine(value, _MIDNIGHT)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)
