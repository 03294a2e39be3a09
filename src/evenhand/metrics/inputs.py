"""Arguments of a metric resolved against a table: expressions, and checks of their values."""

from sqlglot import exp

from evenhand.cubes import Check, Input
from evenhand.errors import InputError
from evenhand.groups import columns_of, to_expression, to_text
from evenhand.groups.predicate import column_expression, literal
from evenhand.metrics.definition import Metric
from evenhand.records import Kind, Records, find_column

_LARGEST = exp.Literal.number("1.7976931348623157e308")


def binary_input(
    metric: Metric, name: str, records: Records
) -> tuple[Input, exp.Expr, tuple[Check, ...]]:
    """A yes/no argument: its input, the expression that is true for yes, and its checks."""
    value = metric.given[name]
    if not isinstance(value, str | int | float | bool):
        for column in columns_of(value):
            find_column(column, records.columns)
        return _input(name, to_expression(value), to_text(value)), column_expression(name), ()
    kind = find_column(str(value), records.columns).kind
    read = column_expression(str(value))
    takes_positive = any(argument.name == "positive" for argument in metric.definition.arguments)
    positive = metric.option("positive") if takes_positive else None
    if positive is not None:
        _check_positive(metric, str(value), kind, positive)
        return (
            _input(name, exp.EQ(this=read, expression=_constant(positive)), str(value)),
            column_expression(name),
            (),
        )
    if kind is Kind.BOOLEAN:
        return _input(name, read, str(value)), column_expression(name), ()
    if not kind.numeric:
        raise InputError(
            f"{metric.name}: column {value!r} holds {kind}, so say which value counts, "
            f"for example positive='yes', or write a predicate: {name}={value} = 'yes'"
        )
    inside = exp.In(this=column_expression(name), expressions=[literal(0), literal(1)])
    check = Check(
        input=name,
        faulty=exp.Not(this=inside),
        message=f"`{value}` is {{value}}, but must be 0 or 1",
    )
    return (
        _input(name, read, str(value)),
        exp.EQ(this=column_expression(name), expression=literal(1)),
        (check,),
    )


def _check_positive(metric: Metric, column: str, kind: Kind, positive: object) -> None:
    fits = isinstance(positive, str) == (kind is Kind.TEXT)
    if not fits:
        wanted = "text in 'quotes'" if kind is Kind.TEXT else "a number"
        raise InputError(
            f"{metric.name}: column {column!r} holds {kind}, so positive must be {wanted}, not {positive!r}."
        )


def _constant(value: object) -> exp.Expr:
    assert isinstance(value, str | int | float | bool)
    return literal(value)


def class_input(metric: Metric, name: str, records: Records) -> Input:
    """A class-label argument: any column."""
    column = _column(metric, name, records)
    return _input(name, column_expression(column), column)


def text_input(metric: Metric, name: str, records: Records) -> str:
    """Name of a text column."""
    column = _column(metric, name, records)
    kind = find_column(column, records.columns).kind
    if kind is not Kind.TEXT:
        raise InputError(
            f"{metric.name}: {name} must be a text column, but {column!r} holds {kind} values."
        )
    return column


def number_input(
    metric: Metric,
    name: str,
    records: Records,
    *,
    low: float | None = None,
    high: float | None = None,
    what: str = "",
) -> tuple[Input, tuple[Check, ...]]:
    """A numeric argument, which must be finite and within its bounds."""
    column = _column(metric, name, records)
    kind = find_column(column, records.columns).kind
    if kind is not Kind.BOOLEAN and not kind.numeric:
        raise InputError(
            f"{metric.name}: {name} must be a numeric column, but {column!r} holds {kind} values."
        )
    read: exp.Expr = column_expression(column)
    if kind is Kind.BOOLEAN:
        read = exp.Case(
            ifs=[
                exp.If(this=read, true=literal(1)),
                exp.If(this=exp.Not(this=read.copy()), true=literal(0)),
            ]
        )
    inner = column_expression(name)
    faults: list[exp.Expr] = [exp.Not(this=exp.LTE(this=exp.Abs(this=inner), expression=_LARGEST))]
    faults += [exp.LT(this=inner, expression=literal(low))] if low is not None else []
    faults += [exp.GT(this=inner, expression=literal(high))] if high is not None else []
    message = f"`{column}` is {{value}}, but {what or 'must be a finite number'}"
    check = Check(input=name, faulty=exp.paren(exp.or_(*faults)), message=message)
    return _input(name, read, column), (check,) if kind is not Kind.BOOLEAN else ()


def _column(metric: Metric, name: str, records: Records) -> str:
    value = metric.given[name]
    if not isinstance(value, str):
        raise InputError(f"{metric.name}: {name} must be a column, not {metric.text}.")
    return find_column(value, records.columns).name


def _input(name: str, expression: exp.Expr, text: str) -> Input:
    return Input(name=name, expression=expression, text=text)


def indicator(condition: exp.Expr) -> exp.Expr:
    """1 where the condition holds, else 0."""
    return exp.Case(ifs=[exp.If(this=condition, true=literal(1))], default=literal(0))


def both(*conditions: exp.Expr) -> exp.Expr:
    """Conjunction in brackets."""
    return exp.paren(exp.and_(*(exp.paren(condition.copy()) for condition in conditions)))


def negation(condition: exp.Expr) -> exp.Expr:
    """NOT of a condition."""
    return exp.Not(this=exp.paren(condition.copy()))
