"""What was asked about which table: conditions found, groups and doses understood."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from evenhand.cubes.columns import key_of
from evenhand.errors import InputError, near
from evenhand.groups import (
    And,
    Attribute,
    In,
    Predicate,
    columns_of,
    parse_partitions,
    parse_predicate,
    to_expression,
)
from evenhand.groups.partition import Key
from evenhand.groups.predicate import column_expression
from evenhand.metrics.weights import UNWEIGHTED, Weighting
from evenhand.questions.options import plain_bins
from evenhand.questions.question import By, Question, columns_read, read_question
from evenhand.records import Kind, Records, dialect_of, find_column

#: Conditions, and doses, at most: more is a sweep that nobody reads.
MOST_CONDITIONS, MOST_DOSES = 500, 40
#: The reference where none is named.
USUAL_REFERENCE = "clean"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionQuestion(Question):
    """A question about conditions, understood.

    Attributes
    ----------
    condition : str
        Column that names them.
    keys : tuple
        Its values that are compared, the reference first.
    names : tuple of str
        What they are called.
    dose : str, optional
        Column to follow the metric along.
    kept : Predicate
        Rows of these conditions, among those that were asked for.
    lacking : int
        Rows without a condition.
    """

    condition: str
    keys: tuple[Key, ...]
    names: tuple[str, ...]
    dose: str | None
    kept: Predicate
    lacking: int

    @property
    def cut(self) -> tuple[Attribute, ...]:
        """What the cube's cells are told apart by."""
        extra = (self.condition, self.dose)
        return (*(Attribute(name=name) for name in extra if name is not None), *self.attributes)

    @property
    def columns(self) -> list[str]:
        """Columns that the question reads beside the metric's."""
        own = (self.condition, self.dose)
        return columns_read(self, *(name for name in own if name is not None))


def read_conditions(
    records: Records,
    by: By,
    *,
    condition: str,
    reference: str,
    only: Sequence[str],
    units: tuple[str, ...],
    dose: str | None,
    where: str | None,
    bins: Mapping[str, Any] | None,
    weighting: Weighting = UNWEIGHTED,
) -> ConditionQuestion:
    """Understand what was asked.

    Raises
    ------
    InputError
        For names that do not exist, or that are asked for twice.
    """
    units = units or records.unit
    for name in (condition, *units, dose):
        if name is not None:
            find_column(name, records.columns)
    twice = [name for name in (condition, dose) if name in weighting.columns]
    if twice:
        raise InputError(
            f"{twice[0]} cannot be the weight or stratum and the condition or dose at once."
        )
    given = parse_predicate(where, records.columns, label="where") if where else None
    attributes, _ = parse_partitions(by, records.columns, bins=plain_bins(bins))
    _check_columns(attributes, condition, units, dose, records)
    keys, lacking = _conditions(records, condition, given, records.missing_values)
    chosen = _chosen(keys, condition, reference, only)
    values = tuple(key for key in chosen if key is not None)
    kept = _in(condition, values, given)
    if dose is not None:
        _check_dose(records, dose, kept)
    question = read_question(
        records, by, units=units, where=where, bins=bins, among=kept, weighting=weighting
    )
    return ConditionQuestion(
        records=records,
        attributes=question.attributes,
        partitions=question.partitions,
        units=units,
        where=question.where,
        weighting=weighting,
        condition=condition,
        keys=chosen,
        names=tuple(map(name_of, chosen)),
        dose=dose,
        kept=kept,
        lacking=lacking,
    )


def name_of(key: Key) -> str:
    """What a condition is called: its value as text.

    Examples
    --------
    >>> name_of("clean"), name_of(4), name_of(0.5), name_of(True)
    ('clean', '4', '0.5', 'true')
    """
    if isinstance(key, bool):
        return str(key).lower()
    return f"{key:.15g}" if isinstance(key, float) else str(key)


def _in(condition: str, values: tuple[str | int | float | bool, ...], given: Any) -> Predicate:
    asked = In(condition, values)
    return asked if given is None else And((given, asked))


def _check_columns(
    attributes: Sequence[Attribute],
    condition: str,
    units: Sequence[str],
    dose: str | None,
    records: Records,
) -> None:
    for attribute in attributes:
        predicate = attribute.predicate
        read = (attribute.name,) if predicate is None else columns_of(predicate)
        for name, option in ((condition, "condition"), (dose, "dose")):
            if name in read:
                raise InputError(
                    f"{name} is the {option}, so it cannot make groups as well.  Leave it out of --by."
                )
    if condition in (*units, dose):
        raise InputError(f"{condition} cannot be the condition and the unit or dose at once.")
    if dose is not None and not find_column(dose, records.columns).kind.numeric:
        raise InputError(f"dose is {dose!r}, which holds no numbers.")
    if find_column(condition, records.columns).kind is Kind.OTHER:
        raise InputError(f"condition is {condition!r}, whose values cannot be compared.")


def _conditions(
    records: Records, condition: str, where: Predicate | None, missing_values: Sequence[str]
) -> tuple[list[Key], int]:
    """Conditions in the order in which the records name them first, and the rows without one.

    Where rows have no order, as on a cluster, it is that of their values.
    """
    column = column_expression(condition)
    ordered = dialect_of(records.engine.dialect).numbers_rows
    place = exp.Var(this="ROW_NUMBER() OVER ()") if ordered else column
    inner = exp.select(exp.alias_(column, "value"), exp.alias_(place, "place")).from_(
        exp.Var(this=records.source)
    )
    inner = inner if where is None else inner.where(to_expression(where))
    sql = inner.sql(records.engine.dialect)
    table = records.engine.query(
        f"SELECT value, MIN(place) AS place, COUNT(*) AS n FROM ({sql}) AS named"
        f" GROUP BY value ORDER BY place LIMIT {MOST_CONDITIONS + 2}"
    )
    counts = dict(zip(map(key_of, table["value"].to_pylist()), table["n"].to_pylist(), strict=True))
    absent = {key for key in counts if _is_missing(key, missing_values)}
    found = [key for key in counts if key not in absent]
    if len(found) > MOST_CONDITIONS:
        raise InputError(
            f"{condition} has more than {MOST_CONDITIONS} values.  Keep fewer of them with --where."
        )
    return found, sum(int(counts[key]) for key in absent)


def _is_missing(key: Key, missing_values: Sequence[str]) -> bool:
    return key is None or key in missing_values or (isinstance(key, float) and math.isnan(key))


def _chosen(
    keys: Sequence[Key], condition: str, reference: str, only: Sequence[str]
) -> tuple[Key, ...]:
    """The reference first, then what is compared with it."""
    named = {name_of(key): key for key in keys}
    for option, name in (("reference", reference), *(("only", name) for name in only)):
        if name not in named:
            listed = ", ".join(list(named)[:20]) + (", …" if len(named) > 20 else "")
            raise InputError(
                f"{option} is {name!r}, but {condition} has no such value.{near(name, named)}  "
                f"Values: {listed or 'none'}"
            )
    others = [key for name, key in named.items() if name != reference]
    if only:
        others = [named[name] for name in dict.fromkeys(only) if name != reference]
    if not others:
        raise InputError(
            f"{condition} has no value besides the reference {reference!r}, so there is nothing to compare."
        )
    return (named[reference], *others)


def _check_dose(records: Records, dose: str, kept: Predicate) -> None:
    column = column_expression(dose).sql(records.engine.dialect)
    kept_sql = to_expression(kept).sql(records.engine.dialect)
    found = records.engine.query(
        f"SELECT DISTINCT {column} AS value FROM {records.source} WHERE {kept_sql}"
        f" AND {column} IS NOT NULL LIMIT {MOST_DOSES + 1}"
    ).num_rows
    if not found:
        raise InputError(f"dose is {dose!r}, which these rows do not give.")
    if found > MOST_DOSES:
        raise InputError(
            f"dose is {dose!r}, which has more than {MOST_DOSES} different values.  Round it into a "
            "column of fewer values first."
        )
