"""Arguments of a metric resolved against a table: expressions, and checks of their values."""

import math
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from evenhand.cubes import Check, Input, Measure, raise_faults
from evenhand.errors import InputError, NoRowError, near
from evenhand.groups import (
    ColumnComparison,
    In,
    Predicate,
    columns_of,
    to_expression,
    to_text,
    where_clause,
)
from evenhand.groups.predicate import (
    column_expression,
    finite,
    is_finite,
    literal,
    unless_missing,
    without_nan,
)
from evenhand.metrics.definition import Given, Metric, Takes
from evenhand.records import Kind, Records, check_key, dialect_of, find_column, suggestions
from evenhand.records.declarations import columns_option

Class = str | float | bool
#: Rows that are looked at first: what is found among them needs no look at all rows.
FIRST_ROWS = 20_000
#: Values of a column of texts that are all told.
MOST_CLASSES = 12


def binary_input(
    metric: Metric, name: str, records: Records
) -> tuple[Input, exp.Expr, tuple[Check, ...]]:
    """A yes/no argument: its input, the expression that is true for yes, and its checks."""
    value = metric.given[name]
    if isinstance(value, tuple):
        raise InputError(f"{metric.name}: {name} takes one column, not {len(value)}.")
    if not isinstance(value, str | int | float | bool):
        for column in columns_of(value):
            find_column(column, records.columns)
        return _input(name, to_expression(value), to_text(value)), column_expression(name), ()
    kind = find_column(str(value), records.columns).kind
    read: exp.Expr = column_expression(str(value))
    takes_positive = any(argument.name == "positive" for argument in metric.definition.arguments)
    positive = metric.option("positive") if takes_positive else None
    if positive is not None:
        texts = [text for text in records.missing_values if text != str(positive)]
        read = unless_missing(read, kind, texts)
        condition = _is_positive(metric, str(value), read, kind, positive)
        return _input(name, condition, str(value)), column_expression(name), ()
    if kind is Kind.BOOLEAN:
        return _input(name, read, str(value)), column_expression(name), ()
    if not kind.numeric:
        if kind is Kind.TEXT:
            check_filled(metric, [str(value)], records)
            check_mixed(metric, records)
        raise InputError(_choose(metric, name, str(value), kind, records))
    read = unless_missing(read, kind, records.missing_values)
    inside = exp.In(this=column_expression(name), expressions=[literal(0), literal(1)])
    check = Check(
        input=name,
        faulty=exp.Not(this=inside),
        message=f"`{value}` is {{value}}, but must be 0 or 1" + _of_several(metric),
        whole=f"{metric.name}: column {value!r} holds {{values}}, and not 0 and 1.  Say which of them count: "
        f"{name}={_in_conditions(str(value))} {{condition}}" + _of_several(metric),
    )
    return (
        _input(name, read, str(value)),
        exp.EQ(this=column_expression(name), expression=literal(1)),
        (check,),
    )


def _in_conditions(column: str) -> str:
    """A column's name as conditions take it."""
    return to_text(ColumnComparison(column, "=", 1)).removesuffix(" = 1")


def _choose(metric: Metric, name: str, column: str, kind: Kind, records: Records) -> str:
    """Ask which of a column's values counts, with those it has, and how it is said of this column alone."""
    shown = column_expression(column).sql(records.engine.dialect)
    found = records.engine.query(
        f"SELECT DISTINCT {shown} AS v FROM {records.source} WHERE {shown} IS NOT NULL LIMIT {MOST_CLASSES + 1}"
    )["v"].to_pylist()
    values = sorted(str(one) for one in found if str(one) not in records.missing_values)
    few = 0 < len(values) <= MOST_CLASSES
    holds = f"{kind} ({', '.join(map(repr, values))})" if few else str(kind)
    # Of two the second is told: of no and yes it is yes.
    first, last = (values[-1 if len(values) == 2 else 0], values[-1]) if few else ("yes", "yes")
    given = [
        metric.given.get(a.name) for a in metric.definition.arguments if a.takes is Takes.BINARY
    ]
    alike = all(
        find_column(one, records.columns).kind is kind for one in given if isinstance(one, str)
    )
    ways = [f"positive={first!r}"] if alike else []
    ways += [f"{name}={to_text(ColumnComparison(column, '=', first))}"]
    if few and len(values) > 2:
        ways += [f"{name}={to_text(In(column, (first, last))).replace(' IN ', ' in ')}"]
    said = f"{metric.name}: column {column!r} holds {holds}, so say which value counts"
    return f"{said}, for example {' or '.join(ways)}"


def _of_several(metric: Metric) -> str:
    """What to write where a column holds more than two classes."""
    names = {argument.name for argument in metric.definition.arguments}
    if "average" in names:
        return "; for several classes add average='macro'"
    return "; for several classes add labels=(0, 1, 2)" if "labels" in names else ""


def _is_positive(
    metric: Metric, column: str, read: exp.Expr, kind: Kind, positive: Given
) -> exp.Expr:
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
        # The ways in which programs write a number; engines cast texts each in their own way.
        spelt = dict.fromkeys((str(positive), f"{number:g}", str(number)))
        return exp.In(this=read, expressions=[literal(text) for text in spelt])
    if kind is Kind.TEXT or kind is Kind.DATE:
        return exp.EQ(this=read, expression=literal(str(positive)))
    wanted = "true or false" if kind is Kind.BOOLEAN else "a number"
    others = [
        f"{argument.name}={to_text(ColumnComparison(given, '=', str(positive)))}"
        for argument in metric.definition.arguments
        if argument.takes is Takes.BINARY
        and isinstance(given := metric.given.get(argument.name), str)
        and given != column
    ]
    advice = "  It is said of both columns; of one alone: " + " or ".join(others) if others else ""
    raise InputError(
        f"{metric.name}: {column!r} holds {kind}, so positive must be {wanted}, not {positive!r}.{advice}"
    )


def _number_of(value: Given) -> float | None:
    """The number that a value is, or that a text says."""
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def check_occurs(metric: Metric, name: str, records: Records) -> None:
    """Refuse a positive value that never occurs: among labels it is a slip of the pen."""
    never = None if metric.tried else never_occurs(metric, name, records)
    if never is not None:
        raise InputError(f"{metric.name}: {never}")


def never_occurs(metric: Metric, name: str, records: Records) -> str | None:
    """What to say of a positive value that no row has; `None` where one has it."""
    positive, column = metric.option("positive"), metric.given[name]
    if positive is None or not isinstance(column, str):
        return None
    dialect = records.engine.dialect
    read = column_expression(column)
    kind = find_column(column, records.columns).kind
    condition = _is_positive(metric, column, read, kind, positive).sql(dialect)
    shown = read.sql(dialect)
    for rows in (f"(SELECT {shown} FROM {records.source} LIMIT {FIRST_ROWS}) AS t", records.source):
        if records.engine.query(f"SELECT 1 AS one FROM {rows} WHERE {condition} LIMIT 1").num_rows:
            return None
    found = records.engine.query(
        f"SELECT DISTINCT {shown} AS v FROM {records.source} WHERE {shown} IS NOT NULL LIMIT 50"
    )["v"].to_pylist()
    told = sorted(map(str, found))
    more = ", …" if len(found) == 50 else ""
    return (
        f"{positive!r} never occurs in {column!r}.{near(str(positive), told)}  "
        f"Its values: {', '.join(told)}{more}"
    )


def class_column(column: str, records: Records) -> exp.Expr:
    """A column of classes as it is read: any kind; NaN is missing."""
    read: exp.Expr = column_expression(column)
    found = find_column(column, records.columns)
    check_key(found)
    kind = found.kind
    if kind is Kind.NUMBER:
        read = exp.cast(finite(read), "DOUBLE")
    elif kind is Kind.DATE:
        read = exp.cast(read, "VARCHAR")
    return unless_missing(read, kind, records.missing_values)


def class_input(metric: Metric, name: str, records: Records) -> Input:
    """A class-label argument: any column; NaN is missing."""
    column = _column(metric, name, records)
    return _input(name, class_column(column, records), column)


def in_kind(metric: Metric, name: str, value: object, kind: Kind) -> Class:
    """A class that was written, as a column of this kind holds it."""
    truth = {"true": True, "false": False, "1": True, "0": False}.get(str(value).strip().lower())
    if kind is Kind.BOOLEAN and truth is not None:
        return truth
    if kind.numeric and isinstance(value, str | int | float):
        number = _number_of(value)
        if number is not None:
            return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if kind in (Kind.TEXT, Kind.DATE):
        return str(value)
    wanted = "true or false" if kind is Kind.BOOLEAN else "numbers"
    raise InputError(
        f"{metric.name}: {name} names {value!r}, but the column holds {kind}: write {wanted}."
    )


def has_values(records: Records, name: str) -> bool:
    """Whether any row has a value in a column; one without has no kind that could differ from another's."""
    kind = find_column(name, records.columns).kind
    known = unless_missing(column_expression(name), kind, records.missing_values)
    counted = exp.Count(this=known).sql(records.engine.dialect)
    found = records.engine.query(f"SELECT {counted} AS n FROM {records.source}")
    return bool(found["n"][0].as_py())


def check_filled(metric: Metric, columns: Sequence[str], records: Records) -> None:
    """Refuse columns in which no row has a value."""
    for name in columns:
        if not has_values(records, name):
            raise NoRowError(
                f"{metric.name}: no row of {records.name} has a value in {name!r}, so none can be scored.  Name "
                "another column, or add the values."
            )


def class_inputs(metric: Metric, records: Records) -> tuple[Input, Input]:
    """Label and prediction, which must hold values of one kind."""
    columns = [_column(metric, name, records) for name in ("label", "prediction")]
    kinds = [find_column(column, records.columns).kind for column in columns]
    truths = [kind is Kind.BOOLEAN for kind in kinds]
    inputs = class_input(metric, "label", records), class_input(metric, "prediction", records)
    if any(truths) and any(kind.numeric for kind in kinds):
        # True is 1, and false 0.
        label, prediction = (
            replace(one, expression=exp.cast(one.expression, "INT")) if truth else one
            for one, truth in zip(inputs, truths, strict=True)
        )
        return label, prediction
    if kinds[0] is not kinds[1] and not (kinds[0].numeric and kinds[1].numeric):
        check_filled(metric, columns, records)
        raise InputError(
            f"{metric.name}: {columns[0]!r} holds {kinds[0]} and {columns[1]!r} holds {kinds[1]} values; "
            "they can never agree.  Write both in one way."
        )
    return inputs


def text_input(metric: Metric, name: str, records: Records) -> str:
    """Name of the column that holds a text argument as it was written.

    A transcript of digits is text because the metric asks for text: in a text file its spelling is
    at hand (``007``, ``1.0``); elsewhere whole numbers have one spelling, other numbers have many.
    """
    column = find_column(_column(metric, name, records), records.columns)
    if column.written is not None:
        return column.written
    if column.kind not in (Kind.TEXT, Kind.INTEGER):
        raise InputError(
            f"{metric.name}: {name} must be a text column, but {column.name!r} holds {column.kind} "
            f"values.  If its spelling does not matter: {columns_option(column.name, 'text')}"
        )
    return column.name


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
    return column_input(name, column, records, low=low, high=high, what=what, metric=metric)


def column_input(
    name: str,
    column: str,
    records: Records,
    *,
    metric: Metric,
    low: float | None = None,
    high: float | None = None,
    what: str = "",
    called: str = "",
) -> tuple[Input, tuple[Check, ...]]:
    """A numeric column as an input of its own name: see `number_input`.

    `called` is the argument that messages name, where it is not the input.
    """
    kind = find_column(column, records.columns).kind
    if kind is not Kind.BOOLEAN and not kind.numeric:
        if kind is Kind.TEXT:
            check_filled(metric, [column], records)
            check_mixed(metric, records)
        raise InputError(
            f"{metric.name}: {called or name} must be a numeric column, but {column!r} holds {kind} values."
            + _other_marks(column, records)
        )
    # As a double, whole numbers neither overflow when multiplied nor wrap when subtracted.
    read: exp.Expr = exp.cast(column_expression(column), "DOUBLE")
    if kind is Kind.BOOLEAN:
        read = exp.cast(exp.cast(column_expression(column), "INT"), "DOUBLE")
    elif kind is Kind.NUMBER:
        read = without_nan(read)
    read = unless_missing(read, kind, records.missing_values)
    inner = column_expression(name)
    faults: list[exp.Expr] = [exp.Not(this=exp.paren(is_finite(inner)))]
    faults += [exp.LT(this=inner, expression=literal(low))] if low is not None else []
    faults += [exp.GT(this=inner, expression=literal(high))] if high is not None else []
    message = f"`{column}` is {{value}}, but {what or 'must be a finite number'}"
    check = Check(input=name, faulty=exp.paren(exp.or_(*faults)), message=message)
    return _input(name, read, column), (check,) if kind is not Kind.BOOLEAN else ()


def middle_of(records: Records, value: exp.Expr, where: Predicate | None) -> float:
    """A number between the least and the largest value, with few digits, to shift sums of squares by."""
    dialect = records.engine.dialect
    kept = where_clause(where, dialect)
    name = finite(value).sql(dialect)
    found = records.engine.query(
        f"SELECT MIN({name}) AS low, MAX({name}) AS high FROM {records.source}{kept}"
    ).to_pylist()[0]
    if found["low"] is None:
        return 0.0
    return float(f"{float(found['low']) / 2 + float(found['high']) / 2:.3g}")


def _other_marks(column: str, records: Records) -> str:
    """What to do where all texts of a column are numbers with other marks than a point."""
    engine = records.engine
    if not dialect_of(engine.dialect).tries_types or not records.files:
        return ""
    found = suggestions(engine, records.source, column, records.missing_values)
    means = {
        "number": "as they stand, with a decimal point: 007 is 7, 1.234 is a bit more than 1",
        "decimal-comma": "1,5 is one and a half, 1,234 is 1.234",
        "thousands-comma": "1,234 is one thousand two hundred and thirty-four",
        "percent": "12 % is 0.12",
    }
    ways = [f"{columns_option(column, way)} ({means[way]})" for way in found]
    return f"  They can be read as numbers; say how: {' or '.join(ways)}" if ways else ""


def check_mixed(metric: Metric, records: Records) -> None:
    """Name the rows, where columns that should hold numbers hold some text; of all arguments at once."""
    numeric = (Takes.BINARY, Takes.NUMBER, Takes.PROBABILITY)
    kinds = {column.name: column.kind for column in records.columns}
    columns = {
        argument.name: str(metric.given[argument.name])
        for argument in metric.definition.arguments
        if argument.takes in numeric
        and kinds.get(str(metric.given.get(argument.name))) is Kind.TEXT
    }
    if not columns or not dialect_of(records.engine.dialect).tries_types:
        return
    wrong = {
        name: _no_number(column_expression(column), records) for name, column in columns.items()
    }
    asked = ", ".join(
        f"COUNT(*) FILTER ({wrong[name].sql('duckdb')}) AS w{i},"
        f" COUNT({column_expression(column).sql('duckdb')}) AS k{i}"
        for i, (name, column) in enumerate(columns.items())
    )
    counts = records.engine.query(f"SELECT {asked} FROM {records.source}").to_pylist()[0]
    broken = [
        (
            Check(
                input=name,
                faulty=_no_number(column_expression(name), records),
                message=f"`{column}` is {{value}}, but its column holds numbers",
            ),
            counts[f"w{i}"],
        )
        for i, (name, column) in enumerate(columns.items())
        if 0 < counts[f"w{i}"] < counts[f"k{i}"]
    ]
    if broken:
        inputs = tuple(_input(n, column_expression(c), c) for n, c in columns.items())
        advice = (
            "Mend these rows, or say that such a text means missing: --missing TEXT (which replaces the "
            "usual list, and may be repeated)."
        )
        raise_faults(records, None, Measure(parts=(), inputs=inputs), broken, advice=advice)


def _no_number(read: exp.Expr, records: Records) -> exp.Expr:
    """True where a text is neither missing nor a number."""
    number = exp.TryCast(this=read.copy(), to=exp.DataType.build("DOUBLE"))
    return exp.and_(
        exp.Is(this=number, expression=exp.Null()),
        exp.Not(this=exp.Is(this=read.copy(), expression=exp.Null())),
        exp.Not(
            this=exp.In(
                this=exp.Trim(this=read.copy()),
                expressions=[literal(text) for text in records.missing_values],
            )
        ),
    )


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
