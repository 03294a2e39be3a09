"""What the ledger answers: one form from the block to the log, and on to the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.bounty.log import read_as
from evenhand.bounty.proof.certificate import Certificate
from evenhand.bounty.proof.excess import Excess
from evenhand.results.protocol import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the ledger answers about a candidate.

    Attributes
    ----------
    key : str
        The submission's hash.
    epoch : int
        The block that it was tested on.
    accepted : bool
    reason : str or None
        Why it is not accepted.
    certificate : Certificate or None
        `None` where the candidate failed, and of a finding.
    excess : Excess or None
        Of a finding.
    failure : str or None
        The code of what went wrong, never its text: that could hold features or counts.
    """

    key: str
    epoch: int
    accepted: bool
    reason: str | None
    certificate: Certificate | None
    excess: Excess | None = None
    failure: str | None = None

    def body(self) -> dict[str, Any]:
        """As the log holds it: the epoch stands once, beside all verdicts."""
        found = to_plain(self)
        del found["epoch"]
        return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """How an epoch ended: the groups that went back, and what is proven of the list that is served now.

    Attributes
    ----------
    repairs : tuple of int
        Introduced groups, by number, whose rows are answered again as before the epoch.
    certificate : Certificate
        Of the served list over the one served before, on all rows.
    largest_rise : float
        Most by which an introduced group's loss stands above that of the list served before, per row of the
        block; 0 where none does.
    """

    repairs: tuple[int, ...]
    certificate: Certificate
    largest_rise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshResult:
    """What fresh rows say of an update that was accepted before.

    Attributes
    ----------
    key : str
        SHA-256 of the submission.
    rows : int
        Fresh rows.
    improvement : float
        Mean over them of what the update gains over the list before it.
    lower_bound : float
        Of the improvement.
    """

    key: str
    rows: int
    improvement: float
    lower_bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockVerdicts:
    """All that a block answered, as one event of the log.

    Attributes
    ----------
    block : int
    verdicts : tuple of Verdict
    settlement : Settlement
    confirmed : tuple of FreshResult
        What the block, fresh data to them, says of earlier updates.
    """

    block: int
    verdicts: tuple[Verdict, ...]
    settlement: Settlement
    confirmed: tuple[FreshResult, ...] = ()

    def body(self) -> dict[str, Any]:
        """As the log holds it."""
        return {
            "block": self.block,
            "verdicts": [verdict.body() for verdict in self.verdicts],
            "settlement": to_plain(self.settlement),
            "confirmed": to_plain(self.confirmed),
        }


def block_verdicts_of(body: Mapping[str, Any]) -> BlockVerdicts:
    """What the log holds of a judged block."""
    block, settled = body["block"], body["settlement"]
    certificate = read_as(Certificate, settled["certificate"])
    repairs = tuple(settled["repairs"])
    return BlockVerdicts(
        block=block,
        verdicts=tuple(_verdict_of(given, block) for given in body["verdicts"]),
        settlement=read_as(Settlement, {**settled, "certificate": certificate, "repairs": repairs}),
        confirmed=tuple(read_as(FreshResult, one) for one in body["confirmed"]),
    )


def _verdict_of(body: Mapping[str, Any], block: int) -> Verdict:
    certificate = body["certificate"]
    if certificate is not None:
        certificate = read_as(Certificate, certificate)
    excess = None if body["excess"] is None else read_as(Excess, body["excess"])
    told = {"epoch": block, "certificate": certificate, "excess": excess}
    return read_as(Verdict, {**body, **told})
