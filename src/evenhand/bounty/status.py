"""Where a bounty stands by its log alone: counts, account, leaderboard."""

from collections import Counter
from dataclasses import dataclass

from evenhand.bounty.proof.account import Account
from evenhand.bounty.state import State


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
