"""The host asks services: about which rows, by a trial, with every answer kept before a label is read."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.judging.registry import check_unchanged, importable
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.roster import RegisteredService, was_away
from evenhand.bounty.strangers.asked import Places, Said
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.submission import Submission, rows_of
from evenhand.bounty.task.task import Matrix, Task
from evenhand.deferred import Deferred
from evenhand.errors import InputError

_TRIALS = Deferred("evenhand.trials.runner")
_PLANS = Deferred("evenhand.trials.plan")
_PARQUET = Deferred("pyarrow.parquet")
_SERVICE = Deferred("evenhand.services.service")
#: Rows in a hundred that may stay without an answer before a service counts as away.
SILENT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What came of asking a service about some rows.

    Attributes
    ----------
    service : str
    said : Said
    outcomes : Mapping
        Calls by how they ended.
    unsteady : int
        Rows that were answered differently when asked again.
    reason : str
        Why a first row has no answer; empty where all have one.
    """

    service: str
    said: Said
    outcomes: Mapping[str, int]
    unsteady: int
    reason: str

    @property
    def silent(self) -> int:
        """Rows without an answer."""
        return int((~self.said.given.all(axis=1)).sum())

    @property
    def away(self) -> bool:
        """Whether the service was away, and not only without an answer to some rows."""
        return was_away(self.outcomes)

    @property
    def patchy(self) -> bool:
        """Whether more rows stayed without an answer than a service may leave."""
        return self.silent > max(1, SILENT * len(self.said.places) / 100)

    @property
    def text(self) -> str:
        """What a reader is told of it."""
        rows = len(self.said.places)
        return (
            f"{self.service!r} gave no answer on {self.silent:,} of {rows:,} rows ({self.reason})"
        )


def check_heard(
    hearings: Sequence[Hearing], listed: PointerDecisionList, *, again: bool | None
) -> None:
    """Refuse to go on where what was heard tells of a service that was away, not of what it answers.

    One that is served would look worse than it is, and anything would be proven better; one that is offered
    would be refused for an hour's trouble.

    Parameters
    ----------
    hearings : sequence of Hearing
    listed : PointerDecisionList
        The list that is served.
    again : bool or None
        Whether this block was begun before: then what is offered has had its second chance, and a served one
        that answers most rows is known to leave the others.  `None` where no block is open.
    """
    served = listed.services
    for heard in hearings:
        waits = heard.away if again else heard.away or heard.patchy
        if not waits or (again and heard.service not in served):
            continue
        told = f"The service {heard.text}."
        if heard.service in served:
            raise InputError(
                f"{told}  It is served, so nothing is judged while it is away.  Run this again when it answers."
            )
        if again is None:
            raise SubmissionError(
                "no_answer", f"{told[0].lower()}{told[1:]}  Send it again when it answers."
            )
        raise InputError(
            f"{told}  No label was read, and what was answered is kept.  Close again when it answers: what is silent "
            "then counts as no answer."
        )


def wanted(
    listed: PointerDecisionList,
    candidates: Iterable[Submission],
    matrix: Matrix,
    runner: Runner,
) -> dict[str, Rows]:
    """Rows that each service must be asked about: all that a list, an older one, or a candidate could need.

    Parameters
    ----------
    listed : PointerDecisionList
        The list that is served.
    candidates : iterable of Submission
    matrix : array of shape (rows, features + 1)
    runner : Runner
        For groups.
    """
    needed: dict[str, set[int]] = {}
    base = listed.models[0].service
    if base is not None:
        needed[base] = set(range(len(matrix)))
    masks = listed.memberships(matrix, runner)
    for node in listed.nodes:
        service = listed.models[node.model].service if node.model is not None else None
        if service is not None:
            needed.setdefault(service, set()).update(np.flatnonzero(masks[node.group]).tolist())
    for given in candidates:
        if given.model.service is not None:
            rows = rows_of(given, matrix, runner).tolist()
            needed.setdefault(given.model.service, set()).update(rows)
    return {service: np.array(sorted(rows), np.intp) for service, rows in needed.items() if rows}


def ask(
    service: RegisteredService,
    places: Places,
    asked: Iterable[str],
    task: Task,
    cache: Path,
    folder: Path,
) -> Hearing:
    """Ask a service about some rows, and again where a row is asked several times.

    Parameters
    ----------
    service : RegisteredService
    places : array of shape (rows,)
        Numbers of the rows.
    asked : iterable of str
        What is asked about each: a text, or the path of a medium.
    task : Task
    cache : Path
        Where answers are kept that are paid for already.
    folder : Path
        Where relative paths start.

    Raises
    ------
    InputError
        Where the service is not the one that was registered.
    """
    key = "text" if task.media == "text" else "file"
    samples = [
        {
            "id": str(place),
            key: item if task.media == "text" else str(folder / item),
            "kind": task.media,
        }
        for place, item in zip(places.tolist(), asked, strict=True)
    ]
    given = {
        "trial": {"name": "bounty", "repeats": task.times, "measure": False},
        "samples": samples,
        "services": [dict(service.config)],
    }
    home = Path(service.folder)
    with importable(service.config, home), tempfile.TemporaryDirectory() as made:
        check_unchanged(service)
        plan = _PLANS.make_plan(given, source="services", folder=home, own_code=True)
        plan = _PLANS.with_cache(plan, cache)
        # As the files of answers: what was said about sealed rows is for the host alone.
        plan.cache.touch(mode=0o600)
        out = Path(made) / "records.parquet"
        _TRIALS.run_trial(plan, out=out)
        columns = ["id", "repeat", "output", "outcome", "reason"]
        rows = _PARQUET.read_table(out, columns=columns).to_pylist()
    return _heard(service.name, rows, places, task.times)


def _heard(name: str, rows: list[dict[str, Any]], places: Places, times: int) -> Hearing:
    where = {str(place): number for number, place in enumerate(places.tolist())}
    texts = np.full((len(places), times), "", object)
    given = np.zeros((len(places), times), bool)
    for row in rows:
        place, number = where[row["id"]], int(row["repeat"]) % times
        # The answer of a refusal is what was said.
        given[place, number] = row["outcome"] in _SERVICE.SAID
        texts[place, number] = str(row["output"] or "")
    reasons = (
        str(row["reason"] or row["outcome"]) for row in rows if row["outcome"] not in _SERVICE.SAID
    )
    return Hearing(
        service=name,
        said=Said(places=places, texts=texts.astype(str), given=given),
        outcomes=dict(Counter(row["outcome"] for row in rows)),
        unsteady=int((texts != texts[:, :1]).any(axis=1).sum()),
        reason=next(reasons, ""),
    )
