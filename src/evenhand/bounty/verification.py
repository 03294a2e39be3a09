"""Re-play the log from the submissions and the blocks, and compare: anyone who holds them can."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.custody import Custody, read_custody
from evenhand.bounty.files import sha256_of
from evenhand.bounty.judging.block import judge_block, order_candidates
from evenhand.bounty.log import Event, EventLog, of_its_form
from evenhand.bounty.proof.ledger import PARTS
from evenhand.bounty.roster import FAILURES_OF_TIME, ServiceAnswers, given, was_away
from evenhand.bounty.state import Opened, State, advance, read_state
from evenhand.bounty.status import TeamCount, leaderboard
from evenhand.errors import InputError
from evenhand.results.protocol import Result, to_plain

#: Numbers of one certificate may differ so much between machines.
TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification(Result):
    """What a re-play found.

    Attributes
    ----------
    proven : bool
        Whether nothing differs.
    events : int
        Events of the log.
    verdicts : int
        Verdicts that were re-played.
    updates : int
        Active updates of the proven model.
    problems : tuple of str
        Everything that differs; empty where the model and the leaderboard are proven.
    leaderboard : tuple of TeamCount
        Proven from the verdicts.
    custody : Custody
        Who wrote the log, and whether they might.
    """

    SCHEMA: ClassVar[str] = "evenhand.verification/2"

    proven: bool
    events: int
    verdicts: int
    updates: int
    problems: tuple[str, ...]
    leaderboard: tuple[TeamCount, ...]
    custody: Custody


def verify(
    bounty: Bounty,
    *,
    head: str | None = None,
    host: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Re-play the whole log: files by their hashes, each order, each verdict, each repair.

    Parameters
    ----------
    bounty : Bounty
    head : str, optional
        Hash of an event that somebody was told, see `Receipt`.  Without one, a log that was cut at
        its end, or written anew as a whole, looks like any other.
    host : str, optional
        The host's public key, as it is known from elsewhere.
    progress : callable, optional
        Told how many of how many events are re-played.
    """
    # From the disk, not from what this process has seen before.
    events = EventLog(bounty.folder / "log.jsonl").read()
    custody = read_custody(events, head=head, host=host, replayed=True)
    with of_its_form("What is said of files"):
        files = _files(bounty, events)
    problems = [*files, *custody.problems]
    if any("base.json" in problem for problem in files):
        return Verification(
            proven=False,
            events=len(events),
            verdicts=0,
            updates=0,
            problems=tuple(problems),
            leaderboard=(),
            custody=custody,
        )
    state = read_state(events[:1], bounty.base, bounty.load)
    # With changed files a re-play would prove nothing, and might not even run.
    replayed = events[1:] if not files else ()
    try:
        for event in replayed:
            with of_its_form(f"Event {event.number} ({event.kind[:40]})"):
                problems += _check(bounty, state, event)
                state = advance(state, [event], bounty.load)
            if progress is not None:
                progress(event.number, len(events))
    except (InputError, OSError) as error:
        problems.append(f"after {len(state.verdicts)} verdicts: {error}")
    return Verification(
        proven=not problems,
        events=len(events),
        verdicts=len(state.verdicts),
        updates=sum(n.model is not None and n.active for n in state.listed.nodes),
        problems=tuple(problems),
        leaderboard=leaderboard(state),
        custody=custody,
    )


def _files(bounty: Bounty, events: tuple[Event, ...]) -> list[str]:
    created, folder = events[0].body, bounty.folder
    expected = {folder / "base.json": created["base"]}
    for name, known in created["public"].items():
        expected[folder / "public" / f"{name}.npz"] = known
    for event in events:
        if event.kind == "submitted":
            stored = folder / "submissions" / event.body["key"]
            expected[stored.with_suffix(".json")] = event.body["key"]
            if "trained" in event.body:
                expected[stored.with_suffix(".onnx")] = event.body["trained"]
        if event.kind == "answered":
            expected[folder / "answers" / Path(str(event.body["file"])).name] = event.body["sha256"]
        if event.kind == "confirmed":
            expected[folder / "public" / f"{event.body['data']}.npz"] = event.body["sha256"]
    problems = [
        f"{path.relative_to(folder)} is not what the log says"
        for path, known in expected.items()
        if not _holds(path, known)
    ]
    for number, block in enumerate(created["blocks"]):
        if bounty.ledger.fingerprints(number) != {
            part: block[part] for part in PARTS if block[part] is not None
        }:
            problems.append(f"sealed block {number} is not what the log says")
    return problems


def _holds(path: Path, known: object) -> bool:
    """Whether a file is there with this hash; a log may name what no disk can hold."""
    try:
        return path.is_file() and sha256_of(path) == known
    except OSError:
        return False


def _check(bounty: Bounty, state: State, event: Event) -> list[str]:
    body = event.body
    if event.kind == "submitted":
        given = bounty.load(body["key"])
        same = (given.team, given.content) == (body["team"], body["content"])
        return [] if same else [f"event {event.number}: team or content differs"]
    if event.kind == "block_opened":
        candidates = order_candidates(state, bounty.practice(state), bounty.load)
        found = Opened(block=state.blocks_used, version=state.listed.version, candidates=candidates)
        return _differences(event, to_plain(found), body)
    if event.kind == "confirmed":
        again = bounty.confirmations(state, bounty.data(body["data"]))
        return _differences(event, {**body, "confirmed": to_plain(again)}, body)
    if event.kind == "rolled_back":
        return _differences(event, bounty.rises(state, body["key"]), body["rises"])
    if event.kind == "judged":
        return _differences(event, _judged_again(bounty, state, body), body)
    if event.kind == "answered":
        return _served_away(state, event)
    return []


def _served_away(state: State, event: Event) -> list[str]:
    """Against a served service that was away anything is better: that is no proof."""
    told = given(ServiceAnswers, event)
    judged = told.about != "practice rows" and told.service in state.listed.services
    if not judged or not was_away(told.outcomes):
        return []
    problem = (
        f"{told.service!r} was away when it was asked about {told.about}, and it is served: what is better than "
        "silence is not proven to be better than its answers"
    )
    return [problem]


def _judged_again(bounty: Bounty, state: State, body: Mapping[str, Any]) -> Mapping[str, Any]:
    # Another machine may be quicker; whatever else failed must fail again.
    failed = {
        verdict["key"]: verdict["failure"]
        for verdict in body["verdicts"]
        if verdict["failure"] in FAILURES_OF_TIME
    }
    return judge_block(state, bounty.ledger, bounty.runner, bounty.load, failed=failed).body()


def _differences(event: Event, found: Any, told_: Any) -> list[str]:
    if _same(found, told_):
        return []
    return [f"event {event.number} ({event.kind}): the re-play gives another result"]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return set(one) == set(other) and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)
    return bool(one == other)
