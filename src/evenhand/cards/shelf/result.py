"""What a shelf of cards says: values that go to JSON and back."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.audits.result import Verdict
from evenhand.pages.shown import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedWorst:
    """The worst group of a card under one metric.

    Attributes
    ----------
    metric : str
        What the metric is called.
    group : str
        The group in short.
    crossed : bool
        Whether attributes are crossed.
    value : float
        The metric for it.
    low : float or None
        Lower end of its interval, which holds for this group alone.
    high : float or None
        Upper end of it.
    overall : float or None
        The metric for everybody.
    n_units : int or None
        Independent units of the group.
    unit : str or None
        What they are; `None` for rows.
    is_share : bool
        Whether the value is a share, told in per cent.
    verdict : Verdict or None
        Of its difference to the others of its card.
    """

    metric: str
    group: str
    crossed: bool
    value: float
    low: float | None
    high: float | None
    overall: float | None
    n_units: int | None
    unit: str | None
    is_share: bool
    verdict: Verdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelvedCard:
    """A card on the shelf.

    Attributes
    ----------
    file : str
        Its file.
    page : str
        Its page beside it; empty where there is none.
    service : str
        Name of the service.
    version : str
        Its version.
    provider : str
        Who offers it.
    applies_to : str
        The day from which the card holds.
    content_sha256 : str
        The digest that it claims.
    intact : bool
        Whether that is its digest.
    signed_by : str or None
        The key that signed it, where the signature is right; `None` where it is not signed.
    parts_told : int
        Parts of a card that it tells.
    parts : int
        Parts that it should.
    alarms : int or None
        Open alarms of its watches; `None` where nothing was watched.
    broken_rules : int or None
        Rules of its policies that are broken; `None` where no rule was asked.
    open_rules : int or None
        Rules that are open for want of evidence; likewise.
    worst : tuple of ShelvedWorst
        For each metric at its operating point the worst group, single attributes and crossed ones.
    """

    file: str
    page: str
    service: str
    version: str
    provider: str
    applies_to: str
    content_sha256: str
    intact: bool
    signed_by: str | None
    parts_told: int
    parts: int
    alarms: int | None
    broken_rules: int | None
    open_rules: int | None
    worst: tuple[ShelvedWorst, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableCard:
    """A file that should be a card and is none that can be read.

    Attributes
    ----------
    file : str
        The file.
    reason : str
        Why it cannot be read.
    """

    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf(Shown):
    """Many cards side by side.

    Attributes
    ----------
    cards : tuple of ShelvedCard
        By service, the newest version first.
    unreadable : tuple of UnreadableCard
        Files of which nothing is shown, each with the reason.
    """

    SCHEMA: ClassVar[str] = "evenhand.card_index/1"
    ROOM: ClassVar[str] = "evenhand.cards.shelf"

    cards: tuple[ShelvedCard, ...]
    unreadable: tuple[UnreadableCard, ...] = ()
