"""What the ledger answers about a submission: one form from the block to the log, and on to the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evenhand.bounty.log import read_as
from evenhand.bounty.proof.block_losses import RepairStep
from evenhand.bounty.proof.certificate import Certificate
from evenhand.results.protocol import to_plain

#: Fields of a certificate that logs have called otherwise from the first one on.
_LOGGED = {
    "group_weight": "mass",
    "error_before": "loss_before",
    "error_after": "loss_after",
    "threshold": "alpha",
}
_READ = {logged: name for name, logged in _LOGGED.items()}


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
        `None` where the candidate failed, and where the block stays in use.
    repairs : tuple of RepairStep
    largest_rise : float or None
        Most by which an introduced group's loss stands above its lowest version, per row of the block.
    failure : str or None
        The code of what went wrong, never its text: that could hold features or counts.
    """

    key: str
    epoch: int
    accepted: bool
    reason: str | None
    certificate: Certificate | None
    repairs: tuple[RepairStep, ...] = ()
    largest_rise: float | None = None
    failure: str | None = None

    def body(self) -> dict[str, Any]:
        """As the log holds it: the epoch stands once, beside all verdicts."""
        found = to_plain(self)
        del found["epoch"]
        if self.certificate is not None:
            found["certificate"] = {
                _LOGGED.get(name, name): value for name, value in found["certificate"].items()
            }
        return dict(found)


def verdict_of(body: Mapping[str, Any], epoch: int) -> Verdict:
    """The verdict that the log holds."""
    certificate = body["certificate"]
    if certificate is not None:
        read = {_READ.get(name, name): value for name, value in certificate.items()}
        certificate = read_as(Certificate, read)
    repairs = tuple(read_as(RepairStep, step) for step in body["repairs"])
    given = {**body, "epoch": epoch, "certificate": certificate, "repairs": repairs}
    return read_as(Verdict, given)


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
    """All that a block answered at once, as one event of the log.

    Attributes
    ----------
    block : int
    verdicts : tuple of Verdict
    bits : float
        What the block's answers have cost so far.
    confirmed : tuple of FreshResult or None
        What the block, fresh data to them, says of earlier updates; `None` where it stays in use.
    """

    block: int
    verdicts: tuple[Verdict, ...]
    bits: float
    confirmed: tuple[FreshResult, ...] | None = None

    def body(self) -> dict[str, Any]:
        """As the log holds it."""
        found = {
            "epoch": self.block,
            "block": self.block,
            "verdicts": [verdict.body() for verdict in self.verdicts],
            "bits": self.bits,
        }
        return found if self.confirmed is None else {**found, "confirmed": to_plain(self.confirmed)}
