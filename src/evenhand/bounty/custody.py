"""Who wrote a log, and whether they might: all that can be checked of it without any other file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from evenhand.bounty.judging.admission import check_event
from evenhand.bounty.keys import check_public
from evenhand.bounty.log import TEAMS_WORDS, Event, of_its_form
from evenhand.bounty.roster import FAILURES_OF_TIME, OpenBlock, Roster, begin_roster, roster_after
from evenhand.bounty.status import Keeping, keeping
from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.results.protocol import Result

#: What no log tells by itself.
UNCHECKED = (
    "whether submissions, public rows and sealed blocks are those that the log names by their hashes",
    "whether the verdicts follow from them: that needs the folder (evenhand bounty verify FOLDER)",
)
_NO_HEAD = "whether the log was cut at its end or written anew: that needs a hash that you were told (--head)"
_OLD_HEAD = "whether the log was cut, or written anew, after event {}, which you were told: that needs a later hash"
_NO_HOST = "whose the host's key is: that needs the key, told to you elsewhere than here (--host)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Whose word some events are.

    Attributes
    ----------
    name : str or None
        The team, where it signed; `None` otherwise.
    host : bool
        Whether the host signed, and no team.
    events : int
        How many.
    """

    name: str | None
    host: bool
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody(Result):
    """What a log proves by itself: its chain, its signatures, and that everyone kept to the terms.

    Attributes
    ----------
    whole : bool
        Whether nothing is wrong.
    head : str
        Hash of its latest event.
    keeping : Keeping
        Who keeps it, and what it takes now.
    authors : tuple of Author
        Who wrote how many events, by signatures that were checked.
    reopened : tuple of OpenBlock
        Blocks whose judging was stopped and begun again, the one that is open included.
    problems : tuple of str
        Everything that is wrong.
    unchecked : tuple of str
        What was not checked: what a log alone cannot tell, and what needs a hash or a key told elsewhere.
    """

    SCHEMA: ClassVar[str] = "evenhand.custody/1"

    whole: bool
    head: str
    keeping: Keeping
    authors: tuple[Author, ...]
    reopened: tuple[OpenBlock, ...]
    problems: tuple[str, ...]
    unchecked: tuple[str, ...]


def read_custody(
    events: Sequence[Event],
    *,
    head: str | None = None,
    host: str | None = None,
    replayed: bool = False,
) -> Custody:
    """Check a log whose chain was read: every signature, and every team's word against keys, phases and quotas.

    Parameters
    ----------
    events : Sequence of Event
        As `EventLog.read` gives them.
    head : str, optional
        Hash of an event that somebody was told.
    host : str, optional
        The host's public key, as it is known from elsewhere.
    replayed : bool
        Whether the folder is re-played too, so that files and verdicts are checked.
    """
    roster = begin_roster(events[0])
    problems = _wrong_host(roster, host)
    authors: Counter[tuple[str, bool]] = Counter()
    reopened: dict[int, OpenBlock] = {}
    for event in events:
        wrong = _not_the_hosts(roster, event)
        try:
            if event.number:
                with of_its_form(f"Event {event.number}"):
                    check_event(roster, event)
        except InputError as error:
            wrong.append(f"event {event.number} ({event.kind}): {error}")
        authors[_author(event, wrong)] += 1
        problems += wrong
        try:
            with of_its_form(f"Event {event.number}"):
                roster = roster_after(roster, event) if event.number else roster
        except InputError as error:
            # What follows cannot be understood without it.
            problems.append(f"after {event.number} events nothing can be understood: {error}")
            break
        if roster.opened is not None and roster.opened.resumed:
            reopened[roster.opened.event] = roster.opened
    problems += missing_head(events, head)
    return Custody(
        whole=not problems,
        head=events[-1].hash,
        keeping=keeping(events, roster),
        authors=tuple(
            Author(name=name or None, host=host, events=number)
            for (name, host), number in sorted(authors.items())
        ),
        reopened=tuple(reopened.values()),
        problems=tuple(dict.fromkeys(problems)),
        unchecked=(
            *(() if replayed else UNCHECKED),
            *_hosts_word(roster),
            *_untold_end(events, head),
            *([_NO_HOST] if host is None and roster.host is not None else []),
        ),
    )


def _hosts_word(roster: Roster) -> list[str]:
    """What a re-play takes on the host's word: how models failed on its machine."""
    codes = [code for _, code in roster.failed.values() if code in FAILURES_OF_TIME]
    if not codes:
        return []
    return [
        (
            f"whether {plural(len(codes), 'submission')} failed on the host's machine as it says "
            f"({', '.join(sorted(set(codes)))}): another machine may be quicker, so a re-play does not try"
        )
    ]


def _untold_end(events: Sequence[Event], head: str | None) -> list[str]:
    """What of a log no hash vouches for: one that was told stands for its event and those before it only."""
    if head is None:
        return [_NO_HEAD]
    told = next((event.number for event in events if event.hash == head), events[-1].number)
    return [] if told == events[-1].number else [_OLD_HEAD.format(told)]


def missing_head(events: Sequence[Event], head: str | None) -> list[str]:
    """What is wrong where a log lacks an event that somebody was told."""
    if head is None or head in {event.hash for event in events}:
        return []
    return [f"the log lacks the event {head[:12]}: it was cut or written anew"]


def _wrong_host(roster: Roster, host: str | None) -> list[str]:
    """What is wrong where a log is another host's than is expected, or anybody's."""
    if roster.host is not None:
        try:
            check_public(roster.host)
        except InputError as error:
            return [f"the host's key: {error}"]
    if host is None or host == roster.host:
        return []
    found = "no key of a host" if roster.host is None else f"the host's key {roster.host}"
    return [f"the log names {found}, not {host}"]


def _not_the_hosts(roster: Roster, event: Event) -> list[str]:
    """What is wrong with the host's signature of an event, or with its absence."""
    place = f"event {event.number} ({event.kind[:40]})"
    if event.signature is not None:
        if roster.host is None:
            return [f"{place} carries a signature, but the bounty was begun without a host's key"]
        fine = event.is_signed_by(roster.host)
        return [] if fine else [f"{place}: its signature is not the host's"]
    spoken = event.kind in ("committed", "submitted") or (
        event.kind in TEAMS_WORDS and event.body.get("signature") is not None
    )
    if roster.host is None or spoken:
        return []
    return [f"{place} is for the host to say, and is not signed by its key"]


def _author(event: Event, wrong: list[str]) -> tuple[str, bool]:
    """The team that signed an event, else whether the host did; nobody where a signature is wrong."""
    if wrong:
        return "", False
    if event.kind in TEAMS_WORDS and event.body.get("signature") is not None:
        return str(event.body["team"]), False
    return "", event.signature is not None
