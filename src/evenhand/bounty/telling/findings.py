"""Groups that were proven to be failed: by whom, how much, and how they are served by now."""

from dataclasses import dataclass

import numpy as np

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.proof.opened_block import Mask
from evenhand.bounty.proof.reward import finding_points
from evenhand.bounty.state import State
from evenhand.bounty.task.losses import mean_loss
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.telling.attribution import mean_severity, severities
from evenhand.bounty.telling.history import known_block


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenFinding:
    """A proven finding, open for anyone to mend.

    Attributes
    ----------
    submission : str
        SHA-256 of the submission.
    team : str
        Who is credited.
    group : str
        The group in words.
    epoch : int
        The block that judged it, from 0.
    group_weight : float
        Share of that block's rows in the group.
    error : float
        Mean loss in the group under the list that was served then.
    others : float
        That of all other rows.
    more_than : float
        What was claimed: the first exceeds the second by more than this.
    lower_bound : float
        Of that difference.
    severity : float
        Mean of `--severity` over the group's practice rows.
    points : float
        The reward: lower bound × severity × share of the practice rows that are in this group and in none
        that was found before.
    error_now : float or None
        Mean loss in the group under the list that is served now, on the latest judged block; `None` where that
        has nobody to count.
    others_now : float or None
        That of all other rows.
    open : bool
        Whether the first still exceeds the second by more than was claimed, as far as that block shows.
    """

    submission: str
    team: str
    group: str
    epoch: int
    group_weight: float
    error: float
    others: float
    more_than: float
    lower_bound: float
    severity: float
    points: float
    error_now: float | None
    others_now: float | None
    open: bool


def findings(bounty: Bounty, state: State) -> tuple[ProvenFinding, ...]:
    """All proven findings, in order."""
    if not state.findings:
        return ()
    practice = bounty.data("practice").matrix
    weights, seen = severities(bounty, practice), Memberships(practice)
    latest = known_block(bounty, state.served[-1])
    served = state.listed.predict(latest.matrix, bounty.runner)
    losses = latest.losses_of(served, np.arange(len(latest.matrix)))
    bitmaps, earlier = Memberships(latest.matrix), list[Mask]()
    out = []
    for verdict in state.findings:
        given, excess = bounty.load(verdict.key), verdict.excess
        assert excess is not None, "a finding has an excess"
        mask = unpack(given.group.bits(seen, practice, bounty.runner), len(practice))
        inside = unpack(given.group.bits(bitmaps, latest.matrix, bounty.runner), len(latest.matrix))
        severity = mean_severity(weights, mask)
        now = [mean_loss(losses[part], latest.weights[part]) for part in (inside, ~inside)]
        out.append(
            ProvenFinding(
                submission=verdict.key,
                team=given.team,
                group=given.group.text,
                epoch=verdict.epoch,
                group_weight=excess.group_weight,
                error=excess.error or 0.0,
                others=excess.others or 0.0,
                more_than=excess.more_than,
                lower_bound=excess.lower_bound,
                severity=severity,
                points=finding_points(excess.lower_bound, mask, earlier, severity=severity),
                error_now=now[0],
                others_now=now[1],
                open=now[0] is None or now[1] is None or now[0] - now[1] > excess.more_than,
            )
        )
        earlier.append(mask)
    return tuple(out)
