"""Held-out rows that stand among the practice rows as well: a test of them is no test of new rows."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from evenhand.errors import Note
from evenhand.groups.predicate import column_expression
from evenhand.improving.trainings import ROW
from evenhand.pages.numbers import plural, share
from evenhand.questions.copies import IDENTIFIES
from evenhand.records import Kind, Records

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
#: Part of the labels that rows alike in all else would show otherwise by chance, below which they are copies.
_FEW = 0.1
#: Share of the held-out rows from which on the test proves nothing.
MANY = 0.01
#: Codes of the notes: where few are copies, and where many are.
SOME_COPIED, MANY_COPIED = "copied_rows", "sealed_copies"


def copied(
    records: Records, label: Collection[str], truth: Floats, now: Floats, sealed: Flags
) -> Flags:
    """Held-out rows that are copies of practice rows.

    Parameters
    ----------
    records : Records
        The rows, numbered.
    label : collection of str
        Columns that say what is right.
    truth, now : arrays of shape (rows,)
        What is right, and what is decided; NaN where unknown.
    sealed : bool array of shape (rows,)

    Notes
    -----
    Where no column nearly tells rows apart, rows that are alike may be other people's, and nothing is said.  They may
    be, too, where rows that are alike in all but what is right are told apart by that about as often as decisions are
    wrong (``2 e (1 - e)`` of pairs, e the share of wrong decisions): copies have one label.  Nor is a row a copy whose
    value in that column other rows have that are not like it, as scores of exactly 0 or 1.  Columns that are different
    in every row, as numbers of rows are, are left out; so are rows without a label, which no number is of.
    """
    nothing = np.zeros(len(truth), bool)
    found = _alike(records, {ROW, *label}, len(truth))
    if found is None:
        return nothing
    alike, telling = found
    known = np.isfinite(truth) & np.isfinite(now)
    wrong = float((truth[known] != now[known]).mean()) if known.any() else 0.0
    rows = np.bincount(alike[known], minlength=alike.max() + 1).astype(float)
    ones = np.bincount(alike[known], weights=truth[known], minlength=len(rows))
    several = rows > 1
    pairs = np.where(several, rows * (rows - 1), 1.0)
    differ = (rows * 2 * ones * (rows - ones) / pairs)[several].sum()
    expected = 2 * wrong * (1 - wrong) * rows[several].sum()
    if differ > _FEW * expected:
        return nothing
    labels = np.nan_to_num(truth, nan=2.0).astype(np.int64)
    whole = np.unique(3 * alike + labels, return_inverse=True)[1]
    practised = np.zeros(len(truth), bool)
    practised[whole[~sealed]] = True
    # How many rows that are not alike have the same value in the column that tells rows apart.
    first = np.unique(whole, return_index=True)[1]
    sharing = np.bincount(telling[first], minlength=telling.max() + 1)
    return np.asarray(sealed & practised[whole] & (sharing[telling] == 1) & np.isfinite(truth))


def _alike(
    records: Records, without: Collection[str], number: int
) -> tuple[Integers, Integers] | None:
    """A number for each row, the same for rows that are alike, and one for its value in the column that tells most.

    `None` where that says nothing.
    """
    kept = [column for column in records.columns if column.name not in without]
    if any(column.kind is Kind.OTHER for column in kept) or not kept:
        return None
    names = [column_expression(column.name).sql("duckdb") for column in kept]
    counts = ", ".join(f"COUNT(DISTINCT {name}) AS d{place}" for place, name in enumerate(names))
    found = records.engine.query(f"SELECT {counts} FROM {records.source}").to_pylist()[0]
    own = [place for place in range(len(names)) if found[f"d{place}"] < number]
    if not own:
        return None
    row = column_expression(ROW).sql("duckdb")
    most = max(own, key=lambda place: found[f"d{place}"])
    asked = (
        f"SELECT hash({', '.join(names[place] for place in own)}) AS v, hash({names[most]}) AS w "
        f"FROM {records.source} ORDER BY {row}"
    )
    hashes = records.engine.query(asked)
    alike, telling = (
        np.unique(hashes[name].to_numpy(), return_inverse=True)[1] for name in ("v", "w")
    )
    if found[f"d{most}"] < IDENTIFIES * (alike.max() + 1):
        return None
    return alike, telling


def copied_note(copies: int, held_out: int) -> Note:
    """Those rows in words."""
    many = copies >= MANY * held_out
    told = (
        f"{copies:,} of the {plural(held_out, 'held-out row')} ({share(copies / held_out)}) are copies of practice "
        "rows, so the repair has seen them"
    )
    then = (
        ", and the test proves nothing.  Leave copies out of the table, or name as --unit whose rows are one person's."
        if many
        else ".  Leave copies out of the table."
    )
    return Note(code=MANY_COPIED if many else SOME_COPIED, text=told + then)
