"""Rows reduced to distinct combinations once, for several metrics that read the same few columns."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from evenhand.cubes.measure import Measure
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression
from evenhand.records import Column, Kind, Records

_NAME = '"evenhand:tally"'
_FEW = (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER)


def tally(
    records: Records, measures: Sequence[Measure], keys: Sequence[str], where: Predicate | None
) -> Records | None:
    """Count the distinct combinations of all columns that several measures and the groups read.

    Parameters
    ----------
    records : Records
        The table; read once.
    measures : Sequence of Measure
        What will be counted from it.
    keys : Sequence of str
        Columns that the groups and the filter read.
    where : Predicate, optional
        Keep only these rows.

    Returns
    -------
    Records or None
        A table with the same columns and a weight; `None` where it would not be smaller, or the
        rows lie on a server.
    """
    inputs = [c.name for m in measures for i in m.inputs for c in i.expression.find_all(exp.Column)]
    names = list(dict.fromkeys([*keys, *inputs]))
    kinds = {column.name: column.kind for column in records.columns}
    few = all(measure.few_values for measure in measures) and all(kinds[n] in _FEW for n in names)
    if len(measures) < 2 or not few:
        return None
    weight = "evenhand:" + ":" * max(map(len, names)) + "rows"
    count = exp.alias_(exp.Count(this=exp.Star()), weight, quoted=True)
    query = exp.select(*(column_expression(name) for name in names), count).from_(
        exp.Var(this=records.source)
    )
    if where is not None:
        query = query.where(to_expression(where))
    places = ", ".join(str(place + 1) for place in range(len(names)))
    counted = f"{query.sql(records.engine.dialect)} GROUP BY {places}"
    if not records.engine.keep(_NAME, counted):
        return None
    columns = tuple(Column(name=name, kind=kinds[name]) for name in names)
    return replace(records, source=_NAME, columns=columns, weight=weight)
