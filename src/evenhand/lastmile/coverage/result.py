"""What coverage says: the state of each cell, and what is missing there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.pages.spreadsheet import groups_csv
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source

State = Literal["covered", "thin", "empty", "synthetic only"]
#: From the worst to the best.
STATES: tuple[State, ...] = ("empty", "synthetic only", "thin", "covered")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredCell:
    """A cell, what there is of it and what is missing.

    Attributes
    ----------
    group : dict
        The attributes and their values; of a predicate true or false.
    predicate : str
        The rows of the cell, as a predicate.
    share : float or None
        Of the population; `None` where none was named.
    natural_rows, natural_units : int
        Rows that are no synthetic ones, and the units that they come from: the same number where each row is one.
    scored_units : int or None
        Of the natural units those that say something about the metric; `None` without a metric.
    synthetic_rows, synthetic_units : int
        Rows that were made, counted apart; they cover nothing.
    value : float or None
        The metric over the natural rows.
    state : str
        `covered` (natural units enough), `thin` (some, too few), `empty` (no row), or `synthetic only` (no
        natural row).
    detectable : float or None
        The smallest difference from the rest that the natural units show in four samples of five, in the metric's
        units, of this comparison alone; the rest is taken to be known at least as well as the cell.  `None` where
        they show none, with the reason.
    basis : str
        What that rests on: `rate` (of all natural rows), `cell` (how much its own units vary), `others` (the cell
        whose units vary most), or `worst case` (a proportion of one half).
    wanted, missing : int or None
        Units that would cover the cell, and those of them that are not there; `None` where nothing tells how many.
    filled : bool
        Whether natural and synthetic units together are as many as are wanted; the state is that of natural ones.
    reason : str or None
        Why there is no detectable difference.
    """

    group: dict[str, str | int | float | bool]
    predicate: str
    share: float | None
    natural_rows: int
    natural_units: int
    scored_units: int | None
    synthetic_rows: int
    synthetic_units: int
    value: float | None
    state: State
    detectable: float | None
    basis: str
    wanted: int | None
    missing: int | None
    filled: bool
    reason: str | None

    @property
    def label(self) -> str:
        """Values of the group side by side; of what is true or false its name."""
        return ", ".join(
            (name if value else f"not {name}") if isinstance(value, bool) else str(value)
            for name, value in self.group.items()
        )

    @property
    def units(self) -> int:
        """Natural units that count: of a metric those that say something about it."""
        return self.natural_units if self.scored_units is None else self.scored_units


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    """Cells of one state.

    Attributes
    ----------
    state : str
        `covered`, `thin`, `empty` or `synthetic only`.
    cells : int
        How many: of those that the population has; without one of all.
    share : float or None
        Of the population.
    """

    state: State
    cells: int
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationNote:
    """Whom the service is for.

    Attributes
    ----------
    name : str
        The file or the table.
    rows : int or None
        Of traffic that was counted; `None` of shares that were given.
    missing : tuple of Missing
        Rows of it that lack an attribute; they are in no share.
    """

    name: str
    rows: int | None
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSettings:
    """How coverage was asked for.

    Attributes
    ----------
    by : tuple of str
        What cells are told apart by.
    predicates : tuple of str
        Those of them that are predicates.
    synthetic : str or None
        Which rows are synthetic.
    where : str or None
        Rows that were read.
    min_units : int
        Natural units that a covered cell has at least.
    detect : float or None
        Difference from the rest that a covered cell shows.
    missing_values : tuple of str
        Texts that mean missing.
    bins : dict
        Where numeric attributes were cut.
    command : str
        What asks again.
    versions : dict
        Of what computed it.
    """

    by: tuple[str, ...]
    predicates: tuple[str, ...]
    synthetic: str | None
    where: str | None
    min_units: int
    detect: float | None
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Shown):
    """Which cells of groups and conditions a table tells of, against a population.

    Attributes
    ----------
    metric : MetricNote or None
        What is to be measured; `None` where only rows are counted.
    level : float
        Of the interval that a difference must leave 0 out of.
    unit : str or None
        What is independent.
    source : Source
        The table.
    population : PopulationNote or None
        Whom the service is for; `None` where nobody said.
    cells : tuple of CoveredCell
        Crossings of all levels that occur in the table or the population; without the crossings that occur in neither
        where a population is named.  What is missing of the largest share stands first.
    states : tuple of StateCount
        How many cells have each state.
    left_out : int
        Crossings that occur neither in the table nor in the population that was named.
    outside_rows : int
        Natural rows in cells that the population does not have.
    missing : tuple of Missing
        Rows of the table that are in no cell, or say nothing about the metric.
    notes : tuple of Note
        What a reader must know.
    settings : CoverageSettings
        How it was asked for.
    """

    SCHEMA: ClassVar[str] = "evenhand.coverage/1"
    ROOM: ClassVar[str] = "evenhand.lastmile.coverage"

    metric: MetricNote | None
    level: float
    unit: str | None
    source: Source
    population: PopulationNote | None
    cells: tuple[CoveredCell, ...]
    states: tuple[StateCount, ...]
    left_out: int
    outside_rows: int
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: CoverageSettings

    @property
    def lacking(self) -> Iterator[CoveredCell]:
        """Cells of which something is missing, in their order; without those that nobody of the population is in."""
        return (cell for cell in self.cells if cell.state != "covered" and cell.share != 0)

    def to_csv(self) -> str:
        """What is missing, a line a cell: its attributes, units that are there, wanted and missing, and its share."""
        heads = ("state", "natural", "synthetic", "wanted", "missing", "share")
        lines = (
            (
                cell.group,
                [
                    cell.state,
                    cell.units,
                    cell.synthetic_units,
                    cell.wanted,
                    cell.missing,
                    None if cell.share is None else f"{cell.share:.6g}",
                ],
            )
            for cell in self.lacking
        )
        return groups_csv(self.settings.by, heads, lines)
