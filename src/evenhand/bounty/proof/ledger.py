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

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.files import sha256, sha256_of
from evenhand.bounty.proof.account import Account
from evenhand.bounty.proof.block_losses import BlockLosses, Mask, Rows
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.proof.session import Contender, Predictions, Session
from evenhand.bounty.proof.verdict import Verdict
from evenhand.bounty.task.losses import Floats, RowLoss
from evenhand.errors import InputError
from evenhand.stats.paired import detectable_gain


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBlock:
    """What may be told of a sealed block.

    Attributes
    ----------
    rows : int
    features, labels : str
        SHA-256 of its files.
    """

    rows: int
    features: str
    labels: str


class Ledger:
    """The sealed blocks of a bounty and what has been spent of them.

    Parameters
    ----------
    folder : Path
        Where the blocks lie.
    rules : Rules
        How it decides.
    loss : RowLoss
        Of a row.
    known : Sequence of SealedBlock
        What differs from their hashes is not read.
    """

    def __init__(
        self, folder: Path, rules: Rules, loss: RowLoss, known: Sequence[SealedBlock] = ()
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
    ) -> tuple[SealedBlock, ...]:
        """Shuffle rows into blocks, write them, and return what may be told."""
        order = rng.permutation(len(labels))
        self._folder.mkdir(parents=True)
        self._folder.chmod(0o700)
        told = []
        for number, rows in enumerate(np.array_split(order, self.rules.blocks)):
            np.save(self._features(number), matrix[rows])
            np.save(self._labels(number), labels[rows])
            self._labels(number).chmod(0o600)
            told.append(SealedBlock(rows=len(rows), **self.fingerprints(number)))
        return tuple(told)

    def features(self, block: int) -> npt.NDArray[np.float32]:
        """Features of a block: models are run on them, labels stay here."""
        return np.asarray(self._read(self._features(block), block, "features"))

    def fingerprints(self, block: int) -> dict[str, str]:
        """SHA-256 of a block's files."""
        return {
            "features": sha256_of(self._features(block)),
            "labels": sha256_of(self._labels(block)),
        }

    def open(self, block: int, predictions: Predictions, groups: Sequence[Mask]) -> Session:
        """Begin to ask a block: under the list's predictions, with the groups introduced before."""
        losses = self._loss.of_rows(predictions, self._read_labels(block))
        return Session(
            loss=self._loss,
            rules=self.rules,
            evidence=BlockLosses(losses, groups, self._loss.range),
            epoch=block,
        )

    def judge(
        self, block: int, session: Session, candidate: Contender, share: float | None = None
    ) -> Verdict:
        """Test one candidate on an opened block, see `Session.test`."""
        if share is None and session.transcript.bits >= self.rules.max_bits:
            return Verdict(
                key=candidate.key,
                epoch=block,
                accepted=False,
                reason="budget_spent",
                certificate=None,
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
    ) -> Account:
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
        return Account(
            mode=self.rules.mode,
            delta=self.rules.delta,
            delta_spent=spent,
            blocks_left=left,
            bits_spent=bits,
            bits_budget=self.rules.max_bits if self.rules.mode == "continuous" else None,
            smallest_detectable=detectable_gain(rows, alpha) if usable and rows else None,
            reason=None if usable else "budget_spent",
        )

    def _features(self, block: int) -> Path:
        return self._folder / f"block-{block:03d}.features.npy"

    def _labels(self, block: int) -> Path:
        return self._folder / f"block-{block:03d}.labels.npy"

    def _read(self, path: Path, block: int, kind: str) -> npt.NDArray[Any]:
        data = path.read_bytes()
        if self._known and sha256(data) != getattr(self._known[block], kind):
            raise InputError(f"The {kind} of sealed block {block} are not what the log says.")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))

    def _read_labels(self, block: int) -> npt.NDArray[np.generic]:
        if block not in self._opened:
            self._opened = {block: self._read(self._labels(block), block, "labels")}
        return self._opened[block]
