"""What a plan of rows to train on says."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.pages.spreadsheet import groups_csv
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """A number that learning curves tell, with the interval of all curves that fit.

    Attributes
    ----------
    middle : float
        Half of the curves say less.
    low, high : float
        Ends of the interval.
    """

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveReading:
    """A place on the learning curve of a group, all groups growing alike.

    Attributes
    ----------
    rows : float
        Rows of the group for training.
    value : Outlook
        The metric there.
    """

    rows: float
    value: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOutlook:
    """A group, what more data do for it, and how many rows of it to collect next.

    Attributes
    ----------
    group : dict
        The attributes and their values.
    predicate : str
        The rows of the group, as a predicate.
    training_rows, test_rows, test_units : int
        What there is of it.
    value : float or None
        The metric after training with all rows; `None` where it is undefined.
    floor : Outlook or None
        What no amount of data takes it below (above, where higher is better).
    gain : Outlook or None
        How much better the metric gets with `gain_rows` more rows of this group alone.
    gain_rows : int
        What the whole budget buys of it, or three times the rows that there are: no curve is told further.
    next_gain : Outlook or None
        How much better it gets by the round that is planned.
    verdict : str
        `helps`, `does not help` or `insufficient evidence`: whether `gain_rows` more rows of this group take away as
        large a part of its errors as was asked.
    collect : int
        Rows to collect of it in this round.
    cost : float
        Of one row.
    curve : tuple of CurveReading
        Its learning curve, for the figure.
    reason : str or None
        Why there is no curve.
    """

    group: dict[str, str | int | float | bool | None]
    predicate: str
    training_rows: int
    test_rows: int
    test_units: int
    value: float | None
    floor: Outlook | None
    gain: Outlook | None
    gain_rows: int
    next_gain: Outlook | None
    verdict: str
    collect: int
    cost: float
    curve: tuple[CurveReading, ...]
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRun:
    """A training with a part of the rows, and what came of it.

    Attributes
    ----------
    rows : tuple of int
        Of each group, in the order of the groups.
    values : tuple of (float or None)
        The metric of each group.
    """

    rows: tuple[int, ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementSettings:
    """How the plan was asked for.

    Attributes
    ----------
    by : tuple of str
        What groups are told apart by.
    where : str or None
        Rows that were read, for training and for testing.
    train : str
        What was called to train.
    budget : float
        What may be spent in all.
    worth : float
        Part of a group's errors that more rows of it must take away to be worth it.
    floor : float
        Part of the round that is spent alike on all groups.
    repeats : int
        Trainings with each part of the rows.
    min_units : int
        Units that a group needs for a curve.
    seed : int
        Of the rows that trainings leave out.
    missing_values : tuple of str
        Texts that mean missing.
    command : str
        What makes the plan again.
    versions : dict
        Of what computed it.
    """

    by: tuple[str, ...]
    where: str | None
    train: str
    budget: float
    worth: float
    floor: float
    repeats: int
    min_units: int
    seed: int
    missing_values: tuple[str, ...]
    command: str
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImprovementPlan(Shown):
    """Which rows to collect for training, and for which groups more rows no longer help.

    Attributes
    ----------
    metric : MetricNote
        What is to be made better.
    level : float
        Of the intervals, and of all verdicts together.
    unit : str or None
        What is independent.
    training, testing : Source
        The rows for each.
    groups : tuple of GroupOutlook
        The worst first.
    collect : int
        Rows of this round.
    cost : float
        Of the round: at most a quarter of the budget.
    runs : tuple of TrainingRun
        The trainings, that with all rows first; groups as in `order`.
    order : tuple of str
        Predicates of the groups, in the order of the runs.
    missing : tuple of Missing
        Rows that are in no number.
    notes : tuple of Note
        What a reader must know.
    settings : ImprovementSettings
        How it was asked for.
    """

    SCHEMA: ClassVar[str] = "evenhand.improve/1"
    ROOM: ClassVar[str] = "evenhand.improving"

    metric: MetricNote
    level: float
    unit: str | None
    training: Source
    testing: Source
    groups: tuple[GroupOutlook, ...]
    collect: int
    cost: float
    runs: tuple[TrainingRun, ...]
    order: tuple[str, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: ImprovementSettings

    def to_csv(self) -> str:
        """A line a group, for the people who collect: its attributes, how many rows, and whether they help."""
        lines = (
            (one.group, [one.collect, f"{one.collect * one.cost:g}", one.verdict])
            for one in self.groups
        )
        return groups_csv(self.settings.by, ("collect", "cost", "more_data"), lines)
