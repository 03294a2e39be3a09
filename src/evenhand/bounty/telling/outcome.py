"""What a submission came to."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.bounty.bounty import Bounty, Receipt
from evenhand.bounty.judging.practice import PracticeScore
from evenhand.bounty.proof.account import Account
from evenhand.bounty.proof.certificate import Certificate
from evenhand.bounty.proof.excess import Excess
from evenhand.bounty.proof.verdict import FreshResult, Verdict
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """A group that points back.

    Attributes
    ----------
    group : str
        The group in words.
    points_to : int
        The version whose answers it has again: so many nodes of the list, 0 for the base model.
    """

    group: str
    points_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Result):
    """A submission and what is known of it; numbers that are not told are `None`.

    Attributes
    ----------
    submission : str or None
        SHA-256 of the submission; `None` where nothing was sent.
    team : str or None
        Who is credited.
    group : str or None
        The group in words: its predicate, or what kind of file described it.
    pending : bool
        True while it waits for the epoch to be closed.
    accepted : bool or None
        Whether it is proven and merged; `None` while it waits, and where predictions were only
        measured or a submission only checked.
    group_weight : float or None
        Share of the block's rows that are in the group.
    error_before : float or None
        Mean loss in the group under the model as updated so far.
    error_after : float or None
        Mean loss in the group under the submitted model.
    improvement : float or None
        Mean over all rows of the block: `group_weight` times the difference of the two.
    lower_bound : float or None
        Lower bound of the improvement; 0 where it is not proven.
    p_value : float or None
        One-sided evidence against: the improvement is 0 or less.
    threshold : float or None
        The level that `p_value` was compared with: this test's part of δ.
    finding : Excess or None
        Where a group was claimed to be failed: what the block says of it. The numbers from `group_weight` to
        `threshold` are `None` then.
    held : bool
        True where practice rows speak strongly against it: it is not tested until the organiser vouches for it.
    practice : PracticeScore or None
        Score on the public practice rows, where it was just sent: never proof.
    ledger : Account
        The account after it; see below.
    reason : str or None
        Why it is not accepted: `empty_group`, `no_disagreement`, `no_improvement`, `not_proven`,
        `below_margin` or `model_failed`; of a finding `not_counted`, `nobody_else`, `not_failed` or
        `excess_not_proven`; `budget_spent`, `measured_only` or `checked_only`. `None` otherwise.
    """

    SCHEMA: ClassVar[str] = "evenhand.verdict/1"

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
    finding: Excess | None = None
    held: bool = False
    practice: PracticeScore | None = None
    ledger: Account
    reason: str | None = None


#: What an outcome tells of a certificate, under the same names.
_PROVEN = (
    *("group_weight", "error_before", "error_after", "improvement", "lower_bound"),
    *("p_value", "threshold"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Result):
    """What the closing of an epoch came to.

    Attributes
    ----------
    block : int
        The sealed block that was opened, from 0.
    verdicts : tuple of Outcome
        One for each submission, accepted ones first.
    repairs : tuple of Repair
        Introduced groups that go back to the list that was served before, since the block does not show that
        they gained.
    served : Certificate
        What is proven of the list that is served now over the one before, on all rows.
    confirmed : tuple of FreshResult
        What the block said of earlier updates.
    ledger : Account
        The account after it.
    """

    SCHEMA: ClassVar[str] = "evenhand.verdicts/1"

    block: int
    verdicts: tuple[Outcome, ...]
    repairs: tuple[Repair, ...]
    served: Certificate
    confirmed: tuple[FreshResult, ...]
    ledger: Account


def outcome_of(bounty: Bounty, verdict: Verdict, account: Account) -> Outcome:
    """Of a verdict."""
    given = bounty.load(verdict.key)
    certificate = verdict.certificate
    told = {name: getattr(certificate, name) for name in _PROVEN} if certificate else {}
    return Outcome(
        submission=given.key,
        team=given.team,
        group=given.group.text,
        pending=False,
        accepted=verdict.accepted,
        **told,
        finding=verdict.excess,
        ledger=account,
        reason=verdict.reason,
    )


def outcome_of_receipt(bounty: Bounty, receipt: Receipt) -> Outcome:
    """Of a submission just sent, which waits for the epoch to be closed."""
    account = bounty.account()
    given = bounty.load(receipt.key)
    return Outcome(
        submission=receipt.key,
        team=given.team,
        group=given.group.text,
        pending=True,
        accepted=None,
        held=receipt.kind == "against",
        practice=receipt.practice,
        ledger=account,
    )


def unsent(
    bounty: Bounty, reason: str, score: PracticeScore, *, team: str | None = None
) -> Outcome:
    """Of what was only scored: ``measured_only`` or ``checked_only``."""
    return Outcome(
        submission=None,
        team=team,
        group=None,
        pending=False,
        accepted=None,
        practice=score,
        ledger=bounty.account(),
        reason=reason,
    )


def refused(bounty: Bounty, reason: str) -> Outcome:
    """Of what the ledger did not take."""
    return Outcome(
        submission=None,
        team=None,
        group=None,
        pending=False,
        accepted=False,
        ledger=bounty.account(),
        reason=reason,
    )


def closed(bounty: Bounty, verdicts: tuple[Verdict, ...]) -> Closed:
    """All verdicts of an epoch."""
    state = bounty.state
    account = bounty.account(state)
    outcomes = [outcome_of(bounty, verdict, account) for verdict in verdicts]
    outcomes.sort(key=lambda one: not one.accepted)
    served = state.served[-1]
    return Closed(
        block=served.block,
        verdicts=tuple(outcomes),
        repairs=tuple(
            Repair(group=state.listed.groups[group].text, points_to=served.before)
            for group in served.settlement.repairs
        ),
        served=served.settlement.certificate,
        confirmed=tuple(one for key, one in state.confirmed.items() if key in set(_latest(bounty))),
        ledger=account,
    )


def _latest(bounty: Bounty) -> list[str]:
    """Submissions of which the latest judged block was fresh data."""
    events = [event for event in bounty.log.read() if event.kind == "judged"]
    return [one["key"] for one in events[-1].body["confirmed"]]
