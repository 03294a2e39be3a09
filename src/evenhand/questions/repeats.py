"""Columns that repeat as a unit would, and were not named: rows that share them resemble each other.

Two questions are asked of each candidate.  Do rows of one value resemble each other within groups, beyond
what units explain and beyond chance?  And would the differences between groups be less sure by it?  Items
that all groups meet alike are alike within groups, but cancel in differences: of them nothing is said.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.cubes import CubeQuery, floats_of
from evenhand.deferred import sparse, special
from evenhand.errors import Note
from evenhand.groups import Attribute, Partition, Predicate, where_clause
from evenhand.groups.predicate import column_expression
from evenhand.metrics import Metric, MetricPlan
from evenhand.questions.copies import is_large
from evenhand.records import Kind, Records

#: Code of the note that rows of one value of a column resemble each other.
COLUMN_REPEATS = "column_repeats"
#: Rows at most that are looked at; larger tables cost what the audit itself does.
MOST_ROWS = 200_000
#: Columns at most, those with the fewest values first; values at least, as fewer tell little of a spread.
MOST_COLUMNS, FEWEST_VALUES = 6, 8
#: Groups at most, the largest, whose differences are looked at.
MOST_GROUPS = 12
#: Standard errors that grow less than this are not worth a warning.
LEAST_GROWTH = 1.25
#: Probability of a warning where nothing repeats, over all columns and all --by together.
CHANCE = 0.01
#: A column of which a value has this share of the rows, and which tells each row's result, is a result.
COMMON = 0.1
#: How whole numbers are called that say how many, and not which.
COUNTS = re.compile(r"(^|_)counts?(_|$)|^n(um)?_|_n$|^number_of", re.IGNORECASE)

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What is compared: groups, under a condition against a reference where there is one."""

    attributes: tuple[Attribute, ...]
    partitions: tuple[Partition, ...]
    units: tuple[str, ...]
    where: Predicate | None
    missing_values: tuple[str, ...]
    condition: str | None = None
    reference: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Counts of each row, with its group, condition, unit and value of the column."""

    sums: Floats
    group: Integers
    stage: Integers
    unit: Integers
    value: Integers


def candidate_columns(
    records: Records, used: Collection[str], where: Predicate | None, metrics: Sequence[Metric]
) -> tuple[str, ...]:
    """Columns that could name units and have no other part in the question.

    Text and whole numbers of at least 8 values that occur twice on average; no numbers that count, by their name
    or because most are 0: people with as many priors have nothing else in common.  Tables of more than
    200,000 rows and large text files are not looked at, and none where a metric makes one row of
    several, which differ in them.
    """
    if is_large(records) or any(metric.definition.joins for metric in metrics):
        return ()
    dialect = records.engine.dialect
    names = [
        column.name
        for column in records.columns
        if column.kind in (Kind.TEXT, Kind.INTEGER) and column.name not in used
        if column.kind is Kind.TEXT or not COUNTS.search(column.name)
    ]
    whole = {column.name for column in records.columns if column.kind is Kind.INTEGER}
    kept = where_clause(where, dialect)
    if not names:
        return ()
    counted = records.engine.query(f"SELECT COUNT(*) AS n FROM {records.source}")
    if int(counted["n"][0].as_py()) > MOST_ROWS:
        return ()
    distinct = ", ".join(
        f"COUNT(DISTINCT {column_expression(name).sql(dialect)}) AS d{place}"
        + f", SUM(CASE WHEN {column_expression(name).sql(dialect)} = 0 THEN 1 ELSE 0 END) AS z{place}"
        * (name in whole)
        for place, name in enumerate(names)
    )
    found = records.engine.query(
        f"SELECT COUNT(*) AS n, {distinct} FROM {records.source}{kept}"
    ).to_pylist()[0]
    few = [
        (found[f"d{place}"], place)
        for place in range(len(names))
        if FEWEST_VALUES <= found[f"d{place}"] <= found["n"] / 2
        and (found.get(f"z{place}") or 0) * 2 <= found["n"]
    ]
    return tuple(names[place] for _, place in sorted(few)[:MOST_COLUMNS])


def repeating_columns(
    plan: MetricPlan, candidates: Sequence[str], design: Design, *, counted: bool = True
) -> Iterator[Note]:
    """Say which column makes rows resemble each other as a unit would.

    Not `counted`, by how much is not told: it would be one more number from which to subtract.

    Notes
    -----
    With the rows' influences r, added over each unit u and value c, the excess of the clustered variance is
    ``Q - m``, with ``Q = Σ_c (Σ_u r_cu)²`` and ``m = Σ r_cu²``: what two-way clustering adds (Cameron, Gelbach &
    Miller 2011, doi:10.1198/jbes.2010.07136).  Were units independent and symmetric about their mean, signs
    could be turned unit by unit; Q then has mean m and variance ``2 Σ_(u≠v) (Σ_c r_cu r_cv)²``, and is taken
    for a scaled chi-square of these two moments (Satterthwaite 1946, doi:10.2307/3002019).
    """
    known = {column.name: column.kind for column in plan.records.columns}
    candidates = [name for name in candidates if name in known]
    if not candidates or plan.measure.level:
        # Scores kept apart by level (auc) have no influence of one row that is known without the others.
        return
    table = _read(plan, candidates, design)
    if not table.num_rows:
        return
    bar = CHANCE / (len(candidates) * max(len(design.partitions), 1))
    grown: dict[str, float] = {}
    for name, rows in _views(table, candidates, design):
        if not _resemble(plan, rows, bar):
            continue
        if known[name] is Kind.INTEGER and _in_order(plan, rows):
            continue
        growth = _growth(plan, rows)
        if growth >= LEAST_GROWTH:
            grown[name] = max(growth, grown.get(name, 0.0))
    if grown:
        yield Note(code=COLUMN_REPEATS, text=_told(grown, design.units, counted=counted))


def _told(grown: dict[str, float], units: Sequence[str], *, counted: bool) -> str:
    first, *others = sorted(grown, key=lambda name: -grown[name])
    size = f"{grown[first]:.2g} times as large" if counted else "larger"
    if len(units) > 1:
        how = f"if {first} counted as a unit too, differences between groups would have standard errors"
        advice = (
            f"At most two columns name units: name {first} in place of the one that matters least"
        )
    else:
        options = " ".join(f"--unit {name}" for name in (*units, first))
        how = f"with {options} the standard errors of differences between groups are"
        advice = "Name it if rows that share it are dependent"
    also = f"  So do those of one {' and of one '.join(others)}." if others else ""
    return (
        f"Rows of one {first} resemble each other: {how} {size}.  {advice}; if it tells groups apart, put "
        f"it into --by.{also}"
    )


def _read(plan: MetricPlan, candidates: Sequence[str], design: Design) -> pa.Table:
    """One row per row: attributes ``a0 …``, then the candidates, units and counts."""
    query = CubeQuery(
        plan.records,
        replace(plan.measure, few_values=False),
        [*design.attributes, *(Attribute(name=name) for name in candidates)],
        design.units,
        design.where,
        design.missing_values,
    )
    return plan.records.engine.query(query.rows_sql())


def _views(
    table: pa.Table, candidates: Sequence[str], design: Design
) -> Iterator[tuple[str, _Rows]]:
    """Rows by each candidate and each partition; rows that are in no group are left out."""
    parts = sum(name.startswith("s") for name in table.column_names)
    sums = np.stack([floats_of(table[f"s{i}"]) for i in range(parts)], axis=1)
    names = [attribute.name for attribute in design.attributes]
    codes = {name: _coded(table[f"a{i}"])[0] for i, name in enumerate(names)}
    stage = np.zeros(len(sums), np.int64)
    if design.condition is not None:
        own, values = _coded(table[f"a{names.index(design.condition)}"])
        # The reference is stage 0.
        stage = np.where(own == values.index(design.reference), 0, own + 1)
    unit = np.arange(len(sums))
    if design.units:
        every = [_coded(table[f"unit{i}" if i else "unit"])[0] for i in range(len(design.units))]
        unit = _crossed(every)
    for partition in design.partitions:
        of = [codes[name] for name in partition.names]
        inside = np.min(of, axis=0) >= 0
        group = _crossed([code[inside] for code in of])
        for place, name in enumerate(candidates, len(names)):
            value = _coded(table[f"a{place}"])[0][inside]
            # A row without a value shares it with none but its own unit.
            value = np.where(value < 0, value.max(initial=0) + 1 + unit[inside], value)
            yield (
                name,
                _Rows(
                    sums=sums[inside],
                    group=group,
                    stage=stage[inside],
                    unit=unit[inside],
                    value=value,
                ),
            )


def _coded(column: pa.ChunkedArray) -> tuple[Integers, list[object]]:
    """Numbers of a column's values in their order, -1 where there is none, and the values."""
    whole = pa.chunked_array(column.chunks, type=column.type).combine_chunks()
    coded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    values = coded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=lambda i: (str(type(values[i])), values[i]))
    place = np.empty(len(values) + 1, np.int64)
    place[order], place[-1] = np.arange(len(values)), -1
    return place[codes], [values[i] for i in order]


def _crossed(codes: Sequence[Integers]) -> Integers:
    """Numbers of the combinations of several codes."""
    out = codes[0]
    for code in codes[1:]:
        out = out * (int(code.max(initial=0)) + 1) + code
    return np.asarray(np.unique(out, return_inverse=True)[1], np.int64)


def _influences(plan: MetricPlan, rows: _Rows, member: Integers) -> Floats:
    """Influence of each row on the value of the set that it is in; 0 where that has no value."""
    count = int(member.max(initial=0)) + 1
    totals = np.stack(
        [np.bincount(member, part, count).astype(float) for part in rows.sums.T], axis=1
    )
    with np.errstate(all="ignore"):
        gradient = plan.form.gradient(totals[:, None, :])[:, 0, :]
    return np.asarray((np.nan_to_num(gradient)[member] * rows.sums).sum(axis=1), float)


def _own(plan: MetricPlan, rows: _Rows) -> tuple[Floats, Integers]:
    """Residual of each row within its group and condition, in rows' own size, and the number of these."""
    cell = _crossed([rows.group, rows.stage])
    return _influences(plan, rows, cell) * np.bincount(cell)[cell], cell


def _resemble(plan: MetricPlan, rows: _Rows, bar: float) -> bool:
    """Whether rows of one value are alike within groups, beyond units and beyond chance."""
    own, cell = _own(plan, rows)
    cluster = _crossed([cell, rows.value])
    if _is_result(own, cluster, rows.value):
        return False
    unit = np.unique(rows.unit, return_inverse=True)[1]
    counts = sparse.csr_array((own, (cluster, unit)))
    counts.sum_duplicates()
    square = counts.multiply(counts)
    together = float((counts.sum(axis=1) ** 2).sum())
    apart = float(square.sum())
    if together <= apart:
        return False
    sizes = [np.bincount(np.asarray(axis)).astype(float) for axis in counts.nonzero()]
    by_unit = (sizes[1] ** 2).sum() <= (sizes[0] ** 2).sum()
    product = counts @ counts.T if by_unit else counts.T @ counts
    variance = 2 * float((product.data**2).sum() - (square.sum(axis=0) ** 2).sum())
    if variance <= 1e-12 * apart**2:
        return False
    freedom = 2 * apart**2 / variance
    return float(special.chdtrc(freedom, together * freedom / apart)) < bar


def _is_result(own: Floats, cluster: Integers, value: Integers) -> bool:
    """Whether the column tells each row's result, in a few common values: a kind of error, say."""
    n = np.bincount(cluster)
    between = float((np.bincount(cluster, own) ** 2 / np.maximum(n, 1)).sum())
    whole = float((own**2).sum())
    commonest = np.bincount(value).max(initial=0)
    return bool(whole - between <= 1e-9 * whole and commonest >= COMMON * len(value))


def _in_order(plan: MetricPlan, rows: _Rows) -> bool:
    """Whether neighbouring numbers have like results: a quantity such as an age, and no name.

    Mean square of successive differences over the mean square (von Neumann 1941,
    doi:10.1214/aoms/1177731677): 2 where the order tells nothing, with variance 4 / n.
    """
    own, _ = _own(plan, rows)
    n = np.bincount(rows.value)
    mean = np.bincount(rows.value, own)[n > 0] / np.sqrt(n[n > 0])
    ratio = float((np.diff(mean) ** 2).sum() / max((mean**2).sum(), 1e-300))
    return bool(ratio < 2 - 2 * special.ndtri(0.95) / len(mean) ** 0.5)


def _growth(plan: MetricPlan, rows: _Rows) -> float:
    """By how much standard errors of differences grow if the column names units too: root mean square.

    Differences of each group and the rest; under conditions, of what each costs them.
    """
    unit = np.unique(rows.unit, return_inverse=True)[1]
    pair = _crossed([rows.value, unit])
    ratios = []
    for apart in _differences(plan, rows):
        own, shared, both = (
            float((np.bincount(code, apart) ** 2).sum()) for code in (unit, rows.value, pair)
        )
        if own > 0:
            ratios.append(max(own + shared - both, own) / own)
    return float(np.sqrt(np.mean(ratios))) if ratios else 0.0


def _differences(plan: MetricPlan, rows: _Rows) -> Iterator[Floats]:
    """Influence of each row on each difference."""
    largest = np.argsort(-np.bincount(rows.group), kind="stable")[:MOST_GROUPS]
    frequent = np.argsort(-np.bincount(rows.stage), kind="stable")
    stages = [int(stage) for stage in frequent if stage and (rows.stage == stage).any()]
    # Of two groups one difference is the other, turned.
    for group in largest if len(largest) > 2 else largest[:1]:
        inside = rows.group == group
        alone = bool(inside.all())
        own = _influences(plan, rows, _crossed([rows.stage, inside.astype(np.int64)]))
        signed = np.where(inside | alone, own, -own)
        if not stages:
            yield signed
        for stage in stages[:MOST_GROUPS]:
            yield np.where(rows.stage == stage, signed, np.where(rows.stage == 0, -signed, 0.0))
