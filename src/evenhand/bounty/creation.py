"""Begin a bounty: agree on the task, lay down the public rows, seal the others."""

import base64
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.ledger import Ledger, Rules
from evenhand.bounty.log import EventLog, write_whole
from evenhand.bounty.sandbox import Runner
from evenhand.bounty.submission import canonical, read_group, read_model
from evenhand.bounty.task import Task, read_table, task_of
from evenhand.errors import InputError


def create_bounty(
    folder: Path | str,
    *,
    train: Any,
    practice: Any,
    sealed: Any,
    label: str,
    base: bytes | Mapping[str, Any],
    loss: str = "zero_one",
    features: list[str] | None = None,
    rules: Rules | None = None,
    severities: Mapping[str, float] | None = None,
    seed: int = 0,
    runner: Runner | None = None,
) -> Bounty:
    """Begin a bounty in a new directory.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    train, practice, sealed : table
        Paths, URLs or data frames with the same columns.  Rows of `sealed` are cut at random into
        the sealed blocks; no row may stand in two of the tables.
    label : str
        Column to predict.
    base : bytes or Mapping
        The deployed model: an ONNX file, or ``{"constant": …}``.
    loss : str
        See `parse_loss`.
    features : list of str, optional
        All other columns if not given.
    rules : Rules, optional
        Error probability, blocks, mode.
    severities : Mapping of str to float, optional
        How much a unit of loss weighs in a group, by predicate, for rewards; 1 elsewhere, and the
        largest where several hold.
    seed : int
        Of the cut into blocks.  Keep it as secret as the sealed labels.
    runner : Runner, optional
        What runs models; the sandbox if not given.
    """
    place, rules = Path(folder), rules or Rules()
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{place} is not empty.  Name a new directory.")
    tables = [read_table(table) for table in (train, practice, sealed)]
    task = _joint_task(tables, label, loss, features)
    _check_severities(severities or {}, task)
    base_text = canonical(_base_given(base))
    read_model(_base_given(base), task)
    (place / "public").mkdir(parents=True)
    (place / "submissions").mkdir()
    hashes = {}
    for name, table in zip(("train", "practice"), tables[:2], strict=True):
        path = place / "public" / f"{name}.npz"
        np.savez(path, matrix=task.encode(table), labels=task.encode_labels(table))
        hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_whole(place / "base.json", base_text)
    ledger = Ledger(place / "sealed", rules, task.loss)
    blocks = ledger.seal(
        task.encode(tables[2]), task.encode_labels(tables[2]), np.random.default_rng(seed)
    )
    log = EventLog(place / "log.jsonl")
    with log.writing():
        body = {
            "task": task.to_dict(),
            "rules": _rules_body(rules),
            "base": hashlib.sha256(base_text).hexdigest(),
            "public": hashes,
            "blocks": blocks,
            "severities": dict(severities or {}),
        }
        log.append("created", body)
    return Bounty(place, runner=runner)


def _joint_task(tables: list[Any], label: str, loss: str, features: list[str] | None) -> Task:
    """The task of all tables together, so that each text and class is listed."""
    names = tables[0].column_names
    for table in tables[1:]:
        if set(table.column_names) != set(names):
            odd = sorted(set(table.column_names) ^ set(names))
            raise InputError(f"The tables differ in their columns: {', '.join(odd[:10])}.")
    try:
        together = pa.concat_tables(
            [table.select(names) for table in tables], promote_options="permissive"
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"The tables differ in the kinds of their columns: {error}") from error
    return task_of(together, label=label, loss=loss, features=features)


def _base_given(base: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"onnx": base64.b64encode(base).decode()} if isinstance(base, bytes) else base


def _rules_body(rules: Rules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in Rules.__dataclass_fields__}


def _check_severities(severities: Mapping[str, float], task: Task) -> None:
    for text, weight in severities.items():
        read_group({"predicate": text}, task)
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(f"The severity of {text} is {weight}.  Allowed: 0 or more.")
