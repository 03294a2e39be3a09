"""What the events of a bounty amount to: a pure reading of the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.log import Event, read_as
from evenhand.bounty.proof.ledger import SealedBlock
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.proof.shares import Queued
from evenhand.bounty.proof.verdict import (
    BlockVerdicts,
    FreshResult,
    Settlement,
    Verdict,
    block_verdicts_of,
)
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.submission import Submission
from evenhand.bounty.task.task import Task, task_from_dict
from evenhand.results.protocol import to_plain

Load = Callable[[str], Submission]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A submission as the log names it.

    Attributes
    ----------
    key, team, content : str
        As the submission has them.
    kind : str
        Class of its practice evidence.
    trained : str or None
        Hash of the model that was trained for it.
    """

    key: str
    team: str
    content: str
    kind: str
    trained: str | None = None

    def body(self) -> dict[str, Any]:
        """As the log holds it."""
        return {name: value for name, value in to_plain(self).items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A block that was opened: under which version, and for whom."""

    block: int
    version: int
    candidates: tuple[Queued, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A list that was served after an epoch.

    Attributes
    ----------
    block : int
        The epoch's block.
    before, version : int
        Nodes of the list served before it, and of this one.
    settlement : Settlement
    """

    block: int
    before: int
    version: int
    settlement: Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A bounty at one point of its log.

    Attributes
    ----------
    task, rules : Task, Rules
    blocks : tuple of SealedBlock
    listed : PointerDecisionList
        The model as updated so far.
    committed : Mapping
        Team by submission hash, of commitments.
    pending : tuple of str
        Submitted and not yet judged, in order.
    contents : Mapping
        First submission by content, of those pending or accepted.
    opened : Opened or None
        The opened block whose verdicts are not yet written.
    blocks_used : int
    verdicts : tuple of Verdict
    confirmed : Mapping
        What fresh data said of an accepted submission, by its hash.
    vouched : frozenset of str
        Submissions that practice rows speak against, and that the organiser wants tested all the same.
    served : tuple of Served
        Lists that were served, one an epoch.
    """

    task: Task
    rules: Rules
    blocks: tuple[SealedBlock, ...]
    listed: PointerDecisionList
    committed: Mapping[str, str]
    submitted: Mapping[str, Sent]
    pending: tuple[str, ...]
    contents: Mapping[str, str]
    opened: Opened | None
    blocks_used: int
    verdicts: tuple[Verdict, ...]
    confirmed: Mapping[str, FreshResult] = field(default_factory=dict)
    vouched: frozenset[str] = frozenset()
    served: tuple[Served, ...] = ()

    @property
    def unconfirmed(self) -> frozenset[str]:
        """Accepted submissions that fresh data have not yet judged."""
        accepted = (v.key for v in self.verdicts if v.accepted and v.excess is None)
        return frozenset(accepted) - frozenset(self.confirmed)

    @property
    def findings(self) -> tuple[Verdict, ...]:
        """Proven findings, in order."""
        return tuple(v for v in self.verdicts if v.accepted and v.excess is not None)


def read_state(events: Sequence[Event], base: Model, load: Load) -> State:
    """Fold the events into a state.

    Parameters
    ----------
    events : Sequence of Event
        The first one is ``created``.
    base : Model
        The base model.
    load : callable
        Gives the submission of a hash.
    """
    created = events[0].body
    task = task_from_dict(created["task"])
    state = State(
        task=task,
        rules=Rules(**created["rules"]),
        blocks=tuple(read_as(SealedBlock, block) for block in created["blocks"]),
        listed=PointerDecisionList(task=task, models=(base,)),
        committed={},
        submitted={},
        pending=(),
        contents={},
        opened=None,
        blocks_used=0,
        verdicts=(),
    )
    return advance(state, events[1:], load)


def advance(state: State, events: Sequence[Event], load: Load) -> State:
    """The state after some more events."""
    for event in events:
        state = _AFTER[event.kind](state, event.body, load)
    return state


def _committed(state: State, body: Mapping[str, Any], _: Load) -> State:
    return replace(state, committed={**state.committed, body["key"]: body["team"]})


def _submitted(state: State, body: Mapping[str, Any], _: Load) -> State:
    sent = read_as(Sent, body)
    return replace(
        state,
        submitted={**state.submitted, sent.key: sent},
        pending=(*state.pending, sent.key),
        contents={**state.contents, sent.content: sent.key},
    )


def _block_opened(state: State, body: Mapping[str, Any], _: Load) -> State:
    candidates = tuple(read_as(Queued, given) for given in body["candidates"])
    opened = Opened(block=body["block"], version=body["version"], candidates=candidates)
    return replace(state, opened=opened, blocks_used=opened.block + 1)


def _judged(state: State, body: Mapping[str, Any], load: Load) -> State:
    found = block_verdicts_of(body)
    judged = {verdict.key for verdict in found.verdicts}
    refused = {verdict.key for verdict in found.verdicts if not verdict.accepted}
    listed = _listed_after(state.listed, found, load)
    served = Served(
        block=found.block,
        before=state.listed.version,
        version=listed.version,
        settlement=found.settlement,
    )
    return replace(
        state,
        listed=listed,
        pending=tuple(key for key in state.pending if key not in judged),
        # What was refused may be tried again on the next block.
        contents={c: key for c, key in state.contents.items() if key not in refused},
        opened=None,
        verdicts=(*state.verdicts, *found.verdicts),
        confirmed={**state.confirmed, **{one.key: one for one in found.confirmed}},
        served=(*state.served, served),
    )


def _listed_after(
    listed: PointerDecisionList, judged: BlockVerdicts, load: Load
) -> PointerDecisionList:
    """The list after a block: its updates in order, then the groups that go back to the list before."""
    served = listed.version
    for verdict in judged.verdicts:
        if verdict.accepted and verdict.excess is None:
            given = load(verdict.key)
            listed = listed.updated(given.group, given.model, team=given.team, key=given.key)
    for group in judged.settlement.repairs:
        listed = listed.repaired(group, served)
    return listed


def _confirmed(state: State, body: Mapping[str, Any], _: Load) -> State:
    found = [read_as(FreshResult, one) for one in body["confirmed"]]
    return replace(state, confirmed={**state.confirmed, **{one.key: one for one in found}})


def _vouched(state: State, body: Mapping[str, Any], _: Load) -> State:
    return replace(state, vouched=state.vouched | {body["key"]})


def _rolled_back(state: State, body: Mapping[str, Any], _: Load) -> State:
    return replace(state, listed=state.listed.rolled_back(body["key"]))


_AFTER: dict[str, Callable[[State, Mapping[str, Any], Load], State]] = {
    "committed": _committed,
    "submitted": _submitted,
    "block_opened": _block_opened,
    "judged": _judged,
    "confirmed": _confirmed,
    "vouched": _vouched,
    "rolled_back": _rolled_back,
}
