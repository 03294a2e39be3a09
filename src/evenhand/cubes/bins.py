"""Cut points of numeric attributes, taken from the data's quantiles where none are given."""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from sqlglot import exp

from evenhand.cubes.quantiles import least_and_quantiles
from evenhand.groups import Attribute, Predicate, to_expression
from evenhand.groups.predicate import column_expression, finite, literal
from evenhand.records import Records

# A numeric attribute with more distinct values than this is cut at quantiles unasked.
DISTINCT_VALUES = 12
QUANTILE_BINS = 4


def bin_attributes(
    records: Records,
    attributes: Sequence[Attribute],
    bins: Mapping[str, int | Sequence[float]],
    where: Predicate | None = None,
) -> tuple[Attribute, ...]:
    """Give every numeric attribute that needs them its edges.

    Quantile bins hold about equal numbers of rows; ties move an edge to the next distinct value,
    so there may be fewer bins than asked for.
    """
    kinds = {column.name: column.kind for column in records.columns}
    out = []
    for attribute in attributes:
        wanted = bins.get(attribute.name)
        plain = attribute.edges is None and attribute.predicate is None
        if plain and kinds[attribute.name].numeric and not isinstance(wanted, Sequence):
            out.append(_binned(records, attribute, wanted, where))
        else:
            out.append(attribute)
    return tuple(out)


def _binned(
    records: Records, attribute: Attribute, wanted: int | None, where: Predicate | None
) -> Attribute:
    column = finite(column_expression(attribute.name))
    known = exp.and_(
        exp.Not(this=exp.Is(this=column, expression=exp.Null())),
        *([to_expression(where)] if where is not None else []),
    )
    source = f"FROM {records.source} WHERE {known.sql(records.engine.dialect)}"
    name = column_expression(attribute.name).sql(records.engine.dialect)
    if wanted is None:
        distinct = records.engine.query(
            f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT {name} {source} LIMIT {DISTINCT_VALUES + 1}) AS d"
        )
        if distinct["n"][0].as_py() <= DISTINCT_VALUES:
            return attribute
    count = QUANTILE_BINS if wanted is None else wanted
    if count == 1:
        return Attribute(name=attribute.name, edges=())
    kept = known.sql(records.engine.dialect)
    lowest, *quantiles = least_and_quantiles(
        records, name, kept, [i / count for i in range(1, count)]
    )
    if lowest is None:
        return Attribute(name=attribute.name, edges=())
    edges = sorted({_plain(quantile) for quantile in quantiles})
    inner = _tidied([edge for edge in edges if edge > lowest], _plain(lowest))
    return Attribute(
        name=attribute.name, edges=inner or _above(records, name, source, _plain(lowest))
    )


def _tidied(edges: Sequence[float], lowest: float) -> tuple[float, ...]:
    """Edges with as few digits as keep bins about as full as they were.

    Each is rounded down, by at most a fiftieth of the way from the edge below, so that rows which hold
    the edge itself stay above it.  The bins are those of the rounded edges: what is shown is exact.
    """
    out: list[float] = []
    below = lowest
    for edge in edges:
        out.append(edge if isinstance(edge, int) else _rounded_down(edge, (edge - below) / 50))
        below = edge
    return tuple(out)


def _rounded_down(edge: float, room: float) -> float:
    """The number with the fewest digits within `room` below an edge."""
    if not 0 < room < float("inf"):
        return edge
    step = math.floor(math.log10(room))
    shorter = float(Decimal(edge).quantize(Decimal(1).scaleb(step), ROUND_FLOOR))
    return shorter if edge - room <= shorter and len(repr(shorter)) < len(repr(edge)) else edge


def _above(records: Records, name: str, source: str, lowest: float) -> tuple[float, ...]:
    """Where most values are the lowest one, the next value is the only edge."""
    above = literal(lowest).sql(records.engine.dialect)
    found = records.engine.query(f"SELECT MIN({name}) AS next {source} AND {name} > {above}")
    following = found["next"][0].as_py()
    return () if following is None else (_plain(following),)


def _plain(value: Any) -> int | float:
    """Whole numbers stay whole: large ones do not fit a float."""
    return value if isinstance(value, int) else float(value)
