"""Columns of a record table and the few kinds of value that matter here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, unknown_name
from evenhand.records.declarations import columns_option


class Kind(StrEnum):
    """What a column holds, as far as metrics and groups care."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    OTHER = "other"

    @property
    def numeric(self) -> bool:
        """Whether values can be ordered as numbers and binned."""
        return self in (Kind.INTEGER, Kind.NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A named column of one kind.

    Attributes
    ----------
    name : str
    kind : Kind
    written : str, optional
        Column of the same table that holds its values as they are written in a text file.
    exact : bool
        Whether a double holds each of its numbers; decimals of many digits may be told apart by more.
    """

    name: str
    kind: Kind
    written: str | None = None
    exact: bool = True


def kind_of(arrow_type: pa.DataType) -> Kind:
    """Kind of an Arrow type.

    Examples
    --------
    >>> import pyarrow as pa
    >>> kind_of(pa.int8()), kind_of(pa.dictionary(pa.int8(), pa.string()))
    (<Kind.INTEGER: 'integer'>, <Kind.TEXT: 'text'>)
    """
    if pa.types.is_dictionary(arrow_type):
        return kind_of(arrow_type.value_type)
    tests = (
        (_is_named_text, Kind.TEXT),
        (pa.types.is_boolean, Kind.BOOLEAN),
        (pa.types.is_integer, Kind.INTEGER),
        (pa.types.is_floating, Kind.NUMBER),
        (pa.types.is_decimal, Kind.NUMBER),
        (pa.types.is_string, Kind.TEXT),
        (pa.types.is_large_string, Kind.TEXT),
        (pa.types.is_string_view, Kind.TEXT),
        (pa.types.is_null, Kind.TEXT),
        (pa.types.is_date, Kind.DATE),
        (pa.types.is_timestamp, Kind.DATE),
        (pa.types.is_time, Kind.DATE),
    )
    return next((kind for test, kind in tests if test(arrow_type)), Kind.OTHER)


def _is_named_text(arrow_type: pa.DataType) -> bool:
    """Extension types whose values are read as text."""
    return getattr(arrow_type, "extension_name", "") in ("arrow.uuid", "arrow.json")


def check_key(column: Column) -> None:
    """Refuse a column whose values cannot tell groups or units apart.

    Raises
    ------
    InputError
    """
    if column.kind is Kind.OTHER:
        raise InputError(_NESTED.format(name=column.name))
    if not column.exact:
        raise InputError(
            f"Column {column.name!r} holds decimals of more digits than a number keeps, so groups of "
            f"it would be mixed.  Use them as text: {columns_option(column.name, 'text')}"
        )


_NESTED = (
    "Column {name!r} holds lists, structures, bytes or durations, which cannot be grouped or "
    "measured.  Make it text or numbers first."
)


def find_column(name: str, columns: Sequence[Column]) -> Column:
    """Column called `name`, or an error that offers a near one."""
    for column in columns:
        if column.name == name and column.kind is Kind.OTHER:
            raise InputError(_NESTED.format(name=name))
        if column.name == name:
            return column
    raise InputError(unknown_name("column", name, [column.name for column in columns]))
