"""Teams, their keys, and what they sent: all that the log tells without any other file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from evenhand.bounty.log import Event, LogError, of_its_form
from evenhand.bounty.names import likeness
from evenhand.bounty.terms import Phase, Terms
from evenhand.results.protocol import from_plain, to_plain

#: Codes of failures that are facts of the machine and of the hour, which may be appealed.
FAILURES_OF_TIME = ("timeout", "out_of_memory", "crashed")
Held = TypeVar("Held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A team that was registered, or given a new key."""

    team: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """A team's key that signs nothing from here on."""

    team: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSet:
    """What is taken from here on; the deadline is a text for people."""

    phase: Phase
    deadline: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A submission promised by its hash."""

    team: str
    key: str
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A submission as the log names it.

    Attributes
    ----------
    key, team, content : str
        As the submission has them.
    kind : str
        Class of its practice evidence.
    trained : str or None
        Hash of the model that was trained for it.
    signature : str or None
        The team's, where it is registered.
    """

    key: str
    team: str
    content: str
    kind: str
    trained: str | None = None
    signature: str | None = None

    def body(self) -> dict[str, Any]:
        """As the log holds it."""
        return {name: value for name, value in to_plain(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """A submission that its team took back before it was tested."""

    team: str
    key: str
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Appealed:
    """A submission that ran out of time or memory on a block, and is tested once more."""

    team: str
    key: str
    reason: str
    block: int
    failure: str
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A waiting submission that practice rows speak against, and the host wants tested all the same."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredService:
    """A service that the host has registered, and alone asks.

    Attributes
    ----------
    name : str
        As submissions name it.
    config : Mapping
        How it is called: a table of a trial's ``[[services]]``, without secrets.
    folder : str
        Where relative paths of the configuration start.
    sha256 : str
        Of the configuration: another one is another service.
    version : str
        Of its code, files and package; empty where that cannot be told.
    """

    name: str
    config: Mapping[str, Any]
    folder: str
    sha256: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAnswers:
    """What a service answered about some rows, kept before a label was read.

    Attributes
    ----------
    service : str
        Its name.
    about : str
        `practice rows`, `block 1` (or another number) or `fresh rows`.
    file : str
        Where the answers are, among the bounty's answers.
    sha256 : str
        Of that file.
    rows : int
        Rows that it was asked about.
    outcomes : Mapping
        Calls by how they ended.
    unsteady : int
        Rows that it answered differently when it was asked again.
    """

    service: str
    about: str
    file: str
    sha256: str
    rows: int
    outcomes: Mapping[str, int]
    unsteady: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBlock:
    """A sealed block that was opened and whose verdicts are not written.

    Attributes
    ----------
    block : int
        From 0.
    event : int
        The event that opened it.
    resumed : tuple of int
        Events at which its judging began anew.
    """

    block: int
    event: int
    resumed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Who may say what, and what waits, at one point of the log.

    Attributes
    ----------
    bounty : str
        Hash of the first event, which signatures of teams name.
    host : str or None
        The host's public key.
    terms : Terms
    phase : PhaseSet
    revealable : frozenset or None
        What was promised before the revealing began; `None` where no revealing began in this epoch.
    names : Mapping
        Name by likeness, of teams that were registered or sent something.
    keys : Mapping
        Current public key by registered team; `None` where it has none now.
    retired : Mapping
        Team by public key, of keys that were revoked or replaced.
    committed : Mapping
        Team by submission hash, of promises.
    submitted : Mapping
        Submissions by hash.
    pending : tuple of str
        Submitted and not yet judged, in order.
    contents : Mapping
        First submission by content, of those pending or in the list.
    used : Mapping
        What counts against a team's quota in this epoch: hashes that it promised or sent.
    failed : Mapping
        Block and code of submissions that failed, by hash.
    appealed, vouched : frozenset of str
    services : Mapping
        Registered services by name.
    answers : tuple of ServiceAnswers
    opened : OpenBlock or None
    blocks : int
        Blocks opened so far.
    """

    bounty: str
    host: str | None
    terms: Terms
    phase: PhaseSet
    revealable: frozenset[str] | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, str | None] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
    committed: Mapping[str, str] = field(default_factory=dict)
    submitted: Mapping[str, Sent] = field(default_factory=dict)
    pending: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    used: Mapping[str, frozenset[str]] = field(default_factory=dict)
    failed: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    appealed: frozenset[str] = frozenset()
    vouched: frozenset[str] = frozenset()
    services: Mapping[str, RegisteredService] = field(default_factory=dict)
    answers: tuple[ServiceAnswers, ...] = ()
    opened: OpenBlock | None = None
    blocks: int = 0


def begin_roster(created: Event) -> Roster:
    """The roster of a bounty that has just begun.

    Raises
    ------
    InputError
        Where the first event is not of the form that this version writes.
    """
    body = created.body
    terms = from_plain(Terms, body.get("terms", {}), "terms")
    host = from_plain(str | None, body.get("host"), "host")
    with of_its_form("What is said of services"):
        services = {
            one["name"]: from_plain(RegisteredService, one, "services")
            for one in body.get("services", [])
        }
    return Roster(
        bounty=created.hash,
        host=host,
        terms=terms,
        phase=PhaseSet(phase=terms.first_phase),
        services=services,
    )


def roster_after(roster: Roster, event: Event) -> Roster:
    """The roster after one more event.

    Raises
    ------
    LogError
        For an event that this version does not know.
    """
    if event.kind not in _AFTER:
        raise LogError(
            f"Event {event.number} of the log is {event.kind[:40]!r}, which this version does not know.  "
            "Was it written by a newer version of Evenhand?"
        )
    return _AFTER[event.kind](roster, event)


def was_away(outcomes: Mapping[str, int]) -> bool:
    """Whether a service was away, by how its calls ended: asking was given up, or no call has an answer."""
    silent = sum(outcomes.get(each, 0) for each in ("failed", "not run"))
    return bool(outcomes.get("not run")) or silent == sum(outcomes.values())


def given(kind: type[Held], event: Event) -> Held:
    """What an event says; its fields and their types are looked at, since the log may be a stranger's."""
    found: Held = from_plain(kind, event.body, f"event {event.number} ({event.kind})")
    return found


def _registered(roster: Roster, event: Event) -> Roster:
    said = given(Registered, event)
    old = roster.keys.get(said.team)
    retired = roster.retired if old is None else {**roster.retired, old: said.team}
    return replace(
        roster,
        keys={**roster.keys, said.team: said.key},
        retired=retired,
        names={**roster.names, likeness(said.team): said.team},
    )


def _revoked(roster: Roster, event: Event) -> Roster:
    said = given(Revoked, event)
    return replace(
        roster,
        keys={**roster.keys, said.team: None},
        retired={**roster.retired, said.key: said.team},
    )


def _phase(roster: Roster, event: Event) -> Roster:
    said = given(PhaseSet, event)
    revealable = roster.revealable
    if said.phase == "revealing" and revealable is None:
        revealable = frozenset(roster.committed)
    elif said.phase in ("open", "committing"):
        revealable = None
    return replace(roster, phase=said, revealable=revealable)


def _counted(roster: Roster, team: str, key: str) -> Roster:
    """The roster with one thing more against a team's quota."""
    used = roster.used.get(team, frozenset()) | {key}
    names = roster.names
    if likeness(team) not in names:
        names = {**names, likeness(team): team}
    return replace(roster, used={**roster.used, team: used}, names=names)


def _committed(roster: Roster, event: Event) -> Roster:
    said = given(Promise, event)
    counted = _counted(roster, said.team, said.key)
    return replace(counted, committed={**roster.committed, said.key: said.team})


def _submitted(roster: Roster, event: Event) -> Roster:
    sent = given(Sent, event)
    return replace(
        _counted(roster, sent.team, sent.key),
        submitted={**roster.submitted, sent.key: sent},
        pending=(*roster.pending, sent.key),
        contents={**roster.contents, sent.content: sent.key},
    )


def _without(contents: Mapping[str, str], keys: frozenset[str]) -> Mapping[str, str]:
    """Contents without some submissions, whose pairs may be sent again."""
    return {content: key for content, key in contents.items() if key not in keys}


def _withdrawn(roster: Roster, event: Event) -> Roster:
    key = given(Withdrawn, event).key
    return replace(
        roster,
        pending=tuple(one for one in roster.pending if one != key),
        contents=_without(roster.contents, frozenset({key})),
    )


def _appealed(roster: Roster, event: Event) -> Roster:
    key = given(Appealed, event).key
    return replace(
        roster,
        pending=(*roster.pending, key),
        contents={**roster.contents, roster.submitted[key].content: key},
        appealed=roster.appealed | {key},
    )


def _vouched(roster: Roster, event: Event) -> Roster:
    return replace(roster, vouched=roster.vouched | {given(Vouched, event).key})


def _service(roster: Roster, event: Event) -> Roster:
    said = given(RegisteredService, event)
    return replace(roster, services={**roster.services, said.name: said})


def _answered(roster: Roster, event: Event) -> Roster:
    return replace(roster, answers=(*roster.answers, given(ServiceAnswers, event)))


def _block_opened(roster: Roster, event: Event) -> Roster:
    opened = OpenBlock(block=event.body["block"], event=event.number)
    return replace(roster, opened=opened, blocks=opened.block + 1)


def _resumed(roster: Roster, event: Event) -> Roster:
    if roster.opened is None:
        raise LogError(f"Event {event.number} goes on with a block, but none is open.")
    resumed = (*roster.opened.resumed, event.number)
    return replace(roster, opened=replace(roster.opened, resumed=resumed))


def _judged(roster: Roster, event: Event) -> Roster:
    body = event.body
    verdicts = {one["key"]: one for one in body["verdicts"]}
    failed = {
        key: (body["block"], one["failure"])
        for key, one in verdicts.items()
        if one["failure"] is not None
    }
    refused = frozenset(key for key, one in verdicts.items() if not one["accepted"])
    return replace(
        roster,
        pending=tuple(key for key in roster.pending if key not in verdicts),
        # What was refused may be tried again on the next block.
        contents=_without(roster.contents, refused),
        failed={**roster.failed, **failed},
        used={},
        opened=None,
    )


def _rolled_back(roster: Roster, event: Event) -> Roster:
    # What was taken out may be proven again.
    return replace(
        roster,
        contents=_without(roster.contents, frozenset({event.body["key"]})),
        opened=None,
    )


def _unchanged(roster: Roster, _: Event) -> Roster:
    return roster


_AFTER: dict[str, Callable[[Roster, Event], Roster]] = {
    "registered": _registered,
    "revoked": _revoked,
    "phase": _phase,
    "committed": _committed,
    "submitted": _submitted,
    "withdrawn": _withdrawn,
    "appealed": _appealed,
    "vouched": _vouched,
    "service": _service,
    "answered": _answered,
    "block_opened": _block_opened,
    "resumed": _resumed,
    "judged": _judged,
    "confirmed": _unchanged,
    "rolled_back": _rolled_back,
}
