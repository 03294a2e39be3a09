"""Whether a ratio of sums is a proportion: the rows tell, not the name of the metric."""

from dataclasses import replace

from sqlglot import exp

from evenhand.cubes import Measure, Moments
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import MetricPlan, rate
from evenhand.records import Records

_RANGE = (0.0, 1.0)


def share_or_mean(
    records: Records, measure: Measure, where: Predicate | None, *, bounds: bool = True
) -> MetricPlan:
    """Plan of the first count over the second: a proportion where each row adds 0 or 1 to both.

    A proportion of independent rows has an exact distribution, so that its interval is Wilson's and a
    group in which all rows agree has one too.  Every row decides (of those that are counted), on the
    server that holds them, so that the answer is the same on any engine.

    Parameters
    ----------
    measure : Measure
        Of two counts, the numerator and the denominator.
    bounds : bool
        Whether a proportion narrows the metric's range to 0 and 1.
    """
    form = rate((1, 0), (0, 1))
    if not _zero_or_one(records, measure, where):
        return MetricPlan(records=records, measure=measure, form=form, proportion=False)
    # Sums of products of 0 and 1 are exact.
    exact = replace(measure, moments=Moments.COUNTS)
    return MetricPlan(
        records=records,
        measure=exact,
        form=form,
        proportion=True,
        bounds=_RANGE if bounds else None,
    )


def _zero_or_one(records: Records, measure: Measure, where: Predicate | None) -> bool:
    """Whether no row counts anything but 0 or 1, and none more above than below."""
    (_, above), (_, below) = measure.parts
    fine = exp.and_(
        _in_range(above), _in_range(below), exp.LTE(this=above.copy(), expression=below.copy())
    )
    inputs = [exp.alias_(item.expression, item.name, quoted=True) for item in measure.inputs]
    known = [
        exp.Not(this=exp.Is(this=column_expression(item.name), expression=exp.Null()))
        for item in measure.inputs
    ]
    query = exp.select(*inputs).from_(exp.Var(this=records.source), copy=False)
    query = query if where is None else query.where(to_expression(where), copy=False)
    other = exp.select(exp.alias_(literal(1), "one")).from_(query.subquery("counted", copy=False))
    # Engines stop at the first row that is found.
    other = other.where(*known, exp.Not(this=exp.paren(fine)), copy=False).limit(1, copy=False)
    return not records.engine.query(other.sql(records.engine.dialect)).num_rows


def _in_range(value: exp.Expr) -> exp.Expr:
    return exp.In(this=exp.paren(value.copy()), expressions=[literal(0), literal(1)])
