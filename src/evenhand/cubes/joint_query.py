"""Counts of several measures in one query: of cells, and of each unit in them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from evenhand.cubes.columns import floats_of
from evenhand.cubes.query import CubeQuery
from evenhand.records import Engine

#: Different rows at most among which sums of others are looked for.
_MOST_PATTERNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JointQuery:
    """The counts of several measures in one query.

    Attributes
    ----------
    sql : str
        The query.
    sums : Mapping
        Counts that it does not give: names of others, and how often each is in them.
    """

    sql: str
    sums: Mapping[str, Mapping[str, int]]

    def run(self, engine: Engine) -> pa.Table:
        """The counts under all their names."""
        table = engine.query(self.sql)
        for name, others in self.sums.items():
            if list(others.values()) == [1]:
                table = table.append_column(name, table[next(iter(others))])
                continue
            total = np.zeros(table.num_rows)
            for other, times in others.items():
                total += times * floats_of(table[other])
            table = table.append_column(name, pa.array(total))
        return table


def cells_query(queries: Sequence[CubeQuery]) -> JointQuery:
    """Counts of each cell for several measures of the same rows and cells, which are read once."""
    first = queries[0]
    inputs = {item.name: item for query in queries for item in query.measure.inputs}
    rows = first.rows(inputs.values(), units=False)
    counted, same = _once(count for query in queries for count in query.aggregates())
    keys = first.keys()
    selected = [f"{key} AS {name}" for name, key in keys.items()] + counted
    parts = [part for query in queries for part in query.counted_parts(query.valid())]
    asked = f"SELECT {', '.join(selected)} FROM ({_with(rows, parts)}) AS counted"
    if not keys:
        return JointQuery(sql=f"{asked} HAVING COUNT(*) > 0", sums=same)
    # In a fixed order, whatever follows is the same at every run.
    places = [str(i + 1) for i in range(len(keys))]
    order = ", ".join(f"{place} NULLS LAST" for place in places)
    return JointQuery(sql=f"{asked} GROUP BY {', '.join(places)} ORDER BY {order}", sums=same)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnitRows:
    """Rows with all that is counted of units in each cell.

    Attributes
    ----------
    counts : Mapping of str to str
        What is added up of each row, by the names of the sums.
    rows : str
        The query of the rows.
    kept : str
        Which of them count.
    """

    counts: Mapping[str, str]
    rows: str
    kept: str


def _unit_rows(
    queries: Sequence[CubeQuery], missing: Container[str] | None, *, named: bool = True
) -> _UnitRows:
    inputs = {item.name: item for query in queries for item in query.measure.inputs}
    valid = [query.valid(missing) for query in queries]
    alike = len(set(valid)) == 1
    parts: list[str] = []
    counts: dict[str, str] = {}
    for query, usable in zip(queries, valid, strict=True):
        own = "" if alike else usable
        parts += query.counted_parts(own)
        # A unit without a usable row is not there.  Where all measures use the same rows, none is such.
        counts |= {} if alike else {f"{query.prefix}n_rows": query.usable(own)}
        counts |= query.counts(own)
    kept = "" if "" in valid else f" WHERE {' OR '.join(f'({v})' for v in dict.fromkeys(valid))}"
    rows = _with(queries[0].rows(inputs.values(), missing, units=named), parts)
    return _UnitRows(counts=counts, rows=f"({rows}) AS counted", kept=kept)


def units_query(
    queries: Sequence[CubeQuery],
    missing: Container[str] | None = None,
    sums: Mapping[str, Mapping[str, int]] | None = None,
) -> JointQuery:
    """Counts of each unit in each cell, in any order: to order millions of them costs an engine more than us.

    Parameters
    ----------
    queries : sequence of CubeQuery
        Of the same rows, cells and units.
    missing : container of str, optional
        Keys, units and inputs that some row lacks, where that is known: nothing is asked about others.
    sums : Mapping, optional
        Counts that are sums of others, as `sums_of_others` has them.
    """
    first, asked = queries[0], _unit_rows(queries, missing)
    names = [*first.keys(), *first.units]
    keys = first.keys(missing) | {name: name for name in first.units}
    weighed = "w * " if first.measure.few_values else ""
    counted, same = _once(
        f"COALESCE(SUM({weighed}{value}), 0) AS {name}"
        for name, value in asked.counts.items()
        if name not in (sums or ())
    )
    selected = [f"{keys[name]} AS {name}" for name in names] + counted
    places = ", ".join(str(i + 1) for i in range(len(names)))
    sql = f"SELECT {', '.join(selected)} FROM {asked.rows}{asked.kept} GROUP BY {places}"
    return JointQuery(sql=sql, sums={**same, **(sums or {})})


def sums_of_others(
    queries: Sequence[CubeQuery], missing: Container[str] | None
) -> Mapping[str, Mapping[str, int]]:
    """Counts that are sums of others in every row, with how often each other is in them.

    Rates of the same answers count the same rows: those that are right are the true positives and the
    true negatives.  What rows count is looked up, as few different patterns of whole numbers; so an engine
    adds up half as much for each of millions of units.
    """
    asked = _unit_rows([query.of_all() for query in queries], missing, named=False)
    listed = ", ".join(f"COALESCE({value}, 0) AS {name}" for name, value in asked.counts.items())
    sql = f"SELECT DISTINCT {listed} FROM {asked.rows}{asked.kept} LIMIT {_MOST_PATTERNS}"
    table = queries[0].records.engine.query(sql)
    if table.num_rows == _MOST_PATTERNS:
        return {}
    patterns = {name: floats_of(table[name]) for name in asked.counts}
    basis: list[str] = []
    sums: dict[str, Mapping[str, int]] = {}
    for name, values in patterns.items():
        known = np.array([patterns[other] for other in basis]).reshape(len(basis), len(values)).T
        times = np.rint(np.linalg.lstsq(known, values)[0]) if known.size else np.zeros(len(basis))
        if np.array_equal(known @ times, values):
            sums[name] = {o: int(t) for o, t in zip(basis, times, strict=True) if t}
        else:
            basis.append(name)
    return sums


def _with(rows: str, parts: Sequence[str]) -> str:
    return f"SELECT *, {', '.join(parts)} FROM ({rows}) AS counted" if parts else rows


def _once(counts: Iterable[str]) -> tuple[list[str], dict[str, Mapping[str, int]]]:
    """Each count under one name, and the names of counts that are the same as another."""
    kept: dict[str, str] = {}
    same: dict[str, Mapping[str, int]] = {}
    for count in counts:
        counted, _, name = count.rpartition(" AS ")
        if kept.setdefault(counted, name) != name:
            same[name] = {kept[counted]: 1}
    return [f"{counted} AS {name}" for counted, name in kept.items()], same
