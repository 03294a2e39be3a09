"""A bounty is a directory: public data, sealed blocks, submissions, and the log of what happened.

    log.jsonl  base.json  public/{train,practice}.npz  sealed/  submissions/

Everything but the log is named in it by hash.
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from evenhand.bounty.files import write_whole
from evenhand.bounty.judging.block import (
    BlockJudge,
    judge_block,
    order_candidates,
    resume_block,
    told,
)
from evenhand.bounty.judging.confirmation import confirm
from evenhand.bounty.judging.practice import Practice, Score
from evenhand.bounty.log import EventLog
from evenhand.bounty.proof.block_losses import Rows
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.proof.session import practice_kind
from evenhand.bounty.state import State, advance, read_state
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.strangers.sandbox import Sandbox
from evenhand.bounty.submission.model import Model, read_model
from evenhand.bounty.submission.predictions import order_predictions
from evenhand.bounty.submission.submission import Submission, read_submission
from evenhand.bounty.task.membership import Bitmaps, unpack
from evenhand.bounty.task.task import Labels, Matrix, Task, read_table, task_from_dict
from evenhand.errors import InputError

Trainer = Callable[[Matrix, Labels, Task], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a hunter is told at once: the commitment, and the practice score.

    `head` is the hash of the log's latest event: whoever keeps it can show later that the log was
    cut or written anew, see `verify`.
    """

    key: str
    practice: Score
    verdict: Mapping[str, Any] | None = None
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Disclosed rows: features as a matrix, and labels."""

    matrix: Matrix
    labels: Labels


class Bounty:
    """An open bounty.

    Parameters
    ----------
    folder : Path
        Made by `create_bounty`.
    runner : Runner, optional
        What runs models; the sandbox if not given.
    step : callable, optional
        Told the name of each step of a change, before it; tests stop the process there.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        runner: Runner | None = None,
        step: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.log = EventLog(self.folder / "log.jsonl")
        events = self.log.read()
        if not events:
            raise InputError(f"There is no bounty in {self.folder}.")
        created = events[0].body
        self.task = task_from_dict(created["task"])
        self.rules = Rules(**created["rules"])
        self.ledger = Ledger(self.folder / "sealed", self.rules, self.task.loss, created["blocks"])
        self._own_runner = Sandbox() if runner is None else None
        self.runner: Runner = runner if runner is not None else self._own_runner or Sandbox()
        self._step = step or (lambda _: None)
        self._read: dict[str, Submission] = {}
        self._in_use: tuple[int, BlockJudge] | None = None
        self._known: tuple[int, State] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox."""
        if self._own_runner is not None:
            self._own_runner.close()

    @property
    def state(self) -> State:
        """The bounty as its log tells it now."""
        events = self.log.read()
        done, state = self._known or (1, read_state(events[:1], self.base, self.load))
        state = advance(state, events[done:], self.load)
        self._known = (len(events), state)
        return state

    @property
    def head(self) -> str:
        """Hash of the log's latest event."""
        return self.log.read()[-1].hash

    @property
    def base(self) -> Model:
        """The model that the bounty began with."""
        import json  # noqa: PLC0415 - one use

        data = self._intact("base.json", self.log.read()[0].body["base"])
        return read_model(json.loads(data), self.task)

    def data(self, name: str) -> Data:
        """Disclosed rows: ``train`` or ``practice``."""
        known = dict(self.log.read()[0].body["public"])
        known |= {
            event.body["data"]: event.body["sha256"]
            for event in self.log.read()
            if event.kind == "confirmed"
        }
        data = self._intact(f"public/{name}.npz", known[name])
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return Data(matrix=found["matrix"], labels=found["labels"])

    def _intact(self, name: str, known: str) -> bytes:
        """A file of the bounty, which is what the log says."""
        data = (self.folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != known:
            raise InputError(f"{name} is not what the log says.  Restore it from a copy.")
        return data

    def load(self, key: str) -> Submission:
        """A stored submission; a model that was trained here is filled in."""
        if key not in self._read:
            data = (self.folder / "submissions" / f"{key}.json").read_bytes()
            if hashlib.sha256(data).hexdigest() != key:
                raise SubmissionError("damaged", f"the stored submission {key[:12]} was changed.")
            given = read_submission(data, self.task)
            trained = self.folder / "submissions" / f"{key}.onnx"
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

    def commit(self, *, team: str, key: str) -> None:
        """Promise a submission by its hash; it is shown later in the epoch."""
        with self.log.writing():
            state = self._open_state()
            if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
                raise SubmissionError("wrong_commitment", "a commitment is a SHA-256 in hex.")
            if key in state.committed or key in state.submitted:
                raise SubmissionError("replayed", "this commitment was made before.")
            self.log.append("committed", {"team": team, "key": key})

    def submit(self, data: bytes, *, trainer: Trainer | None = None) -> Receipt:
        """Take a submission: check it, score it on the practice block, write it down.

        Parameters
        ----------
        data : bytes
            From `write_submission`.
        trainer : callable, optional
            Trains the patch where a hunter named a group only: ``(matrix, labels, task) -> ONNX``.

        Raises
        ------
        SubmissionError
            Nothing is written then.
        """
        with self.log.writing():
            state = self._open_state()
            given, trained, score = self._checked(state, data, trainer)
            self._step("scored")
            stored = self.folder / "submissions" / given.key
            if trained is not None:
                write_whole(stored.with_suffix(".onnx"), trained)
            write_whole(stored.with_suffix(".json"), data)
            self._step("stored")
            body = {
                "key": given.key,
                "team": given.team,
                "content": given.content,
                "kind": practice_kind(score.improvement, score.standard_error or 0.0),
            }
            if trained is not None:
                body["trained"] = hashlib.sha256(trained).hexdigest()
            self.log.append("submitted", body)
            self._step("submitted")
            verdict = self._judge_waiting() if self.rules.mode == "continuous" else None
            return Receipt(key=given.key, practice=score, verdict=verdict, head=self.head)

    def check(self, data: bytes, *, trainer: Trainer | None = None) -> Score:
        """All that `submit` would refuse, and the practice score; nothing is written or spent.

        Raises
        ------
        SubmissionError
            As `submit` would.
        """
        return self._checked(self._open_state(), data, trainer)[2]

    def _checked(
        self, state: State, data: bytes, trainer: Trainer | None
    ) -> tuple[Submission, bytes | None, Score]:
        """The submission, its patch where it is trained here, and the practice score."""
        given = read_submission(data, self.task)
        self._check_new(state, given)
        self._step("checked")
        trained = self._train(given, trainer) if given.model.trained_here else None
        model = given.model if trained is None else Model(onnx=trained)
        return given, trained, self.practice(state).score(given.group, model)

    def _open_state(self) -> State:
        """The state, or a refusal where an epoch must be closed first or nothing is left to spend."""
        state = self.state
        if state.opened is not None and self.rules.mode == "epochs":
            raise SubmissionError(
                "epoch_closing",
                "a block is open and its verdicts are not written.  Close the epoch.",
            )
        account = self.account(state)
        if account["reason"] is not None:
            raise SubmissionError(
                account["reason"],
                "no sealed block is left, so nothing more can be proven.  Seal new rows in a new bounty.",
            )
        return state

    def _check_new(self, state: State, given: Submission) -> None:
        if given.key in state.submitted:
            raise SubmissionError("replayed", "this very submission was sent before.")
        team = state.committed.get(given.key)
        if team is not None and team != given.team:
            raise SubmissionError(
                "renamed", f"its hash was committed by another team than {team!r}."
            )
        first = state.contents.get(given.content)
        if first is not None:
            raise SubmissionError(
                "duplicate", f"the same group and model were sent before, as {first[:12]}."
            )

    def _train(self, given: Submission, trainer: Trainer | None) -> bytes:
        if trainer is None:
            raise SubmissionError("no_model", "this bounty trains no patches: send a model too.")
        data = self.data("train")
        inside = rows_of(given, data.matrix, self.runner)
        if len(inside) < 50:
            raise SubmissionError(
                "too_few_rows", f"the group has {len(inside)} training rows.  Needed: 50."
            )
        return trainer(data.matrix[inside], data.labels[inside], self.task)

    def practice(self, state: State | None = None) -> Practice:
        """The practice block under the current list."""
        state = state or self.state
        data = self.data("practice")
        return Practice(state.listed, data.matrix, data.labels, self.runner)

    def measure(self, predictions: Any) -> Score:
        """Score of a table of predictions for all practice rows: measured, never merged.

        Parameters
        ----------
        predictions : table
            Columns ``row`` (0, 1, … as in the practice block) and ``prediction`` (a class or a
            number), each row once.
        """
        table = read_table(predictions)
        if set(table.column_names) != {"row", "prediction"}:
            raise SubmissionError(
                "damaged", "a predictions file has the columns row and prediction."
            )
        if self.task.loss.reads == "probabilities":
            raise SubmissionError("wrong_type", "this bounty's models answer with probabilities.")
        rows, answers = (table[name].to_pylist() for name in ("row", "prediction"))
        expected = len(self.data("practice").labels)
        return self.practice().score_predictions(
            order_predictions(rows, answers, expected, self.task)
        )

    def close_epoch(
        self, *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Mapping[str, Any], ...]:
        """Open one sealed block, test all pending submissions on it, write all verdicts at once.

        If it was stopped on the way, it goes on where it stopped, with the same verdicts.
        `progress` is told how many of how many are tested.
        """
        with self.log.writing():
            state = self.state
            if self.rules.mode != "epochs":
                raise InputError("This bounty judges each submission at once; it has no epochs.")
            if state.opened is None:
                self._open_block(self._open_state())
                state = self.state
            self._step("opened")
            body = judge_block(state, self.ledger, self.runner, self.load, progress)
            self._step("judged")
            self.log.append("judged", body)
            self._step("written")
            return tuple(body["verdicts"])

    def _open_block(self, state: State) -> None:
        if not state.pending:
            raise InputError("No submission is waiting: an epoch without any would waste a block.")
        candidates = order_candidates(state, self.practice(state), self.load)
        self._step("ordered")
        block = state.blocks_used
        body = {"block": block, "version": state.listed.version, "candidates": candidates}
        self.log.append("block_opened", body)

    def _judge_waiting(self) -> Mapping[str, Any] | None:
        """Continuous mode: test what waits on the block in use; the last verdict, as it is told."""
        verdict = None
        while (state := self.state).pending:
            judge = self._judge_in_use(state)
            key = state.pending[0]
            verdict = told(judge.judge(key, state.submitted[key]["kind"]))
            self._step("judged")
            body = {"epoch": judge.block, "block": judge.block, "verdicts": [verdict]}
            self.log.append("judged", {**body, "bits": judge.bits})
            self._in_use = (len(self.log.read()), judge)
            self._step("written")
        return verdict

    def _judge_in_use(self, state: State) -> BlockJudge:
        """The judge of the block in use; a fresh block where it is spent or there is none."""
        left = len(state.blocks) - state.blocks_used
        if state.opened is None or (state.bits >= self.rules.max_bits and left):
            body = {"block": state.blocks_used, "version": state.listed.version, "candidates": []}
            self.log.append("block_opened", body)
            state = self.state
        # What another process wrote in between would be missing from a judge kept in memory.
        elif self._in_use is not None and self._in_use[0] == len(self.log.read()) - 1:
            return self._in_use[1]
        return resume_block(state, self.ledger, self.runner, self.load)

    def confirm(self, table: Any) -> tuple[Mapping[str, Any], ...]:
        """Make rewards final by fresh labelled rows, which are disclosed by this.

        Parameters
        ----------
        table : table
            Rows that no hunter, and no earlier table of this bounty, has had.
        """
        with self.log.writing():
            state = self.state
            if not state.unconfirmed:
                raise InputError("No accepted update waits for fresh data.")
            rows = read_table(table)
            matrix, labels = self.task.encode(rows), self.task.encode_labels(rows)
            found = self.confirmations(state, Data(matrix=matrix, labels=labels))
            name = f"confirm-{len(self.log.read()):06d}"
            path = self.folder / "public" / f"{name}.npz"
            np.savez(path, matrix=matrix, labels=labels)
            body = {"data": name, "sha256": _sha256(path), "confirmed": found}
            self.log.append("confirmed", body)
            return tuple(found)

    def confirmations(self, state: State, data: Data) -> list[dict[str, Any]]:
        """What some labelled rows say of the updates that wait for fresh data."""
        return confirm(
            state.listed,
            state.unconfirmed,
            data.matrix,
            lambda found, rows: self.task.loss.of_rows(found, data.labels[rows]),
            self.runner,
        )

    def roll_back(self, key: str, *, reason: str) -> None:
        """Take an accepted update out of the list; its place is kept."""
        with self.log.writing():
            state = self.state
            if key not in {node.key for node in state.listed.nodes if node.active and node.key}:
                raise InputError(f"No active update has the hash {key[:12]}.")
            rises = self.rises(state, key)
            self.log.append("rolled_back", {"key": key, "reason": reason, "rises": rises})

    def rises(self, state: State, key: str) -> list[dict[str, Any]]:
        """Introduced groups whose loss rises by a roll-back, with the rise per row of all rows.

        Nothing is repaired after a roll-back: the promise that no group loses ends there, and this
        says for whom.  On the latest judged block; on practice rows where a block stays in use.
        """
        judged = [int(verdict["epoch"]) for verdict in state.verdicts]
        if self.rules.mode == "epochs" and judged:
            block = max(judged)
            matrix = self.ledger.features(block)
            score: Callable[[Any, Rows], Any] = partial(self.ledger.losses, block)
        else:
            data = self.data("practice")
            matrix = data.matrix

            def score(found: Any, rows: Rows) -> Any:
                return self.task.loss.of_rows(found, data.labels[rows])

        everyone = np.arange(len(matrix))
        before, after = (
            np.asarray(score(listed.predict(matrix, self.runner), everyone))
            for listed in (state.listed, state.listed.rolled_back(key))
        )
        masks = state.listed.memberships(matrix, self.runner)
        rises = [float((after - before)[mask].sum()) / len(matrix) for mask in masks]
        return [{"group": i, "rise": rise} for i, rise in enumerate(rises) if rise > 0]

    def account(self, state: State | None = None) -> dict[str, Any]:
        """The ledger's account: δ spent, blocks left, smallest detectable improvement."""
        state = state or self.state
        following = min(state.blocks_used, len(state.blocks) - 1)
        return self.ledger.account(
            blocks_used=state.blocks_used,
            rows=state.blocks[following]["rows"],
            expected=max(len(state.pending), 100),
            bits=state.bits if self.rules.mode == "continuous" else 0.0,
            in_use=state.opened is not None,
        )

    def status(self) -> dict[str, Any]:
        """For people and JSON: account, pending submissions, leaderboard."""
        state = self.state
        return {
            "schema": "evenhand.bounty/1",
            "label": self.task.label,
            "loss": self.task.loss.text,
            "updates": sum(n.model is not None and n.active for n in state.listed.nodes),
            "repairs": sum(n.model is None and n.active for n in state.listed.nodes),
            "pending": len(state.pending),
            "ledger": self.account(state),
            "leaderboard": leaderboard(state),
            "head": self.head,
        }


def leaderboard(state: State) -> list[dict[str, Any]]:
    """Teams by the sum of their accepted updates' lower bounds."""
    teams: dict[str, dict[str, Any]] = {}
    active = {node.key for node in state.listed.nodes if node.active and node.key}
    for verdict in state.verdicts:
        team = state.submitted[verdict["key"]]["team"]
        row = teams.setdefault(
            team, {"team": team, "submitted": 0, "accepted": 0, "lower_bound": 0.0}
        )
        row["submitted"] += 1
        if verdict["accepted"] and verdict["key"] in active:
            row["accepted"] += 1
            row["lower_bound"] += (verdict["certificate"] or {}).get("lower_bound", 0.0)
    return sorted(teams.values(), key=lambda row: (-row["lower_bound"], row["team"]))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows_of(given: Submission, matrix: Matrix, runner: Runner) -> Rows:
    """Rows of a matrix in a submission's group."""
    bits = given.group.bits(Bitmaps(matrix), matrix, runner)
    return np.flatnonzero(unpack(bits, len(matrix)))


__all__ = ["Bounty", "Data", "Receipt", "leaderboard"]
