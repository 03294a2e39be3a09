"""What a submission came to, as programs read it: ``evenhand.verdict/1``."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from evenhand.bounty.bounty import Bounty, Receipt
from evenhand.bounty.judging.practice import Score
from evenhand.bounty.state import State

SCHEMA = "evenhand.verdict/1"
CLOSED_SCHEMA = "evenhand.verdicts/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A group that points back.

    Attributes
    ----------
    group : str
    points_to : int
        Version of the list, as its number of nodes; 0 is the base model.
    """

    group: str
    points_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A submission and what is known of it; numbers that are not told are `None`.

    Attributes
    ----------
    submission, team, group : str
        Its hash, its team, and its group in words.
    pending : bool
        Whether it waits for the epoch to be closed.
    accepted : bool or None
        `None` while it waits, and where its predictions are measured only.
    group_weight : float or None
        Share of the block's rows in the group.
    error_before, error_after : float or None
        Mean loss within the group under the list and under the model.
    improvement, lower_bound : float or None
        Mean over all rows of the block: the group's weight times what its loss falls by.
    p_value, threshold : float or None
        The evidence and the level that it was compared with.
    repairs : tuple of Repair
    practice : Score or None
        On public rows: never proof.
    ledger : Mapping
        The account after it.
    reason : str or None
        Why it is not accepted.
    """

    submission: str | None
    team: str | None
    group: str | None
    pending: bool
    accepted: bool | None
    group_weight: float | None = None
    error_before: float | None = None
    error_after: float | None = None
    improvement: float | None = None
    lower_bound: float | None = None
    p_value: float | None = None
    threshold: float | None = None
    repairs: tuple[Repair, ...] = ()
    practice: Score | None = None
    ledger: Mapping[str, Any]
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def outcome_of(bounty: Bounty, verdict: Mapping[str, Any], account: Mapping[str, Any]) -> Outcome:
    """Of a verdict as the log holds it."""
    given = bounty.load(verdict["key"])
    certificate: Mapping[str, Any] = verdict["certificate"] or {}
    groups = bounty.state.listed.groups
    return Outcome(
        submission=given.key,
        team=given.team,
        group=given.group.text,
        pending=False,
        accepted=bool(verdict["accepted"]),
        group_weight=certificate.get("mass"),
        error_before=certificate.get("loss_before"),
        error_after=certificate.get("loss_after"),
        improvement=certificate.get("improvement"),
        lower_bound=certificate.get("lower_bound"),
        p_value=certificate.get("p_value"),
        threshold=certificate.get("alpha"),
        repairs=tuple(
            Repair(group=groups[step["group"]].text, points_to=step["version"])
            for step in verdict["repairs"]
        ),
        ledger=account,
        reason=verdict["reason"],
    )


def outcome_of_receipt(bounty: Bounty, receipt: Receipt) -> Outcome:
    """Of a submission just sent: pending in epochs mode, decided in continuous mode."""
    account = bounty.account()
    given = bounty.load(receipt.key)
    if receipt.verdict is not None:
        decided = outcome_of(bounty, receipt.verdict, account)
        return replace(decided, practice=receipt.practice)
    return Outcome(
        submission=receipt.key,
        team=given.team,
        group=given.group.text,
        pending=True,
        accepted=None,
        practice=receipt.practice,
        ledger=account,
    )


def closed(bounty: Bounty, verdicts: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    """All verdicts of an epoch, accepted ones first, for JSON."""
    state: State = bounty.state
    account = bounty.account(state)
    outcomes = [outcome_of(bounty, verdict, account) for verdict in verdicts]
    outcomes.sort(key=lambda one: not one.accepted)
    return {
        "schema": CLOSED_SCHEMA,
        "block": state.blocks_used - 1,
        "verdicts": [one.to_dict() for one in outcomes],
        "confirmed": _latest(bounty),
        "ledger": account,
    }


def _latest(bounty: Bounty) -> list[Mapping[str, Any]]:
    """What the latest judged block said of earlier updates."""
    events = [event for event in bounty.log.read() if event.kind == "judged"]
    return list(events[-1].body.get("confirmed", [])) if events else []
