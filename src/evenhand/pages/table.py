"""Tables before they are shown: columns with heads, rows of cells, the first of which names the row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column.

    Attributes
    ----------
    head : str
    left : bool
        Words stand left, numbers right.
    fold : bool
        Whether its cells may run over several lines.
    need : int
        What there is no room for goes into a second table: the highest first.
    """

    head: str
    left: bool = False
    fold: bool = False
    need: int = 0


@dataclass(frozen=True, slots=True)
class TableCell:
    """What stands in a table: a text, its kind of verdict if it tells one, and small print."""

    text: str
    kind: str = field(default="", kw_only=True)
    note: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; `label` says what it shows to those who cannot see it."""

    label: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[TableCell, ...], ...]

    def of_columns(self, places: Sequence[int]) -> "Table":
        """The same rows with some of the columns."""
        return replace(
            self,
            columns=tuple(self.columns[place] for place in places),
            rows=tuple(tuple(row[place] for place in places) for row in self.rows),
        )


def table_of(
    label: str, columns: Iterable[TableColumn | None], rows: Iterable[Sequence[TableCell | str]]
) -> Table:
    """A table; where a column is `None` it and the cells below it are left out."""
    kept = [(place, column) for place, column in enumerate(columns) if column is not None]
    return Table(
        label=label,
        columns=tuple(column for _, column in kept),
        rows=tuple(tuple(_cell(row[place]) for place, _ in kept) for row in rows),
    )


def _cell(given: TableCell | str) -> TableCell:
    return given if isinstance(given, TableCell) else TableCell(given)
