"""The account of what the holdout has given away, and the only reader of sealed labels.

Candidates are committed first; when an epoch is closed, one fresh block is opened and all are tested on
it.  A candidate is tested at level ``δ_t · P(transcript) · share``; see `Transcript` for P and `shares`
for the share.  A test is known by its candidate and by the answers that could have changed the list
within its group; both fix the tested hypothesis before the labels are read, and the levels of all tests
that could ever be made add up to at most δ_t, with what is kept for the list that is served.  So the
probability that any acceptance is false, or any lower bound too high, is at most δ, whatever the
candidates, and however each epoch adapts to those before it.
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
from evenhand.bounty.proof.certificate import Drawn, Rows, smallest_provable
from evenhand.bounty.proof.opened_block import Mask, OpenedBlock
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.task.losses import Answers, Floats, RowLoss
from evenhand.errors import InputError

Units = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBlock:
    """What may be told of a sealed block.

    Attributes
    ----------
    rows, units : int
        How many; as many units as rows where each row is one.
    features, labels, unit_of : str
        SHA-256 of its files.
    asked : str or None
        That of what services are asked; `None` where none are.
    """

    rows: int
    units: int
    features: str
    labels: str
    unit_of: str
    asked: str | None = None


#: What a sealed block is made of, one file each; the last where services are asked.
PARTS = ("features", "labels", "unit_of", "asked")


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
    most : int
        Rows of a unit, at most.
    known : Sequence of SealedBlock
        What differs from their hashes is not read.
    """

    def __init__(
        self,
        folder: Path,
        rules: Rules,
        loss: RowLoss,
        most: int = 1,
        known: Sequence[SealedBlock] = (),
    ) -> None:
        self._folder, self._known = folder, known
        self.rules = rules
        self._loss, self._most = loss, most
        self._opened: dict[int, npt.NDArray[np.generic]] = {}

    def seal(
        self,
        matrix: npt.NDArray[np.float32],
        labels: npt.NDArray[np.generic],
        unit_of: Units,
        rng: np.random.Generator,
        asked: npt.NDArray[np.str_] | None = None,
    ) -> tuple[SealedBlock, ...]:
        """Shuffle units into blocks, write them, and return what may be told."""
        self._folder.mkdir(parents=True)
        self._folder.chmod(0o700)
        _, units = np.unique(unit_of, return_inverse=True)
        shuffled = rng.permutation(int(units.max(initial=-1)) + 1)
        # A unit's rows stand together, so that the order of rows tells nothing that the units do not.
        place = np.empty_like(shuffled)
        place[shuffled] = np.arange(len(shuffled))
        told = []
        for number, block in enumerate(np.array_split(shuffled, self.rules.blocks)):
            mine = np.flatnonzero(np.isin(units, block))
            rows = mine[np.argsort(place[units[mine]], kind="stable")]
            _, codes = np.unique(place[units[rows]], return_inverse=True)
            for part, values in (
                ("features", matrix[rows]),
                ("labels", labels[rows]),
                ("unit_of", codes),
                ("asked", None if asked is None else asked[rows]),
            ):
                if values is None:
                    continue
                path = self._path(number, part)
                np.save(path, values)
                path.chmod(0o600)
            told.append(SealedBlock(rows=len(rows), units=len(block), **self.fingerprints(number)))
        return tuple(told)

    def features(self, block: int) -> npt.NDArray[np.float32]:
        """Features of a block: models are run on them, labels stay here."""
        return np.asarray(self._read(block, "features"))

    def drawn(self, block: int) -> Drawn:
        """A block's rows in units."""
        return Drawn.of(self._read(block, "unit_of"), self._most)

    def asked(self, block: int) -> npt.NDArray[np.str_]:
        """What services are asked about each row of a block."""
        return np.asarray(self._read(block, "asked"))

    def fingerprints(self, block: int) -> dict[str, str]:
        """SHA-256 of a block's files."""
        paths = {part: self._path(block, part) for part in PARTS}
        return {part: sha256_of(path) for part, path in paths.items() if path.exists()}

    def open(self, block: int, served: Answers, introduced: Sequence[Mask]) -> OpenedBlock:
        """Begin to ask a block: under the list's answers, with the groups introduced before."""
        return OpenedBlock(
            loss=self._loss,
            rules=self.rules,
            drawn=self.drawn(block),
            labels=self._read_labels(block),
            served=served,
            introduced=introduced,
            epoch=block,
        )

    def losses(self, block: int, predictions: Answers, rows: Rows) -> Floats:
        """Losses of some rows of a block whose tests are all made: nothing is tested on it again."""
        return self._loss.of_rows(predictions, self._read_labels(block)[rows])

    def weights(self, block: int) -> Floats:
        """What the loss counts of each row of such a block."""
        return self._loss.weight(self._read_labels(block))

    def account(self, *, blocks_used: int, units: int, rows: int, expected: int = 100) -> Account:
        """What is spent, what is left, and what could be found now.

        Parameters
        ----------
        blocks_used : int
            Blocks opened so far.
        units, rows : int
            Of the next block.
        expected : int
            Candidates to expect in the next epoch, for the detectable improvement.
        """
        left = self.rules.blocks - blocks_used
        alpha = self.rules.block_delta / max(expected, 1)
        return Account(
            delta=self.rules.delta,
            delta_spent=blocks_used * self.rules.block_delta,
            blocks_left=left,
            smallest_detectable=smallest_provable(
                self._loss, rows=rows, units=units, most=self._most, alpha=alpha
            )
            if left > 0 and units
            else None,
            reason=None if left > 0 else "budget_spent",
        )

    def _path(self, block: int, part: str) -> Path:
        return self._folder / f"block-{block:03d}.{part}.npy"

    def _read(self, block: int, part: str) -> npt.NDArray[Any]:
        data = self._path(block, part).read_bytes()
        if self._known and sha256(data) != getattr(self._known[block], part):
            raise InputError(f"The {part} of sealed block {block} are not what the log says.")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))

    def _read_labels(self, block: int) -> npt.NDArray[np.generic]:
        if block not in self._opened:
            self._opened = {block: self._read(block, "labels")}
        return self._opened[block]
