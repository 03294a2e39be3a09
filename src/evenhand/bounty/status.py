"""Where a bounty stands by its log alone: counts, account, leaderboard."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.bounty.log import Event
from evenhand.bounty.proof.account import Account
from evenhand.bounty.roster import FAILURES_OF_TIME, OpenBlock, Roster, ServiceAnswers
from evenhand.bounty.state import State
from evenhand.bounty.terms import Phase, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCount:
    """A team on the leaderboard.

    Attributes
    ----------
    team : str
        Who is credited.
    submitted : int
        Its submissions that were judged.
    accepted : int
        Those accepted and not taken out again.
    lower_bound : float
        Sum of the lower bounds of their improvements.
    findings : int
        Its proven findings.
    """

    team: str
    submitted: int
    accepted: int
    lower_bound: float
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A submission that waits, or may be appealed.

    Attributes
    ----------
    submission : str
        Its SHA-256.
    team : str
        Who sent it.
    failure : str or None
        How it failed when it was tested: `timeout`, `out_of_memory` or `crashed`.
    """

    submission: str
    team: str
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Who keeps the log, and what it takes now.

    Attributes
    ----------
    bounty : str
        Hash of the first event, which teams' signatures name.
    host : str or None
        The host's public key; `None` where the bounty was begun without.
    events : int
        Events of the log.
    signed : int
        Those that carry the host's signature.
    by_teams : int
        Those without, which carry a team's.
    phase : str
        `open`: all is taken; `committing`: promises; `revealing`: what was promised; `closed`: nothing.
    deadline : str
        What the host says of its end; a text for people.
    terms : Terms
        On which teams may send.
    teams : tuple of str
        Registered teams that have a key.
    opened : OpenBlock or None
        A block that was opened, and whose verdicts were never written: it is spent.
    waiting : tuple of Pending
        Submissions that wait, in order of arrival.
    appealable : tuple of Pending
        Those that ran out of time or memory, and were not appealed.
    services : tuple of str
        Services that submissions may name.
    answers : tuple of ServiceAnswers
        What they were asked, and how it ended.
    """

    bounty: str
    host: str | None
    events: int
    signed: int
    by_teams: int
    phase: Phase
    deadline: str
    terms: Terms
    teams: tuple[str, ...]
    opened: OpenBlock | None
    waiting: tuple[Pending, ...]
    appealable: tuple[Pending, ...]
    services: tuple[str, ...]
    answers: tuple[ServiceAnswers, ...]


def keeping(events: Sequence[Event], roster: Roster) -> Keeping:
    """Who keeps a log by what it says of itself; signatures are counted here, not checked."""
    unsigned = [event for event in events if event.signature is None]
    return Keeping(
        bounty=roster.bounty,
        host=roster.host,
        events=len(events),
        signed=len(events) - len(unsigned),
        by_teams=sum(event.body.get("signature") is not None for event in unsigned),
        phase=roster.phase.phase,
        deadline=roster.phase.deadline,
        terms=roster.terms,
        teams=tuple(sorted(team for team, key in roster.keys.items() if key is not None)),
        opened=roster.opened,
        waiting=tuple(_pending(roster, key) for key in roster.pending),
        appealable=tuple(
            _pending(roster, key, failure)
            for key, (_, failure) in roster.failed.items()
            if failure in FAILURES_OF_TIME and key not in roster.appealed
        ),
        services=tuple(sorted(roster.services)),
        answers=roster.answers,
    )


def _pending(roster: Roster, key: str, failure: str | None = None) -> Pending:
    sent = roster.submitted.get(key)
    return Pending(submission=key, team="" if sent is None else sent.team, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A bounty's counts at one moment.

    Attributes
    ----------
    label : str
        The column to predict.
    loss : str
        Loss of a row, as it is written.
    updates : int
        Active updates of the list.
    repairs : int
        Its active repairs.
    pending : int
        Submissions that wait for the epoch to be closed.
    held : int
        Those of them that practice rows spoke strongly against when they came, and nobody vouched for.
    unit : str or None
        Column of what was drawn; `None` where each row was.
    organiser : str
        Who vouches for the assumptions.
    assumptions : tuple of str
        What the proof rests on.
    ledger : Account
        The account; see below.
    leaderboard : tuple of TeamCount
        Teams, the largest sum of lower bounds first.
    head : str
        Hash of the log's latest event.
    keeping : Keeping
        Who keeps the log, and what it takes now.
    """

    label: str
    loss: str
    updates: int
    repairs: int
    pending: int
    held: int
    unit: str | None
    organiser: str
    assumptions: tuple[str, ...]
    ledger: Account
    leaderboard: tuple[TeamCount, ...]
    head: str
    keeping: Keeping


def leaderboard(state: State) -> tuple[TeamCount, ...]:
    """Teams by the sum of their accepted updates' lower bounds."""
    active = {node.key for node in state.listed.nodes if node.active and node.key}
    teams: dict[str, list[float | None]] = {}
    for verdict in state.verdicts:
        certificate = verdict.certificate
        bound = certificate.lower_bound if certificate is not None else 0.0
        counts = verdict.accepted and verdict.key in active
        team = state.submitted[verdict.key].team
        teams.setdefault(team, []).append(bound if counts else None)
    found = Counter(state.submitted[verdict.key].team for verdict in state.findings)
    rows = [_count(team, bounds, found[team]) for team, bounds in teams.items()]
    return tuple(sorted(rows, key=lambda row: (-row.lower_bound, -row.findings, row.team)))


def _count(team: str, bounds: list[float | None], findings: int) -> TeamCount:
    accepted = [bound for bound in bounds if bound is not None]
    return TeamCount(
        team=team,
        submitted=len(bounds),
        accepted=len(accepted),
        lower_bound=sum(accepted, 0.0),
        findings=findings,
    )
