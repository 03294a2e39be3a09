"""The host asks services: about which rows, by a trial, with every answer kept before a label is read."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.bounty.deployed.pointer_decision_list import PointerDecisionList
from evenhand.bounty.judging.registry import make_importable
from evenhand.bounty.proof.certificate import Rows
from evenhand.bounty.roster import RegisteredService
from evenhand.bounty.strangers.asked import Places, Said
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.submission import Submission, rows_of
from evenhand.bounty.task.task import Matrix, Task
from evenhand.deferred import Deferred

_TRIALS = Deferred("evenhand.trials.runner")
_PLANS = Deferred("evenhand.trials.plan")
_PARQUET = Deferred("pyarrow.parquet")
#: How a call ended that gave an answer; the answer of a refusal is what was said.
SPOKEN = ("answered", "refused", "empty", "cut_off")


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
) -> tuple[Said, Mapping[str, int], int]:
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

    Returns
    -------
    said : Said
    outcomes : Mapping
        Calls by how they ended.
    unsteady : int
        Rows that were answered differently when asked again.
    """
    make_importable([service.config], Path(service.folder))
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
    plan = _PLANS.make_plan(given, source="services", folder=Path(service.folder), own_code=True)
    plan = _PLANS.with_cache(plan, cache)
    with tempfile.TemporaryDirectory() as made:
        out = Path(made) / "records.parquet"
        _TRIALS.run_trial(plan, out=out)
        rows = _PARQUET.read_table(out, columns=["id", "repeat", "output", "outcome"]).to_pylist()
    return _said(rows, places, task.times)


def _said(
    rows: list[dict[str, Any]], places: Places, times: int
) -> tuple[Said, Mapping[str, int], int]:
    where = {str(place): number for number, place in enumerate(places.tolist())}
    texts = np.full((len(places), times), "", object)
    given = np.zeros((len(places), times), bool)
    for row in rows:
        place, number = where[row["id"]], int(row["repeat"]) % times
        given[place, number] = row["outcome"] in SPOKEN
        texts[place, number] = str(row["output"] or "")
    said = Said(places=places, texts=texts.astype(str), given=given)
    unsteady = int((texts != texts[:, :1]).any(axis=1).sum())
    return said, dict(Counter(row["outcome"] for row in rows)), unsteady
