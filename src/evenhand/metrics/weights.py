"""Weights: how many each row stands for, multiplied into what it counts before anything is added up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from evenhand.cubes import Check, Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups.predicate import (
    column_expression,
    finite,
    is_finite,
    literal,
    unless_missing,
    without_nan,
)
from evenhand.metrics.definition import Alternative, Metric, MetricPlan
from evenhand.records import Column, Kind, Records, check_key, find_column
from evenhand.records.declarations import columns_option
from evenhand.stats.forms import Ratio

#: Weights beyond these have squares that are lost beside others.
LEAST, MOST = 1e-30, 1e30
#: Names that no argument of a metric has.
_WEIGHT, _SOME, _STRATUM = "row weight", "row weight above 0", "row stratum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """What rows stand for.

    Attributes
    ----------
    weight : str, optional
        Column of the weights; without it each row stands for one.
    stratum : str, optional
        Column that tells apart the strata within which units were drawn.
    """

    weight: str | None = None
    stratum: str | None = None

    def __bool__(self) -> bool:
        return self.weight is not None or self.stratum is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""
        return tuple(name for name in (self.weight, self.stratum) if name is not None)

    def check(self, columns: Sequence[Column], units: Sequence[str]) -> None:
        """Refuse a column that does not exist, or is not of its kind."""
        if self.stratum is not None:
            check_key(find_column(self.stratum, columns))
            if len(units) > 1:
                raise InputError(
                    f"stratum is {self.stratum!r}, and two columns name units ({', '.join(units)}), but strata are of "
                    "units that one column names.  Name one unit, or leave the stratum out."
                )
            if self.stratum in units:
                raise InputError(
                    f"stratum and unit are both {self.stratum!r}, but units are drawn within strata.  Name the column "
                    "of the units, or leave one of them out."
                )
        if self.weight is None:
            return
        kind = find_column(self.weight, columns).kind
        if not kind.numeric:
            declared = columns_option(self.weight, "number")
            raise InputError(
                f"weight is {self.weight!r}, which holds {kind} values, but must be a column of numbers: how many "
                f"people or cases each row stands for.  Name another column, or say that it holds numbers: {declared}"
            )

    def reasons(self) -> dict[str, str]:
        """Why rows are left out, by what they are told to lack."""
        reasons = {} if self.stratum is None else {self.stratum: "missing_stratum"}
        if self.weight is not None:
            reasons |= {self.weight: "missing_weight", no_weight(self.weight): "zero_weight"}
        return reasons

    def of(self, metric: Metric, plan: MetricPlan, *, all_counts: bool = False) -> MetricPlan:
        """The plan of a metric with weighted rows; itself where there are no weights.

        Each row's numerator and denominator are multiplied by its weight, so that the value is a ratio
        of weighted sums: the estimator of a ratio from a sample drawn with unequal chances (Horvitz &
        Thompson 1952, doi:10.1080/01621459.1952.10483446; Hájek 1971).  A proportion of weighted rows
        is none of whole counts any more: its variance is the linearised one (see `comparisons.rates`).
        Counts that the ratio does not read are left out, unless `all_counts` are needed.

        Raises
        ------
        InputError
            Where the metric is no ratio of sums.
        """
        if not self:
            return plan
        if (
            not isinstance(plan.form, Ratio)
            or plan.measure.level
            or not metric.definition.weighable
        ):
            raise InputError(
                f"{metric.text} takes no {self._what}: they are for ratios of two sums over rows, and "
                f"{metric.name} is none.  Allowed: rates such as accuracy, true_positive_rate, "
                "precision, f1, mae, mse, wer, mean and ratio (evenhand metrics has all).  Name one of these, or "
                f"leave the {self._what} out."
            )

        def alternatives() -> tuple[Alternative, ...]:
            return tuple(
                replace(
                    one,
                    as_asked=self.of(metric, one.as_asked),
                    otherwise=self.of(metric, one.otherwise),
                )
                for one in plan.alternatives()
            )

        form, measure = plan.form, plan.measure
        if not all_counts:
            form, measure = _sides_only(form, measure)
        return replace(
            plan,
            measure=self._weighted(measure, form, plan.records),
            form=form,
            alternatives=alternatives,
        )

    @property
    def _what(self) -> str:
        return "weight" if self.stratum is None else "weight or stratum"

    def _weighted(self, measure: Measure, form: Ratio, records: Records) -> Measure:
        inputs, checks = _inputs(self.weight, records)
        weight = column_expression(_WEIGHT)
        if self.stratum is not None:
            inputs = (*inputs, _stratum_input(self.stratum, records))
        return replace(
            measure,
            parts=tuple(
                (name, exp.Mul(this=weight.copy(), expression=exp.paren(part.copy())))
                for name, part in measure.parts
            ),
            inputs=(*measure.inputs, *inputs),
            checks=(*measure.checks, *checks),
            moments=Moments.CENTRED,
            few_values=False,
            exclusive=frozenset(),
            weight=_WEIGHT,
            sides=form.sides,
        )


#: Each row stands for one.
UNWEIGHTED = Weighting()


def no_weight(column: str) -> str:
    """What rows with a weight of 0 are told by."""
    return f"{column} = 0"


def _sides_only(form: Ratio, measure: Measure) -> tuple[Ratio, Measure]:
    """Only counts that the ratio reads: rows that have none of them say nothing of it."""
    used = sorted({count for side in form.sides for count in side})
    place = {count: number for number, count in enumerate(used)}
    kept = Ratio(
        numerator=tuple(form.numerator[count] for count in used),
        denominator=tuple(form.denominator[count] for count in used),
        needs=tuple(tuple(place[count] for count in side) for side in form.needs),
    )
    return kept, replace(measure, parts=tuple(measure.parts[count] for count in used))


def _stratum_input(column: str, records: Records) -> Input:
    """Whether a row has a stratum; NULL where it has none."""
    kind = find_column(column, records.columns).kind
    read: exp.Expr = column_expression(column)
    if kind is Kind.NUMBER:
        read = finite(read)
    missing = exp.Is(this=unless_missing(read, kind, records.missing_values), expression=exp.Null())
    known = exp.Case(ifs=[exp.If(this=missing, true=exp.Null())], default=literal(1))
    return Input(name=_STRATUM, expression=known, text=column)


def _inputs(column: str | None, records: Records) -> tuple[tuple[Input, ...], tuple[Check, ...]]:
    """The weight; whether there is one above 0, NULL where it is 0; and what it must be."""
    if column is None:
        one = exp.cast(literal(1), "DOUBLE")
        return (Input(name=_WEIGHT, expression=one, text="row"),), ()
    kind = find_column(column, records.columns).kind
    read: exp.Expr = exp.cast(column_expression(column), "DOUBLE")
    if kind is Kind.NUMBER:
        read = without_nan(read)
    read = unless_missing(read, kind, records.missing_values)
    zero = exp.If(this=exp.EQ(this=read.copy(), expression=literal(0)), true=exp.Null())
    some = exp.Case(ifs=[zero], default=literal(1))
    inner = column_expression(_WEIGHT)
    above = exp.GT(this=inner.copy(), expression=literal(0))
    faulty = exp.or_(
        exp.Not(this=exp.paren(is_finite(inner))),
        exp.LT(this=inner.copy(), expression=literal(0)),
        exp.and_(above, exp.LT(this=inner.copy(), expression=literal(LEAST))),
        exp.GT(this=inner.copy(), expression=literal(MOST)),
    )
    check = Check(
        input=_WEIGHT,
        faulty=exp.paren(faulty),
        message=f"`{column}` is {{value}}, but a weight is 0, or a number from {LEAST:g} to {MOST:g}",
    )
    return (
        Input(name=_WEIGHT, expression=read, text=column),
        Input(name=_SOME, expression=some, text=no_weight(column)),
    ), (check,)
