"""What a plan of labels says."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.pages.spreadsheet import groups_csv
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell, and the labels to collect of it.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the cell, as a predicate.
    pilot_rows, pilot_units : int
        What the pilot has of it.
    value : float or None
        The metric in the pilot; `None` where it is undefined.
    share : float
        Of the population: of the pilot's rows, or as was said.
    cost : float
        Of one label.
    labels, units : int
        Rows to label, and units that they come from: the same number where each row is one.
    half_width : float or None
        Of the interval: no cell's is wider, with the assurance of the plan.  `None` where the pilot cannot
        tell, with the reason.
    expected_half_width : float or None
        The same if the new sample is as the pilot.
    pilot_half_width : float or None
        Of the interval that the pilot's own labels give already; none of them counts in the new sample.
    reason : str or None
        Why there is no half-width.
    """

    group: dict[str, str | int | float | bool]
    predicate: str
    pilot_rows: int
    pilot_units: int
    value: float | None
    share: float
    cost: float
    labels: int
    units: int
    half_width: float | None
    expected_half_width: float | None
    reason: str | None
    pilot_half_width: float | None = None

    @property
    def label(self) -> str:
        """Values of the group side by side."""
        return ", ".join(str(value) for value in self.group.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPair:
    """The difference of two cells that will be known least.

    Attributes
    ----------
    first, second : str
        The cells, as predicates.
    half_width : float
        Of the interval of their difference, with the assurance of the plan.
    detectable : float
        The smallest difference that such an interval finds in four samples of five.
    """

    first: str
    second: str
    half_width: float
    detectable: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOutcome:
    """What the same money gives by a rule.

    Attributes
    ----------
    rule : str
        `minimax-pair`, `neyman`, `proportional` or `equal`.
    labels : tuple of int
        Of each cell that is planned, in the order of the cells.
    worst_pair : float
        Half-width of the difference known least, as the pilot's values have it.
    widest : float
        Half-width of the cell known least, likewise.
    overall : float
        Half-width of the value of all together, likewise.
    """

    rule: str
    labels: tuple[int, ...]
    worst_pair: float
    widest: float
    overall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """How the plan was asked for.

    Attributes
    ----------
    by : tuple of str
        What cells are told apart by.
    where : str or None
        Rows of the pilot that were read.
    rule : str
        How a budget is spent.
    budget, half_width, pair, detect : float or None
        What was asked for: one of them.
    population : str or None
        File or table that shares were taken from; `None` where the pilot's rows are taken for it.
    min_units : int
        Units that each cell has at least.
    missing_values : tuple of str
        Texts that mean missing.
    bins : dict
        Where numeric attributes were cut.
    command : str
        What makes the plan again.
    versions : dict
        Of what computed it.
    """

    by: tuple[str, ...]
    where: str | None
    rule: str
    budget: float | None
    half_width: float | None
    pair: float | None
    detect: float | None
    population: str | None
    min_units: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPlan(Shown):
    """How many labels to collect of each cell, and what they will tell.

    Attributes
    ----------
    metric : MetricNote
        What is to be measured.
    level : float
        Of each interval.
    assurance : float
        With what probability no half-width is wider than is said.
    unit : str or None
        What is independent.
    source : Source
        The pilot.
    cells : tuple of PlannedCell
        The worst of the pilot first.
    labels : int
        All labels.
    cost : float
        Of all of them.
    shared_units : int
        Units of the pilot that have rows in several cells.
    worst_pair : WorstPair or None
        `None` where fewer than two cells can be planned.
    rules : tuple of RuleOutcome
        The same cost spent by each rule.
    missing : tuple of Missing
        Rows of the pilot that are in no number.
    notes : tuple of Note
        What a reader must know.
    settings : PlanSettings
        How it was asked for.
    """

    SCHEMA: ClassVar[str] = "evenhand.plan/1"
    ROOM: ClassVar[str] = "evenhand.lastmile"

    metric: MetricNote
    level: float
    assurance: float
    unit: str | None
    source: Source
    cells: tuple[PlannedCell, ...]
    labels: int
    cost: float
    shared_units: int
    worst_pair: WorstPair | None
    rules: tuple[RuleOutcome, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: PlanSettings

    def to_csv(self) -> str:
        """A line a cell, for the people who collect: its attributes, how many labels, of how many units."""
        lines = (
            (
                cell.group,
                [
                    cell.labels,
                    cell.units,
                    f"{cell.labels * cell.cost:g}",
                    None if cell.half_width is None else f"{cell.half_width:.4f}",
                ],
            )
            for cell in self.cells
        )
        return groups_csv(self.settings.by, ("labels", "units", "cost", "half_width"), lines)
