"""Weights: how many each row stands for, multiplied into what it counts before anything is added up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from evenhand.cubes import Check, Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups.predicate import (
    column_expression,
    is_finite,
    literal,
    unless_missing,
    without_nan,
)
from evenhand.metrics.definition import Alternative, Metric, MetricPlan
from evenhand.records import Column, Kind, Records, find_column
from evenhand.records.declarations import columns_option
from evenhand.stats.forms import Ratio

#: Names that no argument of a metric has.
_WEIGHT, _SOME = "row weight", "row weight above 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """What rows stand for.

    Attributes
    ----------
    weight : str, optional
        Column of the weights; without it each row stands for one.
    """

    weight: str | None = None

    def __bool__(self) -> bool:
        return self.weight is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it reads."""
        return () if self.weight is None else (self.weight,)

    def check(self, columns: Sequence[Column]) -> None:
        """Refuse a column that does not exist, or holds no numbers."""
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
        if self.weight is None:
            return {}
        return {self.weight: "missing_weight", no_weight(self.weight): "zero_weight"}

    def of(self, metric: Metric, plan: MetricPlan) -> MetricPlan:
        """The plan of a metric with weighted rows; itself where there are no weights.

        Each row's numerator and denominator are multiplied by its weight, so that the value is a ratio
        of weighted sums: the estimator of a ratio from a sample drawn with unequal chances (Horvitz &
        Thompson 1952, doi:10.1080/01621459.1952.10483446; Hájek 1971).  A proportion of weighted rows
        is none of whole counts any more: its variance is the linearised one (see `comparisons.rates`).

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
                f"{metric.text} takes no weight: weights multiply the two sums of a ratio, and "
                f"{metric.name} is no ratio of two sums.  Allowed: rates such as accuracy, true_positive_rate, "
                "precision, f1, mae, mse, wer, mean and ratio (evenhand metrics has all).  Name one of these, or "
                "leave the weight out."
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

        form, measure = _sides_only(plan.form, plan.measure)
        return replace(
            plan,
            measure=self._weighted(measure, form, plan.records),
            form=form,
            alternatives=alternatives,
        )

    def _weighted(self, measure: Measure, form: Ratio, records: Records) -> Measure:
        assert self.weight is not None
        inputs, check = _inputs(self.weight, records)
        weight = column_expression(_WEIGHT)
        return replace(
            measure,
            parts=tuple(
                (name, exp.Mul(this=weight.copy(), expression=exp.paren(part.copy())))
                for name, part in measure.parts
            ),
            inputs=(*measure.inputs, *inputs),
            checks=(*measure.checks, check),
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


def _inputs(column: str, records: Records) -> tuple[tuple[Input, Input], Check]:
    """The weight; whether there is one above 0, NULL where it is 0; and what it must be."""
    kind = find_column(column, records.columns).kind
    read: exp.Expr = exp.cast(column_expression(column), "DOUBLE")
    if kind is Kind.NUMBER:
        read = without_nan(read)
    read = unless_missing(read, kind, records.missing_values)
    zero = exp.If(this=exp.EQ(this=read.copy(), expression=literal(0)), true=exp.Null())
    some = exp.Case(ifs=[zero], default=literal(1))
    inner = column_expression(_WEIGHT)
    faulty = exp.or_(
        exp.Not(this=exp.paren(is_finite(inner))),
        exp.LT(this=inner.copy(), expression=literal(0)),
    )
    check = Check(
        input=_WEIGHT,
        faulty=exp.paren(faulty),
        message=f"`{column}` is {{value}}, but a weight is a finite number of at least 0",
    )
    return (
        Input(name=_WEIGHT, expression=read, text=column),
        Input(name=_SOME, expression=some, text=no_weight(column)),
    ), check
