"""What one call of a watch took in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenhand.errors import Note
from evenhand.results.origin import MetricNote
from evenhand.watching.book import Book
from evenhand.watching.reading import ScoredRows


@dataclass(slots=True, kw_only=True)
class Intakes:
    """What one call took in.

    Attributes
    ----------
    book, metric, bins
        Of the last table.
    known : set, optional
        Alarms that there were before, by group and kind.
    kept : list of (int, ScoredRows)
        Rows of this run, each with the number of rows before.
    journal : bool
        Whether rows are in the state's journal.
    sources : list of (str, str or None)
        Tables and the SHA-256 of their bytes.
    files, repeated, new_rows : int
    notes : tuple of Note
    stream : bool
        Whether lines of a stream were among them.
    grown : list of str
        Files of whose name others were taken in before.
    empty : list of str
        Files without a byte.
    alike : str, optional
        Of the first table most rows of which have a name that others have, too.
    unusable : str, optional
        Why the first line of a stream that cannot be used cannot.
    """

    book: Book | None = None
    metric: MetricNote | None = None
    bins: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    known: set[tuple[Any, str]] | None = None
    kept: list[tuple[int, ScoredRows]] = field(default_factory=list)
    journal: bool = False
    sources: list[tuple[str, str | None]] = field(default_factory=list)
    files: int = 0
    repeated: int = 0
    new_rows: int = 0
    notes: tuple[Note, ...] = ()
    stream: bool = False
    grown: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    alike: str | None = None
    unusable: str | None = None
