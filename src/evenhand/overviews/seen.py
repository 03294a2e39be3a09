"""The first rows of a table, column by column."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evenhand.groups.predicate import means_missing
from evenhand.records import Column, Kind, Records, dialect_of

#: Rows and characters of a text that are looked at, at most.
ROWS, CHARACTERS = 50_000, 1_000
_EXAMPLES = 3
_CUT = 24


@dataclass(frozen=True)
class Values:
    """Values of a column in the order of the rows; `None` where one is missing.

    Attributes
    ----------
    column : Column
    values : list
    """

    column: Column
    values: list[Any]

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @cached_property
    def known(self) -> list[Any]:
        """Those that are there."""
        return [value for value in self.values if value is not None]

    @cached_property
    def counts(self) -> Counter[Any]:
        """Rows of each value."""
        return Counter(self.known)

    @property
    def missing(self) -> int:
        """Rows without a value."""
        return len(self.values) - len(self.known)

    @cached_property
    def words(self) -> float:
        """Words of a text, on average."""
        if self.column.kind is not Kind.TEXT or not self.known:
            return 0.0
        return sum(len(text.split()) for text in self.known) / len(self.known)

    @cached_property
    def is_binary(self) -> bool:
        """Whether all are 0 or 1."""
        numeric = self.column.kind.numeric or self.column.kind is Kind.BOOLEAN
        return numeric and set(self.counts) == {0, 1}

    def examples(self) -> tuple[str, ...]:
        """The most frequent values, or the first ones where hardly any repeats."""
        often = [value for value, count in self.counts.most_common(_EXAMPLES) if count > 1]
        found = often or list(self.counts)[:_EXAMPLES]
        return tuple(_cut(value) for value in found)


def _cut(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"


def first_rows(records: Records) -> list[Values]:
    """The first rows of a table, long texts cut; columns of lists and structures have no values."""
    dialect = dialect_of(records.engine.dialect)
    plain = [column for column in records.columns if column.kind is not Kind.OTHER]
    selected = ", ".join(
        f"SUBSTRING({dialect.quoted(column.name)}, 1, {CHARACTERS}) AS {dialect.quoted(column.name)}"
        if column.kind is Kind.TEXT
        else dialect.quoted(column.name)
        for column in plain
    )
    rows = records.engine.query(f"SELECT {selected} FROM {records.source} LIMIT {ROWS}")
    texts = records.missing_values
    return [
        Values(column, _known(rows[column.name].to_pylist(), column.kind, texts))
        for column in plain
    ]


def _known(values: Sequence[Any], kind: Kind, texts: Sequence[str]) -> list[Any]:
    """Values with `None` for those that mean missing."""
    absent = {value for value in set(values) if value is None or means_missing(value, kind, texts)}
    if not absent:
        return list(values)
    return [None if value in absent or value != value else value for value in values]  # noqa: PLR0124 - NaN
