"""Rows that a repair was learnt from, found again in its file: numbers of them are too good."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.errors import InputError, NoRowError
from evenhand.groups import where_clause
from evenhand.groups.predicate import column_expression
from evenhand.improving.trainings import ROW, numbered, read_grouped
from evenhand.questions.opening import opened
from evenhand.questions.question import By, Question, read_question
from evenhand.records import MISSING_VALUES
from evenhand.repairs.parting import held_out
from evenhand.repairs.result import RepairTrial

Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def kept_places(
    table: pa.Table,
    where: str | None,
    name: str,
    by: By,
    *,
    units: Sequence[str] = (),
    missing_values: Sequence[str] = MISSING_VALUES,
) -> Integers:
    """Places of the rows that a filter keeps, in their order.

    Raises
    ------
    NoRowError
        Where it keeps none.
    """
    if where is None:
        return np.arange(table.num_rows)
    with opened(numbered(table), missing_values=missing_values) as whole:
        kept = read_question(whole, by, units=tuple(units), where=where).where
        dialect = whole.engine.dialect
        row = column_expression(ROW).sql(dialect)
        found = whole.engine.query(
            f"SELECT {row} AS v FROM {whole.source}{where_clause(kept, dialect)} ORDER BY v"
        )
    if not found.num_rows:
        raise NoRowError(f"where {where!r} keeps no row of {name}.")
    places: Integers = found["v"].to_numpy().astype(np.int64)
    return places


def crossed(question: Question) -> Question:
    """The question of the finest crossing alone.

    Raises
    ------
    InputError
        Where groups are predicates, or overlap.
    """
    for attribute in question.attributes:
        if attribute.predicate is not None:
            raise InputError(
                f"--by {attribute.name} is a predicate: a repair needs a decision for everybody.  Name columns; cut "
                "a number with --bins."
            )
    return replace(question, partitions=(question.finest("A row is decided for one group"),))


def parting_digest(sealed: Flags) -> str:
    """SHA-256 of which rows are held out: a parting that is made again is the same, or another."""
    told = str(len(sealed)).encode() + np.packbits(sealed).tobytes()
    return hashlib.sha256(told).hexdigest()


def practice_rows(found: RepairTrial, table: Any) -> Flags | None:
    """Which rows of a table a repair was learnt from; `None` where that is not known.

    Parameters
    ----------
    found : RepairTrial
    table
        As in `evenhand.audit`.

    Notes
    -----
    Of the file itself, by its SHA-256, the parting is made again from the settings and the seed, and taken where its
    own SHA-256 is that of the first.
    """
    settings = found.settings
    if settings.parting is None or found.source.sha256 is None:
        return None
    try:
        with opened(
            table, columns=settings.columns or None, missing_values=settings.missing_values
        ) as records:
            if records.sha256() != found.source.sha256:
                return None
            return _parted(found, records.name, records.read_rows())
    except InputError:
        # The file is read otherwise than it was, as another sheet of it.
        return None


def _parted(found: RepairTrial, name: str, rows: pa.Table) -> Flags | None:
    settings = found.settings
    missing, units = settings.missing_values, () if found.unit is None else (found.unit,)
    by: By = [list(settings.by)]
    places = kept_places(rows, settings.where, name, by, units=units, missing_values=missing)
    own = rows.take(pa.array(places))
    with opened(numbered(own), missing_values=missing) as whole:
        bins: dict[str, Any] = {one: list(edges) for one, edges in settings.bins.items()}
        question = crossed(read_question(whole, by, units=units, bins=bins))
        grouped = read_grouped(question, own)
    group = np.full(len(own), -1)
    for number, members in enumerate(grouped.rows):
        group[members] = number
    rng = np.random.default_rng(settings.seed)
    sealed = held_out(grouped.units, group, settings.held_out, rng)
    if parting_digest(sealed) != settings.parting:
        return None
    out = np.zeros(rows.num_rows, bool)
    out[places[~sealed]] = True
    return out
