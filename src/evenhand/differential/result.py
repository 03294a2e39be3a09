"""What differential effects say: values that go to JSON and back unchanged."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.pages.edition import PLAIN
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source

Paid = Literal["worse", "better", "not worse", "insufficient evidence"]
Verdict = Literal["costs more", "not more", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A cost, or a difference of two costs, with its interval.

    Positive is harm, whichever way the metric runs: for an accuracy it is what is lost.  `low`,
    `high` and `p_adjusted` hold for all numbers of its kind at once (see `Effects`);
    `minimum_detectable` is the smallest that would have been found in four trials of five.

    Attributes
    ----------
    value : float or None
        The cost, or one cost less another.  Positive is harm, whichever way the metric runs.
        `None` where a side is undefined or has too few units.
    low : float or None
        Lower end of its interval; holds for all numbers of its kind at once.
    high : float or None
        Upper end of it.
    standard_error : float or None
        Standard error over independent units, with the covariances of units that occur on
        several sides.
    p_value : float or None
        Two-sided p-value of this number alone.
    p_adjusted : float or None
        The same, corrected for all numbers of its kind.
    minimum_detectable : float or None
        The smallest true cost, or difference of costs, that would have been found in four
        trials of five.
    method : str or None
        How the interval was made: `influence-t`; for a cost alone also `newcombe` or
        `newcombe-exact`.
    reason : str or None
        Why there is no value or no interval; `None` where there are both.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    p_value: float | None
    p_adjusted: float | None
    minimum_detectable: float | None
    method: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionOverall:
    """Everybody under one condition; `cost` is `None` for the reference.

    Attributes
    ----------
    condition : str
        The condition, or the reference.
    estimate : Estimate
        The metric over everybody under it.  Its interval holds for this value alone.
    cost : Effect or None
        The metric under the condition less that under the reference.  `None` for the reference.
    verdict : Paid or None
        `worse`, `better`, `not worse` or `insufficient evidence`; `None` for the reference.
    """

    condition: str
    estimate: Estimate
    cost: Effect | None
    verdict: Paid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffect:
    """One group under one condition.

    `cost` is what the condition costs the group, `differential` what it costs the group beyond what
    it costs the others; both are `None` for the reference.  `paid` is the verdict on the first and
    `verdict` that on the second.

    Attributes
    ----------
    by : tuple of str
        The attributes that the group's partition cuts by.
    group : dict
        Its value of each attribute; for a bin its bounds, for a predicate true.
    predicate : str
        The group as a predicate: give it to `--where` to look at its rows.
    condition : str
        The condition, or the reference.
    estimate : Estimate
        The metric over the group under it; its interval holds for this value alone.
    cost : Effect or None
        What the condition costs the group: its metric under the condition less that under the
        reference.  `None` for the reference.
    paid : Paid or None
        Verdict on the cost: `worse`, `better`, `not worse` or `insufficient evidence`; `None`
        for the reference.
    differential : Effect or None
        The group's cost less that of all others whose attribute is known.  `None` for the
        reference.
    verdict : Verdict or None
        Verdict on the differential effect: `costs more`, `not more` or `insufficient evidence`;
        `None` for the reference.  Tables say *gains less* for `costs more` where the group's
        `cost` is not above 0.
    """

    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    condition: str
    estimate: Estimate
    cost: Effect | None
    paid: Paid | None
    differential: Effect | None
    verdict: Verdict | None

    @property
    def label(self) -> str:
        """Short name: the attribute values, or the predicate."""
        return PLAIN.group(self.group, self.predicate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two groups under one condition: what it costs the first beyond what it costs the second.

    Attributes
    ----------
    by : tuple of str
        The attributes of the partition.
    condition : str
        The condition under which the two are compared.
    first : str
        The group that pays more, as a predicate.
    second : str
        The group that pays less.
    differential : Effect
        The cost to the first less the cost to the second.
    verdict : Verdict
        `costs more`, `not more` or `insufficient evidence`.
    """

    by: tuple[str, ...]
    condition: str
    first: str
    second: str
    differential: Effect
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """A group at one dose; `predicate` is `None` for everybody, `dose` for the reference.

    Attributes
    ----------
    by : tuple of str
        The attributes of the group's partition; empty for everybody.
    predicate : str or None
        The group; `None` for everybody.
    label : str
        The group's short name, or `everybody`.
    dose : float or None
        The value of the dose; `None` for rows of the reference, which have none.
    estimate : Estimate
        The metric at this dose; its interval holds for this value alone.
    """

    by: tuple[str, ...]
    predicate: str | None
    label: str
    dose: float | None
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEffect:
    """A group under a condition about which the statistics will not say.

    Attributes
    ----------
    by : tuple of str
        The attributes of the group's partition.
    predicate : str
        The group.
    condition : str
        The condition.
    reason : str
        Why; see the table of reasons.
    message : str
        The refusal as a sentence.
    """

    by: tuple[str, ...]
    predicate: str
    condition: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectsSettings:
    """The options that decided, so that anyone can ask again.

    Attributes
    ----------
    by : tuple of str
        Every partition that was compared, attributes joined by commas.
    only : tuple of str
        The conditions of `--only`; empty where all were compared.
    where : str or None
        The predicate that kept rows; `None` where all were kept.
    dose : str or None
        The column of `--dose`, or `None`.
    tolerance : float
        A cost, or a difference of costs, up to this is no harm.
    min_units : int
        Groups with fewer units under a condition, or under the reference, were refused.
    adjust : str
        Correction of the differential effects: `max-t`, `holm` or `bh`; `holm` also where more
        than 600 sets made max-t too costly.
    comparisons : int
        How many differential effects were tested together.
    seed : int
        Of the simulation behind simultaneous intervals.
    missing_values : tuple of str
        Texts that mean missing in attribute, condition and unit columns.
    bins : dict
        The edges at which numeric attributes were cut.
    command : str
        A command line that finds the same again.
    versions : dict
        Python and the packages whose versions may move a number.
    """

    by: tuple[str, ...]
    only: tuple[str, ...]
    where: str | None
    dose: str | None
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
class Effects(Shown):
    """What each condition costs each group beyond what it costs the others.

    Prints as tables, also in notebooks; `to_dict`, `to_json` and `to_html` give the other forms, and
    `from_dict` the way back.

    Four kinds of numbers, each with simultaneous confidence within itself: costs to everybody, costs
    to groups, differential effects (group against the rest), and pairs of groups.  Pairs are told
    of one condition per partition, `worst`; their confidence covers those of all conditions.

    Attributes
    ----------
    metric : MetricNote
        What was measured.
    level : float
        Confidence of all numbers of one kind together, for example 0.95.  The kinds are costs
        to everybody, costs to groups, differential effects, and pairs.
    unit : str or None
        Column that names the independent unit; `None` where each row counts as independent.
    source : Source
        Where the records came from.  Its rows are those under the reference and under the
        conditions compared with it.
    condition : str
        Column that names the condition of each row.
    reference : str
        The condition that all others are compared with.
    conditions : tuple of str
        The conditions compared with it, in the order in which the records name them first, or
        `--only` does.
    overall : tuple of ConditionOverall
        Everybody: one entry for the reference, then one a condition.
    groups : tuple of GroupEffect
        One entry a group and condition, the reference first within each group.
    pairs : tuple of Pair
        All pairs of groups under one condition of each partition: the one with the widest
        proven difference, else the one that costs everybody most.  Widest proven first.  Empty
        for a partition of more than 40 groups.  The confidence covers the pairs under all
        conditions.
    doses : tuple of Dose
        The metric along `--dose`, for everybody and for each group; empty without it.
    refused : tuple of RefusedEffect
        Groups under a condition about which the statistics will not say.
    missing : tuple of Missing
        Attributes, conditions and metric columns with rows that lack them.  These rows are not
        in the numbers, and `estimate` is always `None`.
    notes : tuple of Note
        What a reader must know besides, each with a stable `code` and a `text`; most are shown
        before the numbers.
    settings : EffectsSettings
        The options that decided.
    weight : str or None
        Column that says how many each row stands for; `None` where each stands for one.
    stratum : str or None
        Column that tells apart the strata within which units were drawn; `None` where there are none.
    """

    SCHEMA: ClassVar[str] = "evenhand.effects/1"
    ROOM: ClassVar[str] = "evenhand.differential"

    metric: MetricNote
    level: float
    unit: str | None
    source: Source
    condition: str
    reference: str
    conditions: tuple[str, ...]
    overall: tuple[ConditionOverall, ...]
    groups: tuple[GroupEffect, ...]
    pairs: tuple[Pair, ...]
    doses: tuple[Dose, ...]
    refused: tuple[RefusedEffect, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: EffectsSettings
    weight: str | None = None
    stratum: str | None = None

    @property
    def costs_more(self) -> tuple[GroupEffect, ...]:
        """Groups that a condition is proven to cost more than the others, the most first."""
        found = (one for one in self.groups if one.verdict == "costs more")
        return tuple(sorted(found, key=lambda one: -(_value(one.differential) or 0.0)))

    @property
    def by(self) -> tuple[tuple[str, ...], ...]:
        """The partitions."""
        return tuple(dict.fromkeys(one.by for one in self.groups))


def _value(effect: Effect | None) -> float | None:
    return None if effect is None else effect.value
