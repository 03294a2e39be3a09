"""The seam to what other tools write: a reader knows its files by their content and gives rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.row import LogRow
from evenhand.records.logs.spool import LogPart


class OwnNumber(NamedTuple):
    """What the tool itself says of a score: told where the mean of the rows is another number.

    Attributes
    ----------
    score : str
        The score, by the tool's name.
    name : str
        What the tool calls the number.
    value : float
    why : str
        How the tool comes to it, as the end of a sentence.
    where : Mapping
        Columns and values of the rows that it is of.
    """

    score: str
    name: str
    value: float
    why: str
    where: Mapping[str, str] = {}


class Log:
    """One log of a tool.

    Parameters
    ----------
    path : Path
        Its file or folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def own_numbers(self) -> Iterator[OwnNumber]:
        """What the tool says of its scores; asked for when all rows are read."""
        yield from ()

    def notes(self) -> Iterator[str]:
        """What a reader must know of the log, as sentences; asked for when all rows are read."""
        yield from ()


class RowLog(Log, ABC):
    """A log that is read row by row."""

    @abstractmethod
    def rows(self) -> Iterator[LogRow]:
        """Each answer that was judged, one by one."""


class TableLog(Log, ABC):
    """A log whose rows the engine reads by itself."""

    @abstractmethod
    def part(self, engine: DuckDBEngine, folder: Path) -> LogPart:
        """The rows as a query.

        Parameters
        ----------
        engine : DuckDBEngine
        folder : Path
            Where files can be laid down that the query reads.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReader:
    """How the files of one tool are read.

    Attributes
    ----------
    name : str
        What ``--read`` takes.
    title : str
        What the tool is called.
    recognises : callable
        Whether a file, or a folder, is of this tool.
    open : callable
        A log from its path.
    unit : str
        Column whose values are independent, unless a person names another.
    letters : Mapping
        Numbers that texts of scores stand for, where all texts of a score are among them.
    choice : tuple of str
        Columns whose values tell readings of one answer: one of them must be chosen.
    renamed : Mapping
        What columns of its files are called here: who knows the file asks for them by its own names.
    """

    name: str
    title: str
    recognises: Callable[[Glimpse], bool]
    open: Callable[[Path], RowLog | TableLog]
    unit: str = "id"
    letters: Mapping[str, float] = field(default_factory=dict)
    choice: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
