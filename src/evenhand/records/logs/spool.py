"""Rows of a log laid down as Parquet while they come: the memory is that of one batch.

A part ends where a column appears or widens its type; the parts together are the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evenhand.deferred import parquet
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.records.column_types import quoted
from evenhand.records.delimited import listed
from evenhand.records.logs.json_text import written
from evenhand.records.logs.row import LogRow

_ROWS = 4096
_BYTES = 8 * 2**20
#: Columns at most; attributes whose names are values would make one a row.
_COLUMNS = 1000
#: Who names a column: the reader, the tool's score, or whoever knew of the question.
OWN, SCORE, ATTRIBUTE = "own:", "score:", "attribute:"


def held(key: str) -> str:
    """What a column is called where it is laid down: engines tell no case apart, so capitals are told by places.

    Examples
    --------
    >>> held("attribute:dialect"), held("attribute:Dialect")
    ('attribute:dialect', 'attribute:Dialect:400')
    """
    capitals = sum(1 << place for place, letter in enumerate(key) if letter != letter.casefold())
    return f"{key}:{capitals:x}" if capitals else key


class LogPart(NamedTuple):
    """Some of the rows.

    Attributes
    ----------
    query : str
        Reads them; columns are named by who names them and their name.
    types : dict
        Arrow types of the columns.
    """

    query: str
    types: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """What was laid down.

    Attributes
    ----------
    query : str
        Reads all rows; columns are named by who names them and their name.
    types : dict
        Arrow types of the columns.
    """

    query: str
    types: dict[str, Any]


class Spool:
    """Where rows are laid down.

    Parameters
    ----------
    folder : Path
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: list[LogRow] = []
        self._bytes = 0
        self._types: dict[str, Any] = {}
        self._parts: list[LogPart] = []
        self._writer: Any = None

    def add(self, row: LogRow) -> None:
        """Lay one row down."""
        self._rows.append(row)
        self._bytes += row.size
        if len(self._rows) >= _ROWS or self._bytes >= _BYTES:
            self._flush()

    def close(self) -> list[LogPart]:
        """Finish the last part."""
        self._flush()
        self._end_part()
        return self._parts

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = _columns(self._rows)
        count = len(self._rows)
        self._rows, self._bytes = [], 0
        arrays = {name: _array(values) for name, values in columns.items()}
        found = {name: a.type for name, a in arrays.items() if not pa.types.is_null(a.type)}
        types = self._types | {
            name: _wider(self._types[name], type_) if name in self._types else type_
            for name, type_ in found.items()
        }
        if len(types) > _COLUMNS:
            raise InputError(
                f"The log has more than {_COLUMNS:,} columns, the last of them {list(types)[-1]!r}: are names in "
                "its metadata values?  Give each value a name that rows share."
            )
        if types != self._types or self._writer is None:
            self._end_part()
            self._types = types
            path = self._folder / f"part{len(self._parts)}.parquet"
            self._writer = parquet.ParquetWriter(path, _schema(types), compression="lz4")
            self._parts.append(LogPart(f"SELECT * FROM read_parquet({listed([path])})", types))
        made = [
            _as(arrays[name], type_, columns[name]) if name in arrays else pa.nulls(count, type_)
            for name, type_ in types.items()
        ]
        self._writer.write_table(pa.Table.from_arrays(made, schema=_schema(types)))

    def _end_part(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def united(parts: Sequence[LogPart]) -> Spooled:
    """Parts as one table: columns that a part lacks are empty in it, and types are the widest."""
    types: dict[str, Any] = {}
    for part in parts:
        types |= {
            name: _wider(types[name], type_) if name in types else type_
            for name, type_ in part.types.items()
        }
    selects = []
    for part in parts:
        columns = ", ".join(_read(name, part.types.get(name), t) for name, t in types.items())
        selects.append(f"SELECT {columns} FROM ({part.query})")
    return Spooled(query=" UNION ALL ".join(selects), types=types)


def _schema(types: dict[str, Any]) -> Any:
    return pa.schema([(held(name), type_) for name, type_ in types.items()])


def _columns(rows: Sequence[LogRow]) -> dict[str, list[Any]]:
    """Values of each column in the order of the rows."""
    out: dict[str, list[Any]] = {}
    for prefix, part in ((OWN, 0), (SCORE, 1), (ATTRIBUTE, 2)):
        found: list[dict[str, Any]] = [row[part] for row in rows]  # type: ignore[misc]
        names = dict.fromkeys(name for keys in {tuple(one) for one in found} for name in keys)
        out |= {prefix + name: [one.get(name) for one in found] for name in names}
    return out


def _array(values: Sequence[Any]) -> Any:
    """The values with the type that all of them have, or as text."""
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError, UnicodeError):
        return _texts(values)


def _texts(values: Sequence[Any]) -> Any:
    told = (
        value if value is None or isinstance(value, str) else written(value) for value in values
    )
    return pa.array(
        [t if t is None else t.encode("utf-8", "replace").decode() for t in told], pa.string()
    )


def _wider(one: Any, other: Any) -> Any:
    """The type that holds values of both."""
    if one == other:
        return one
    numbers = pa.types.is_integer, pa.types.is_floating
    if all(any(is_(type_) for is_ in numbers) for type_ in (one, other)):
        return pa.float64()
    return pa.string()


def _as(array: Any, type_: Any, values: Sequence[Any]) -> Any:
    """An array in the type of its column."""
    if array.type == type_:
        return array
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), type_)
    return _texts(values) if pa.types.is_string(type_) else array.cast(type_)


def _read(name: str, had: Any, type_: Any) -> str:
    """A column of a part in the type of the whole."""
    sql = {pa.string(): "VARCHAR", pa.float64(): "DOUBLE", pa.int64(): "BIGINT"}.get(type_)
    value = "NULL" if had is None else quoted(held(name))
    cast = had == type_ or sql is None
    return f"{value if cast else f'CAST({value} AS {sql})'} AS {quoted(held(name))}"
