"""What was asked of which table, understood: its groups, units and filter."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import bin_attributes
from evenhand.errors import InputError, NoRowError
from evenhand.groups import (
    Attribute,
    Partition,
    Predicate,
    columns_of,
    parse_partitions,
    parse_predicate,
    where_clause,
)
from evenhand.groups.partition import join_names
from evenhand.metrics import Metric, MetricPlan, parse_metric
from evenhand.metrics.weights import UNWEIGHTED, Weighting
from evenhand.pages.numbers import listed
from evenhand.questions.options import plain_bins
from evenhand.records import Column, Records, find_column
from evenhand.results.origin import MetricNote

#: Columns that may name units.
MOST_UNITS = 2

By = str | Sequence[str | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked of which table, understood.

    Attributes
    ----------
    records : Records
    attributes : tuple of Attribute
        What groups are told apart by, numbers cut.
    partitions : tuple of Partition
        The crossings of attributes that were asked for.
    units : tuple of str
        Columns that name what is independent; without one rows are.
    where : Predicate, optional
        Which rows are read.
    weighting : Weighting
        What rows stand for.
    judge : Metric, optional
        The metric of labels of all rows, where people's are on some.
    """

    records: Records
    attributes: tuple[Attribute, ...]
    partitions: tuple[Partition, ...]
    units: tuple[str, ...]
    where: Predicate | None
    weighting: Weighting = UNWEIGHTED
    judge: Metric | None = None

    @property
    def by(self) -> tuple[str, ...]:
        """The partitions as they are asked for."""
        # A predicate stands as it is: quotes around it would make a name of it.
        predicates = {(a.name,) for a in self.attributes if a.predicate is not None}
        return tuple(
            one.names[0] if one.names in predicates else join_names(one.names)
            for one in self.partitions
        )

    def finest(self, why: str) -> Partition:
        """The crossing within which all partitions are: its groups do not overlap.

        Parameters
        ----------
        why : str
            Why they must not, for the message: ``A label tells of one cell``.

        Raises
        ------
        InputError
            Where some partition is apart.
        """
        finest = max(self.partitions, key=lambda partition: len(partition.names))
        apart = [one for one in self.partitions if not set(one.names) <= set(finest.names)]
        if apart:
            names = dict.fromkeys(name for one in self.partitions for name in one.names)
            told = listed([" × ".join(one.names) for one in (finest, *apart)])
            raise InputError(
                f"{why}, and {told} overlap.  Cross them, as in --by {','.join(names)}, or ask for each by itself."
            )
        return finest

    @property
    def bins(self) -> dict[str, tuple[float, ...]]:
        """Edges of the attributes that are cut."""
        return {a.name: a.edges for a in self.attributes if a.edges is not None}

    @property
    def columns(self) -> list[str]:
        """Columns that the groups, the units and the filter read."""
        return columns_read(self)


def columns_read(question: Question, *others: str) -> list[str]:
    """Columns that a question's groups, units and filter read, after some others."""
    read = [a.predicate or a.name for a in question.attributes]
    names = [*others]
    for one in read:
        names += (one,) if isinstance(one, str) else columns_of(one)
    names += [*question.units, *question.weighting.columns]
    names += columns_of(question.where) if question.where is not None else []
    return list(dict.fromkeys(names))


def read_question(
    records: Records,
    by: By,
    *,
    units: tuple[str, ...] = (),
    where: str | None = None,
    bins: Mapping[str, Any] | None = None,
    among: Predicate | None = None,
    weighting: Weighting = UNWEIGHTED,
) -> Question:
    """Understand what was asked.

    Parameters
    ----------
    records : Records
    by, where, bins
        As in `evenhand.audit`.
    units : tuple of str
        See `unit_columns`; those of the table, where it names some, if none are given.
    among : Predicate, optional
        Rows of which quantiles are taken; those of `where`, unless others are read.
    weighting : Weighting
        What rows stand for; a stratum is one more attribute.

    Raises
    ------
    InputError
        For names that do not exist, a predicate that cannot be read, and bins of nothing.
    """
    units = units or records.unit
    for name in units:
        find_column(name, records.columns)
    weighting.check(records.columns, units)
    kept = parse_predicate(where, records.columns, label="where") if where else None
    cut = plain_bins(bins)
    attributes, partitions = parse_partitions(by, records.columns, bins=cut)
    cut_at = bin_attributes(records, attributes, cut, among or kept)
    question = Question(
        records=records,
        attributes=with_stratum(cut_at, weighting),
        partitions=partitions,
        units=units,
        where=kept,
        weighting=weighting,
    )
    check_chosen(records, question.columns)
    return question


def check_chosen(records: Records, read: Collection[str]) -> None:
    """Refuse to pool several readings of one answer, where the filter or the groups do not tell them apart."""
    for name, values in records.choices.items():
        if name not in read:
            first = str(values[0]).replace("'", "''")
            raise InputError(
                f"{records.name} reads each answer by {len(values)} values of {name}: {', '.join(values)}.  Pooled "
                f"they mean nothing; choose one (--where \"{name} = '{first}'\") or tell them apart (--by {name})."
            )


def with_stratum(attributes: Sequence[Attribute], weighting: Weighting) -> tuple[Attribute, ...]:
    """What cells are told apart by: the groups' attributes, and the stratum where it is none of them.

    Raises
    ------
    InputError
        Where the stratum is a number that is cut into bins for the groups.
    """
    stratum = weighting.stratum
    if stratum is None:
        return tuple(attributes)
    for attribute in attributes:
        if attribute.name == stratum and attribute.edges is not None:
            raise InputError(
                f"{stratum} is the stratum, whose values must stay apart, and is cut into bins for groups.  Give the "
                "groups a column of their own, or name another stratum."
            )
    known = any(a.name == stratum and a.predicate is None for a in attributes)
    return tuple(attributes) if known else (*attributes, Attribute(name=stratum))


def unit_columns(unit: str | Sequence[str] | None) -> tuple[str, ...]:
    """Columns that name units, from what was asked for."""
    named = () if unit is None else (unit,) if isinstance(unit, str) else tuple(unit)
    if not all(isinstance(name, str) for name in named):
        raise InputError(f"unit is {unit!r}, but must be text, or a list of it.")
    named = tuple(dict.fromkeys(named))
    if len(named) > MOST_UNITS:
        raise InputError(
            f"unit names {len(named)} columns: {', '.join(named)}.  Allowed: one, or two whose rows are "
            "dependent (raters and items)."
        )
    return named


def has_rows(records: Records, where: Predicate | None = None) -> bool:
    """Whether a table has a row that a filter keeps."""
    kept = where_clause(where, records.engine.dialect)
    found = records.engine.query(f"SELECT 1 AS one FROM {records.source}{kept} LIMIT 1")
    return bool(found.num_rows)


def check_rows(records: Records) -> None:
    """Refuse a table without rows."""
    if not has_rows(records):
        raise NoRowError(f"There is nothing to measure: {records.name} has no rows, only a header.")


def check_metrics(metrics: Sequence[str | Metric]) -> None:
    """Refuse none."""
    if not metrics:
        raise InputError(
            "Say at least one metric, for example wer(reference=text, hypothesis=amazon)."
        )


def bound_metric(metric: str | Metric, records: Records) -> Metric:
    """The metric, read from its text where it is one."""
    if isinstance(metric, Metric):
        return metric
    if not isinstance(metric, str):
        raise InputError(
            f"metric is {metric!r}, but must be text such as wer(reference=a, hypothesis=b)."
        )
    return parse_metric(metric, records.columns)


def labelled(
    metrics: Sequence[str | Metric], labels: Sequence[str], columns: Sequence[Column]
) -> list[str | Metric]:
    """Each metric once for each rule of what is right, where any are named.

    Raises
    ------
    InputError
        Where a metric takes no label, or names one itself.
    """
    if not labels:
        return list(metrics)
    if isinstance(labels, str):
        raise InputError(f"labels are {labels!r}, but must be columns, in a list.")
    if len(set(labels)) < len(labels):
        raise InputError(f"Labels are named twice: {', '.join(labels)}.  Name each rule once.")
    if not metrics:
        raise InputError(
            "Name the metric that the labels are for, such as precision(prediction=flag)."
        )
    texts = [metric if isinstance(metric, str) else metric.text for metric in metrics]
    return [parse_metric(text, columns, {"label": label}) for text in texts for label in labels]


def directions(metrics: Sequence[Metric], worse: str | None) -> list[bool]:
    """Whether higher is worse, for each metric.

    Among several metrics `worse` is for those that have no direction of their own, if there are any.
    """
    without = [metric.definition.higher_is_worse is None for metric in metrics]
    own = any(without) and not all(without)
    return [
        metric.higher_is_worse(None if own and not absent else worse)
        for metric, absent in zip(metrics, without, strict=True)
    ]


def metric_note(metric: Metric, *, higher_is_worse: bool, label: str = "") -> MetricNote:
    """The metric as a result tells it; `label` tells it from others of its name beside it."""
    definition = metric.definition
    return MetricNote(
        name=definition.name,
        expression=metric.text,
        definition=definition.definition,
        higher_is_worse=higher_is_worse,
        source=definition.source,
        in_points=definition.in_points,
        label=label,
    )


def metric_rules(
    rules: VerdictRules, metric: Metric, plan: MetricPlan, *, higher_is_worse: bool
) -> VerdictRules:
    """The rules with what a metric adds to them: its direction, range and fewest units."""
    definition = metric.definition
    low, high = plan.bounds or (definition.low, definition.high)
    rate = definition.in_points and low == 0 and high is None
    return replace(
        rules,
        higher_is_worse=higher_is_worse,
        low=low,
        high=high,
        ceiling=1.0 if rate else None,
        min_units=max(rules.min_units, definition.least_units),
    )
