"""From submissions to verdicts: the order of candidates, and what one opened block says of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from evenhand.bounty.judging.fresh_rows import confirm
from evenhand.bounty.judging.practice import Practice
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.opened_block import Claim, Contender, OpenedBlock
from evenhand.bounty.proof.shares import Queued, practice_kind, shares
from evenhand.bounty.proof.verdict import BlockVerdicts
from evenhand.bounty.state import Load, State
from evenhand.bounty.strangers.refusals import RunnerError, SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.strangers.sandbox import careful
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.predictions import Predictions
from evenhand.bounty.submission.submission import Submission
from evenhand.bounty.task.disjoint import can_meet
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.bounty.task.task import Matrix, Task
from evenhand.errors import InputError


def order_candidates(state: State, practice: Practice, load: Load) -> tuple[Queued, ...]:
    """The pending submissions as they will be tested, with their classes of practice evidence.

    By their lower bound on the practice block, or as they came, see `Rules`.  Nothing here depends
    on sealed labels.  Ties keep the order of arrival.  What practice rows speak strongly against is left
    out, and waits, until the organiser vouches for it.
    """
    by_arrival = state.rules.order == "arrival"
    scored = []
    for place, key in enumerate(state.pending):
        given = load(key)
        try:
            improvement, error, _ = practice.exact(given.group, given.model)
        except RunnerError:
            raise
        except Exception:  # noqa: BLE001 - one candidate must not stop the others
            improvement, error = 0.0, None
        kind = practice_kind(improvement, error if error is not None else 0.0)
        if kind == "against" and key not in state.vouched:
            continue
        lower = improvement - 2 * (error or 0.0)
        queued = Queued(key=key, team=given.team, kind=kind)
        scored.append((0.0 if by_arrival else -lower, place, queued))
    return tuple(queued for _, _, queued in sorted(scored, key=lambda one: one[:2]))


def judge_block(
    state: State,
    ledger: Ledger,
    runner: Runner,
    load: Load,
    progress: Callable[[int, int], None] | None = None,
    *,
    failed: Mapping[str, str] | None = None,
) -> BlockVerdicts:
    """Verdicts of the opened block; the same at each call.

    `progress` is told how many of how many are tested; `failed` are submissions that ran out of time or
    memory when the block was judged, with the codes: that is a fact that is not tried again, since
    another machine may be quicker.
    """
    if state.opened is None:
        raise InputError("No block is open.")
    block, served = state.opened.block, state.listed
    matrix = ledger.features(block)
    opened = ledger.open(block, served.predict(matrix, runner), served.memberships(matrix, runner))
    bitmaps, introduced = Memberships(matrix), list(served.groups)
    allotted, verdicts = shares(state.opened.candidates), []
    for number, queued in enumerate(state.opened.candidates):
        if progress is not None:
            progress(number + 1, len(allotted))
        given = load(queued.key)
        code = (failed or {}).get(queued.key)
        if given.model.finding is not None:
            found = Claim(
                key=queued.key,
                more_than=given.model.finding,
                load=_failing(code)
                if code is not None
                else _matching(given, matrix, bitmaps, careful(runner)),
            )
            verdicts.append(opened.judge_claim(found, allotted[queued.key]))
            continue
        candidate = Contender(
            key=queued.key,
            team=queued.team,
            kind=queued.kind,
            load=_failing(code)
            if code is not None
            else _answering(given, matrix, bitmaps, served.task, careful(runner), opened),
            meets=_meets(given.group, introduced),
        )
        verdicts.append(opened.test(candidate, allotted[queued.key]))
        if verdicts[-1].accepted:
            introduced.append(given.group)
    return BlockVerdicts(
        block=block,
        verdicts=tuple(verdicts),
        settlement=opened.settle(),
        # To updates of earlier epochs this block is fresh data; nothing more is tested on it.
        confirmed=tuple(
            confirm(
                served,
                state.unconfirmed,
                matrix,
                ledger.drawn(block),
                lambda predictions, rows: ledger.losses(block, predictions, rows),
                runner,
            )
        ),
    )


def _failing(code: str) -> Callable[[], Any]:
    def load() -> Any:
        raise SubmissionError(code, "")

    return load


def _matching(
    given: Submission, matrix: Matrix, bitmaps: Memberships, runner: Runner
) -> Callable[[], Rows]:
    def load() -> Rows:
        bits = given.group.tried(bitmaps, matrix, runner)
        return np.flatnonzero(unpack(bits, len(matrix)))

    return load


def _answering(
    given: Submission,
    matrix: Matrix,
    bitmaps: Memberships,
    task: Task,
    runner: Runner,
    opened: OpenedBlock,
) -> Callable[[], tuple[Rows, Predictions]]:
    inside = _matching(given, matrix, bitmaps, runner)

    def load() -> tuple[Rows, Predictions]:
        rows = inside()
        # An empty group still needs predictions of the right shape.
        asked = rows if len(rows) else np.arange(1)
        found = given.model.predict(
            matrix[asked],
            task,
            runner,
            below=lambda silent: opened.answers_of(asked[silent]),
        )
        return rows, found[: len(rows)]

    return load


def _meets(group: GroupRule, introduced: list[GroupRule]) -> Callable[[int], bool]:
    known: dict[int, bool] = {}

    def meets(number: int) -> bool:
        other = introduced[number]
        if group.formula is None or other.formula is None:
            return True
        if number not in known:
            known[number] = can_meet(group.formula, other.formula)
        return known[number]

    return meets
