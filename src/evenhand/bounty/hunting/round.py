"""What a hunt did, told as it happens and when a round is over."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HuntStep:
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
class Catch:
    """What a team's hunter got in a round.

    Attributes
    ----------
    team : str
        Who is credited.
    sent : int
        Its submissions.
    accepted : int
        Those accepted.
    """

    team: str
    sent: int
    accepted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round came to.

    Attributes
    ----------
    round : int
        Its number, from 1.
    teams : tuple of Catch
        In the order in which they first sent something.
    accepted : int
        Of all that was waiting, other teams' submissions too.
    refused : int
        What was not taken.
    notes : tuple of str
        Why hunters gave up, for people.
    """

    round: int
    teams: tuple[Catch, ...]
    accepted: int
    refused: int
    notes: tuple[str, ...]
