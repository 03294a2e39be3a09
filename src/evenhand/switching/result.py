"""What switching services would change: values that go to JSON and back unchanged."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from evenhand.differential.result import Effect
from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source

Gained = Literal["gains", "loses", "no loss", "insufficient evidence"]
Placed = Literal["falls behind", "catches up", "keeps up", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedService:
    """A service that was compared.

    Attributes
    ----------
    name : str
        What it is called: the column of its answers.
    expression : str
        The metric over its answers, with every argument named.
    n_scored : int
        Rows that it was scored on, paired or not.
    n_unpaired : int
        Those of them that another service was not scored on; they are in no number.
    """

    name: str
    expression: str
    n_scored: int
    n_unpaired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedRows:
    """Rows of a group on which a service was not scored and another one was; they are in no number.

    Attributes
    ----------
    by : tuple of str
        The attributes that the group's partition cuts by.
    predicate : str
        The group.
    service : str
        The service that was not scored.
    n_rows : int
        How many rows of the group these are.
    share : float
        Their share of the group's rows that any service was scored on.
    uneven : bool
        Whether groups of the partition differ in this share by more than chance.
    """

    by: tuple[str, ...]
    predicate: str
    service: str
    n_rows: int
    share: float
    uneven: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EverybodySwitch:
    """Everybody under one service.

    Attributes
    ----------
    service : str
        The service.
    estimate : Estimate
        The metric over all paired rows.  Its interval holds for this value alone.
    change : Effect or None
        What switching to it from the first service would change for everybody; above 0 is a loss.
        `None` for the first service.
    verdict : Gained or None
        `gains`, `loses`, `no loss` or `insufficient evidence`; `None` for the first service.
    """

    service: str
    estimate: Estimate
    change: Effect | None
    verdict: Gained | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSwitch:
    """One group under one service.

    Attributes
    ----------
    by : tuple of str
        The attributes that the group's partition cuts by.
    group : dict
        Its value of each attribute; for a bin its bounds, for a predicate true.
    predicate : str
        The group as a predicate: give it to `--where` to look at its rows.
    service : str
        The service.
    estimate : Estimate
        The metric over the group's paired rows; its interval holds for this value alone.
    change : Effect or None
        What switching to it from the first service would change for the group; above 0 is a loss.
        `None` for the first service.
    verdict : Gained or None
        Verdict on the change: `gains`, `loses`, `no loss` (not more than the tolerance is lost) or
        `insufficient evidence`; `None` for the first service.
    gap : float or None
        How much worse off the group is under this service than the others whose attribute is known;
        below 0 it is better off.  `None` where a side is undefined.
    gap_change : Effect or None
        The group's change less that of the others: how much the gap grows by switching.  Above 0
        the group falls behind the others.  `None` for the first service.
    gap_verdict : Placed or None
        Verdict on it: `falls behind`, `catches up`, `keeps up` (does not fall behind by more than the
        tolerance) or `insufficient evidence`; `None` for the first service.
    """

    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    service: str
    estimate: Estimate
    change: Effect | None
    verdict: Gained | None
    gap: float | None
    gap_change: Effect | None
    gap_verdict: Placed | None

    @property
    def label(self) -> str:
        """Short name: the attribute values, or the predicate."""
        return PLAIN.group(self.group, self.predicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSwitch:
    """A group and a service about which the statistics will not say.

    Attributes
    ----------
    by : tuple of str
        The attributes of the group's partition.
    predicate : str
        The group.
    service : str
        The service that would be switched to.
    reason : str
        Why; see the table of reasons.
    message : str
        The refusal as a sentence.
    """

    by: tuple[str, ...]
    predicate: str
    service: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSettings:
    """The options that decided, so that anyone can ask again.

    Attributes
    ----------
    by : tuple of str
        Every partition that was compared, attributes joined by commas.
    where : str or None
        The predicate that kept rows; `None` where all were kept.
    tolerance : float
        A change, or a change of a gap, up to this is no harm.
    min_units : int
        Groups with fewer units were refused.
    adjust : str
        Correction of the changes: `max-t`, `holm` or `bh`.
    comparisons : int
        How many changes of groups were tested together.
    seed : int
        Of the simulation behind simultaneous intervals.
    missing_values : tuple of str
        Texts that mean missing in attribute and unit columns, labels and scores.
    bins : dict
        The edges at which numeric attributes were cut.
    command : str
        A command line that finds the same again.
    versions : dict
        Python and the packages whose versions may move a number.
    """

    by: tuple[str, ...]
    where: str | None
    tolerance: float
    min_units: int
    adjust: str
    comparisons: int
    seed: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches(Shown):
    """What switching from the first service to each other one would change for each group.

    Prints as tables, also in notebooks; `to_dict`, `to_json`, `to_csv` and `to_html` give the other
    forms, and `from_dict` the way back.

    Three kinds of numbers, each with simultaneous confidence within itself: changes for everybody,
    changes for groups, and changes of gaps (a group's change less that of the others).  All are of
    the same rows under both services.

    Attributes
    ----------
    metric : MetricNote
        What was measured; its expression is that of the first service.
    level : float
        Confidence of all numbers of one kind together, for example 0.95.
    unit : str or None
        Column that names the independent unit; `None` where each row counts as independent.
    source : Source
        Where the records came from.  Its rows are those on which all services were scored.
    services : tuple of ComparedService
        The services, the one that is switched from first.
    overall : tuple of EverybodySwitch
        Everybody: one entry a service, the first service first.
    groups : tuple of GroupSwitch
        One entry a group and service, the first service first within each group.
    unpaired : tuple of UnpairedRows
        Rows by group on which one service was scored and another was not.  Empty where all were
        scored on the same rows.
    refused : tuple of RefusedSwitch
        Groups about which the statistics will not say.
    missing : tuple of Missing
        Attributes and metric columns with rows that lack them.  These rows are not in the numbers.
    notes : tuple of Note
        What a reader must know besides, each with a stable `code` and a `text`; most are shown
        before the numbers.
    settings : SwitchSettings
        The options that decided.
    """

    SCHEMA: ClassVar[str] = "evenhand.switches/1"
    ROOM: ClassVar[str] = "evenhand.switching"

    metric: MetricNote
    level: float
    unit: str | None
    source: Source
    services: tuple[ComparedService, ...]
    overall: tuple[EverybodySwitch, ...]
    groups: tuple[GroupSwitch, ...]
    unpaired: tuple[UnpairedRows, ...]
    refused: tuple[RefusedSwitch, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: SwitchSettings

    @property
    def by(self) -> tuple[tuple[str, ...], ...]:
        """The partitions."""
        return tuple(dict.fromkeys(one.by for one in self.groups))

    def switched(self, service: str, by: tuple[str, ...]) -> tuple[GroupSwitch, ...]:
        """What becomes of the groups of a partition by switching to a service."""
        return tuple(one for one in self.groups if one.service == service and one.by == by)

    def to_csv(self) -> str:
        """One row a group and service, as comma-separated values."""
        return str(self.drawn_by("csv").render_csv(self))
