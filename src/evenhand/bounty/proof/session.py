"""One opened block at work: candidates are tested, acceptances repaired."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenhand.bounty.proof.block_losses import BlockLosses, Rows
from evenhand.bounty.proof.certificate import Certificate, certify
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.proof.transcript import Transcript
from evenhand.bounty.proof.verdict import Verdict
from evenhand.bounty.strangers.refusals import RunnerError
from evenhand.bounty.task.losses import Floats, RowLoss

Predictions = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A committed (group, model) pair, ready to be tested.

    Attributes
    ----------
    key : str
        The submission's hash.
    kind : str
        Class of practice evidence, fixed before the block is opened.
    load : callable
        Gives the rows of the group in the block and the model's predictions there; whatever it
        raises but `RunnerError`, the candidate has failed.
    meets : callable, optional
        Whether the group can share a row, of any data, with the introduced group of this number;
        "no" must be proven.  Where not given, it can with all.
    """

    key: str
    kind: str
    load: Callable[[], tuple[Rows, Predictions]]
    meets: Callable[[int], bool] | None = None


@dataclass(slots=True)
class Session:
    """One opened block and all that it has answered."""

    loss: RowLoss
    rules: Rules
    evidence: BlockLosses
    transcript: Transcript = field(default_factory=Transcript)
    tested: int = 0
    epoch: int = 0

    def test(
        self, candidate: Contender, labels: npt.NDArray[np.generic], share: float | None = None
    ) -> Verdict:
        """Test one candidate; an acceptance updates the evidence and is repaired.

        `share` of the block's level is fixed in advance.  Without it candidates come one by one and
        without end, each knowing all answers: then the i-th gets ``1 / (i (i + 1))`` and pays for
        every answer.
        """
        self.tested += 1
        price = self.transcript.log_probability(candidate.meets if share is not None else None)
        part = 1.0 / (self.tested * (self.tested + 1)) if share is None else share
        try:
            rows, predictions = candidate.load()
            after = self.loss.of_rows(predictions, labels[rows])
        except RunnerError:
            # Nothing of the candidate's: it must not cost the candidate its test.
            raise
        except Exception as error:  # noqa: BLE001 - one candidate must not stop the others
            return self._fail(candidate, getattr(error, "reason", "failed"))
        certificate = certify(
            self.loss,
            self.evidence.losses_of(rows),
            after,
            rows,
            self.evidence.rows,
            alpha=self.rules.block_delta * float(np.exp(price)) * part,
            margin=self.rules.margin,
            # Bets are tuned by what is fixed before the block is opened, not by its answers.
            tuned=self.rules.block_delta * part,
        )
        if certificate.accepted:
            return self._accept(candidate, certificate, rows, after)
        return self._refuse(candidate, certificate, certificate.reason)

    def _fail(self, candidate: Contender, code: str) -> Verdict:
        """Failing is an answer too: whether it fails decides which model later ones are tested against."""
        self.transcript.refuse(candidate.kind)
        return Verdict(
            key=candidate.key,
            epoch=self.epoch,
            accepted=False,
            reason="model_failed",
            certificate=None,
            failure=code,
        )

    def _refuse(
        self, candidate: Contender, certificate: Certificate, reason: str | None
    ) -> Verdict:
        self.transcript.refuse(candidate.kind)
        return Verdict(
            key=candidate.key,
            epoch=self.epoch,
            accepted=False,
            reason=reason,
            certificate=certificate,
        )

    def _accept(
        self, candidate: Contender, certificate: Certificate, rows: Rows, after: Floats
    ) -> Verdict:
        group, versions = self.evidence.groups, self.evidence.versions
        repairs = self.evidence.accept(
            rows, after, margin=self.rules.repair_margin, limit=self.rules.max_repairs
        )
        if repairs is None:
            return self._refuse(candidate, certificate, "would_worsen_a_group")
        self.transcript.accept(candidate.kind, group)
        # Which group, to which version, and when: 1 / (q (q + 1)) of the code for the q-th time adds
        # up to 1 over all q.  Counted within the groups that concern a candidate all three are fewer.
        times = versions + 1
        for repair in repairs:
            self.transcript.repair(repair.group, (group + 1) * times * times * (times + 1))
        return Verdict(
            key=candidate.key,
            epoch=self.epoch,
            accepted=True,
            reason=None,
            certificate=certificate,
            repairs=repairs,
            largest_rise=self.evidence.largest_rise(),
        )


def practice_kind(improvement: float | None, standard_error: float | None) -> str:
    """Class of evidence of a candidate's practice score: how many standard errors above 0.

    Examples
    --------
    >>> practice_kind(0.01, 0.001), practice_kind(0.001, 0.001), practice_kind(None, None)
    ('over 5', 'under 2', 'unknown')
    """
    if improvement is None or standard_error is None:
        return "unknown"
    if standard_error <= 0:
        return "under 2"
    z = improvement / standard_error
    return next((f"over {edge}" for edge in (5, 3, 2) if z >= edge), "under 2")
