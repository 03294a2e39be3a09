"""What metrics of sets count: labels hit, added and missed, of each row and of each label."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlglot import exp

from evenhand.cubes import Input, Measure, Moments
from evenhand.errors import InputError
from evenhand.groups import Predicate, columns_of
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.classification.averages import average_form
from evenhand.metrics.classification.classes import MAX_CLASSES
from evenhand.metrics.columns import number_column
from evenhand.metrics.definition import Argument, Builder, Metric, MetricPlan, Takes, rate
from evenhand.metrics.multilabel.sets import OF_SETS, Sets, read_sets
from evenhand.records import Column, DuckDBEngine, Kind, Records
from evenhand.stats.forms import Form

#: The counts of a row, in the order of every weight.
OVERLAP = ("hits", "added", "missed")
AVERAGE = Argument(
    name="average",
    takes=Takes.CONSTANT,
    required=False,
    choices=("micro", "macro", "weighted", "samples"),
    default="micro",
)
#: Arguments of the rates that can be averaged.
OF_AVERAGES = (*OF_SETS, AVERAGE)

Weights = tuple[int, int, int]


def overlap_rate(numerator: Weights, denominator: Weights) -> Builder:
    """Plan of a ratio of overlaps: of all labels together, the mean of labels', or the mean of rows'."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        sets = _read(metric, records, keep, where)
        average = metric.option("average")
        if average == "micro":
            table = _CountedSets(metric, records, sets, sets.counts())
            return table.plan(_named(table, OVERLAP), rate(numerator, denominator))
        if average == "samples":
            return _mean_of_rows(metric, records, sets, numerator, denominator)
        return _mean_of_labels(metric, records, sets, numerator, denominator)

    return build


def same_rate() -> Builder:
    """Plan of the share of rows whose two sets are the same."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        sets = _read(metric, records, keep, where)
        counts = sets.counts()
        same = (counts["added"] + counts["missed"] == 0).astype(np.int8)
        table = _CountedSets(metric, records, sets, {"same": same, "different": 1 - same})
        parts = _named(table, ("same", "different"))
        return table.plan(parts, rate((1, 0), (1, 1)), moments=Moments.INDICATORS, proportion=True)

    return build


def loss_rate() -> Builder:
    """Plan of the labels that are wrong, over all labels that a row might have."""

    def build(
        metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None
    ) -> MetricPlan:
        sets = _read(metric, records, keep, where)
        counts = sets.counts()
        table = _CountedSets(metric, records, sets, {"wrong": counts["added"] + counts["missed"]})
        parts = (*_named(table, ("wrong",)), ("labels", literal(len(sets.names))))
        return table.plan(parts, rate((1, 0), (0, 1)))

    return build


def _read(metric: Metric, records: Records, keep: Sequence[str], where: Predicate | None) -> Sets:
    kept = list(dict.fromkeys([*keep, *(columns_of(where) if where is not None else ())]))
    return read_sets(metric, records, kept, where)


def _named(table: "_CountedSets", names: Sequence[str]) -> tuple[tuple[str, exp.Expr], ...]:
    return tuple((name, column_expression(name)) for name in names if name in table.names)


def _mean_of_rows(
    metric: Metric, records: Records, sets: Sets, numerator: Weights, denominator: Weights
) -> MetricPlan:
    counts = sets.counts()
    above, below = (
        sum(weight * counts[name] for weight, name in zip(weights, OVERLAP, strict=True))
        for weights in (numerator, denominator)
    )
    # A row with nothing to divide by says nothing, and is counted as missing.
    ratio = np.divide(
        above, below, out=np.full(len(sets.known), np.nan), where=np.asarray(below) > 0
    )
    table = _CountedSets(metric, records, sets, {"ratio": ratio})
    return table.plan(
        (*_named(table, ("ratio",)), ("rows", literal(1))),
        rate((1, 0), (0, 1)),
        moments=Moments.CENTRED,
    )


def _mean_of_labels(
    metric: Metric, records: Records, sets: Sets, numerator: Weights, denominator: Weights
) -> MetricPlan:
    if len(sets.names) > MAX_CLASSES:
        raise InputError(
            f"{metric.name}: {len(sets.names)} labels are too many for a mean of labels (at most {MAX_CLASSES}).  "
            "Name some of them with labels=('a', 'b'), or use average='micro' or 'samples'."
        )
    weighted = metric.option("average") == "weighted"
    columns: dict[str, Any] = dict(sets.counts_by_label())
    table = _CountedSets(metric, records, sets, columns)
    parts: list[tuple[str, exp.Expr]] = []
    for label in sets.names:
        parts += [(f"{name}:{label}", column_expression(f"{name}:{label}")) for name in OVERLAP]
        if weighted:
            right = [column_expression(f"{name}:{label}") for name in ("hits", "missed")]
            parts.append(
                (f"support:{label}", exp.paren(exp.Add(this=right[0], expression=right[1])))
            )
    form = average_form(
        classes=len(sets.names), numerator=numerator, denominator=denominator, weighted=weighted
    )
    step = 3 + weighted
    apart = frozenset(
        (step * i + j, step * i + k)
        for i in range(len(sets.names))
        for j, k in ((0, 1), (0, 2), (1, 2))
    )
    return table.plan(tuple(parts), form, exclusive=apart)


class _CountedSets:
    """A table of the kept columns and of counts, which a cube is built from."""

    def __init__(
        self, metric: Metric, records: Records, sets: Sets, counts: Mapping[str, Any]
    ) -> None:
        kept = sets.kept.column_names
        prefix = "evenhand:" + ":" * max(map(len, kept), default=0)
        self.metric, self.records, self.names = metric, records, tuple(counts)
        self.columns = {name: f"{prefix}{place}" for place, name in enumerate(counts)}
        table = sets.kept
        for name, values in counts.items():
            known = sets.known & ~np.isnan(values)
            table = table.append_column(self.columns[name], number_column(values, known))
        self.engine = DuckDBEngine()
        self.engine.register("block", table)
        self.engine.execute("CREATE TEMP TABLE scored AS FROM block")
        self.kept = tuple(column for column in records.columns if column.name in kept)

    def plan(
        self,
        parts: tuple[tuple[str, exp.Expr], ...],
        form: Form,
        *,
        moments: Moments = Moments.COUNTS,
        proportion: bool = False,
        exclusive: frozenset[tuple[int, int]] = frozenset(),
    ) -> MetricPlan:
        """The plan of a measure of the counts."""
        label = str(self.metric.given["label"])
        numbers = tuple(Column(name=name, kind=Kind.NUMBER) for name in self.columns.values())
        scored = replace(
            self.records,
            engine=self.engine,
            source="scored",
            columns=(*self.kept, *numbers),
        )
        measure = Measure(
            parts=parts,
            inputs=tuple(
                Input(name=name, expression=column_expression(column), text=label)
                for name, column in self.columns.items()
            ),
            moments=moments,
            about=self.metric.text,
            exclusive=exclusive,
        )
        return MetricPlan(records=scored, measure=measure, form=form, proportion=proportion)
