"""What the events of a bounty amount to: a pure reading of the log."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.log import Event, read_as
from evenhand.bounty.proof.ledger import SealedBlock
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.proof.verdict import FreshResult, Verdict, verdict_of
from evenhand.bounty.roster import Roster, Sent, begin_roster, roster_after
from evenhand.bounty.submission.model import Model
from evenhand.bounty.submission.submission import Submission
from evenhand.bounty.task.task import Task, task_from_dict

Load = Callable[[str], Submission]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A submission in the order of an epoch's tests, with its class of practice evidence."""

    key: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A block that was opened: under which version, and for whom; nobody where it stays in use."""

    block: int
    version: int
    candidates: tuple[Queued, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A bounty at one point of its log.

    Attributes
    ----------
    task, rules : Task, Rules
    blocks : tuple of SealedBlock
    listed : PointerDecisionList
        The model as updated so far.
    roster : Roster
        Teams, their keys, and what they sent.
    opened : Opened or None
        The opened block whose verdicts are not yet written.
    blocks_used : int
    bits : float
        What the answers of the latest block have cost.
    verdicts : tuple of Verdict
    confirmed : Mapping
        What fresh data said of an accepted submission, by its hash.
    """

    task: Task
    rules: Rules
    blocks: tuple[SealedBlock, ...]
    listed: PointerDecisionList
    roster: Roster
    opened: Opened | None
    blocks_used: int
    bits: float
    verdicts: tuple[Verdict, ...]
    confirmed: Mapping[str, FreshResult] = field(default_factory=dict)

    @property
    def committed(self) -> Mapping[str, str]:
        """Team by submission hash, of commitments."""
        return self.roster.committed

    @property
    def submitted(self) -> Mapping[str, Sent]:
        """Submissions by hash."""
        return self.roster.submitted

    @property
    def pending(self) -> tuple[str, ...]:
        """Submitted and not yet judged, in order."""
        return self.roster.pending

    @property
    def contents(self) -> Mapping[str, str]:
        """First submission by content, of those pending or in the list."""
        return self.roster.contents

    @property
    def unconfirmed(self) -> frozenset[str]:
        """Accepted submissions that fresh data have not yet judged."""
        accepted = (verdict.key for verdict in self.verdicts if verdict.accepted)
        return frozenset(accepted) - frozenset(self.confirmed)


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
        rules=read_as(Rules, created["rules"]),
        blocks=tuple(read_as(SealedBlock, block) for block in created["blocks"]),
        listed=PointerDecisionList(task=task, models=(base,)),
        roster=begin_roster(events[0]),
        opened=None,
        blocks_used=0,
        bits=0.0,
        verdicts=(),
    )
    return advance(state, events[1:], load)


def advance(state: State, events: Sequence[Event], load: Load) -> State:
    """The state after some more events."""
    for event in events:
        state = replace(state, roster=roster_after(state.roster, event))
        if event.kind in _AFTER:
            state = _AFTER[event.kind](state, event.body, load)
    return state


def _block_opened(state: State, body: Mapping[str, Any], _: Load) -> State:
    candidates = tuple(read_as(Queued, given) for given in body["candidates"])
    opened = Opened(block=body["block"], version=body["version"], candidates=candidates)
    return replace(state, opened=opened, blocks_used=opened.block + 1, bits=0.0)


def _judged(state: State, body: Mapping[str, Any], load: Load) -> State:
    verdicts = tuple(verdict_of(given, body["epoch"]) for given in body["verdicts"])
    listed = state.listed
    for verdict in verdicts:
        listed = with_verdict(listed, verdict, load)
    return replace(
        state,
        listed=listed,
        opened=None if state.rules.mode == "epochs" else state.opened,
        bits=float(body["bits"]),
        verdicts=(*state.verdicts, *verdicts),
        confirmed=_with_confirmed(state, body.get("confirmed", [])),
    )


def _with_confirmed(state: State, found: Sequence[Mapping[str, Any]]) -> Mapping[str, FreshResult]:
    return {**state.confirmed, **{one["key"]: read_as(FreshResult, one) for one in found}}


def _confirmed(state: State, body: Mapping[str, Any], _: Load) -> State:
    return replace(state, confirmed=_with_confirmed(state, body["confirmed"]))


def with_verdict(listed: PointerDecisionList, verdict: Verdict, load: Load) -> PointerDecisionList:
    """The list after a verdict: an update and its repairs, or nothing."""
    if not verdict.accepted:
        return listed
    given = load(verdict.key)
    listed = listed.updated(given.group, given.model, team=given.team, key=given.key)
    for repair in verdict.repairs:
        listed = listed.repaired(repair.group, repair.version)
    return listed


def _rolled_back(state: State, body: Mapping[str, Any], _: Load) -> State:
    # A block that stays in use has answered about another list: the next submission opens a fresh one.
    return replace(state, listed=state.listed.rolled_back(body["key"]), opened=None)


#: What the roster does not tell.
_AFTER: dict[str, Callable[[State, Mapping[str, Any], Load], State]] = {
    "block_opened": _block_opened,
    "judged": _judged,
    "confirmed": _confirmed,
    "rolled_back": _rolled_back,
}
