"""Where a bounty stands: what was accepted, what it is worth, and who is credited with what."""

from dataclasses import dataclass, fields
from typing import ClassVar

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.opened_block import Mask
from evenhand.bounty.proof.reward import ShapleyShare, reward
from evenhand.bounty.proof.verdict import Verdict
from evenhand.bounty.state import Served, State
from evenhand.bounty.status import Status
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.telling.attribution import attribution, mean_severity, severities
from evenhand.bounty.telling.findings import ProvenFinding, findings
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """An accepted update, with its reward.

    Attributes
    ----------
    submission : str
        SHA-256 of the submission.
    team : str
        Who is credited.
    group : str
        The group in words.
    version : int
        Nodes of the list with this update.
    epoch : int
        The block that judged it, from 0.
    group_weight : float
        From its certificate, as the next four.
    error_before : float or None
        Mean loss in the group before.
    error_after : float or None
        Mean loss in the group after.
    improvement : float
        Over all rows of the block.
    lower_bound : float
        Of the improvement; the lesser of the certificate's and that on fresh rows, where there are any.
    severity : float
        Mean of `--severity` over the group's practice rows.
    points : float
        The reward: lower bound × severity.
    final : bool
        True once fresh rows have confirmed it; provisional before.
    share : float
        Its credit, Shapley's value: mean loss a row by which it lowers the whole over random orders of the
        updates, on all opened blocks.
    share_error : float
        Standard error of the draws of that value.
    """

    submission: str
    team: str
    group: str
    version: int
    epoch: int
    group_weight: float
    error_before: float | None
    error_after: float | None
    improvement: float
    lower_bound: float
    severity: float
    points: float
    final: bool
    share: float
    share_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A block that was judged.

    Attributes
    ----------
    epoch : int
        The block, from 0.
    rows : int
        Its rows.
    tested : int
        Submissions that were tested on it.
    accepted : int
        Those accepted.
    repairs : int
        Introduced groups that went back to the list served before.
    improvement : float
        By how much less the list that was served since loses a row of the block.
    lower_bound : float
        Of that on the people behind the block, together with all else that is proven; 0 where nothing is.
    """

    epoch: int
    rows: int
    tested: int
    accepted: int
    repairs: int
    improvement: float
    lower_bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Status, Result):
    """A bounty at one moment: counts, account, leaderboard, epochs, and what each update is worth.

    Attributes
    ----------
    epochs : tuple of Epoch
        Judged blocks, in order.
    accepted : tuple of Accepted
        Active updates, in the order of the list.
    findings : tuple of ProvenFinding
        Groups that were proven to be failed.
    """

    SCHEMA: ClassVar[str] = "evenhand.bounty/2"

    epochs: tuple[Epoch, ...]
    accepted: tuple[Accepted, ...]
    findings: tuple[ProvenFinding, ...]


def stand(bounty: Bounty) -> Standing:
    """Where a bounty stands now."""
    state, status = bounty.state, bounty.status()
    return Standing(
        **{field.name: getattr(status, field.name) for field in fields(status)},
        epochs=tuple(_epoch(state, served) for served in state.served),
        accepted=tuple(accepted(bounty, state)),
        findings=findings(bounty, state),
    )


def _epoch(state: State, served: Served) -> Epoch:
    verdicts = [verdict for verdict in state.verdicts if verdict.epoch == served.block]
    proven = served.settlement.certificate
    return Epoch(
        epoch=served.block,
        rows=proven.rows,
        tested=len(verdicts),
        accepted=sum(verdict.accepted for verdict in verdicts),
        repairs=len(served.settlement.repairs),
        improvement=proven.improvement,
        lower_bound=proven.lower_bound,
    )


def accepted(bounty: Bounty, state: State) -> list[Accepted]:
    """All active updates in the order of the list."""
    listed = state.listed
    verdicts = {verdict.key: verdict for verdict in state.verdicts if verdict.accepted}
    places = [i for i, n in enumerate(listed.nodes) if n.model is not None and n.active]
    practice = bounty.data("practice").matrix
    masks = listed.memberships(practice, bounty.runner)
    weights = severities(bounty, practice)
    shares = attribution(bounty, state)
    return [
        _accepted(
            state,
            place,
            verdicts[listed.nodes[place].key],
            masks[listed.nodes[place].group],
            weights,
            shares[rank],
        )
        for rank, place in enumerate(places)
    ]


def _accepted(
    state: State, place: int, verdict: Verdict, mask: Mask, weights: Floats, share: ShapleyShare
) -> Accepted:
    node, certificate = state.listed.nodes[place], verdict.certificate
    assert certificate is not None, "what was accepted has a certificate"
    confirmed = state.confirmed.get(node.key)
    worth = reward(
        certificate.lower_bound,
        severity=mean_severity(weights, mask),
        confirmed=confirmed.lower_bound if confirmed is not None else None,
    )
    return Accepted(
        submission=node.key,
        team=node.team,
        group=state.listed.groups[node.group].text,
        version=place + 1,
        epoch=verdict.epoch,
        group_weight=certificate.group_weight,
        error_before=certificate.error_before,
        error_after=certificate.error_after,
        improvement=certificate.improvement,
        lower_bound=worth.lower_bound,
        severity=worth.severity,
        points=worth.points,
        final=worth.final,
        share=share.value,
        # Sums of floats in another order differ in their last digits; that is no error.
        share_error=round(share.standard_error, 12),
    )
