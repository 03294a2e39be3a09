"""What was asked of a search, understood: features, filter, and what is compared with what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evenhand.cubes import bin_attributes
from evenhand.errors import InputError, Note
from evenhand.groups import (
    And,
    Attribute,
    In,
    Predicate,
    columns_of,
    equals,
    parse_partitions,
    parse_predicate,
    to_expression,
)
from evenhand.groups.partition import split_names
from evenhand.metrics import Metric, MetricPlan
from evenhand.metrics.weights import UNWEIGHTED, Weighting
from evenhand.questions.premises import read_premises
from evenhand.questions.question import bound_metric, check_chosen
from evenhand.records import Kind, Records, find_column
from evenhand.slicing.differences import (
    baseline_plan,
    between_plan,
    typed_value,
)
from evenhand.slicing.judging import Aim
from evenhand.slicing.leaks import leaks_of
from evenhand.slicing.result import SearchedMetric as MetricNote

_KINDS = (Kind.TEXT, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER, Kind.DATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuestion:
    """What was asked of which table, understood."""

    records: Records
    metric: Metric
    plan: MetricPlan
    question: Aim
    note: MetricNote
    attributes: tuple[Attribute, ...]
    unit: str | None
    where: Predicate | None
    sides: tuple[str, str] | None
    left_out: Mapping[str, str]
    notes: tuple[Note, ...] = ()
    weighting: Weighting = UNWEIGHTED

    @classmethod
    def read(
        cls,
        records: Records,
        metric: str | Metric,
        baseline: str | Metric | None,
        between: str | None,
        features: str | Sequence[str] | None,
        unit: str | None,
        where: str | None,
        bins: Mapping[str, int | Sequence[float]],
        worse: str | None,
        weight: str | None = None,
    ) -> "SearchQuestion":
        """Understand what was asked; options as in `evenhand.slices`."""
        unit = unit or next(iter(records.unit), None)
        if unit is not None:
            find_column(unit, records.columns)
        weighting = Weighting(weight=weight)
        weighting.check(records.columns, ())
        bound = bound_metric(metric, records)
        other = None if baseline is None else bound_metric(baseline, records)
        given = parse_predicate(where, records.columns, label="where") if where else None
        kept = given
        sides = _sides(between, records, other is not None)
        if sides is not None:
            column, *values = sides
            only = _either(records, column, values)
            kept = only if kept is None else And((kept, only))
        taken = bound.columns | (other.columns if other else frozenset()) | {unit, weight}
        taken |= {sides[0]} if sides else set()
        names, left_out = _features(features, records, frozenset(n for n in taken if n))
        metrics = [bound, *([other] if other is not None else [])]
        if features is None:
            asked = [name for name in names if name not in bins]
            left_out |= leaks_of(records, metrics, asked, kept)
            names = _not_left_out(names, left_out)
        check_chosen(records, [*names, *(columns_of(given) if given else ())])
        attributes, _ = parse_partitions([(name,) for name in names], records.columns, bins=bins)
        attributes = bin_attributes(records, attributes, bins, kept)
        keep = [*names, *([unit] if unit else []), *([sides[0]] if sides else [])]
        keep += weighting.columns
        premises = read_premises(records, metrics, where=given, attributes=attributes)
        if other is not None:
            plan = baseline_plan(bound, other, records, keep, kept)
        else:
            plan = bound.plan(records, keep, kept)
        if sides is not None:
            plan = between_plan(plan, *sides, records)
        # Counts of two sides are compared row by row.
        plan = weighting.of(bound, plan, all_counts=sides is not None or other is not None)
        definition = bound.definition
        higher = bound.higher_is_worse(worse)
        against = other.text if other else f"{sides[0]} = {sides[1]}" if sides else None
        return cls(
            records=records,
            metric=bound,
            plan=plan,
            question=Aim(
                form=plan.form,
                higher_is_worse=higher,
                proportion=plan.proportion and not weighting,
            ),
            note=MetricNote(
                name=definition.name,
                expression=bound.text,
                definition=definition.definition,
                higher_is_worse=higher,
                in_points=definition.in_points,
                baseline=against,
            ),
            attributes=attributes,
            unit=unit,
            where=kept,
            sides=(bound.text, against) if against else None,
            left_out=left_out,
            notes=(*premises, *plan.notes),
            weighting=weighting,
        )


def _sides(between: str | None, records: Records, baseline: bool) -> tuple[str, str, str] | None:
    if between is None:
        return None
    if baseline:
        raise InputError("baseline and between exclude each other; choose one.")
    column, _, values = between.partition("=")
    two = [value.strip() for value in values.split(",")]
    if len(two) != 2 or not all(two):
        raise InputError(
            f"between is {between!r}; write column=before,now, for example noise=quiet,loud"
        )
    kind = find_column(column.strip(), records.columns).kind
    for value in two:
        equal = equals(column.strip(), typed_value(value, kind, column.strip()))
        condition = to_expression(equal).sql(records.engine.dialect)
        found = records.engine.query(
            f"SELECT 1 AS one FROM {records.source} WHERE {condition} LIMIT 1"
        )
        if not found.num_rows:
            raise InputError(f"between names {value!r}, but no row has it in {column.strip()}.")
    return column.strip(), two[0], two[1]


def _either(records: Records, column: str, values: Sequence[str]) -> Predicate:
    kind = find_column(column, records.columns).kind
    return In(column, tuple(typed_value(value, kind, column) for value in values))


def _features(
    features: str | Sequence[str] | None, records: Records, taken: frozenset[str]
) -> tuple[list[str], dict[str, str]]:
    """Columns that slices are made of, and why others are not."""
    if features is None:
        return _all_features(records, taken)
    texts = split_names(features) if isinstance(features, str) else features
    if not isinstance(texts, Sequence) or not all(isinstance(name, str) for name in texts):
        raise InputError(f"features are {features!r}, but must be names of columns.")
    # A column may have a comma in its name, so a list is taken as it is.
    given = [name.strip() for name in texts] if isinstance(features, str) else texts
    names = [name for name in dict.fromkeys(given) if name]
    if not names:
        raise InputError(f"features are {features!r}: name at least one column, or leave them out.")
    for name in names:
        find_column(name, records.columns)
        if name in taken:
            raise InputError(
                f"{name} is read by the metric, the unit, the weight or --between, so slices of it would only say what "
                "it already says.  Leave it out of the features."
            )
    return names, {}


def _all_features(records: Records, taken: frozenset[str]) -> tuple[list[str], dict[str, str]]:
    """All columns that a slice may be made of, and why others are not."""
    left_out = {}
    names = []
    for column in records.columns:
        if column.name in taken:
            continue
        if records.features is not None and column.name not in records.features:
            left_out[column.name] = "the log tells it of the answer, not of who asked"
        elif column.kind in _KINDS:
            names.append(column.name)
        else:
            left_out[column.name] = "its values cannot be compared"
    if not names:
        raise InputError(
            f"{records.name} has no column besides those that the metric and the unit read, so there is nothing to "
            "search."
        )
    return names, left_out


def _not_left_out(names: Sequence[str], left_out: Mapping[str, str]) -> list[str]:
    kept = [name for name in names if name not in left_out]
    if not kept:
        why = "; ".join(f"{name} ({reason})" for name, reason in left_out.items())
        raise InputError(
            f"No feature is left to search: {why}.  Name those that you want with --features."
        )
    return kept
