"""From submissions to verdicts: the order of candidates, and what one opened block says of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.judging.fresh_rows import confirm
from evenhand.bounty.judging.practice import Practice
from evenhand.bounty.proof.block_losses import Rows
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.session import Contender, Predictions, practice_kind
from evenhand.bounty.proof.verdict import BlockVerdicts, Verdict
from evenhand.bounty.state import Load, Queued, State, with_verdict
from evenhand.bounty.strangers.refusals import RunnerError, SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.strangers.sandbox import careful
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.submission import Submission
from evenhand.bounty.task.disjoint import can_meet
from evenhand.bounty.task.membership import Memberships, unpack
from evenhand.errors import InputError


def order_candidates(state: State, practice: Practice, load: Load) -> tuple[Queued, ...]:
    """The pending submissions as they will be tested, with their classes of practice evidence.

    By their lower bound on the practice block, or as they came, see `Rules`.  Nothing here depends
    on sealed labels.  Ties keep the order of arrival.
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
        lower = improvement - 2 * (error or 0.0)
        kind = practice_kind(improvement, error if error is not None else 0.0)
        scored.append((0.0 if by_arrival else -lower, place, key, kind))
    return tuple(Queued(key=key, kind=kind) for _, _, key, kind in sorted(scored))


class BlockJudge:
    """One opened block at work: the list as it grows, and what the block has answered.

    Parameters
    ----------
    start : PointerDecisionList
        The list when the block was opened.
    block : int
    ledger, runner, load
        As a bounty has them.
    """

    def __init__(
        self, start: PointerDecisionList, block: int, ledger: Ledger, runner: Runner, load: Load
    ) -> None:
        self.block = block
        self.listed = start
        self._ledger, self._runner, self._load = ledger, runner, load
        self._matrix = ledger.features(block)
        self._bitmaps = Memberships(self._matrix)
        self._introduced: list[GroupRule] = list(start.groups)
        self._published = [start.version]
        self._session = ledger.open(
            block,
            start.predict(self._matrix, runner),
            start.memberships(self._matrix, runner),
        )

    @property
    def bits(self) -> float:
        """What the answers have cost."""
        return self._session.transcript.bits

    def judge(
        self, key: str, kind: str, share: float | None = None, *, failure: str | None = None
    ) -> Verdict:
        """Verdict on a submission; an acceptance goes into the list, whose versions its repairs name.

        A `failure` of an earlier time is a fact: it is not tried again, since another machine may be
        quicker.
        """
        given = self._load(key)

        def loaded() -> tuple[Rows, Predictions]:
            if failure is not None:
                raise SubmissionError(failure, "")
            return self._rows_and_predictions(given)

        candidate = Contender(
            key=key,
            kind=kind,
            load=loaded,
            meets=_meets(given.group, self._introduced),
        )
        verdict = self._ledger.judge(self.block, self._session, candidate, share)
        # The ledger counts the versions of its block, the list all of them.
        repairs = [replace(one, version=self._published[one.version]) for one in verdict.repairs]
        verdict = replace(verdict, repairs=tuple(repairs))
        if verdict.accepted:
            self.listed = with_verdict(self.listed, verdict, self._load)
            self._introduced.append(given.group)
            self._published.append(self.listed.version)
        return verdict

    def _rows_and_predictions(self, given: Submission) -> tuple[Rows, Predictions]:
        matrix, task = self._matrix, self.listed.task
        runner = careful(self._runner)
        bits = given.group.tried(self._bitmaps, matrix, runner)
        rows = np.flatnonzero(unpack(bits, len(matrix)))
        # An empty group still needs predictions of the right shape.
        asked = matrix[rows] if len(rows) else matrix[:1]
        below = partial(self.listed.predict, runner=self._runner)
        return rows, given.model.predict(asked, task, runner, below=below)[: len(rows)]


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

    `progress` is told how many of how many are tested; `failed` are submissions that failed when the
    block was judged, with the codes.
    """
    if state.opened is None:
        raise InputError("No block is open.")
    block = state.opened.block
    judge = BlockJudge(state.listed, block, ledger, runner, load)
    kinds = {item.key: item.kind for item in state.opened.candidates}
    verdicts = []
    for key, share in shares(kinds).items():
        failure = (failed or {}).get(key)
        verdicts.append(judge.judge(key, kinds[key], share, failure=failure))
        if progress is not None:
            progress(len(verdicts), len(kinds))
    # To updates of earlier epochs this block is fresh data; nothing more is tested on it.
    confirmed = confirm(
        state.listed,
        state.unconfirmed,
        ledger.features(block),
        lambda predictions, rows: ledger.losses(block, predictions, rows),
        runner,
    )
    return BlockVerdicts(
        block=block, verdicts=tuple(verdicts), bits=judge.bits, confirmed=tuple(confirmed)
    )


def resume_block(state: State, ledger: Ledger, runner: Runner, load: Load) -> BlockJudge:
    """The judge of a block that stays in use, with all earlier answers given again."""
    if state.opened is None:
        raise InputError("No block is open.")
    block = state.opened.block
    start = state.listed.prefix(state.opened.version)
    judge = BlockJudge(start, block, ledger, runner, load)
    for verdict in state.verdicts:
        if verdict.epoch != block or verdict.reason == "budget_spent":
            continue
        # A refusal and a failure cost the same and change nothing: neither is tried again.
        failure = None if verdict.accepted else "repeated"
        kind = state.submitted[verdict.key].kind
        again = told(judge.judge(verdict.key, kind, failure=failure))
        if (again.accepted, again.repairs) != (verdict.accepted, verdict.repairs):
            raise InputError(
                f"The acceptance of {verdict.key[:12]} does not come out again on this machine.  "
                "Nothing was written; try again where its model has more time or memory."
            )
    return judge


def told(verdict: Verdict) -> Verdict:
    """A verdict of a block that stays in use: yes or no; each further digit would be an answer."""
    hidden = not verdict.accepted and verdict.reason != "budget_spent"
    return replace(
        verdict,
        certificate=None,
        failure=None,
        largest_rise=None,
        reason="not_accepted" if hidden else verdict.reason,
    )


def shares(kinds: Mapping[str, str]) -> dict[str, float]:
    """Share of the level of each candidate: the same for each class, and within it for each."""
    sizes: dict[str, int] = {}
    for kind in kinds.values():
        sizes[kind] = sizes.get(kind, 0) + 1
    return {key: 1.0 / (len(sizes) * sizes[kind]) for key, kind in kinds.items()}


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
