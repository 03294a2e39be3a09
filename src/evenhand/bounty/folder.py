"""The directory of a bounty: the log, and the files that it names by their hashes.

log.jsonl  base.json  public/{train,practice}.npz  sealed/  submissions/  answers/
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.files import sha256, sha256_of, write_whole
from evenhand.bounty.log import WAIT, Event, EventLog, of_its_form, read_as
from evenhand.bounty.proof.ledger import SealedBlock
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.strangers.asked import AskedServices, Said
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.model import Model, read_model
from evenhand.bounty.submission.submission import Submission, read_submission
from evenhand.bounty.task.task import Labels, Matrix, Task, task_from_dict
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Disclosed rows: features as a matrix, labels, the number of each row's unit, and what services are asked.

    Where services are asked, the last column of the matrix is the row's number in the whole bounty.
    """

    matrix: Matrix
    labels: Labels
    unit_of: npt.NDArray[np.intp]
    asked: npt.NDArray[np.str_] | None = None

    @classmethod
    def of(cls, table: pa.Table, task: Task, first: int = 0) -> Data:
        """The rows of a table, numbered from the first on where services are asked."""
        if first + table.num_rows > MOST_ROWS and task.asks is not None:
            raise InputError(f"A bounty of services holds {MOST_ROWS:,} rows at most.")
        matrix = task.encode(table)
        if task.asks is not None:
            numbers = np.arange(first, first + table.num_rows, dtype=np.float32)
            matrix = np.ascontiguousarray(np.column_stack([matrix, numbers]), np.float32)
        _, units = np.unique(task.units_of(table), return_inverse=True)
        return cls(
            matrix=matrix,
            labels=task.encode_labels(table),
            unit_of=units if task.unit is not None else np.arange(table.num_rows),
            asked=task.asked_of(table) if task.asks is not None else None,
        )

    def write(self, path: Path) -> None:
        """Write them to a file that holds no code."""
        parts: dict[str, Any] = {
            "matrix": self.matrix,
            "labels": self.labels,
            "unit_of": self.unit_of,
            "asked": self.asked,
        }
        np.savez(path, **{name: part for name, part in parts.items() if part is not None})


#: Numbers of rows that a float32 tells apart.
MOST_ROWS = 1 << 24


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

    @property
    def media(self) -> Path:
        """Where relative paths of sounds and pictures start."""
        return Path(str(self.created["media"]))

    @property
    def disclosed(self) -> dict[str, str]:
        """Hashes of disclosed rows by name."""
        known = dict(self.created["public"])
        return known | {
            event.body["data"]: event.body["sha256"]
            for event in self.log.read()
            if event.kind == "confirmed"
        }

    def data(self, name: str) -> Data:
        """Disclosed rows by name."""
        known = self.disclosed
        data = self._intact(f"public/{name}.npz", known[name])
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return Data(
                matrix=found["matrix"],
                labels=found["labels"],
                unit_of=found["unit_of"],
                asked=found.get("asked"),
            )

    def disclose(self, name: str, data: Data) -> str:
        """Write rows that are disclosed now; their hash."""
        path = self.place / "public" / f"{name}.npz"
        data.write(path)
        return sha256_of(path)

    def answers(self) -> AskedServices:
        """What services have answered so far, from files that the log names by their hashes."""
        book = AskedServices()
        for event in self.log.read():
            if event.kind == "answered":
                self.add_answers(book, event)
        return book

    def add_answers(self, book: AskedServices, event: Event) -> None:
        """Add what one event says was answered."""
        name = Path(str(event.body["file"])).name
        data = self._intact(f"answers/{name}", event.body["sha256"])
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            said = Said(places=found["places"], texts=found["texts"], given=found["given"])
        book.add(event.body["service"], said)

    def write_answers(self, name: str, said: Said) -> str:
        """Write what a service answered; the file's hash."""
        (self.place / "answers").mkdir(exist_ok=True)
        path = self.place / "answers" / name
        with io.BytesIO() as whole:
            np.savez(whole, places=said.places, texts=said.texts, given=said.given)
            write_whole(path, whole.getvalue())
        path.chmod(0o600)
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
