"""The account of what the holdout has given away, and the only reader of sealed labels.

Two ways to spend one error probability δ:

``epochs``
    Candidates are committed first; when the epoch closes, one fresh block is opened and all are
    tested on it.  No answer of a block reaches a candidate that is tested on it, so the price is
    multiplicity only, and what the block's earlier answers made of the model.
``continuous``
    Each candidate is tested at once on a block that stays in use.  Only "yes" or "no" leaves the
    ledger; each answer is paid for, until the block's bits are spent.

A candidate is tested at level ``δ_t · P(transcript) · share``; see `Transcript` for P.  The shares of
an epoch are equal for each class of practice evidence, and within it for each candidate.  A test is
known by its candidate and by the answers that could have changed the model within its group; both
fix the tested hypothesis before the labels are read, and the levels of all tests that could ever be
made add up to at most δ_t.  So the probability that any acceptance is false, or any lower bound too
high, is at most δ, whatever the candidates, and however each epoch adapts to those before it.
"""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evenhand.bounty.certificate import Certificate, certify
from evenhand.bounty.evidence import Evidence, Mask, RepairStep, Rows
from evenhand.bounty.losses import Floats, Loss
from evenhand.bounty.onnx_model import RunnerError
from evenhand.bounty.transcript import Transcript
from evenhand.errors import InputError
from evenhand.stats.paired import detectable_gain

Mode = Literal["epochs", "continuous"]
Order = Literal["practice", "arrival"]
Predictions = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a bounty decides; fixed when it begins.

    Attributes
    ----------
    delta : float
        Probability that any candidate is ever accepted without being an improvement.
    blocks : int
        Sealed blocks; each may spend ``delta / blocks``.
    mode : "epochs" or "continuous"
        See the module.
    margin : float
        What the lower bound of μΔ must exceed.
    repair_margin : float
        Loss per row of the block that an introduced group may stand above its lowest version.
    max_repairs : int
        Most repairs of one acceptance.
    max_bits : float
        What the transcript of a block may cost in continuous mode.
    order : "practice" or "arrival"
        In which order an epoch's candidates are tested: by their lower bound on the practice rows,
        or as they came.  Either is fixed before the block is opened.
    """

    delta: float = 0.05
    blocks: int = 2
    mode: Mode = "epochs"
    margin: float = 0.0
    repair_margin: float = 0.0
    max_repairs: int = 64
    max_bits: float = 60.0
    order: Order = "practice"

    def __post_init__(self) -> None:
        checks = {
            "delta": (0 < self.delta < 1, "between 0 and 1"),
            "blocks": (1 <= self.blocks <= 1_000, "from 1 to 1000"),
            "mode": (self.mode in ("epochs", "continuous"), "'epochs' or 'continuous'"),
            "margin": (self.margin >= 0, "0 or more"),
            "repair_margin": (self.repair_margin >= 0, "0 or more"),
            "max_repairs": (0 <= self.max_repairs <= 10_000, "from 0 to 10000"),
            "max_bits": (1 <= self.max_bits <= 500, "from 1 to 500"),
            "order": (self.order in ("practice", "arrival"), "'practice' or 'arrival'"),
        }
        for name, (right, allowed) in checks.items():
            if not right:
                raise InputError(f"{name} is {getattr(self, name)!r}.  Allowed: {allowed}.")

    @property
    def block_delta(self) -> float:
        """What one block may spend."""
        return self.delta / self.blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
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


@dataclass(slots=True)
class Session:
    """One opened block and all that it has answered."""

    loss: Loss
    rules: Rules
    evidence: Evidence
    transcript: Transcript = field(default_factory=Transcript)
    tested: int = 0

    def test(
        self, candidate: Candidate, labels: npt.NDArray[np.generic], share: float | None = None
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

    def _fail(self, candidate: Candidate, code: str) -> Verdict:
        """Failing is an answer too: whether it fails decides which model later ones are tested against."""
        self.transcript.refuse(candidate.kind)
        return Verdict(
            key=candidate.key,
            accepted=False,
            reason="model_failed",
            certificate=None,
            failure=code,
        )

    def _refuse(
        self, candidate: Candidate, certificate: Certificate, reason: str | None
    ) -> Verdict:
        self.transcript.refuse(candidate.kind)
        return Verdict(key=candidate.key, accepted=False, reason=reason, certificate=certificate)

    def _accept(
        self, candidate: Candidate, certificate: Certificate, rows: Rows, after: Floats
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


class Ledger:
    """The sealed blocks of a bounty and what has been spent of them.

    Parameters
    ----------
    folder : Path
        Where the blocks lie.
    rules : Rules
        How it decides.
    loss : Loss
        Of a row.
    known : Sequence of Mapping
        SHA-256 of each block's ``features`` and ``labels``; what differs is not read.
    """

    def __init__(
        self, folder: Path, rules: Rules, loss: Loss, known: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._folder, self._known = folder, known
        self.rules = rules
        self._loss = loss
        self._opened: dict[int, npt.NDArray[np.generic]] = {}

    def seal(
        self,
        matrix: npt.NDArray[np.float32],
        labels: npt.NDArray[np.generic],
        rng: np.random.Generator,
    ) -> list[dict[str, Any]]:
        """Shuffle rows into blocks, write them, and return what may be told: sizes and hashes."""
        order = rng.permutation(len(labels))
        self._folder.mkdir(parents=True)
        self._folder.chmod(0o700)
        told = []
        for number, rows in enumerate(np.array_split(order, self.rules.blocks)):
            np.save(self._features(number), matrix[rows])
            np.save(self._labels(number), labels[rows])
            self._labels(number).chmod(0o600)
            told.append({"rows": len(rows), **self.fingerprints(number)})
        return told

    def features(self, block: int) -> npt.NDArray[np.float32]:
        """Features of a block: models are run on them, labels stay here."""
        return np.asarray(self._read(self._features(block), block, "features"))

    def fingerprints(self, block: int) -> dict[str, str]:
        """SHA-256 of a block's files."""
        return {
            "features": _sha256(self._features(block)),
            "labels": _sha256(self._labels(block)),
        }

    def open(self, block: int, predictions: Predictions, groups: Sequence[Mask]) -> Session:
        """Begin to ask a block: under the list's predictions, with the groups introduced before."""
        losses = self._loss.of_rows(predictions, self._read_labels(block))
        return Session(
            loss=self._loss, rules=self.rules, evidence=Evidence(losses, groups, self._loss.range)
        )

    def judge(
        self, block: int, session: Session, candidate: Candidate, share: float | None = None
    ) -> Verdict:
        """Test one candidate on an opened block, see `Session.test`."""
        if share is None and session.transcript.bits >= self.rules.max_bits:
            return Verdict(
                key=candidate.key, accepted=False, reason="budget_spent", certificate=None
            )
        return session.test(candidate, self._read_labels(block), share)

    def losses(self, block: int, predictions: Predictions, rows: Rows) -> Floats:
        """Losses of some rows of a block whose tests are all made: nothing is tested on it again.

        Raises
        ------
        InputError
            In continuous mode, where a block stays in use.
        """
        if self.rules.mode == "continuous":
            raise InputError("A block that stays in use tells nothing but its verdicts.")
        return self._loss.of_rows(predictions, self._read_labels(block)[rows])

    def account(
        self,
        *,
        blocks_used: int,
        rows: int,
        expected: int = 100,
        bits: float = 0.0,
        in_use: bool = False,
    ) -> dict[str, Any]:
        """What is spent, what is left, and what could be found now.

        Parameters
        ----------
        blocks_used : int
            Blocks opened so far; in continuous mode the one in use counts.
        rows : int
            Rows of the next block, or of the one in use.
        expected : int
            Candidates to expect in the next epoch, for the detectable improvement.
        bits : float
            What the transcript of the block in use has cost.
        in_use : bool
            Whether a block stays in use.
        """
        left = self.rules.blocks - blocks_used
        spent = blocks_used * self.rules.block_delta
        answers = self.rules.mode == "continuous" and in_use and bits < self.rules.max_bits
        usable = left > 0 or answers
        alpha = self.rules.block_delta * (2.0**-bits if answers else 1.0) / max(expected, 1)
        return {
            "mode": self.rules.mode,
            "delta": self.rules.delta,
            "delta_spent": spent,
            "blocks_left": left,
            "bits_spent": bits,
            "bits_budget": self.rules.max_bits if self.rules.mode == "continuous" else None,
            "smallest_detectable": detectable_gain(rows, alpha) if usable and rows else None,
            "reason": None if usable else "budget_spent",
        }

    def _features(self, block: int) -> Path:
        return self._folder / f"block-{block:03d}.features.npy"

    def _labels(self, block: int) -> Path:
        return self._folder / f"block-{block:03d}.labels.npy"

    def _read(self, path: Path, block: int, kind: str) -> npt.NDArray[Any]:
        data = path.read_bytes()
        if self._known and hashlib.sha256(data).hexdigest() != self._known[block][kind]:
            raise InputError(f"The {kind} of sealed block {block} are not what the log says.")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))

    def _read_labels(self, block: int) -> npt.NDArray[np.generic]:
        if block not in self._opened:
            self._opened = {block: self._read(self._labels(block), block, "labels")}
        return self._opened[block]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
