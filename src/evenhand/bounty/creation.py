"""Begin a bounty: agree on the task, lay down the public rows, seal the others."""

import base64
import hashlib
import math
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.files import canonical, sha256, sha256_of, sync_folder, write_whole
from evenhand.bounty.log import EventLog
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.model import read_model
from evenhand.bounty.task.task import Labels, Matrix, Task, read_table, task_from_dict, task_of
from evenhand.bounty.terms import Terms
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError
from evenhand.results.protocol import to_plain

#: Share of the rows that are unique among the sealed ones that may stand in a public table too.
MAX_OVERLAP = 0.5


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
    terms: Terms | None = None,
    severities: Mapping[str, float] | None = None,
    seed: int | None = None,
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
    terms : Terms, optional
        Who may send how much.  Where the environment holds a host's key (`EVENHAND_HOST_KEY`), the log
        names its public half and is signed by it.
    severities : Mapping of str to float, optional
        How much a unit of loss weighs in a group, by predicate, for rewards; 1 elsewhere, and the
        largest where several hold.
    seed : int, optional
        Of the cut into blocks; from the system's secret source if not given.  One that others can
        guess tells them which rows are tested together.
    runner : Runner, optional
        What runs models; the sandbox if not given.
    """
    place, rules = Path(folder), rules or Rules()
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{place} is not empty.  Name a new directory.")
    tables = [read_table(table) for table in (train, practice, sealed)]
    task = _joint_task(tables, label, loss, features)
    _check_severities(severities or {}, task)
    rows = [(task.encode(table), task.encode_labels(table)) for table in tables]
    if len(rows[2][1]) < rules.blocks:
        raise InputError(f"{len(rows[2][1]):,} sealed rows do not fill {rules.blocks} blocks.")
    created = {
        "task": task.to_dict(),
        "rules": _rules_body(rules),
        "terms": to_plain(terms or Terms()),
        "severities": dict(severities or {}),
        "overlap": _overlap(rows),
    }
    base_text = canonical(_base_given(base))
    read_model(_base_given(base), task)
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    with _made_whole(place) as making:
        _lay_down(making, created, base_text, rows, rng)
    return Bounty(place, runner=runner)


@contextmanager
def _made_whole(place: Path) -> Iterator[Path]:
    """A folder made beside its place and moved there whole, so that no half-made bounty is ever found."""
    place.parent.mkdir(parents=True, exist_ok=True)
    making = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        yield making
        making.replace(place)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    sync_folder(place.parent)


def _lay_down(
    place: Path,
    created: Mapping[str, Any],
    base_text: bytes,
    rows: list[tuple[Matrix, Labels]],
    rng: np.random.Generator,
) -> None:
    task, rules = task_from_dict(created["task"]), Rules(**created["rules"])
    (place / "public").mkdir(parents=True)
    (place / "submissions").mkdir()
    hashes = {}
    for name, table in zip(("train", "practice"), rows[:2], strict=True):
        path = place / "public" / f"{name}.npz"
        np.savez(path, matrix=table[0], labels=table[1])
        hashes[name] = sha256_of(path)
    write_whole(place / "base.json", base_text)
    ledger = Ledger(place / "sealed", rules, task.loss)
    blocks = ledger.seal(*rows[2], rng)
    for path in [*place.rglob("*")]:
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    log = EventLog(place / "log.jsonl")
    with log.writing():
        body = {
            **created,
            "base": sha256(base_text),
            "public": hashes,
            "blocks": to_plain(blocks),
        }
        log.begin(body)


def _overlap(rows: list[tuple[Matrix, Labels]]) -> int:
    """Sealed rows that stand in a public table too, features and label alike.

    Few columns make such twins by chance; most rows twice are one table given twice.
    """
    train, practice, sealed = (
        [hashlib.sha256(x.tobytes() + y.tobytes()).digest() for x, y in zip(*table, strict=True)]
        for table in rows
    )
    public, counts = {*train, *practice}, Counter(sealed)
    found = sum(row in public for row in sealed)
    # Rows that are rare within the sealed ones should be so outside as well.
    single = [row for row, count in counts.items() if count == 1]
    twins = sum(row in public for row in single)
    if twins > MAX_OVERLAP * len(single) and len(single) > MAX_OVERLAP * len(sealed):
        raise InputError(
            f"{found:,} of {len(sealed):,} sealed rows stand in the train or practice table too.  "
            "Give three tables without common rows: whoever knows a sealed label needs no test."
        )
    return found


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
