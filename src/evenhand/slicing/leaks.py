"""Features that say again what the metric reads, or that keep books: slices of them say nothing."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sqlglot import exp

from evenhand.deferred import compute
from evenhand.groups import Predicate, columns_of, where_clause
from evenhand.groups.predicate import column_expression
from evenhand.metrics import Metric, Takes
from evenhand.records import Kind, Records, dialect_of

Codes = npt.NDArray[np.int64]
#: Rows that are looked at, about, evenly spread over the table.
ROWS = 20_000
#: A near-function is wrong at most this often, beside the most frequent value alone.
WRONG = 0.1
#: Of two columns whose names share a word, one tells at least this share of the other.
TOLD = 0.2
#: Rows that a value needs, so that what it tells is no chance; bins of numbers with many values.
FEWEST, BINS = 5, 100
#: Share of the rows with a value of their own from which on a column is a name of the row.
OWN = 0.9


def leaks_of(
    records: Records, metrics: Sequence[Metric], features: Sequence[str], where: Predicate | None
) -> dict[str, str]:
    """Features to be left out, with the reason.

    Parameters
    ----------
    records : Records
        The table.
    metrics : sequence of Metric
        Their labels, predictions, scores and numbers are what features may repeat; texts are not, since
        the length or the name of a sentence is worth a slice.
    features : sequence of str
        Columns of the table.
    where : Predicate, optional
        Keep only these rows.

    Notes
    -----
    A feature is a *near-function* of a column where the most frequent value that goes with each of its
    values (or its own, with each of the column's) is wrong at most a tenth as often as the most
    frequent value of all: Goodman & Kruskal's lambda of at least 0.9, doi:10.1080/01621459.1954.10501231.
    Where the names share a word, a column that tells a fifth of the other's entropy is enough (Theil's
    uncertainty coefficient, less its bias).
    """
    own = list(dict.fromkeys(name for metric in metrics for name in _read(metric)))
    names = [*features, *(name for name in own if name not in features)]
    table, by_chance = _rows(records, names, where)
    if table.num_rows < 2 * FEWEST:
        return {}
    kinds = {column.name: column.kind for column in records.columns}
    codes = {
        name: _codes(table[f"c{place}"], kinds[name])
        for place, name in enumerate(dict.fromkeys([*features, *own]))
    }
    found = {}
    for place, name in enumerate(features):
        reason = _bookkeeping(name, table[f"c{place}"], kinds[name], by_chance)
        told = (_repeats(name, codes[name], column, codes[column]) for column in own)
        reason = reason or next(filter(None, told), None)
        if reason:
            found[name] = reason
    return found


def _read(metric: Metric) -> Iterator[str]:
    """Columns whose values the metric compares or adds."""
    for argument in metric.definition.arguments:
        given = metric.given.get(argument.name)
        if given is None or argument.takes in (Takes.CONSTANT, Takes.TEXT, Takes.SET):
            continue
        if isinstance(given, str):
            yield given
        elif isinstance(given, tuple):
            yield from map(str, given)
        elif not isinstance(given, int | float):
            yield from columns_of(given)


def _rows(
    records: Records, names: Sequence[str], where: Predicate | None
) -> tuple[pa.Table, int | None]:
    """Every n-th row, so that the order of the table does not matter.

    Where rows have no number each is taken by chance, and the second that is returned is one in how many.
    """
    engine = records.engine
    kept = where_clause(where, engine.dialect)
    count = int(engine.query(f"SELECT COUNT(*) AS n FROM {records.source}{kept}")["n"][0].as_py())
    step = max(-(-count // ROWS), 1)
    columns = ", ".join(
        exp.alias_(column_expression(name), f"c{place}").sql(engine.dialect)
        for place, name in enumerate(names)
    )
    dialect = dialect_of(engine.dialect)
    place = "ROW_NUMBER() OVER ()" if dialect.numbers_rows else dialect.random
    chosen = f"place % {step} = 0" if dialect.numbers_rows else f"place * {step} < 1"
    numbered = f"SELECT {columns}, {place} AS place FROM {records.source}{kept}"
    if step == 1:
        return engine.query(f"SELECT {columns} FROM {records.source}{kept}"), None
    table = engine.query(f"SELECT * FROM ({numbered}) AS numbered WHERE {chosen}")
    return table, None if dialect.numbers_rows else step


def _codes(column: pa.ChunkedArray, kind: Kind) -> Codes:
    """Number of each value; bins where numbers are many, -1 where missing, rare values together."""
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    known = compute.is_valid(column).to_numpy(zero_copy_only=False)
    if kind.numeric:
        numbers = compute.cast(column, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        known &= np.isfinite(numbers)
        values, codes = np.unique(np.where(known, numbers, 0.0), return_inverse=True)
        if len(values) > BINS and known.any():
            count = int(np.clip(known.sum() // (4 * FEWEST), 4, BINS))
            edges = np.unique(np.quantile(numbers[known], np.arange(1, count) / count))
            codes = np.searchsorted(edges, np.where(known, numbers, 0.0), side="right")
    else:
        texts = compute.fill_null(compute.cast(column, pa.string()), "")
        codes = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    codes = np.asarray(codes, np.int64)
    rare = np.bincount(codes[known], minlength=int(codes.max(initial=0)) + 1) < FEWEST
    codes = np.where(rare[codes], len(rare), codes)
    return np.where(known, codes, -1)


def _repeats(feature: str, f: Codes, column: str, c: Codes) -> str | None:
    """Why a feature is a column of the metric under another name; `None` where it is not."""
    both = (f >= 0) & (c >= 0)
    if both.sum() < 2 * FEWEST:
        return None
    table = _crossed(f[both], c[both])
    rows = table.sum()
    for counts, said in (
        (table, f"it tells {column}, which the metric reads,"),
        (table.T, f"{column}, which the metric reads, tells it"),
    ):
        alone, right = counts.sum(axis=0).max(), counts.max(axis=1).sum()
        if alone < rows and rows - right <= WRONG * (rows - alone):
            return f"{said} in {right / rows:.1%} of the rows".replace("%", " %")
    share = max(_told(table), _told(table.T))
    if _share_a_word(feature, column) and share >= TOLD:
        what = f"its name shares a word with {column}, which the metric reads,"
        return f"{what} and one tells {share:.0%} of the other".replace("%", " %")
    return None


def _crossed(f: Codes, c: Codes) -> npt.NDArray[np.float64]:
    """Rows of each pair of values, shape (values of f, values of c)."""
    _, first = np.unique(f, return_inverse=True)
    _, second = np.unique(c, return_inverse=True)
    width = int(second.max()) + 1
    counts = np.bincount(first * width + second, minlength=(int(first.max()) + 1) * width)
    return counts.reshape(-1, width).astype(float)


def _told(table: npt.NDArray[np.float64]) -> float:
    """Share of the entropy of the columns that the rows of a table tell, less its bias.

    Miller (1955): the plug-in mutual information is too large by (r - 1)(c - 1) / 2n.
    """
    rows = table.sum()
    whole = _entropy(table.sum(axis=0))
    shared = whole + _entropy(table.sum(axis=1)) - _entropy(table.ravel())
    bias = (table.shape[0] - 1) * (table.shape[1] - 1) / (2 * rows)
    return max(shared - bias, 0.0) / whole if whole > 0 else 0.0


def _entropy(counts: npt.NDArray[np.float64]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum())


def _words(name: str) -> set[str]:
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]+", name)
    return {part.lower() for part in parts if len(part) > 2}


def _share_a_word(first: str, second: str) -> bool:
    return not _words(first).isdisjoint(_words(second))


def _bookkeeping(
    name: str, column: pa.ChunkedArray, kind: Kind, by_chance: int | None
) -> str | None:
    """Why a column is a weight or an id; `None` where it is not."""
    known = _known_words()
    if (
        kind.numeric
        and name.strip().lower().replace("-", "_").replace(" ", "_") in known["weights"]
    ):
        return "a weight, by its name"
    count = len(column) - column.null_count
    if count < 100 or kind not in (Kind.TEXT, Kind.INTEGER):
        return None
    values = compute.count_distinct(column).as_py()
    words = {
        part.lower() for part in re.findall(r"[A-Za-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name))
    }
    if values >= OWN * count and not words.isdisjoint(known["ids"]):
        return "an id: nearly every row has a value of its own"
    if values == count and kind is Kind.INTEGER:
        ends = compute.min_max(column).as_py()
        span = ends["max"] - ends["min"] + 1  # of every n-th row the numbers are n apart
        # Of one row in n by chance they are n apart on the whole.
        close = _evenly(column) if by_chance is None else span <= 1.1 * by_chance * count
        if span <= count * ROWS and close:
            return "an id: it numbers the rows"
    return None


def _evenly(column: pa.ChunkedArray) -> bool:
    steps = np.diff(np.sort(column.drop_null().to_numpy()))
    return bool((steps == steps[0]).all())


@cache
def _known_words() -> Mapping[str, frozenset[str]]:
    text = (files("evenhand.slicing") / "data" / "bookkeeping.toml").read_text(encoding="utf-8")
    return {name: frozenset(words) for name, words in tomllib.loads(text).items()}
