"""The directory of a bounty: the log, and the files that it names by their hashes.

log.jsonl  base.json  public/{train,practice}.npz  sealed/  submissions/
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenhand.bounty.files import sha256, sha256_of, write_whole
from evenhand.bounty.log import WAIT, EventLog, of_its_form, read_as
from evenhand.bounty.proof.ledger import SealedBlock
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.model import Model, read_model
from evenhand.bounty.submission.submission import Submission, read_submission
from evenhand.bounty.task.task import Labels, Matrix, Task, task_from_dict
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Disclosed rows: features as a matrix, labels, and the number of each row's unit."""

    matrix: Matrix
    labels: Labels
    unit_of: npt.NDArray[np.intp]

    @classmethod
    def of(cls, table: pa.Table, task: Task) -> Data:
        """The rows of a table."""
        _, units = np.unique(task.units_of(table), return_inverse=True)
        return cls(
            matrix=task.encode(table),
            labels=task.encode_labels(table),
            unit_of=units if task.unit is not None else np.arange(table.num_rows),
        )

    def write(self, path: Path) -> None:
        """Write them to a file that holds no code."""
        np.savez(path, matrix=self.matrix, labels=self.labels, unit_of=self.unit_of)


class BountyFolder:
    """What lies in a bounty's directory; a file that is not what the log says is not read.

    Parameters
    ----------
    place : Path
        Made by `create_bounty`.
    wait : float
        Seconds that a writer waits for another one.
    """

    def __init__(self, place: Path, *, wait: float = WAIT) -> None:
        self.place = place
        self.log = EventLog(place / "log.jsonl", wait=wait)
        events = self.log.read()
        if not events:
            raise InputError(f"There is no bounty in {place}.")
        #: What was written when it began.
        self.created = events[0].body
        with of_its_form("The first event"):
            self.task = task_from_dict(self.created["task"])
            self.rules = read_as(Rules, self.created["rules"])
            self.blocks = [read_as(SealedBlock, block) for block in self.created["blocks"]]
        self._read: dict[str, Submission] = {}

    @property
    def base(self) -> Model:
        """The model that the bounty began with."""
        with of_its_form("The first event"):
            data = self._intact("base.json", self.created["base"])
            return read_model(json.loads(data), self.task)

    def data(self, name: str) -> Data:
        """Disclosed rows by name."""
        known = dict(self.created["public"])
        known |= {
            event.body["data"]: event.body["sha256"]
            for event in self.log.read()
            if event.kind == "confirmed"
        }
        data = self._intact(f"public/{name}.npz", known[name])
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return Data(matrix=found["matrix"], labels=found["labels"], unit_of=found["unit_of"])

    def disclose(self, name: str, data: Data) -> str:
        """Write rows that are disclosed now; their hash."""
        path = self.place / "public" / f"{name}.npz"
        data.write(path)
        return sha256_of(path)

    def store(self, key: str, data: bytes, trained: bytes | None) -> None:
        """Write a submission, and the model that was trained for it."""
        stored = self.place / "submissions" / key
        if trained is not None:
            write_whole(stored.with_suffix(".onnx"), trained)
        write_whole(stored.with_suffix(".json"), data)

    def load(self, key: str) -> Submission:
        """A stored submission; a model that was trained here is filled in."""
        if key not in self._read:
            data = (self.place / "submissions" / f"{key}.json").read_bytes()
            if sha256(data) != key:
                raise SubmissionError("damaged", f"the stored submission {key[:12]} was changed.")
            given = read_submission(data, self.task)
            trained = self.place / "submissions" / f"{key}.onnx"
            if given.model.trained_here and trained.exists():
                known = self._trained_hash(key)
                if known is not None:
                    onnx = self._intact(f"submissions/{key}.onnx", known)
                    given = replace(given, model=Model(onnx=onnx))
            self._read[key] = given
        return self._read[key]

    def _trained_hash(self, key: str) -> str | None:
        for event in self.log.read():
            if event.kind == "submitted" and event.body["key"] == key:
                found = event.body.get("trained")
                return None if found is None else str(found)
        return None

    def _intact(self, name: str, known: str) -> bytes:
        data = (self.place / name).read_bytes()
        if sha256(data) != known:
            raise InputError(f"{name} is not what the log says.  Restore it from a copy.")
        return data
