"""A bounty at work: submissions are taken, tested on sealed rows, merged and written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from evenhand.bounty.files import sha256
from evenhand.bounty.folder import BountyFolder, Data
from evenhand.bounty.judging.admission import check_new, check_promised, check_sent, check_vouched
from evenhand.bounty.judging.asking import Hearing, ask, check_heard, wanted
from evenhand.bounty.judging.block import judge_block, order_candidates
from evenhand.bounty.judging.copies import check_confirming
from evenhand.bounty.judging.fresh_rows import confirm
from evenhand.bounty.judging.intake import Trainer, check_open, train
from evenhand.bounty.judging.practice import Practice, PracticeScore
from evenhand.bounty.judging.rises import rises_of
from evenhand.bounty.log import WAIT, Event
from evenhand.bounty.proof.account import Account
from evenhand.bounty.proof.certificate import Drawn, Rows
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.shares import practice_kind
from evenhand.bounty.proof.verdict import FreshResult, Verdict
from evenhand.bounty.roster import Promise, Sent, ServiceAnswers, Vouched
from evenhand.bounty.state import Opened, State, advance, read_state
from evenhand.bounty.status import Status, keeping, leaderboard
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.strangers.sandbox import Sandbox
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.predictions import Predictions, read_predictions
from evenhand.bounty.submission.submission import Submission, read_submission
from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Task, read_table
from evenhand.errors import InputError, unknown_name
from evenhand.results.protocol import to_plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a hunter is told at once: the commitment, the practice score, and its class of evidence.

    Of the class "against" nothing is tested until the organiser vouches for it.  `head` is the hash of
    the log's latest event: whoever keeps it can show later that the log was cut or written anew, see
    `verify`.
    """

    key: str
    practice: PracticeScore
    kind: str = "unknown"
    head: str = ""


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
    wait : float
        Seconds that a change waits for another program's to end.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        runner: Runner | None = None,
        step: Callable[[str], None] | None = None,
        wait: float = WAIT,
    ) -> None:
        self.folder = Path(folder)
        self._files = BountyFolder(self.folder, wait=wait)
        self.log, self.task, self.rules = self._files.log, self._files.task, self._files.rules
        self.ledger = Ledger(
            self.folder / "sealed",
            self.rules,
            self.task.loss,
            self.task.most,
            self._files.blocks,
        )
        self._answers = self._files.answers() if self.task.asks is not None else None
        runner = self._answers if self._answers is not None else runner
        self._own_runner = Sandbox() if runner is None else None
        self.runner: Runner = runner if runner is not None else self._own_runner or Sandbox()
        self._step = step or (lambda _: None)
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
        return self._files.base

    @property
    def severities(self) -> Mapping[str, float]:
        """How much a unit of loss weighs in a group, by predicate; 1 elsewhere."""
        return dict(self._files.created.get("severities", {}))

    @property
    def thinned(self) -> int:
        """Sealed rows that were left out, since their unit had more than it may."""
        return int(self._files.created["thinned"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What should be known of its tables."""
        return tuple(self._files.created["notes"])

    def data(self, name: str) -> Data:
        """Disclosed rows: ``train`` or ``practice``."""
        return self._files.data(name)

    def load(self, key: str) -> Submission:
        """A stored submission; a model that was trained here is filled in."""
        return self._files.load(key)

    def commit(self, *, team: str, key: str, signature: str | None = None) -> Event:
        """Promise a submission by its hash; it is shown later in the epoch.

        Parameters
        ----------
        team, key : str
            Who, and the SHA-256 of the canonical submission.
        signature : str, optional
            The team's, see `signed_text`; needed where the team is registered.
        """
        with self.log.writing():
            promise = Promise(team=team, key=key, signature=signature)
            check_promised(self._open_state().roster, promise)
            return self.log.append("committed", to_plain(promise))

    def submit(
        self, data: bytes, *, trainer: Trainer | None = None, signature: str | None = None
    ) -> Receipt:
        """Take a submission: check it, score it on the practice block, write it down.

        Parameters
        ----------
        data : bytes
            From `write_submission`.
        trainer : callable, optional
            Trains the patch where a hunter named a group only: ``(matrix, labels, task) -> ONNX``.
        signature : str, optional
            The team's, see `signed_text`; needed where the team is registered.

        Raises
        ------
        SubmissionError
            Nothing is written then.
        """
        with self.log.writing():
            state = self._open_state()
            given = read_submission(data, self.task)
            check_sent(state.roster, _sent(given, signature))
            self._check_service(state, given)
            self._step("checked")
            if given.model.service is not None:
                self._ask_about("practice rows", self.data("practice"), (given,))
            trained, score = self._scored(state, given, trainer)
            self._step("scored")
            self._files.store(given.key, data, trained)
            self._step("stored")
            sent = replace(
                _sent(given, signature),
                kind=practice_kind(score.improvement, score.standard_error or 0.0),
                trained=None if trained is None else sha256(trained),
            )
            self.log.append("submitted", sent.body())
            self._step("submitted")
            return Receipt(key=given.key, practice=score, kind=sent.kind, head=self.head)

    def check(self, data: bytes, *, trainer: Trainer | None = None) -> PracticeScore:
        """What `submit` would refuse in any phase, and the practice score; nothing is written or spent.

        Raises
        ------
        SubmissionError
            As `submit` would.
        """
        state = self._open_state()
        given = read_submission(data, self.task)
        check_new(state.roster, _sent(given, None))
        return self._scored(state, given, trainer)[1]

    def _scored(
        self, state: State, given: Submission, trainer: Trainer | None
    ) -> tuple[bytes | None, PracticeScore]:
        """The patch of a submission, where it is trained here, and its practice score."""
        trained = None
        if given.model.trained_here:
            trained = train(given, self.data("train"), self.task, self.runner, trainer)
        model = given.model if trained is None else Model(onnx=trained)
        return trained, self.practice(state).score(given.group, model)

    def _open_state(self) -> State:
        """The state, or a refusal where an epoch must be closed first or nothing is left to spend."""
        state = self.state
        check_open(state, self.account(state))
        return state

    def _check_service(self, state: State, given: Submission) -> None:
        name = given.model.service
        if name is not None and name not in state.roster.services:
            raise SubmissionError(
                "unknown_service", unknown_name("service", name, sorted(state.roster.services))
            )

    def ask_practice(self) -> None:
        """Ask the services of the list about the practice rows; what was answered is not asked again."""
        with self.log.writing():
            self._ask_about("practice rows", self.data("practice"), ())

    def _ask_block(self, state: State) -> None:
        """Ask all services that the opened block needs, before a label is read."""
        assert state.opened is not None, "a block is open"
        block = state.opened.block
        # Labels and units stay where they are.
        data = Data(
            matrix=self.ledger.features(block),
            labels=np.zeros(0),
            unit_of=np.zeros(0, np.intp),
            asked=self.ledger.asked(block),
        )
        given = [self.load(one.key) for one in state.opened.candidates]
        again = state.roster.opened is not None and bool(state.roster.opened.resumed)
        self._ask_about(f"block {block + 1}", data, given, again=again)

    def _ask_about(
        self,
        about: str,
        data: Data,
        candidates: Sequence[Submission],
        *,
        again: bool | None = None,
    ) -> None:
        """Ask services about rows, and write down what they said; each row once.

        Nothing is written where one was away: see `check_heard`.
        """
        if self._answers is None or data.asked is None:
            return
        state = self.state
        heard = []
        for name, rows in wanted(state.listed, candidates, data.matrix, self.runner).items():
            absent = self._answers.missing(name, data.matrix[rows, -1].astype(np.int64))
            if not len(absent):
                continue
            asked = data.asked[np.isin(data.matrix[:, -1].astype(np.int64), absent)]
            heard.append(
                ask(
                    state.roster.services[name],
                    absent,
                    asked.tolist(),
                    self.task,
                    self.folder / "answers",
                    self._files.media,
                )
            )
        check_heard(heard, state.listed, again=again)
        for one in heard:
            self._write_heard(about, one)

    def _write_heard(self, about: str, heard: Hearing) -> None:
        file = f"{len(self.log.read()):06d}.npz"
        body = ServiceAnswers(
            service=heard.service,
            about=about,
            file=file,
            sha256=self._files.write_answers(file, heard.said),
            rows=len(heard.said.places),
            outcomes=heard.outcomes,
            unsteady=heard.unsteady,
        )
        event = self.log.append("answered", to_plain(body))
        assert self._answers is not None, "services are asked"
        self._files.add_answers(self._answers, event)

    def practice(self, state: State | None = None) -> Practice:
        """The practice block under the current list."""
        state = state or self.state
        return Practice(state.listed, self.data("practice"), self.runner)

    def measure(self, predictions: Any) -> PracticeScore:
        """Score of a table of predictions for all practice rows: measured, never merged.

        Parameters
        ----------
        predictions : table
            Columns ``row`` (0, 1, … as in the practice block) and ``prediction`` (a class or a
            number), each row once.
        """
        expected = len(self.data("practice").labels)
        return self.practice().score_predictions(read_predictions(predictions, expected, self.task))

    def close_epoch(
        self, *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Verdict, ...]:
        """Open one sealed block, test all pending submissions on it, write all verdicts at once.

        If it was stopped on the way, it goes on where it stopped, with the same verdicts.
        `progress` is told how many of how many are tested.
        """
        with self.log.writing():
            state = self.state
            if state.opened is None:
                self._open_block(self._open_state())
            else:
                # Somebody may have looked at the block and stopped: the log tells each time.
                self.log.append("resumed", {"block": state.opened.block})
            state = self.state
            self._step("opened")
            if self._answers is not None:
                self._ask_block(state)
                self._step("asked")
                state = self.state
            found = judge_block(state, self.ledger, self.runner, self.load, progress)
            self._step("judged")
            self.log.append("judged", found.body())
            self._step("written")
            return found.verdicts

    def _open_block(self, state: State) -> None:
        if not state.pending:
            raise InputError("No submission is waiting: an epoch without any would waste a block.")
        candidates = order_candidates(state, self.practice(state), self.load)
        if not candidates:
            raise InputError(
                "Practice rows speak strongly against all that waits.  Vouch for what should be tested all "
                "the same, see evenhand bounty vouch."
            )
        self._step("ordered")
        opened = Opened(
            block=state.blocks_used, version=state.listed.version, candidates=candidates
        )
        self.log.append("block_opened", to_plain(opened))

    def vouch(self, key: str, *, reason: str) -> None:
        """Let a waiting submission be tested that practice rows speak strongly against.

        If sealed labels were known to somebody, this is what it would look like: a model that is bad on rows
        that everybody may look at, and good on those that nobody should know.
        """
        with self.log.writing():
            asked = Vouched(key=key, reason=reason)
            check_vouched(self.state.roster, asked)
            self.log.append("vouched", to_plain(asked))

    def confirm(self, table: Any) -> tuple[FreshResult, ...]:
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
            known = [(name, self.data(name)) for name in self._files.disclosed]
            numbered = sum(len(one.labels) for _, one in known)
            numbered += sum(block.rows for block in self._files.blocks)
            data = Data.of(rows, self.task, first=numbered)
            check_confirming(known, self.ledger, data)
            self._ask_about("fresh rows", data, ())
            found = self.confirmations(state, data)
            name = f"confirm-{len(self.log.read()):06d}"
            told = self._files.disclose(name, data)
            body = {"data": name, "sha256": told, "confirmed": to_plain(found)}
            self.log.append("confirmed", body)
            return tuple(found)

    def confirmations(self, state: State, data: Data) -> list[FreshResult]:
        """What some labelled rows say of the updates that wait for fresh data."""
        return confirm(
            state.listed,
            state.unconfirmed,
            data.matrix,
            # In an order that nobody chose; the same at each re-play.
            Drawn.of(data.unit_of, self.task.most).shuffled(
                np.random.default_rng(len(data.labels))
            ),
            partial(_losses, self.task, data),
            self.runner,
        )

    def roll_back(self, key: str, *, reason: str) -> None:
        """Take an accepted update out of the list; its place is kept."""
        with self.log.writing():
            state = self.state
            if state.opened is not None:
                raise InputError(
                    "A block is open and its verdicts are not written: what they are tested against may not change.  "
                    "Close the epoch first: evenhand bounty close."
                )
            if key not in {node.key for node in state.listed.nodes if node.active and node.key}:
                raise InputError(f"No active update has the hash {key[:12]}.")
            rises = self.rises(state, key)
            self.log.append("rolled_back", {"key": key, "reason": reason, "rises": rises})

    def rises(self, state: State, key: str) -> list[dict[str, Any]]:
        """Introduced groups whose loss rises by a roll-back, with the rise per row of all rows.

        Nothing is repaired after a roll-back: the promise that no group loses ends there, and this
        says for whom, on the latest judged block.
        """
        block = state.served[-1].block
        matrix = self.ledger.features(block)
        return rises_of(state, key, matrix, partial(self.ledger.losses, block), self.runner)

    def account(self, state: State | None = None) -> Account:
        """The ledger's account: δ spent, blocks left, smallest detectable improvement."""
        state = state or self.state
        following = min(state.blocks_used, len(state.blocks) - 1)
        return self.ledger.account(
            blocks_used=state.blocks_used,
            units=state.blocks[following].units,
            rows=state.blocks[following].rows,
            expected=max(len(state.pending), 100),
        )

    def status(self) -> Status:
        """Account, counts of the list, pending submissions, leaderboard."""
        state = self.state
        return Status(
            label=self.task.label,
            loss=self.task.loss.text,
            updates=sum(n.model is not None and n.active for n in state.listed.nodes),
            repairs=sum(n.model is None and n.active for n in state.listed.nodes),
            pending=len(state.pending),
            held=sum(
                state.submitted[key].kind == "against" and key not in state.vouched
                for key in state.pending
            ),
            unit=self.task.unit,
            organiser=self._files.created["organiser"],
            assumptions=tuple(self._files.created["assumptions"]),
            ledger=self.account(state),
            leaderboard=leaderboard(state),
            head=self.head,
            keeping=keeping(self.log.read(), state.roster),
        )


def _sent(given: Submission, signature: str | None) -> Sent:
    """A submission as the log will name it, before it is scored."""
    return Sent(
        key=given.key, team=given.team, content=given.content, kind="unknown", signature=signature
    )


def _losses(task: Task, data: Data, predictions: Predictions, rows: Rows) -> Floats:
    return task.loss.of_rows(predictions, data.labels[rows])
