"""What a repair does: values that go to JSON and back unchanged."""

from dataclasses import dataclass, field
from typing import ClassVar

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.shown import Shown
from evenhand.repairs.fitted import FittedRepair
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source
from evenhand.switching.result import GroupSwitch, Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairRule:
    """The rule that the repair was to reach, and whether it did on held-out rows.

    Attributes
    ----------
    kind : str
        ``maximum``, ``minimum``, ``maximum difference`` or ``worst group``.
    limit : float or None
        The number of the rule; `None` for ``worst group``.
    before : float or None
        As it stands, on the held-out rows: the value furthest on the wrong side, or the largest difference.
    after : float or None
        The same with the repair.
    excess : float or None
        For ``worst group``: how much worse the worst group is with the repair than `worst` was before; below 0 it is
        better.
    low, high : float or None
        Bounds of `after`, for ``worst group`` of `excess`; they hold for all groups at once.  `None` on the wrong side
        where nothing is known of some group.
    worst : str
        The group that was worst off as it stands, by the practice rows.
    answer : str
        ``reached`` and ``not reached`` only where the bounds show it, else ``insufficient evidence``.
    """

    kind: str
    limit: float | None
    before: float | None
    after: float | None
    excess: float | None
    low: float | None
    high: float | None
    worst: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedGroup:
    """A group with the repair, on held-out rows.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group.
    practice_rows : int
        Rows that the repair was learnt from.
    estimate : Estimate
        The metric with the repair; the intervals of all groups hold at once.
    keeps : bool or None
        Whether it keeps the rule; `None` where that is not known.
    """

    group: dict[str, Key]
    predicate: str
    practice_rows: int
    estimate: Estimate
    keeps: bool | None

    @property
    def label(self) -> str:
        """Short name: the attribute values."""
        return PLAIN.group(self.group, self.predicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedRepair:
    """A repair that was tried, with what practice rows said of it.

    Attributes
    ----------
    name : str
        What it is called.
    uses_group : bool
        Whether a row's group changes its decision.
    by_chance : bool
        Whether two rows that are alike may be decided otherwise: such repairs are shown, and never chosen.
    value : float or None
        What the rule is about, on practice rows that the repair had not seen (cross-fitted).
    errors : float or None
        Share of the practice rows that are wrong.
    answer : str or None
        What the rule's bounds say on practice rows; only held-out rows prove it.
    chosen : bool
        Whether it was tested on the held-out rows.
    reason : str or None
        Why it could not be tried.
    passed_over : str or None
        Why it was tried and not chosen.
    """

    name: str
    uses_group: bool
    by_chance: bool
    value: float | None
    errors: float | None
    answer: str | None
    chosen: bool
    reason: str | None
    passed_over: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairSettings:
    """How the repair was asked for.

    Attributes
    ----------
    by : tuple of str
        What groups are told apart by.
    where : str or None
        Rows that were read.
    held_out : float
        Share of the units that were sealed.
    allowance : float
        Share of the rows by which errors may grow, where the worst group is to be better off.
    min_units : int
        Units that an interval needs.
    seed : int
        Of the parting.
    missing_values : tuple of str
        Texts that mean missing.
    bins : dict
        Where numeric attributes are cut.
    command : str
        What finds the same again.
    versions : dict
        Of what computed it.
    parting : str or None
        SHA-256 of which rows are held out: `evenhand fix apply` makes the parting of the same file again, and marks
        the rows that the repair was learnt from.
    columns : str
        What columns hold, as somebody knew better.
    """

    by: tuple[str, ...]
    where: str | None
    held_out: float
    allowance: float
    min_units: int
    seed: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str]
    parting: str | None = None
    columns: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairTrial(Shown):
    """A repair, chosen on practice rows and tested once on held-out ones.

    Attributes
    ----------
    metric : MetricNote
        What the rule is about; its expression is that of the decisions as they stand.
    rule : RepairRule
        Whether it was reached.
    level : float
        Confidence of all bounds of one kind together.
    unit : str or None
        What is independent.
    source : Source
        Where the rows came from.
    practice_rows, practice_units, held_out_rows, held_out_units : int
        The two parts: no unit is in both.
    groups : tuple of RepairedGroup
        Each group with the repair, on held-out rows.
    change : Switches
        From the decisions as they stand to the repaired ones: who gains and who loses in the metric, row by row.
    errors : Switches or None
        The same in wrong decisions, which pay for what the metric does not count; `None` where the metric is the
        error rate.
    sides : tuple of Switches
        The same in cases that are missed and in false alarms, except the one that is the metric: where one falls the
        other rises.  Empty where the label is a predicate.
    levelling_down : bool
        Whether the groups come nearer to each other because somebody is worse off, and the worst group is no better.
    tried : tuple of TriedRepair
        All repairs, in the order of the choice.
    repair : FittedRepair
        The one that was chosen; `evenhand fix apply` applies it.
    fallback_rows : tuple of Missing
        Held-out rows that were decided by what holds for everybody, by reason.
    missing : tuple of Missing
        Rows that are in no number.
    notes : tuple of Note
        What a reader must know.
    settings : RepairSettings
        How it was asked for.
    changed_rows : dict
        Held-out rows of each group, by its predicate, whose decision is now another; rows in no group are one.
    """

    SCHEMA: ClassVar[str] = "evenhand.fix/1"
    ROOM: ClassVar[str] = "evenhand.repairs"

    metric: MetricNote
    rule: RepairRule
    level: float
    unit: str | None
    source: Source
    practice_rows: int
    practice_units: int
    held_out_rows: int
    held_out_units: int
    groups: tuple[RepairedGroup, ...]
    change: Switches
    errors: Switches | None
    sides: tuple[Switches, ...]
    levelling_down: bool
    tried: tuple[TriedRepair, ...]
    repair: FittedRepair
    fallback_rows: tuple[Missing, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: RepairSettings
    changed_rows: dict[str, int] = field(default_factory=dict)

    @property
    def payers(self) -> tuple[GroupSwitch, ...]:
        """Groups that are proven to lose, in the metric, in wrong decisions, in misses or in false alarms."""
        return tuple(one for each in self.prices for one in each.groups if one.verdict == "loses")

    @property
    def prices(self) -> tuple[Switches, ...]:
        """All that a group may pay in."""
        return (self.change, *([self.errors] if self.errors is not None else []), *self.sides)

    @property
    def as_it_stands(self) -> bool:
        """Whether decisions stay as they are, so that nobody gains or pays."""
        return self.repair.kind == "as it stands"

    @property
    def other_prices(self) -> tuple[Switches, ...]:
        """What a group may pay in besides the metric, where anything changes."""
        return () if self.as_it_stands else self.prices[1:]

    @property
    def untouched(self) -> frozenset[str]:
        """Groups, by their predicates, of which no decision changed."""
        return frozenset(predicate for predicate, rows in self.changed_rows.items() if not rows)
