"""What a watch found: alarms, and each group as it is now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from evenhand.errors import Note
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Missing
from evenhand.results.origin import MetricNote, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A place in the stream.

    Attributes
    ----------
    row : int
        Rows of all groups up to there.
    n : int
        Rows of this group up to there.
    time : str or None
        Its time, as a date or a number; `None` without a column of times.
    """

    row: int
    n: int
    time: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPart:
    """A cell of a group, in the explanation of an alarm.

    Attributes
    ----------
    group : mapping
        Values that tell it from the rest of the group.
    rows : int
        Its rows since the change.
    before, since : float or None
        Its rate before the change and since; `None` where it had no rows.
    share_before, share_since : float
        Its share of the denominator before and since.
    answers : float
        What it adds to the change of the group's rate by its own rate.
    effect : float
        What it adds by its rate and by its share.
    """

    group: Mapping[str, str]
    rows: int
    before: float | None
    since: float | None
    share_before: float
    share_since: float
    answers: float
    effect: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Worse answers, or other cases.

    Attributes
    ----------
    against : {'before', 'others'}
        What the group is held against: itself before the change, or, where it is above the threshold, all others.
        Then `before` of the parts is the others', and `since` its own.
    by : str
        The attribute whose cells explain the most.
    change : float
        The group's rate since the change, less that before.
    answers : float
        The part of it that comes from the rates of the cells.
    case_mix : float
        The part that comes from their shares.
    this_run : bool
        Whether it is of the rows of this run only.
    parts : tuple of WatchPart
        Cells, those that add most first.
    """

    against: Literal["before", "others"]
    by: str
    change: float
    answers: float
    case_mix: float
    this_run: bool
    parts: tuple[WatchPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAlarm:
    """Evidence that reached its limit.

    Attributes
    ----------
    group : mapping
        The group by its values; empty for everyone.
    kind : {'above', 'changed'}
        Above the threshold, or worse than the group's own past.
    at : Moment
        When the evidence reached its limit.
    since : Moment
        Where the run of evidence began: an estimate of when it became worse.
    rate : float or None
        Rate since then.
    before : float or None
        Rate before; `None` where there was nothing before, and where it became worse after a settlement.
    past_limit : float or None
        What the group's past is known not to exceed; `None` while it is not known.
    settled : bool
        Whether it has been so ever since the last settlement, or for all but fewer than 50 rows.
    rate_then : float or None
        Rate of the rows whose evidence it is: up to `at`, since the last settlement, or, of a change, since `since`.
    new : bool
        Whether it came with the rows of this run.
    diagnosis : Diagnosis or None
        What changed; `None` where the rows before the change are not at hand.
    undiagnosed : str or None
        Why there is none.
    """

    group: Mapping[str, str]
    kind: Literal["above", "changed"]
    at: Moment
    since: Moment
    rate: float | None
    before: float | None
    past_limit: float | None
    settled: bool
    rate_then: float | None
    new: bool
    diagnosis: Diagnosis | None
    undiagnosed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledAlarm:
    """An alarm that somebody closed.

    Attributes
    ----------
    group : mapping
        The group by its values; empty for everyone.
    kind : {'above', 'changed'}
        As of the alarm.
    at : Moment
        When the evidence had reached its limit.
    since : Moment
        Where the run of evidence had begun.
    settled : Moment
        When it was closed.
    note : str
        What was done.
    rate : float or None
        Rate from `since` until it was closed; of an alarm above the threshold that when the evidence reached its limit.
    rate_since : float or None
        Rate since it was closed.
    rows_since : int
        Rows of the group since then.
    """

    group: Mapping[str, str]
    kind: Literal["above", "changed"]
    at: Moment
    since: Moment
    settled: Moment
    note: str
    rate: float | None
    rate_since: float | None
    rows_since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPoint:
    """Rows of a group between two places.

    Attributes
    ----------
    until : Moment
        The later of them.
    value : float or None
        Rate of the rows in between.
    rows : int
        How many they are.
    """

    until: Moment
    value: float | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedGroup:
    """A group as it is now.

    Attributes
    ----------
    group : mapping
        By its values; empty for everyone.
    n_rows : int
        Rows so far.
    value : float or None
        Rate over all of them.
    rows_since : int
        Rows since the last settlement; all of them where there was none.
    value_since : float or None
        Rate over those; `None` where there are none.
    log10_evidence : float or None
        Decimal logarithm of the e-value against the threshold: above ``log10(1 / (alpha weight))`` it is an alarm.
    log10_change : float or None
        The same of the change statistic; `None` while the past is too short.
    past_limit : float or None
        What its past is known not to exceed; `None` while it is not known.
    found : bool
        Whether it is among those that are above, by e-BH over all groups as they are now.
    state : {'alarm', 'quiet', 'too_few'}
        Whether it has an alarm; with fewer than 50 rows, or units, since the last settlement it has too few to be
        quiet.
    history : tuple of WatchPoint
        Rates over time.
    """

    group: Mapping[str, str]
    n_rows: int
    value: float | None
    rows_since: int
    value_since: float | None
    log10_evidence: float | None
    log10_change: float | None
    past_limit: float | None
    found: bool
    state: Literal["alarm", "quiet", "too_few"]
    history: tuple[WatchPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of rows and files.

    Attributes
    ----------
    files : int
        Tables taken in, in this run.
    repeated_files : int
        Files that were taken in before, by their content, and were skipped.
    rows : int
        Rows that count, of all runs.
    new_rows : int
        Those of this run.
    late : int
        Rows older than the newest before them.
    duplicates : int
        Rows delivered again as they were.
    corrected : int
        Rows delivered again with other values, which hold now.
    out_of_bounds : int
        Rows better than the bounds allow, counted as the bound.
    beyond_bound : int
        Rows worse than the bounds allow: counted as they are, and as the bound where a change is looked for.
    withdrawn : int
        Alarms that later corrections took back.
    """

    files: int
    repeated_files: int
    rows: int
    new_rows: int
    late: int
    duplicates: int
    corrected: int
    out_of_bounds: int
    beyond_bound: int
    withdrawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """How it was asked.

    Attributes
    ----------
    by : tuple of str
        The groups that are watched, as they were asked for.
    explain : tuple of str
        Columns that explain what changed.
    where : str or None
        Which rows are read.
    unit : str or None
        Column of what is independent.
    time : str or None
        Column that orders the rows.
    id : str or None
        Column that names them.
    threshold : float or None
        The rate that is tolerated.
    run_length : float
        Rows of a group, on average, before a change is told that is none.
    groups : int
        Groups that share the level.
    merged : int
        Watches that were merged, each with its own promise; 1 where none were.
    bounds : tuple of float or None
        Of a row's value; the upper is `None` where nobody knows it.
    bins : mapping
        Edges of the attributes that are cut.
    missing_values : tuple of str
        Texts that mean missing.
    command : str
        What asks again.
    versions : mapping
        Of what computed it.
    """

    by: tuple[str, ...]
    explain: tuple[str, ...]
    where: str | None
    unit: str | None
    time: str | None
    id: str | None
    threshold: float | None
    run_length: float
    groups: int
    merged: int
    bounds: tuple[float, float | None]
    bins: Mapping[str, tuple[float, ...]]
    missing_values: tuple[str, ...]
    command: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Shown):
    """What a watch found so far.

    Attributes
    ----------
    metric : MetricNote
        What is watched.
    level : float
        Probability that no group within the threshold is ever called above it.
    source : Source
        The tables of this run.
    alarms : tuple of WatchAlarm
        The newest first.
    settled : tuple of SettledAlarm
        Alarms that were closed, the last closed first.
    groups : tuple of WatchedGroup
        Everyone, then the groups in the order of their rates since the last settlement, the worst first.
    log10_somewhere : float or None
        Decimal logarithm of the e-value against *no group is above*; `None` without a threshold.
    taken : Taken
        What became of rows and files.
    missing : tuple of Missing
        Rows that lack something, by what.
    notes : tuple of Note
        What a reader should know first, and how it was computed.
    settings : WatchSettings
        How it was asked.
    """

    SCHEMA: ClassVar[str] = "evenhand.watch/1"
    ROOM: ClassVar[str] = "evenhand.watching"

    metric: MetricNote
    level: float
    source: Source
    alarms: tuple[WatchAlarm, ...]
    settled: tuple[SettledAlarm, ...]
    groups: tuple[WatchedGroup, ...]
    log10_somewhere: float | None
    taken: Taken
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: WatchSettings

    @property
    def settled_before(self) -> bool:
        """Whether somebody settled it: evidence began anew there."""
        return any(one.rows_since < one.n_rows for one in self.groups)

    @property
    def exit_code(self) -> int:
        """0 where it is quiet, 1 with an alarm, 3 with too little to say either."""
        if self.alarms:
            return 1
        return 3 if all(group.state == "too_few" for group in self.groups) else 0
