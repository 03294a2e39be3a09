"""What the ledger answers about a submission, in one form from the block to the log."""

from dataclasses import dataclass

from evenhand.bounty.proof.block_losses import RepairStep
from evenhand.bounty.proof.certificate import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the ledger answers about a candidate.

    `failure` is the code of what went wrong, never its text: that could hold features or counts.
    """

    key: str
    accepted: bool
    reason: str | None
    certificate: Certificate | None
    repairs: tuple[RepairStep, ...] = ()
    largest_rise: float | None = None
    failure: str | None = None
