"""What the hunters that are machines brought."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.bounty.hunting.round import Round
from evenhand.bounty.proof.account import Account
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunted(Result):
    """A hunt, round by round.

    Attributes
    ----------
    rounds : tuple of Round
        Each opened one sealed block, unless it only submitted.
    ledger : Account
        The account after it.
    """

    SCHEMA: ClassVar[str] = "evenhand.hunt/2"

    rounds: tuple[Round, ...]
    ledger: Account
