"""Counts of several measures in one query: of cells, and of each unit in them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from evenhand.cubes.query import CubeQuery
from evenhand.records import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class JointQuery:
    """The counts of several measures in one query.

    Attributes
    ----------
    sql : str
        The query.
    same : Mapping of str to str
        Counts that it gives once for several names: the others, and the one that they are the same as.
    """

    sql: str
    same: Mapping[str, str]

    def run(self, engine: Engine) -> pa.Table:
        """The counts under all their names."""
        table = engine.query(self.sql)
        for name, kept in self.same.items():
            table = table.append_column(name, table[kept])
        return table


def cells_query(queries: Sequence[CubeQuery]) -> JointQuery:
    """Counts of each cell for several measures of the same rows and cells, which are read once."""
    first = queries[0]
    inputs = {item.name: item for query in queries for item in query.measure.inputs}
    rows = first.rows(inputs.values(), units=False)
    counted, same = _once([count for query in queries for count in query.aggregates()])
    keys = first.keys()
    selected = [f"{key} AS {name}" for name, key in keys.items()] + counted
    parts = [part for query in queries for part in query.counted_parts(query.valid())]
    asked = f"SELECT {', '.join(selected)} FROM ({_with(rows, parts)}) AS counted"
    if not keys:
        return JointQuery(sql=f"{asked} HAVING COUNT(*) > 0", same=same)
    # In a fixed order, whatever follows is the same at every run.
    places = [str(i + 1) for i in range(len(keys))]
    order = ", ".join(f"{place} NULLS LAST" for place in places)
    return JointQuery(sql=f"{asked} GROUP BY {', '.join(places)} ORDER BY {order}", same=same)


def units_query(queries: Sequence[CubeQuery], missing: Container[str] | None = None) -> JointQuery:
    """Counts of each unit in each cell, in any order: to order millions of them costs an engine more than us.

    Parameters
    ----------
    queries : sequence of CubeQuery
        Of the same rows, cells and units.
    missing : container of str, optional
        Keys, units and inputs that some row lacks, where that is known: nothing is asked about others.
    """
    first = queries[0]
    inputs = {item.name: item for query in queries for item in query.measure.inputs}
    rows = first.rows(inputs.values(), missing)
    valid = [query.valid(missing) for query in queries]
    alike = len(set(valid)) == 1
    parts: list[str] = []
    counts: list[str] = []
    for query, usable in zip(queries, valid, strict=True):
        own = "" if alike else usable
        parts += query.counted_parts(own)
        # A unit without a usable row is not there.  Where all measures use the same rows, none is such.
        counts += [] if alike else [query.usable_rows(own)]
        counts += query.sums(own)
    counted, same = _once(counts)
    names = [*first.keys(), *first.units]
    keys = first.keys(missing) | {name: name for name in first.units}
    selected = [f"{keys[name]} AS {name}" for name in names] + counted
    kept = "" if "" in valid else f" WHERE {' OR '.join(f'({v})' for v in dict.fromkeys(valid))}"
    places = ", ".join(str(i + 1) for i in range(len(names)))
    asked = f"SELECT {', '.join(selected)} FROM ({_with(rows, parts)}) AS counted{kept}"
    return JointQuery(sql=f"{asked} GROUP BY {places}", same=same)


def _with(rows: str, parts: Sequence[str]) -> str:
    return f"SELECT *, {', '.join(parts)} FROM ({rows}) AS counted" if parts else rows


def _once(counts: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Each count under one name, and the names of counts that are the same as another."""
    kept: dict[str, str] = {}
    same: dict[str, str] = {}
    for count in counts:
        counted, _, name = count.rpartition(" AS ")
        if kept.setdefault(counted, name) != name:
            same[name] = kept[counted]
    return [f"{counted} AS {name}" for counted, name in kept.items()], same
