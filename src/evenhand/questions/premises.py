"""What must hold before numbers mean what was asked: labels that meet, literals that occur."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlglot import exp

from evenhand.cubes import Cube
from evenhand.errors import FaultsError, InputError, NoRowError, Note, OtherValuesError
from evenhand.groups import (
    Attribute,
    Between,
    ColumnComparison,
    In,
    Predicate,
    Value,
    to_expression,
    to_text,
)
from evenhand.groups.predicate import column_expression, finite, leaves_of
from evenhand.metrics import Metric, Takes
from evenhand.metrics.inputs import FIRST_ROWS
from evenhand.questions.copies import copied_rows
from evenhand.questions.crowding import infinite_values
from evenhand.questions.origins import origin_notes
from evenhand.questions.outcomes import outcome_notes
from evenhand.records import Kind, Records, find_column

#: Values of a column that are listed, and that are told.
LISTED, TOLD = 1000, 8
#: Literals that are looked for in one query, at most: PostgreSQL gives no more than 1,664 columns.
_MOST_FLAGS = 800


def read_premises(
    records: Records,
    metrics: Sequence[Metric],
    *,
    where: Predicate | None = None,
    attributes: Sequence[Attribute] = (),
    counted: bool = False,
    few: int = 0,
) -> tuple[Note, ...]:
    """Look at what the question takes for granted.

    Parameters
    ----------
    records : Records
        The table as it was opened.
    metrics : sequence of Metric
        Their labels must meet; literals in their predicates should occur.
    where : Predicate, optional
        The filter.
    attributes : sequence of Attribute
        What the groups are.
    counted : bool
        Whether `check_agreement` follows: then labels that are numbers, and copies, cost no look of their own.
    few : int
        Fewer people than this are to be hidden; 0 hides nobody.

    Returns
    -------
    tuple of Note
        What holds only in part, or not as it was probably meant.

    Raises
    ------
    InputError
        Where a label and a prediction can never agree.
    """
    pairs = dict.fromkeys(pair for metric in metrics if (pair := _label_pair(metric)) is not None)
    notes = [
        *origin_notes(records, metrics, where),
        *records.notes,
        *outcome_notes(records, attributes, where, few=few),
        *(
            note
            for pair in pairs
            if not counted or find_column(pair[0], records.columns).kind is Kind.TEXT
            for note in _label_notes(*pair, records)
        ),
    ]
    predicates = [where] if where is not None else []
    predicates += [a.predicate for a in attributes if a.predicate is not None]
    predicates += [
        given
        for metric in metrics
        for given in metric.given.values()
        if not isinstance(given, str | int | float | bool | tuple)
    ]
    notes += _literal_notes(records, predicates)
    notes += _edge_notes(records, attributes)
    notes += infinite_values(records, attributes, few)
    notes += [] if counted else copied_rows(records)
    return tuple(dict.fromkeys(notes))


@contextmanager
def explained(notes: Sequence[Note], metrics: Sequence[Metric], records: Records) -> Iterator[None]:
    """Say of an error what it comes from: literals that never occur, or labels of two other numbers."""
    try:
        yield
    except (FaultsError, OtherValuesError) as error:
        hint = next(filter(None, (_two_values(metric, records) for metric in metrics)), None)
        if hint is None:
            raise
        raise InputError(hint) from error
    except NoRowError as error:
        never = [note.text for note in notes if note.code == "literal_never_occurs"]
        if not never:
            raise
        raise NoRowError("  ".join([str(error), *never])) from error


# -- labels -------------------------------------------------------------------------------------


def check_agreement(metric: Metric, cube: Cube, records: Records) -> None:
    """Look at labels that are numbers where the counts show that no row agrees.

    Raises
    ------
    InputError
        Where they can never agree.
    """
    pair = _label_pair(metric)
    agreed = [cube.parts.index(n) for n in _AGREED if n in cube.parts]
    if pair is not None and not cube.sums[:, agreed].any():
        list(_label_notes(*pair, records))


#: Counts of rows whose prediction is the label.
_AGREED = ("correct", "agreed", "true_positives", "true_negatives")


def _label_pair(metric: Metric) -> tuple[str, str] | None:
    """Columns of label and prediction, where the metric has both."""
    if any(argument.takes is Takes.SET for argument in metric.definition.arguments):
        return None  # whole sets need not occur in both columns
    label, prediction = (metric.given.get(name) for name in ("label", "prediction"))
    return (label, prediction) if isinstance(label, str) and isinstance(prediction, str) else None


def _label_notes(label: str, prediction: str, records: Records) -> Iterator[Note]:
    if find_column(label, records.columns).kind is Kind.BOOLEAN or label == prediction:
        return
    actual, said = (_values(records, name, first=True) for name in (label, prediction))
    if _meet(actual, said) and not _spelt_otherwise(actual, said):
        return
    actual, said = (_values(records, name, first=False) for name in (label, prediction))
    if not actual or not said:
        return
    if not _meet(actual, said):
        raise InputError(
            _never(label, prediction, actual, said) + _means_missing([*actual, *said], records)
        )
    otherwise = _spelt_otherwise(actual, said)
    if otherwise:
        pairs = "; ".join(f"{one!r} and {other!r}" for one, other in otherwise[:TOLD])
        yield Note(
            code="labels_spelt_otherwise",
            text=f"{label!r} and {prediction!r} spell some values differently, and they count as "
            f"different: {pairs}.",
        )


def _meet(actual: Sequence[Any], said: Sequence[Any]) -> bool:
    """Whether two columns share a value, or are 0 and 1, which may be constant in a good sample."""
    both = set(actual) | set(said)
    return not set(actual).isdisjoint(said) or both <= {0, 1} or both <= {"0", "1"}


def _spelt_otherwise(actual: Sequence[Any], said: Sequence[Any]) -> list[tuple[str, str]]:
    """Values of one column that the other has only after trimming and case folding."""
    known: dict[str, str] = {}
    for value in actual:
        if isinstance(value, str):
            known.setdefault(value.strip().casefold(), value)
    same = set(actual)
    return [
        (known[folded], value)
        for value in said
        if isinstance(value, str)
        and value not in same
        and (folded := value.strip().casefold()) in known
    ]


def _never(label: str, prediction: str, actual: Sequence[Any], said: Sequence[Any]) -> str:
    why = (
        "they agree only after trimming and case folding"
        if _spelt_otherwise(actual, said)
        else _not_compared(label, prediction, actual, said) or "they share no value"
    )
    return (
        f"{label!r} holds {_listed(actual)} and {prediction!r} holds {_listed(said)}: {why}, "
        "so the two can never agree.  Write both in one way, or name the columns that belong together."
    )


def _not_compared(
    label: str, prediction: str, actual: Sequence[Any], said: Sequence[Any]
) -> str | None:
    """Where one column is text and the other numbers: that these do not compare, and which texts are no numbers."""
    for name, texts, numbers in ((label, actual, said), (prediction, said, actual)):
        if all(isinstance(one, str) for one in texts) and not any(
            isinstance(one, str) for one in numbers
        ):
            words = [one for one in texts if not _is_number(one)]
            why = ""
            if words and len(words) < len(texts):
                why = f", since {_listed(words)} {'is no number' if len(words) == 1 else 'are no numbers'}"
            return (
                f"{name!r} is text{why}, and text and numbers do not compare: they share no value"
            )
    return None


def _means_missing(values: Sequence[Any], records: Records) -> str:
    """A hint where a few words among texts of numbers make the column one of text."""
    texts = [value for value in values if isinstance(value, str)]
    words = [t for t in texts if not _is_number(t) and t not in records.missing_values]
    if not words or len(words) == len(texts):
        return ""
    return f"  If {_listed(words)} means missing: --missing {words[0]!r}."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _values(records: Records, name: str, *, first: bool) -> list[Any]:
    """Distinct values of a column, in order; of its first rows only, or of all."""
    dialect = records.engine.dialect
    read = column_expression(name).sql(dialect)
    rows = f"(SELECT {read} AS v FROM {records.source}" + (f" LIMIT {FIRST_ROWS}" if first else "")
    found = records.engine.query(
        f"SELECT DISTINCT v FROM {rows}) AS some_rows WHERE v IS NOT NULL LIMIT {LISTED}"
    )["v"].to_pylist()
    known = [value for value in found if value == value]  # noqa: PLR0124 - NaN is no value
    return sorted(known, key=lambda value: (str(type(value)), value))


def _listed(values: Sequence[Any]) -> str:
    told = ", ".join(repr(v) if isinstance(v, str) else f"{v}" for v in values[:TOLD])
    return told + (", …" if len(values) > TOLD else "")


def _two_values(metric: Metric, records: Records) -> str | None:
    """One hint where a yes/no column has two values other than 0 and 1, as -1 and 1."""
    arguments = [a.name for a in metric.definition.arguments if a.takes is Takes.BINARY]
    given = {name: c for name in arguments if isinstance(c := metric.given.get(name), str)}
    held = {name: _two_others(column, records) for name, column in given.items()}
    # One value is said of all columns, and so of none alone where another column has others.
    of_all = any(a.name == "positive" for a in metric.definition.arguments)
    of_all = of_all and len(set(held.values())) == 1
    for name, values in held.items():
        if values is not None:
            low, high = (f"{value:g}" for value in values)
            how = f"positive={high}" if of_all else f"{name}={given[name]} = {high}"
            return (
                f"{metric.name}: {given[name]!r} holds {low} and {high}, but yes and no are 1 and 0; say which "
                f"value counts: {how}"
            )
    return None


def _two_others(column: str, records: Records) -> tuple[float, float] | None:
    """The two whole numbers that a column holds, where these are not 0 and 1."""
    if not find_column(column, records.columns).kind.numeric:
        return None
    read = column_expression(column).sql(records.engine.dialect)
    found = records.engine.query(
        f"SELECT {read} AS v, COUNT(*) AS n FROM {records.source} WHERE {read} IS NOT NULL"
        f" GROUP BY {read} ORDER BY n DESC LIMIT 4"
    ).to_pylist()
    values = sorted(float(row["v"]) for row in found)
    rare = min((row["n"] for row in found), default=0) * 100 < sum(row["n"] for row in found)
    # Fractions are scores: a threshold makes them yes and no.
    whole = all(value.is_integer() for value in values)
    if len(values) != 2 or {*values} == {0, 1} or rare or not whole:
        return None
    return values[0], values[1]


# -- literals -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _ValueLiteral:
    """A value that a column is compared with, and what some row should satisfy.

    `needed` is equality with the value; or the comparison itself where it is one of order.
    """

    column: str
    value: Value
    needed: Predicate
    ordered: bool


def _literal_notes(records: Records, predicates: Sequence[Predicate]) -> Iterator[Note]:
    known = {column.name for column in records.columns}
    leaves = dict.fromkeys(leaf for predicate in predicates for leaf in leaves_of(predicate))
    literals = [one for leaf in leaves for one in _literals(leaf) if one.column in known]
    for one in _absent(records, literals):
        text = _none_there(records, one) if one.ordered else _never_occurs(records, one)
        yield Note(code="literal_never_occurs", text=text)


def _literals(leaf: Predicate) -> Iterator[_ValueLiteral]:
    match leaf:
        case ColumnComparison(column, "=" | "!=", value):
            yield _equal(column, value)
        case In(column, values, _):
            yield from (_equal(column, value) for value in values)
        case ColumnComparison(column, _, value):
            yield _ValueLiteral(column=column, value=value, needed=leaf, ordered=True)
        case Between(column, low, high, _):
            inside = Between(column, low, high)
            yield _ValueLiteral(column=column, value=low, needed=inside, ordered=True)


def _equal(column: str, value: Value) -> _ValueLiteral:
    needed = ColumnComparison(column, "=", value)
    return _ValueLiteral(column=column, value=value, needed=needed, ordered=False)


def _absent(records: Records, literals: Sequence[_ValueLiteral]) -> list[_ValueLiteral]:
    """Literals of which no row has what is needed; most are found among the first rows."""
    absent = list(literals)
    for limit in (f" LIMIT {FIRST_ROWS}", ""):
        if not absent:
            break
        dialect = records.engine.dialect
        names = ", ".join(
            column_expression(name).sql(dialect) for name in dict.fromkeys(o.column for o in absent)
        )
        flags = ", ".join(
            exp.alias_(_some(to_expression(one.needed)), f"e{number}").sql(dialect)
            for number, one in enumerate(absent)
        )
        found = records.engine.query(
            f"SELECT {flags} FROM (SELECT {names} FROM {records.source}{limit}) AS some_rows"
        ).to_pylist()[0]
        absent = [one for number, one in enumerate(absent) if not found[f"e{number}"]]
    return absent


def _some(condition: exp.Expr) -> exp.Expr:
    one, none = exp.Literal.number(1), exp.Literal.number(0)
    return exp.Max(this=exp.Case(ifs=[exp.If(this=condition, true=one)], default=none))


def _never_occurs(records: Records, one: _ValueLiteral) -> str:
    values = _values(records, one.column, first=False)
    said = f"{one.value!r} never occurs in {one.column}"
    nearest = _nearest(one.value, values)
    if nearest is not None:
        return f"{said}; did you mean {nearest!r}?"
    return f"{said}; its values: {_listed(values) or 'none'}."


def _nearest(value: Value, values: Sequence[Any]) -> Any:
    if isinstance(value, str):
        texts = {str(known).strip().casefold(): known for known in reversed(values)}
        folded = value.strip().casefold()
        found = [folded] if folded in texts else get_close_matches(folded, list(texts), n=1)
        return texts[found[0]] if found else None
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if isinstance(value, bool) or not numbers or len(values) >= LISTED:
        return None
    return min(numbers, key=lambda known: abs(known - value))


def _none_there(records: Records, one: _ValueLiteral) -> str:
    return f"No row has {to_text(one.needed)}: {_range(records, one.column)}."


def _edge_notes(records: Records, attributes: Sequence[Attribute]) -> Iterator[Note]:
    """Edges beyond all values, which make empty bins."""
    sides = [
        _ValueLiteral(
            column=attribute.name,
            value=edge,
            needed=ColumnComparison(attribute.name, operator, edge),
            ordered=True,
        )
        for attribute in attributes
        for edge in attribute.edges or ()
        for operator in ("<", ">=")
    ]
    outside: dict[str, dict[str, None]] = {}
    for start in range(0, len(sides), _MOST_FLAGS):
        for one in _absent(records, sides[start : start + _MOST_FLAGS]):
            outside.setdefault(one.column, {})[f"{one.value:g}"] = None
    for column, edges in outside.items():
        named = f"edge{'s' * (len(edges) > 1)} {', '.join(edges)}"
        text = f"{_range(records, column)}, so its {named} cut nothing."
        yield Note(code="literal_never_occurs", text=text)


def _range(records: Records, column: str) -> str:
    read = column_expression(column)
    numeric = find_column(column, records.columns).kind.numeric
    shown = (finite(read) if numeric else read).sql(records.engine.dialect)
    found = records.engine.query(
        f"SELECT MIN({shown}) AS low, MAX({shown}) AS high FROM {records.source}"
    ).to_pylist()[0]
    if found["low"] is None:
        return f"{column} has no value"
    return f"{column} runs from {found['low']} to {found['high']}"
