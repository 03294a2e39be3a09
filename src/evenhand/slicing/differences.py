"""Differences: one metric less another on the same rows, as a ratio of sums again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sqlglot import exp

from evenhand.cubes import Cells, Check, Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics import Metric, MetricPlan
from evenhand.records import Kind, Records
from evenhand.stats.forms import Ratio


def baseline_plan(
    metric: Metric, baseline: Metric, records: Records, keep: Sequence[str], where: Predicate | None
) -> MetricPlan:
    """Plan of *metric less baseline*, paired row by row.

    The two must divide by the same in every row (the same reference, the same labels): then the
    difference of the two rates is a ratio of sums itself.
    """
    asked = sorted(metric.columns - set(keep))
    before = baseline.plan(records, [*keep, *asked], where)
    carried = [column.name for column in before.records.columns]
    now = metric.plan(before.records, list(dict.fromkeys([*keep, *carried])), where)
    measures = [_renamed(plan.measure, side) for plan, side in ((now, "now"), (before, "before"))]
    return _difference(now, before, measures, records=now.records)


def between_plan(
    plan: MetricPlan, column: str, before: str, now: str, records: Records
) -> MetricPlan:
    """Plan of *the metric where a column has one value less where it has another*.

    Each unit must have the same denominator on both sides (the same sample under two conditions).
    """
    kind = next(item.kind for item in records.columns if item.name == column)
    name = "evenhand:between"
    sides = []
    for side, text in (("now", now), ("before", before)):
        value = exp.EQ(
            this=column_expression(name), expression=literal(typed_value(text, kind, column))
        )
        parts = tuple(
            (
                f"{side} {part}",
                exp.Case(ifs=[exp.If(this=value.copy(), true=expression)], default=literal(0)),
            )
            for part, expression in plan.measure.parts
        )
        sides.append(replace(plan.measure, parts=parts))
    chosen = Input(name=name, expression=column_expression(column), text=column)
    first = replace(sides[0], inputs=(*plan.measure.inputs, chosen))
    return _difference(
        plan, plan, [first, replace(sides[1], inputs=(), checks=())], records=plan.records
    )


def typed_value(text: str, kind: Kind, column: str) -> str | int | float | bool:
    """A value written on the command line, as its column holds it."""
    if kind is Kind.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if not kind.numeric:
        return text
    try:
        number = int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise InputError(f"{column} holds numbers, and {text!r} is none.")
    return number


def _renamed(measure: Measure, side: str) -> Measure:
    names = {item.name: f"{side} {item.name}" for item in measure.inputs}

    def rename(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.name in names:
            return column_expression(names[node.name])
        return node

    return replace(
        measure,
        parts=tuple((f"{side} {name}", part.transform(rename)) for name, part in measure.parts),
        inputs=tuple(replace(item, name=names[item.name]) for item in measure.inputs),
        checks=tuple(
            Check(
                input=names[check.input],
                faulty=check.faulty.transform(rename),
                message=check.message,
            )
            for check in measure.checks
        ),
    )


def _difference(
    now: MetricPlan, before: MetricPlan, measures: list[Measure], *, records: Records
) -> MetricPlan:
    if not isinstance(now.form, Ratio) or not isinstance(before.form, Ratio):
        raise InputError(
            "A difference of two metrics can be searched where both are ratios of sums."
        )
    first, second = measures
    measure = Measure(
        parts=first.parts + second.parts,
        inputs=first.inputs + second.inputs,
        checks=first.checks + second.checks,
        moments=Moments.CENTRED,
        about=" less ".join(filter(None, (first.about, second.about))),
    )
    none = (0.0,) * len(before.form.denominator)
    form = Ratio(
        numerator=now.form.numerator + tuple(-weight for weight in before.form.numerator),
        denominator=now.form.denominator + none,
    )
    return MetricPlan(records=records, measure=measure, form=form, proportion=False)


def check_denominators(cells: Cells, parts: int, form: Ratio, now: str, before: str) -> None:
    """Refuse a difference of rates that divide by different counts.

    `parts` are the counts of the first metric; the others are the second's, which divides alike.
    """
    weights = np.asarray(form.denominator[:parts])
    first = cells.sums[:, :parts] @ weights
    second = cells.sums[:, parts:] @ weights
    if not np.allclose(first, second):
        apart = ~np.isclose(first, second)
        different = int(apart.sum()) if cells.unit is None else len(np.unique(cells.unit[apart]))
        what = "units" if cells.unit is not None else "rows"
        raise InputError(
            f"{now} and {before} divide by different counts in {different:,} {what}, so their "
            "difference is no ratio of sums.  Compare metrics of the same reference or labels on the "
            "same samples; with --between, name as --unit what occurs under both, and as --features only what "
            "does not change between them."
        )
