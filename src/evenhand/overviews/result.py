"""What a look at a table says."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.errors import Note
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenColumn:
    """A column as it was seen.

    Attributes
    ----------
    name : str
        What it is called.
    kind : str
        `boolean`, `integer`, `number`, `text`, `date` or `other`.
    missing : int
        Rows without a value.
    different : int
        Different values.
    examples : tuple of str
        The most frequent values, or the first ones where hardly any repeats.
    role : str
        What it looks like, by its values and its name; empty where they do not tell.
    """

    name: str
    kind: str
    missing: int
    different: int
    examples: tuple[str, ...]
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingShare:
    """Values that some groups lack more often than others.

    Attributes
    ----------
    column : str
        Whose values.
    by : str
        What groups are told apart by.
    most, least : str
        The group that lacks most, and least.
    share, least_share : float
        Shares of their rows.
    """

    column: str
    by: str
    most: str
    share: float
    least: str
    least_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spellings:
    """Values of a column that may be one.

    Attributes
    ----------
    column : str
        Whose values.
    values : tuple of str
        The most frequent first.
    rows : tuple of int
        Rows of each.
    """

    column: str
    values: tuple[str, ...]
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Units that stand in several groups.

    Attributes
    ----------
    unit : str
        The column that names them.
    by : str
        What groups are told apart by.
    units : int
        Those with rows in several.
    of : int
        All.
    """

    unit: str
    by: str
    units: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(Result):
    """What a table holds, and what could be asked of it.

    Attributes
    ----------
    table : str
        What the user called it.
    log : str
        The tool whose log it is, as ``--read`` names it; empty for tables.
    rows : int
        All rows.
    looked_at : int
        Rows that were looked at: the first ones.
    columns : tuple of SeenColumn
        The columns, in their order.
    missing : tuple of MissingShare
        Where values are missing unevenly.
    spellings : tuple of Spellings
        Values that may be one.
    crossings : tuple of Crossing
        Units that stand in several groups.
    notes : tuple of Note
        How the table was read, and rows that count twice.
    next : tuple of str
        Commands that could be run.
    """

    SCHEMA: ClassVar[str] = "evenhand.overview/1"

    table: str
    log: str
    rows: int
    looked_at: int
    columns: tuple[SeenColumn, ...]
    missing: tuple[MissingShare, ...]
    spellings: tuple[Spellings, ...]
    crossings: tuple[Crossing, ...]
    notes: tuple[Note, ...]
    next: tuple[str, ...]

    def of_role(self, role: str) -> list[str]:
        """Names of the columns that look like something."""
        return [column.name for column in self.columns if column.role == role]
