"""What changed from one card to the next: values that go to JSON and back."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.pages.shown import Shown
from evenhand.results.estimate import Estimate

Samples = Literal["paired", "other tables", "same rows", "same question", "unknown"]
Moved = Literal["worse", "better", "no change shown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardName:
    """Which card.

    Attributes
    ----------
    service : str
        Name of the service.
    version : str
        Its version.
    applies_to : str
        The day from which the card holds.
    content_sha256 : str
        The card's digest.
    """

    service: str
    version: str
    applies_to: str
    content_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """One group under one metric, before and after.

    Attributes
    ----------
    metric : str
        What the metric is called.
    by : tuple of str
        The attributes that tell the group apart; empty for everybody.
    group : dict
        Its values.
    predicate : str
        The group as a predicate; empty for everybody.
    before : Estimate
        Its rate on the older card, with the interval of this rate alone; of paired rows those that both have.
    after : Estimate
        On the newer card.
    change : float or None
        The later value less the earlier.
    low : float or None
        Lower end of its interval; the intervals of all changes hold at once.
    high : float or None
        Upper end of it.
    p_adjusted : float or None
        Two-sided p-value, corrected for all changes.
    samples : Samples
        `paired` where the same rows were asked again; `other tables`, which are taken for independent; `same rows`
        where both cards rest on one table, and nobody gave it; `same question` where both asked the same of it;
        `unknown` where a card does not tell its table.
    verdict : Moved or None
        `worse`, `better` or `no change shown`; `None` without an interval.
    reason : str or None
        Why there is no interval.
    card_before : float or None
        Of paired rows: what the older card says of all its rows of the group.
    card_after : float or None
        The same of the newer card.
    """

    metric: str
    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    before: Estimate
    after: Estimate
    change: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None
    samples: Samples
    verdict: Moved | None
    reason: str | None
    card_before: float | None = None
    card_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRows:
    """Rows of two cards, not all of which are on both.

    Attributes
    ----------
    shared : int
        Rows that both have: those that are compared.
    before : int
        Rows of the older card.
    after : int
        Rows of the newer card.
    """

    shared: int
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMetric:
    """A metric on both cards.

    Attributes
    ----------
    name : str
        What it is called.
    expression : str
        As it was written on the newer card.
    in_points : bool
        Whether differences are percentage points.
    higher_is_worse : bool
        Direction of harm.
    samples : Samples
        What its numbers rest on.
    reason : str or None
        Why none of its groups is judged, as `other_quantity` or `not_paired_weight`; `None` where they are, or where
        `samples` tells.
    shared : SharedRows or None
        Where rows were paired of which one of the cards lacks some.
    """

    name: str
    expression: str
    in_points: bool
    higher_is_worse: bool
    samples: Samples
    reason: str | None = None
    shared: SharedRows | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """A place whose text differs.

    Attributes
    ----------
    place : str
        Where, as `written.uses[0].risks`.
    before : str
        What stood there.
    after : str
        What stands there now.
    """

    place: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LooserRule:
    """A rule whose limit allows more on the newer card.

    Attributes
    ----------
    name : str
        The rule.
    limit : str
        The limit, as `maximum_difference`.
    before : float
        What it was.
    after : float or None
        What it is; `None` where it is no longer asked.
    in_points : bool
        Whether it is told in percentage points.
    answer : str
        What the rule came to on the newer card: `kept`, `broken` or `open`.
    answer_before : str
        What the newer card's numbers come to under the limit of the older; `not asked` where it tells none.
    """

    name: str
    limit: str
    before: float
    after: float | None
    in_points: bool
    answer: str
    answer_before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMention:
    """A group that one of the cards lacks.

    Attributes
    ----------
    metric : str
        Under which metric.
    predicate : str
        The group.
    """

    metric: str
    predicate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardChanges(Shown):
    """What changed from one card to the next.

    Attributes
    ----------
    before : CardName
        The older card.
    after : CardName
        The newer one.
    level : float
        Confidence of all intervals together.
    comparisons : int
        Changes that have an interval.
    metrics : tuple of ChangedMetric
        Metrics that both cards have.
    groups : tuple of GroupChange
        Everybody first within each metric, then groups in the order of the newer card.
    new_groups : tuple of GroupMention
        Groups that only the newer card has.
    gone_groups : tuple of GroupMention
        Groups that only the older card has.
    new_metrics : tuple of str
        Metrics that only the newer card has.
    gone_metrics : tuple of str
        Metrics that only the older card has.
    definitions : tuple of TextChange
        What is measured otherwise: unit, filter, tolerance, definition.
    texts : tuple of TextChange
        What people wrote otherwise.
    now_told : tuple of str
        Parts that only the newer card tells.
    no_longer_told : tuple of str
        Parts that only the older card tells.
    notes : tuple of Note
        What a reader must know before the numbers.
    rules : tuple of TextChange
        Rules of policies that came to another answer: `kept`, `broken`, `open` or `not asked`.
    looser : tuple of LooserRule
        Rules whose limits allow more on the newer card.
    """

    SCHEMA: ClassVar[str] = "evenhand.card_changes/1"
    ROOM: ClassVar[str] = "evenhand.cards.changes"

    before: CardName
    after: CardName
    level: float
    comparisons: int
    metrics: tuple[ChangedMetric, ...]
    groups: tuple[GroupChange, ...]
    new_groups: tuple[GroupMention, ...]
    gone_groups: tuple[GroupMention, ...]
    new_metrics: tuple[str, ...]
    gone_metrics: tuple[str, ...]
    definitions: tuple[TextChange, ...]
    texts: tuple[TextChange, ...]
    now_told: tuple[str, ...]
    no_longer_told: tuple[str, ...]
    notes: tuple[Note, ...]
    rules: tuple[TextChange, ...] = ()
    looser: tuple[LooserRule, ...] = ()

    @property
    def worse(self) -> tuple[GroupChange, ...]:
        """Groups that became worse beyond noise."""
        return tuple(one for one in self.groups if one.verdict == "worse")

    def metric(self, name: str) -> ChangedMetric:
        """A metric by what it is called."""
        return next(one for one in self.metrics if one.name == name)
