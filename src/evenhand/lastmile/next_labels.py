"""Which rows people should label next: drawn with chances that a judge's doubts decide, and weights that undo them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.errors import InputError, NoRowError
from evenhand.groups import parse_predicate, where_clause
from evenhand.pages.numbers import plural
from evenhand.questions.opening import opened
from evenhand.questions.options import SHARE, check_numbers, check_texts, plain, whole
from evenhand.questions.question import check_rows
from evenhand.records import MISSING_VALUES, dialect_of, find_column
from evenhand.records.declarations import columns_option
from evenhand.results.protocol import Result

Floats = npt.NDArray[np.float64]
#: Rows at most that are drawn from; all are looked at in this process.
MOST_ROWS = 5_000_000
_NUMBERS = {"number": whole(1), "uniform": SHARE, "seed": whole(0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDraw(Result):
    """How rows were drawn for people to label.

    Attributes
    ----------
    source : str
        What was drawn from.
    where : str or None
        Which of its rows.
    rows : int
        How many these are.
    number : int
        Rows drawn.
    certain : int
        Those that every draw would have had.
    score : str
        Column of the judge's probability.
    uniform : float
        Share of the draw that is at random.
    weight : str
        Column of weights.
    least, greatest : float
        The smallest weight and the largest: rows that one row stands for.
    effective : float
        Rows at random with equal weights that the weights are worth in the worst case, a judge that says nothing
        (Kish 1965): ``(sum of weights)² / sum of squares``.
    seed : int
        Of the draw.
    file : str or None
        Where the rows were written.
    """

    SCHEMA: ClassVar[str] = "evenhand.label_draw/1"

    source: str
    where: str | None
    rows: int
    number: int
    certain: int
    score: str
    uniform: float
    weight: str
    least: float
    greatest: float
    effective: float
    seed: int
    file: str | None


def next_labels(
    table: Any,
    score: str,
    number: int,
    *,
    uniform: float = 0.2,
    where: str | None = None,
    weight: str = "weight",
    seed: int = 0,
    missing_values: Sequence[str] = MISSING_VALUES,
    columns: str | Mapping[str, str] | None = None,
) -> pa.Table:
    """Draw rows for people to label, more often those that say more of a rate.

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`.
    score : str
        Column of the judge's probability, within 0 and 1, that a row counts in the rate: that it is wrong.
    number : int
        Rows to draw.
    uniform : float
        Share of the draw that is at random whatever the judge says, above 0 and below 1; of a judge that is badly
        wrong it keeps weights bounded by ``rows / (number · uniform)``.
    where : str, optional
        Predicate; only rows that satisfy it are drawn from.
    weight : str
        Name of the column of weights.
    seed : int
        Of the draw: the same seed draws the same rows.
    missing_values : sequence of str
        Texts that mean missing.
    columns : str or mapping, optional
        What columns hold, as in `evenhand.audit`.

    Returns
    -------
    pyarrow.Table
        The rows drawn, in the order of the table, with all their columns and the weight: one over the chance with which
        the row was drawn.  Have people label them, and audit them with ``weight=``.

    Raises
    ------
    InputError
        Where there are fewer rows than to be drawn, or a score is missing or no probability.

    Notes
    -----
    Chances go with the root of the expected squared distance of a row's value from the mean, ``p (1 - p) + (p - m)²``,
    which gives the weighted rate the least variance where the judge is right (Neyman 1934, doi:10.2307/2342192); the
    weighted rate is that of all rows whatever the judge is worth (Hájek 1971).  Rows are drawn systematically in random
    order (Madow 1949, doi:10.1214/aoms/1177729988), so that exactly `number` are.  Labels from before are not
    in the weights: the draw stands for itself.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> rows = pa.table({"id": list(range(100)), "doubt": [0.5] * 20 + [0.01] * 80})
    >>> drawn = evenhand.next_labels(rows, "doubt", 20)
    >>> len(drawn), sum(one < 20 for one in drawn["id"].to_pylist())
    (20, 7)
    """
    drawn, _ = draw_labels(
        table,
        score,
        number,
        uniform=uniform,
        where=where,
        weight=weight,
        seed=seed,
        missing_values=missing_values,
        columns=columns,
    )
    return drawn


def draw_labels(
    table: Any,
    score: str,
    number: int,
    *,
    uniform: float,
    where: str | None,
    weight: str,
    seed: int,
    missing_values: Sequence[str],
    columns: str | Mapping[str, str] | None = None,
    file: str | None = None,
) -> tuple[pa.Table, LabelDraw]:
    """The rows of `next_labels`, and how they were drawn."""
    check_numbers(
        {"number": plain(number), "uniform": plain(uniform), "seed": plain(seed)}, _NUMBERS
    )
    check_texts({"score": score, "weight": weight}, needed=("score", "weight"))
    check_texts({"where": where})
    if uniform == 0:
        raise InputError(
            "uniform is 0, but must be above it: a row that the judge is sure of would never be drawn."
        )
    with opened(table, columns=columns, missing_values=missing_values) as records:
        check_rows(records)
        column = find_column(score, records.columns)
        if not column.kind.numeric:
            raise InputError(
                f"score is {score!r}, which holds {column.kind} values, but must be a column of probabilities: "
                f"{columns_option(score, 'number')}"
            )
        names = [one.name for one in records.columns]
        if weight in names:
            raise InputError(
                f"weight is {weight!r}, which {records.name} has already.  Name another column for the weights."
            )
        dialect = records.engine.dialect
        kept = parse_predicate(where, records.columns, label="where") if where else None
        quoted = ", ".join(map(dialect_of(dialect).quoted, names))
        rows = records.engine.query(
            f"SELECT {quoted} FROM {records.source}{where_clause(kept, dialect)} LIMIT {MOST_ROWS + 1}"
        )
        name = records.name
    rows = rows.rename_columns(names)
    _check_rows(rows, number, name, filtered=where is not None)
    chances = inclusion_chances(
        _scores(rows, score, filtered=where is not None), number, plain(uniform)
    )
    drawn = systematic(chances, np.random.default_rng(plain(seed)))
    weights = 1 / chances[drawn]
    told = LabelDraw(
        source=name,
        where=where,
        rows=rows.num_rows,
        number=len(drawn),
        certain=int((chances[drawn] >= 1).sum()),
        score=score,
        uniform=float(uniform),
        weight=weight,
        least=float(weights.min()),
        greatest=float(weights.max()),
        effective=float(weights.sum() ** 2 / (weights**2).sum()),
        seed=int(seed),
        file=file,
    )
    return rows.take(pa.array(drawn)).append_column(weight, pa.array(weights)), told


def inclusion_chances(score: Floats, number: int, uniform: float) -> Floats:
    """Chances of rows to be drawn, which add up to `number`; 1 at most."""
    distance = np.sqrt(score * (1 - score) + (score - score.mean()) ** 2)
    total = distance.sum()
    sure = np.full(len(score), 1 / len(score))
    mixed = uniform * sure + (1 - uniform) * (distance / total if total > 0 else sure)
    out = np.zeros(len(score))
    certain = np.zeros(len(score), bool)
    while True:
        left = number - certain.sum()
        out[certain] = 1.0
        out[~certain] = mixed[~certain] / max(mixed[~certain].sum(), 1e-300) * left
        more = (out >= 1) & ~certain
        if not more.any():
            return out
        certain |= more


def systematic(chances: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Numbers of the rows drawn with these chances, whose sum is a whole number; in rising order."""
    order = rng.permutation(len(chances))
    upto = np.cumsum(chances[order])
    number = round(float(upto[-1]))
    # The last of the sums is the number but for rounding.
    marks = np.minimum(rng.random() + np.arange(number), upto[-1] * (1 - 1e-15))
    return np.sort(order[np.searchsorted(upto, marks, side="right")])


def _check_rows(rows: pa.Table, number: int, name: str, *, filtered: bool) -> None:
    if rows.num_rows > MOST_ROWS:
        raise InputError(
            f"{name} has more than {MOST_ROWS:,} rows to draw from.  Keep fewer with where, such as those of a month."
        )
    if rows.num_rows == 0:
        raise NoRowError(
            f"There is nothing to draw: {name} has no rows{' that satisfy where' * filtered}."
        )
    if number > rows.num_rows:
        raise InputError(
            f"number is {number:,}, but {name} has {plural(rows.num_rows, 'row')} to draw from.  Ask for fewer, or "
            "label all."
        )


def _scores(rows: pa.Table, score: str, *, filtered: bool) -> Floats:
    read = np.asarray(rows[score].cast(pa.float64()).to_numpy(zero_copy_only=False), float)
    wrong = ~((read >= 0) & (read <= 1))
    if wrong.any():
        first = int(np.argmax(wrong))
        first_value = "missing" if np.isnan(read[first]) else f"{read[first]:g}"
        of = " of those that satisfy where" if filtered else ""
        raise InputError(
            f"score: {int(wrong.sum()):,} of {len(read):,} values of {score!r} are missing or outside [0, 1], where a "
            f"probability lies; the first is {first_value} (row {first + 1}{of}).  Mend them, or filter with where."
        )
    return read
