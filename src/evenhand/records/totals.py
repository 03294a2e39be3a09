"""Lines of a table of counts that hold the total of others, and would count twice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.deferred import pyarrow as pa
from evenhand.errors import Note
from evenhand.records.schema import Column, Kind

Integers = npt.NDArray[np.int64]
#: Lines that notes name.
_NAMED = 3
#: Words for all groups together, in the languages in which statistics are published.
_TOTALS = frozenset((
    "all", "all groups", "everybody", "everyone", "grand total", "overall", "sum", "total", "totals",
    "alle", "gesamt", "insgesamt", "summe", "ensemble", "tous", "toutes", "todas", "todos", "total general",
    "totaal", "totale", "tutte", "tutti", "合計", "总计", "總計", "計",
))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalLines:
    """Lines that hold the total of others.

    Attributes
    ----------
    places : array of bool
    notes : tuple of Note
    """

    places: npt.NDArray[np.bool_]
    notes: tuple[Note, ...]


def find_totals(
    described: pa.Table,
    columns: Sequence[Column],
    counts: Mapping[str, Integers],
    counted: npt.NDArray[np.bool_],
) -> TotalLines:
    """Find lines for all groups together.

    A line is one where it is called so (`All`, `Gesamt`) and holds at least what the lines of its groups do, which may
    lack counts; or is called nothing and holds just that.

    Parameters
    ----------
    described : Arrow table
        What is said of each line besides its counts.
    columns : sequence of Column
        Those of `described`.
    counts : Mapping
        By what they count, shape (lines,).
    counted : array of bool, shape (lines,)
        Lines that lack no count.
    """
    found = np.zeros(described.num_rows, bool)
    notes = []
    texts = {c.name: described[c.name].to_pylist() for c in columns if c.kind is Kind.TEXT}
    numbers = {c.name: described[c.name].to_pylist() for c in columns if c.kind is Kind.INTEGER}
    counted_in = np.stack(list(counts.values()), axis=1)
    for name, values in texts.items():
        alike = [
            {k: v for k, v in known.items() if k != name} for known in (texts | numbers, texts)
        ]
        for place, value in enumerate(values):
            if not counted[place] or not (value is None or _means_all(value)):
                continue
            tried = (_held(place, values, one, counted_in, counted) for one in alike)
            held = next((one for one in tried if one is not None), None)
            if held is None:
                continue
            found[place] = True
            notes.append(_total_note(name, value, place, held, counts))
    if len(notes) > _NAMED:
        more = len(notes) - _NAMED
        notes[_NAMED:] = [
            Note(
                code="total_left_out",
                text=f"{more} more lines hold the total of others and are left out.",
            )
        ]
    return TotalLines(places=found, notes=tuple(notes))


def _means_all(value: str) -> bool:
    return value.strip().casefold() in _TOTALS


def _held(
    place: int,
    values: Sequence[str | None],
    others: Mapping[str, Sequence[Any]],
    counts: Integers,
    counted: npt.NDArray[np.bool_],
) -> Integers | None:
    """What the lines that one holds add up to, where it holds those of at least two groups."""
    held = [
        line
        for line, value in enumerate(values)
        if value is not None
        and not _means_all(value)
        and all(column[line] == column[place] for column in others.values())
    ]
    if len(held) < 2:
        return None
    total: Integers = counts[held][counted[held]].sum(axis=0)
    own = counts[place]
    # A line without a name is a total only where it is one exactly.
    fits = (total == own).all() if values[place] is None else (total <= own).all()
    return total if fits and own.any() else None


def _total_note(
    name: str, value: str | None, place: int, held: Integers, counts: Mapping[str, Integers]
) -> Note:
    more = any(
        column[place] != total for column, total in zip(counts.values(), held.tolist(), strict=True)
    )
    told = "; it holds more than they add up to" if more else ""
    called = f"{name} = {value!r}" if value is not None else f"nothing in {name}"
    return Note(
        code="total_left_out",
        text=f"Line {place + 1} ({called}) is the total of other lines and is left out{told}.",
    )
