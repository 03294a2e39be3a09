"""What the verbs of host and teams answer: the event that was written, or a pair of keys."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.bounty.log import Event
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Result):
    """An event that was written.

    Attributes
    ----------
    event : int
        Its number in the log.
    kind : str
        `registered`, `revoked`, `phase`, `withdrawn` or `appealed`.
    team : str or None
        Whom it is about.
    key : str or None
        The team's public key, or the hash of the submission.
    text : str or None
        The reason, or the deadline.
    phase : str or None
        What is taken from here on.
    signed : bool
        Whether the host signed it.
    hash : str
        Of the event.
    """

    SCHEMA: ClassVar[str] = "evenhand.logged/1"

    event: int
    kind: str
    team: str | None
    key: str | None
    text: str | None
    phase: str | None
    signed: bool
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair(Result):
    """A new pair of keys; nothing keeps it.

    Attributes
    ----------
    secret : str
        For the environment of its owner, and nobody else.
    public : str
        For everyone.
    """

    SCHEMA: ClassVar[str] = "evenhand.key_pair/1"

    secret: str
    public: str


def logged(event: Event) -> Logged:
    """Of an event that was just written."""
    body = event.body
    return Logged(
        event=event.number,
        kind=event.kind,
        team=body.get("team"),
        key=body.get("key"),
        text=body.get("reason", body.get("deadline")),
        phase=body.get("phase"),
        signed=event.signature is not None,
        hash=event.hash,
    )
