"""The classes that a metric of several classes counts: those of the table, or those that were named."""

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from evenhand.cubes import Input
from evenhand.errors import InputError, NoRowError, Note, near
from evenhand.groups import Predicate, to_expression
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Argument, Metric, Takes
from evenhand.metrics.inputs import Class, check_mixed, class_column, in_kind
from evenhand.records import Kind, Records, find_column

LABELS = Argument(name="labels", takes=Takes.CONSTANT, required=False, several=True)
MAX_CLASSES = 20


def classes_of(
    metric: Metric,
    records: Records,
    where: Predicate | None,
    columns: Sequence[str] | None = None,
    most: int = MAX_CLASSES,
) -> list[Class]:
    """Classes in order: those of ``labels=``, else the distinct values of `columns`, sorted.

    Parameters
    ----------
    columns : sequence of str, optional
        Label and prediction where absent.
    most : int
        More classes than this are refused.

    Raises
    ------
    InputError
        Where there are none, or too many.
    """
    names = list(columns or (str(metric.given["label"]), str(metric.given["prediction"])))
    found = named_classes(metric, records, names) or _occurring(records, where, names)
    if not found:
        rows = "no row" if where is None else "no row of " + records.name + " satisfies --where and"
        raise NoRowError(f"There is nothing to measure: {rows} has a label.")
    if len(found) > most:
        raise InputError(
            f"{metric.name}: {len(found)} classes are too many for an average (at most {most}).  "
            "Use positive='one class', name some of them with labels=('a', 'b'), or audit fewer with --where."
            if any(a.name == "positive" for a in metric.definition.arguments)
            else f"{metric.name}: {len(found)} classes are too many (at most {most}).  Name some of them "
            "with labels=('a', 'b'), or audit fewer with --where."
        )
    return found


def named_classes(metric: Metric, records: Records, columns: Sequence[str]) -> list[Class]:
    """Classes of ``labels=`` as the columns hold them; none where it is not given."""
    given = metric.option("labels")
    if given is None:
        return []
    kinds = {find_column(column, records.columns).kind for column in columns}
    kind = Kind.BOOLEAN if kinds == {Kind.BOOLEAN} else next(iter(kinds - {Kind.BOOLEAN}))
    values = given if isinstance(given, tuple) else (given,)
    return [in_kind(metric, "labels", value, kind) for value in values]


def _occurring(records: Records, where: Predicate | None, columns: Sequence[str]) -> list[Class]:
    selects = []
    truths = {find_column(column, records.columns).kind for column in columns}
    for column in columns:
        read = class_column(column, records)
        if Kind.BOOLEAN in truths and len(truths) > 1:
            read = exp.cast(read, "INT")  # true is 1 where the other column holds numbers
        query = exp.select(exp.alias_(read, "c")).distinct().from_(exp.Var(this=records.source))
        selects.append(query.where(to_expression(where)) if where is not None else query)
    text = " UNION ".join(select.sql(records.engine.dialect) for select in selects)
    found: list[Class] = records.engine.query(
        f"SELECT c FROM ({text}) AS classes WHERE c IS NOT NULL ORDER BY c"
    )["c"].to_pylist()
    return found


def absent_labels(
    metric: Metric, records: Records, where: Predicate | None, columns: Sequence[str]
) -> tuple[Note, ...]:
    """What to say of named classes that no row has."""
    named = named_classes(metric, records, columns)
    if not named:
        return ()
    known = set(_occurring(records, where, columns))
    absent = [value for value in named if value not in known]
    if not absent:
        return ()
    told = ", ".join(repr(value) for value in absent)
    hint = near(str(absent[0]), sorted(map(str, known)))
    return (
        Note(
            code="label_never_occurs",
            text=f"{metric.name}: labels names {told}, which never occurs in {' or '.join(map(repr, columns))}.{hint}",
        ),
    )


def never_labelled(
    metric: Metric, records: Records, where: Predicate | None, classes: Sequence[Class]
) -> tuple[Note, ...]:
    """What to say of classes that only predictions have, and that nobody named."""
    if metric.option("labels") is not None:
        return ()
    label, prediction = (str(metric.given[name]) for name in ("label", "prediction"))
    labelled = set(_occurring(records, where, [label]))
    rest = [value for value in classes if value not in labelled]
    if not rest:
        return ()
    told = ", ".join(repr(value) for value in rest)
    kept = ", ".join(repr(value) for value in classes if value in labelled)
    return (
        Note(
            code="class_never_labelled",
            text=f"{metric.name}: {told} occurs in {prediction!r} but never in {label!r}, and counts as a class of its "
            f"own.  If it is none: labels=({kept})",
        ),
    )


def equals(name: str, value: Class) -> exp.Expr:
    """Whether an input is of a class."""
    return exp.EQ(this=column_expression(name), expression=literal(value))


def among(name: str, values: Sequence[Class]) -> exp.Expr:
    """Whether an input is of one of the classes."""
    return exp.In(this=column_expression(name), expressions=[literal(value) for value in values])


def has_classes(metric: Metric, records: Records) -> bool:
    """Whether label and prediction are of classes, not of yes and no.

    So it is where ``labels=`` names them, or where the columns hold texts and no ``positive=`` says
    which of them counts.
    """
    if metric.option("labels") is not None:
        return True
    columns = [metric.given[name] for name in ("label", "prediction")]
    if metric.option("positive") is not None or not all(isinstance(c, str) for c in columns):
        return False
    kinds = [find_column(str(column), records.columns).kind for column in columns]
    if Kind.TEXT in kinds:
        check_mixed(metric, records)  # numbers with a stray text among them are no classes
    return any(kind in (Kind.TEXT, Kind.DATE) for kind in kinds)


def only(item: Input, classes: Sequence[Class]) -> Input:
    """The same input, missing where its value is none of the classes."""
    inside = exp.In(this=item.expression.copy(), expressions=[literal(value) for value in classes])
    return replace(item, expression=exp.Case(ifs=[exp.If(this=inside, true=item.expression)]))
