"""What was looked at of a card, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from evenhand.cards.discrepancies import Discrepancy
from evenhand.pages.numbers import plural
from evenhand.results.protocol import Result

State = Literal["holds", "fails", "not checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheck:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What: `digest`, `signature`, `sums`, `derived`, `files`, `data`; `again`, where tables were given and a
        result was not computed again; `stranger`, a file that belongs to no result.
    state : State
        `holds`, `fails` or `not checked`.
    sentence : str
        The same for people, with what was looked at and what to do.
    """

    name: str
    state: State
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardVerification(Result):
    """What became of a card's claims.

    Attributes
    ----------
    service : str
        Name and version of the service.
    content_sha256 : str
        The digest that the card claims.
    checks : tuple of CardCheck
        What was looked at.
    discrepancies : tuple of Discrepancy
        Every place that is not what it should be.
    """

    SCHEMA: ClassVar[str] = "evenhand.card_verification/1"

    service: str
    content_sha256: str
    checks: tuple[CardCheck, ...]
    discrepancies: tuple[Discrepancy, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that could be checked is wrong."""
        return all(check.state != "fails" for check in self.checks)

    @property
    def vouched(self) -> bool:
        """Whether data or a key that was named stand behind it: a digest alone anybody can make anew."""
        return any(
            check.state == "holds" and check.name in ("data", "signature") for check in self.checks
        )

    @property
    def unasked(self) -> int:
        """How many results were not computed again although tables were given."""
        return sum(check.name == "again" for check in self.checks)

    @property
    def strangers(self) -> int:
        """How many of the files that were given belong to no result."""
        return sum(check.name == "stranger" for check in self.checks)


def compared(name: str, new: Sequence[Discrepancy], good: str, bad: str) -> CardCheck:
    """A check that compared something, and the places that differ."""
    state: State = "fails" if new else "holds"
    told = f"{bad}: {plural(len(new), 'place')}." if new else good
    return CardCheck(name=name, state=state, sentence=told)
