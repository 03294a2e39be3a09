"""Begin a bounty: agree on the task, lay down the public rows, seal the others."""

import base64
import math
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.files import canonical, sha256, sha256_of, sync_folder, write_whole
from evenhand.bounty.folder import Data
from evenhand.bounty.judging.copies import check_fresh
from evenhand.bounty.judging.registry import registered_services
from evenhand.bounty.log import EventLog
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.proof.rules import Rules
from evenhand.bounty.strangers.runner import Runner
from evenhand.bounty.submission.group import read_group
from evenhand.bounty.submission.model import read_model
from evenhand.bounty.task.belonging import find_belonging
from evenhand.bounty.task.losses import parse_loss
from evenhand.bounty.task.membership import Memberships
from evenhand.bounty.task.precision import check_precision
from evenhand.bounty.task.task import (
    Media,
    Task,
    read_table,
    task_from_dict,
    task_of,
)
from evenhand.bounty.terms import Terms
from evenhand.deferred import Deferred
from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, unknown_name
from evenhand.pages.numbers import listed
from evenhand.results.protocol import to_plain

#: What to say where each row is drawn for itself, though a column looks otherwise.
NO_UNIT = "none"
#: What columns look like, for which metrics and cubes are loaded.
_ROLES = Deferred("evenhand.overviews.roles")
#: What the proof rests on, and no program can check.  The organiser vouches for it.
ASSUMPTIONS = (
    "Nobody who submits, or helps who does, has seen a feature or a label of a sealed row.",
    "What is drawn (a unit, or a row where none is named) was drawn independently of all else, public rows included.",
    "Sealed rows are drawn as the people are whom the model will serve.",
    "The files of the sealed blocks are read by the ledger alone until their block is opened.",
)


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
    unit: str | None = None,
    most: int | None = None,
    asks: str | None = None,
    media: Media = "text",
    times: int = 1,
    services: Sequence[Mapping[str, Any]] = (),
    services_folder: Path | str = "",
    media_folder: Path | str = "",
    organiser: str = "",
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
        the sealed blocks; no row, and no unit, may stand in two of the tables.
    label : str
        Column to predict.
    base : bytes or Mapping
        The deployed model: an ONNX file, or ``{"constant": …}``.
    loss : str
        See `parse_loss`.
    features : list of str, optional
        All other columns if not given.
    unit : str, optional
        Column of what was drawn: the patient, the speaker, the document that several rows belong to.  ``"none"``
        where each row was; that must be said where a column looks like the name of something that repeats.
    most : int, optional
        Rows of a unit, at most; the largest unit of the public tables if not given.  Of a larger sealed
        unit so many rows are kept by lot.
    asks : str, optional
        Column of what services are asked, where submissions name services in place of models: a text, or
        the path of a sound or a picture.  Needed for losses of texts; `base` is ``{"service": name}``.
    media : "text", "audio" or "image"
        What that is.
    times : int
        How often a service is asked about each row: an odd number, since the median counts.
    services : Sequence of Mapping
        Services to begin with, as a trial's ``[[services]]`` has them; more may be registered later.
    services_folder, media_folder : Path
        Where relative paths in them, and of sounds and pictures, start.
    organiser : str
        Who vouches for `ASSUMPTIONS`.
    rules : Rules, optional
        Error probability, blocks, caution.
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
    if seed is not None and seed < 0:
        raise InputError(f"seed is {seed}.  Allowed: 0 or more.")
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{place} is not empty.  Name a new directory.")
    tables = [read_table(table) for table in (train, practice, sealed)]
    together = _together(tables)
    loss = _with_most_words(loss, tables[:2], label)
    unit = _unit(together, unit, label)
    task = task_of(
        together,
        label=label,
        loss=loss,
        features=features,
        unit=unit,
        asks=asks,
        media=media,
        times=times,
    )
    registered = registered_services(services, Path(services_folder)) if services else []
    lost = check_precision(together, task)
    task = _with_most(task, tables, most)
    _check_severities(severities or {}, task, together)
    _check_units(task, tables)
    rng = np.random.default_rng(secrets.randbits(128) if seed is None else seed)
    kept = _cut(task, tables[2], rng)
    thinned = tables[2].num_rows - kept.num_rows
    firsts = (0, tables[0].num_rows, tables[0].num_rows + tables[1].num_rows)
    data = [
        Data.of(table, task, first)
        for table, first in zip((*tables[:2], kept), firsts, strict=True)
    ]
    drawn = len(np.unique(data[2].unit_of))
    if drawn < rules.blocks:
        raise InputError(f"{drawn:,} sealed {_what(task)} do not fill {rules.blocks} blocks.")
    twins = check_fresh(task, data)
    created = {
        "task": task.to_dict(),
        "rules": _rules_body(rules),
        "terms": to_plain(terms or Terms()),
        "severities": dict(severities or {}),
        "twins": twins.rows,
        "thinned": thinned,
        "notes": [*(column.text for column in lost), *_outside(task, data)],
        "services": to_plain(registered),
        "media": str(Path(media_folder).resolve()),
        "organiser": organiser.strip(),
        "assumptions": list(ASSUMPTIONS),
    }
    base_text = canonical(_base_given(base))
    first = read_model(_base_given(base), task)
    if first.service is not None and first.service not in {one.name for one in registered}:
        raise InputError(unknown_name("service", first.service, [one.name for one in registered]))
    with _made_whole(place) as making:
        _lay_down(making, created, base_text, data, rng)
    made = Bounty(place, runner=runner)
    if task.asks is not None:
        try:
            made.ask_practice()
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
    return made


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
    data: list[Data],
    rng: np.random.Generator,
) -> None:
    task, rules = task_from_dict(created["task"]), Rules(**created["rules"])
    (place / "public").mkdir(parents=True)
    (place / "submissions").mkdir()
    hashes = {}
    for name, table in zip(("train", "practice"), data[:2], strict=True):
        path = place / "public" / f"{name}.npz"
        table.write(path)
        hashes[name] = sha256_of(path)
    write_whole(place / "base.json", base_text)
    ledger = Ledger(place / "sealed", rules, task.loss, task.most)
    blocks = ledger.seal(data[2].matrix, data[2].labels, data[2].unit_of, rng, data[2].asked)
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


def _together(tables: list[Any]) -> Any:
    """All tables as one, so that each text and class is listed."""
    names = tables[0].column_names
    for table in tables[1:]:
        if set(table.column_names) != set(names):
            odd = sorted(set(table.column_names) ^ set(names))
            raise InputError(f"The tables differ in their columns: {', '.join(odd[:10])}.")
    try:
        return pa.concat_tables(
            [table.select(names) for table in tables], promote_options="permissive"
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"The tables differ in the kinds of their columns: {error}") from error


def _with_most_words(loss: str, public: list[Any], label: str) -> str:
    """``wer`` as ``wer(most)``: a row counts at most as many wrong words as the longest public reference has."""
    if loss.strip() != "wer" or any(label not in table.column_names for table in public):
        return loss
    texts = [str(text) for table in public for text in table[label].to_pylist() if text is not None]
    longest = max(
        (int(count) for count in parse_loss("wer").weight(np.array(texts, str))), default=1
    )
    return f"wer({max(longest, 1)})"


def _unit(together: Any, unit: str | None, label: str) -> str | None:
    """The column of units, or none where that was said or no column looks like one."""
    if unit is not None:
        return None if unit == NO_UNIT and NO_UNIT not in together.column_names else unit
    for name in together.column_names:
        if name == label or not _ROLES.names_units(name):
            continue
        different = together[name].combine_chunks().unique()
        if len(different) < together.num_rows:
            raise InputError(
                f"{name!r} has {len(different):,} values in {together.num_rows:,} rows of the three tables, and looks "
                f"like the name of what was drawn.  {_asked_unit(name)}"
            )
    for found in find_belonging(_plain_columns(together, label)):
        decides = listed([repr(one) for one in found.decides])
        raise InputError(
            f"{found.name!r} has {found.values:,} values in {found.rows:,} rows of the three tables, and within each "
            f"of them {decides} never differ{'s' if len(found.decides) == 1 else ''}: that is what rows of one person "
            f"look like.  {_asked_unit(found.name)}"
        )
    return None


def _asked_unit(name: str) -> str:
    return (
        "Rows of one resemble each other, and must not be cut apart.  "
        f"Say unit {name!r} where they belong together, or unit {NO_UNIT!r} where each row was drawn for itself."
    )


def _plain_columns(table: Any, label: str) -> list[tuple[str, npt.NDArray[Any]]]:
    """Numbers as they are, and all else as text."""
    out = []
    for name in table.column_names:
        column = table[name].combine_chunks()
        if name == label or pa.types.is_nested(column.type):
            continue
        number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        values = column if number else column.cast(pa.string()).fill_null("")
        array = values.to_numpy(zero_copy_only=False)
        out.append((name, array if number else array.astype(str)))
    return out


def _with_most(task: Task, tables: list[Any], most: int | None) -> Task:
    if task.unit is None:
        if most not in (None, 1):
            raise InputError(
                f"most is {most}, but no unit is named: each row is one.  Name the unit."
            )
        return task
    if most is None:
        public = [np.unique(task.units_of(table), return_counts=True)[1] for table in tables[:2]]
        most = int(max(counts.max(initial=1) for counts in public))
    if most < 1:
        raise InputError(f"most is {most}.  Allowed: 1 or more rows of a unit.")
    return replace(task, most=most)


def _check_units(task: Task, tables: list[Any]) -> None:
    """Refuse a unit on both sides of the seal."""
    if task.unit is None:
        return
    train, practice, sealed = (set(task.units_of(table).tolist()) for table in tables)
    shared = sorted(sealed & (train | practice))
    if shared:
        raise InputError(
            f"{len(shared):,} of {len(sealed):,} sealed values of {task.unit!r} stand in the train or practice table "
            f"too: {', '.join(shared[:5])}{', …' if len(shared) > 5 else ''}.  Who learnt from a person's other rows "
            "knows something of the sealed ones.  Give each to one table."
        )


def _cut(task: Task, sealed: Any, rng: np.random.Generator) -> Any:
    """The sealed rows without those of a unit beyond its most, which are drawn by lot."""
    if task.unit is None:
        return sealed
    order = rng.permutation(sealed.num_rows)
    _, units = np.unique(task.units_of(sealed)[order], return_inverse=True)
    by_unit = np.argsort(units, kind="stable")
    starts = np.searchsorted(units[by_unit], np.arange(units.max(initial=-1) + 1))
    rank = np.arange(len(units)) - starts[units[by_unit]]
    return sealed.take(np.sort(order[by_unit[rank < task.most]]))


def _what(task: Task) -> str:
    return "rows" if task.unit is None else f"values of {task.unit!r}"


def _base_given(base: bytes | Mapping[str, Any]) -> Mapping[str, Any]:
    return {"onnx": base64.b64encode(base).decode()} if isinstance(base, bytes) else base


def _rules_body(rules: Rules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in Rules.__dataclass_fields__}


def _check_severities(severities: Mapping[str, float], task: Task, together: Any) -> None:
    bitmaps = Memberships(task.encode(together)) if severities else None
    for text, weight in severities.items():
        formula = read_group({"predicate": text}, task).formula
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(f"The severity of {text} is {weight}.  Allowed: 0 or more.")
        if bitmaps is not None and formula is not None and not bitmaps.of(formula).any():
            raise InputError(
                f"The severity of {text} weighs nobody: no row of the three tables is in that group.  "
                "Look at how its values are written."
            )


def _outside(task: Task, data: list[Data]) -> list[str]:
    """Labels that the loss reads as the nearer of its bounds."""
    if task.loss.reads != "value":
        return []
    low, high = task.loss.target
    labels = np.concatenate([one.labels.astype(float) for one in data])
    beyond = int(np.count_nonzero((labels < low) | (labels > high)))
    if not beyond:
        return []
    told = (
        f"{beyond:,} of {len(labels):,} labels lie outside {low:g} to {high:g}, from {labels.min():g} to "
        f"{labels.max():g}: the loss {task.loss.text} reads each as the nearer bound."
    )
    return [told]
