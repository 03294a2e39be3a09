"""Arguments of a metric resolved against a table: expressions, and checks of their values."""

import math

from sqlglot import exp

from evenhand.cubes import Check, Input, Measure, raise_faults
from evenhand.errors import InputError, near
from evenhand.groups import columns_of, to_expression, to_text
from evenhand.groups.predicate import column_expression, finite, is_finite, literal
from evenhand.metrics.definition import Given, Metric
from evenhand.records import Kind, Records, find_column

#: Rows that are looked at first: what is found among them needs no look at all rows.
FIRST_ROWS = 20_000


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
        condition = _is_positive(metric, read, kind, positive)
        return _input(name, condition, str(value)), column_expression(name), ()
    if kind is Kind.BOOLEAN:
        return _input(name, read, str(value)), column_expression(name), ()
    if not kind.numeric:
        if kind is Kind.TEXT:
            _check_mixed(name, str(value), records)
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


def _is_positive(metric: Metric, read: exp.Expr, kind: Kind, positive: Given) -> exp.Expr:
    """Whether a row has the positive value: values are compared, not how they are written.

    1, 1.0, '1' and, in a column of truths, TRUE are one value.
    """
    number = _number_of(positive)
    if kind is Kind.BOOLEAN:
        truth = {"true": True, "false": False}.get(str(positive).strip().lower())
        truth = (
            {1.0: True, 0.0: False}.get(number) if truth is None and number is not None else truth
        )
        if truth is not None:
            return exp.EQ(this=read, expression=literal(truth))
    if kind.numeric and number is not None:
        whole = int(number) if number.is_integer() and abs(number) < 2**53 else number
        exact = positive if isinstance(positive, int) and not isinstance(positive, bool) else whole
        return exp.EQ(this=read, expression=literal(exact))
    if kind is Kind.TEXT and number is not None and not isinstance(positive, str):
        same = exp.EQ(
            this=exp.TryCast(this=read, to=exp.DataType.build("DOUBLE")), expression=literal(number)
        )
        spelt = exp.EQ(this=read.copy(), expression=literal(str(positive)))
        return exp.paren(exp.or_(spelt, exp.func("COALESCE", same, exp.false())))
    if kind is Kind.TEXT or kind is Kind.DATE:
        return exp.EQ(this=read, expression=literal(str(positive)))
    wanted = "true or false" if kind is Kind.BOOLEAN else "a number"
    raise InputError(
        f"{metric.name}: {read.name!r} holds {kind}, so positive must be {wanted}, not {positive!r}."
    )


def _number_of(value: Given) -> float | None:
    """The number that a value is, or that a text says."""
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def check_occurs(metric: Metric, name: str, records: Records) -> None:
    """Refuse a positive value that never occurs: it is a slip of the pen."""
    positive, column = metric.option("positive"), metric.given[name]
    if positive is None or not isinstance(column, str):
        return
    dialect = records.engine.dialect
    read = column_expression(column)
    kind = find_column(column, records.columns).kind
    condition = _is_positive(metric, read, kind, positive).sql(dialect)
    shown = read.sql(dialect)
    for rows in (f"(SELECT {shown} FROM {records.source} LIMIT {FIRST_ROWS}) AS t", records.source):
        if records.engine.query(f"SELECT 1 AS one FROM {rows} WHERE {condition} LIMIT 1").num_rows:
            return
    found = records.engine.query(
        f"SELECT DISTINCT {shown} AS v FROM {records.source} WHERE {shown} IS NOT NULL LIMIT 50"
    )["v"].to_pylist()
    told = sorted(map(str, found))
    more = ", …" if len(found) == 50 else ""
    raise InputError(
        f"{metric.name}: {positive!r} never occurs in {column!r}.{near(str(positive), told)}  "
        f"Its values: {', '.join(told)}{more}"
    )


def class_input(metric: Metric, name: str, records: Records) -> Input:
    """A class-label argument: any column; NaN is missing."""
    column = _column(metric, name, records)
    read: exp.Expr = column_expression(column)
    kind = find_column(column, records.columns).kind
    if kind is Kind.NUMBER:
        read = exp.cast(finite(read), "DOUBLE")
    elif kind is Kind.DATE:
        read = exp.cast(read, "VARCHAR")
    return _input(name, read, column)


def class_inputs(metric: Metric, records: Records) -> tuple[Input, Input]:
    """Label and prediction, which must hold values of one kind."""
    columns = [_column(metric, name, records) for name in ("label", "prediction")]
    kinds = [find_column(column, records.columns).kind for column in columns]
    if kinds[0] is not kinds[1] and not (kinds[0].numeric and kinds[1].numeric):
        raise InputError(
            f"{metric.name}: {columns[0]!r} holds {kinds[0]} and {columns[1]!r} holds {kinds[1]} values; "
            "they can never agree.  Write both in one way."
        )
    return class_input(metric, "label", records), class_input(metric, "prediction", records)


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
        if kind is Kind.TEXT:
            _check_mixed(name, column, records)
        raise InputError(
            f"{metric.name}: {name} must be a numeric column, but {column!r} holds {kind} values."
        )
    # As a double, whole numbers neither overflow when multiplied nor wrap when subtracted.
    read: exp.Expr = exp.cast(column_expression(column), "DOUBLE")
    if kind is Kind.BOOLEAN:
        read = exp.cast(exp.cast(column_expression(column), "INT"), "DOUBLE")
    inner = column_expression(name)
    faults: list[exp.Expr] = [exp.Not(this=exp.paren(is_finite(inner)))]
    faults += [exp.LT(this=inner, expression=literal(low))] if low is not None else []
    faults += [exp.GT(this=inner, expression=literal(high))] if high is not None else []
    message = f"`{column}` is {{value}}, but {what or 'must be a finite number'}"
    check = Check(input=name, faulty=exp.paren(exp.or_(*faults)), message=message)
    return _input(name, read, column), (check,) if kind is not Kind.BOOLEAN else ()


def _check_mixed(name: str, column: str, records: Records) -> None:
    """Name the rows, where a column of numbers holds some text."""
    read = column_expression(column)
    number = exp.TryCast(this=read, to=exp.DataType.build("DOUBLE"))
    wrong = exp.and_(
        exp.Is(this=number, expression=exp.Null()),
        exp.Not(this=exp.Is(this=read.copy(), expression=exp.Null())),
    )
    if records.engine.dialect != "duckdb":
        return
    text = wrong.sql("duckdb")
    counts = records.engine.query(
        f"SELECT COUNT(*) FILTER ({text}) AS wrong, COUNT({read.sql('duckdb')}) AS known FROM {records.source}"
    ).to_pylist()[0]
    if 0 < counts["wrong"] < counts["known"] / 2:
        inner = exp.TryCast(this=column_expression(name), to=exp.DataType.build("DOUBLE"))
        faulty = exp.and_(
            exp.Is(this=inner, expression=exp.Null()),
            exp.Not(this=exp.Is(this=column_expression(name), expression=exp.Null())),
        )
        check = Check(
            input=name,
            faulty=faulty,
            message=f"`{column}` is {{value}}, but its column holds numbers",
        )
        measure = Measure(parts=(), inputs=(_input(name, read, column),))
        raise_faults(records, None, measure, [(check, counts["wrong"])])


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
