"""What a hunt did, told as it happens and when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that a hunt did, told as it happens.

    Attributes
    ----------
    round : int
    hunter : str
        Empty for the closing of an epoch.
    sent, refused, accepted : int
        Of this round, so far.
    note : str
        Why a hunter gave up, for people.
    """

    round: int
    hunter: str
    sent: int
    refused: int
    accepted: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round came to; `team` counts of submissions and acceptances by team."""

    number: int
    sent: Mapping[str, int]
    accepted: Mapping[str, int]
    refused: int
    notes: tuple[str, ...]
