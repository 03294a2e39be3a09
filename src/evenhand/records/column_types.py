"""One typing rule: all rows of a column decide what it holds, and what fits only in part is text.

A text file does not say what its columns hold.  A column is ``integer``, ``number``, ``boolean`` or
``date`` where every value that is not missing is written as one; anything else stays text, exactly
as it is written.  A spelling that a number would lose keeps a column text: ``007``, a whole number
beyond 64 bits, a time of day.  The same rule holds for CSV, TSV, gzipped files and the strings of
JSON lines, at any size, and a person who knows better says so (`parse_declared`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from evenhand.errors import InputError, unknown_name
from evenhand.records.engine import Engine
from evenhand.records.schema import Kind

#: Rows that are looked at to see which types are worth a check of all rows.
SAMPLE_ROWS = 20_000
#: The types that a person can declare.
DECLARED = (
    "number",
    "integer",
    "text",
    "boolean",
    "date",
    "decimal-comma",
    "thousands-comma",
    "percent",
)
#: Those that are numbers, however they are written.
_NUMBERS = tuple(way for way in DECLARED if way not in ("text", "boolean", "date", "integer"))

# The years that Python's dates know: 1 to 9999.
_YEAR = r"([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
#: How a type is written, as a pattern of a whole text.
PATTERNS = {
    "integer": r" *[+-]?(0|[1-9][0-9]*) *",
    "number": r" *[+-]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *",
    "lenient integer": r" *[+-]?[0-9]+(\.0*)? *",
    "lenient number": r" *[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)? *",
    "infinity": r" *[+-]?(?i:inf|infinity) *",
    "date": _YEAR + r"-[0-9]{2}-[0-9]{2}",
    "timestamp": _YEAR + r"-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?",
    "decimal-comma": r" *[+-]?([0-9]{1,3}([.' \x{a0}\x{202f}][0-9]{3})+|[0-9]+)(,[0-9]+)? *",
    "thousands-comma": r" *[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)? *",
    # A comma before three digits may part thousands.
    "percent": r" *[+-]?[0-9]+(\.[0-9]+|,[0-9]{1,2}|,[0-9]{4,})? *% *",
    # A comma that cannot part thousands, and points that can.
    "surely comma": (
        r" *[+-]?([0-9.' ]*,([0-9]{1,2}|[0-9]{4,})|0,[0-9]+"
        r"|[0-9.' ]*[.' ][0-9]{3},[0-9]+|[0-9]{4,},[0-9]+) *"
    ),
    "grouped": r" *[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+ *",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """What a column of text holds.

    Attributes
    ----------
    kind : Kind
        What metrics and groups take it for.
    name : str
        How it is written: a type of `DECLARED`, or ``timestamp``.
    fits : str
        SQL that is true for a text which is written so.
    value : str
        SQL of the value; NULL for a text that means missing.
    """

    kind: Kind
    name: str
    fits: str
    value: str


def parse_declared(given: str | Mapping[str, str] | None) -> dict[str, str]:
    """Types that a person declares: ``age=number, code=text, when=date:%d/%m/%Y``.

    Parameters
    ----------
    given : str, Mapping or None
        Names and types; a name that holds a comma or ``=`` stands in double quotes.  The types are
        those of `DECLARED`; ``date`` may be followed by a colon and the format that ``strptime`` takes.

    Raises
    ------
    InputError
        For a type that is none, or a text that is no list of ``name=type``.

    Examples
    --------
    >>> parse_declared('age=number, "Age, years"=text')
    {'age': 'number', 'Age, years': 'text'}
    """
    if given is None:
        return {}
    if isinstance(given, str):
        found = _split_declared(given)
    elif isinstance(given, Mapping):
        found = {str(name): str(kind) for name, kind in given.items()}
    else:
        raise InputError(
            f"columns is {given!r}, but must be names and types, such as 'age=number'."
        )
    for name, kind in found.items():
        if kind not in DECLARED and not re.fullmatch(r"date:.*%.*", kind):
            raise InputError(
                f"--columns gives {name!r} the type {kind[:40]!r}.  Allowed: {', '.join(DECLARED)}, "
                "or a date with its format, such as date:%d/%m/%Y"
            )
    return found


_PAIR = re.compile(r"""\s*(?:"((?:[^"]|"")+)"|([^",=]+?))\s*=\s*([^,]+?)\s*(?:,|$)""")


def _split_declared(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        pair = _PAIR.match(text, position)
        if pair is None:
            raise InputError(
                f"--columns {text!r} cannot be read at {text[position : position + 30]!r}.  "
                "Write names and types: 'age=number, code=text, when=date'"
            )
        name = pair[1].replace('""', '"') if pair[1] else pair[2]
        if name in found:
            raise InputError(f"--columns names {name!r} twice.")
        found[name] = pair[3]
        position = pair.end()
    return found


def check_declared(declared: Mapping[str, str], names: Sequence[str]) -> None:
    """Refuse a declared column that does not exist, with a near name."""
    for name in declared:
        if name not in names:
            raise InputError(unknown_name("column", name, names))


def infer_types(
    engine: Engine,
    source: str,
    names: Sequence[str],
    *,
    missing: Sequence[str],
    kinds: Mapping[str, Sequence[Kind]] | None = None,
    local: bool = False,
) -> dict[str, ColumnType]:
    """Types of columns of text, decided by all rows.

    Parameters
    ----------
    engine : Engine
    source : str
        FROM clause whose columns are all text.
    names : sequence of str
        The columns.
    missing : sequence of str
        Texts that mean missing, which fit every type.
    kinds : Mapping, optional
        Kinds that a column may have, where the format says more than text (JSON).
    local : bool
        Whether numbers may be written with a decimal comma: columns are separated by something else.
    """
    # A type that few rows rule out is not looked for in all of them.
    sample = _look(engine, source, names, missing, local=local)
    asked = {
        name: _candidates(
            quoted(name), missing, found.fitting, (kinds or {}).get(name, tuple(Kind))
        )
        for name, found in zip(names, sample, strict=True)
    }
    decided = _decided(engine, source, asked, missing)
    shown = {name for name, found in zip(names, sample, strict=True) if found.known}
    shown |= _known_somewhere(engine, source, decided.keys() - shown, missing)
    evidence = _marks(engine, source, decided) if local else {}
    comma = any(
        decided[n].name == "decimal-comma" and found["sure"] for n, found in evidence.items()
    )
    return {
        name: decided[name]
        if name in decided
        and name in shown
        and _is_certain(decided[name], evidence.get(name), comma=comma)
        else column_type(quoted(name), "text", missing)
        for name in names
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sampled:
    """What the first rows say of a column: types that none contradicts, and whether any is not missing."""

    fitting: tuple[str, ...]
    known: bool


def _look(
    engine: Engine, source: str, names: Sequence[str], missing: Sequence[str], *, local: bool
) -> list[_Sampled]:
    """Try every type on the distinct values of the first rows: many rows say the same."""
    if not names:
        return []
    ways = ["boolean", "integer", "number", "date", "timestamp"] + ["decimal-comma"] * local
    tests = [misfit("value", column_type("value", way, missing), missing) for way in ways]
    tests.append(f"value IS NOT NULL AND {_known('value', missing)}")
    counts = ", ".join(f"COUNT(*) FILTER ({test}) AS n{i}" for i, test in enumerate(tests))
    places = ", ".join(str(place) for place in range(len(names)))
    texts = ", ".join(quoted(name) for name in names)
    found = engine.query(
        f"SELECT place, {counts} FROM (SELECT DISTINCT unnest([{places}]) AS place, unnest([{texts}]) AS value"
        f" FROM (FROM {source} LIMIT {SAMPLE_ROWS})) GROUP BY place"
    ).to_pylist()
    rows = {row["place"]: [row[f"n{i}"] for i in range(len(tests))] for row in found}
    sampled = []
    for place in range(len(names)):
        *misfits, known = rows.get(place, [0] * len(tests))
        fitting = tuple(way for way, count in zip(ways, misfits, strict=True) if not count)
        sampled.append(_Sampled(fitting=fitting, known=bool(known)))
    return sampled


def _decided(
    engine: Engine,
    source: str,
    asked: Mapping[str, Sequence[ColumnType]],
    missing: Sequence[str],
) -> dict[str, ColumnType]:
    """The narrowest type of each column that no row of all contradicts; text is left out."""
    decided: dict[str, ColumnType] = {}
    waiting = {name: list(types) for name, types in asked.items() if types}
    while waiting:
        tests = [misfit(quoted(name), types[0], missing) for name, types in waiting.items()]
        counts = _counts(engine, source, tests)
        for name, count in zip(list(waiting), counts, strict=True):
            if count:
                del waiting[name][0]
            else:
                decided[name] = waiting.pop(name)[0]
        waiting = {name: types for name, types in waiting.items() if types}
    return decided


def _known_somewhere(
    engine: Engine, source: str, names: Iterable[str], missing: Sequence[str]
) -> set[str]:
    """Columns that have a value which is not missing."""
    listed = sorted(names)
    tests = [f"{quoted(name)} IS NOT NULL AND {_known(quoted(name), missing)}" for name in listed]
    counts = _counts(engine, source, tests)
    return {name for name, count in zip(listed, counts, strict=True) if count}


def _marks(
    engine: Engine, source: str, decided: Mapping[str, ColumnType]
) -> dict[str, dict[str, int]]:
    """How many values say what a comma or a point means, of the columns of numbers."""
    names = [name for name, type_ in decided.items() if type_.kind is Kind.NUMBER]
    marks = ("sure", "grouped", "point")
    tests = [
        test
        for name in names
        for test in (
            _matches(quoted(name), "surely comma"),
            _matches(quoted(name), "grouped"),
            f"contains({quoted(name)}, '.')",
        )
    ]
    counts = iter(_counts(engine, source, tests))
    return {name: {mark: next(counts) for mark in marks} for name in names}


def _is_certain(type_: ColumnType, marks: Mapping[str, int] | None, *, comma: bool) -> bool:
    """Whether marks leave no doubt: ``1.234`` beside decimal commas may be a thousand."""
    if marks is None:
        return True
    if type_.name == "decimal-comma":
        return marks["sure"] > 0
    return not (comma and marks["grouped"] and marks["grouped"] == marks["point"])


def _candidates(
    text: str, missing: Sequence[str], ways: Sequence[str], kinds: Sequence[Kind]
) -> list[ColumnType]:
    found = [column_type(text, way, missing) for way in ways]
    return [type_ for type_ in found if type_.kind in kinds]


def _counts(engine: Engine, source: str, tests: Sequence[str]) -> list[int]:
    if not tests:
        return []
    selected = ", ".join(f"COUNT(*) FILTER ({test}) AS n{i}" for i, test in enumerate(tests))
    row = engine.query(f"SELECT {selected} FROM {source}").to_pylist()[0]
    return [row[f"n{i}"] for i in range(len(tests))]


def column_type(
    text: str, written: str, missing: Sequence[str], *, declared: bool = False
) -> ColumnType:
    """A type by its name, for one text (SQL); a declared number may have zeros before it."""
    way = written.partition(":")[0]
    if way in _REWRITTEN:
        kind, value = Kind.NUMBER, _REWRITTEN[way].format(f"trim({text})")
        fits = f"{_matches(text, way)} AND isfinite({value})"
    elif way in ("integer", "number"):
        kind, fits, value = _number(text, way, declared=declared)
    elif way in ("date", "timestamp"):
        kind, fits, value = _date(text, written)
    elif way == "boolean":
        folded = f"lower(trim({text}))"
        kind, fits = Kind.BOOLEAN, f"{folded} IN ('true', 'false')"
        value = f"CASE {folded} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
    else:
        return ColumnType(kind=Kind.TEXT, name=way, fits="TRUE", value=text)
    if kind is Kind.NUMBER:
        value = f"NULLIF({value}, 'nan'::DOUBLE)"
    # Other texts that mean missing become NULL by themselves, unless they look like values.
    looks = [word for word in missing if any(character.isdigit() for character in word)]
    looks += [word for word in missing if word.lower() in ("true", "false", "inf", "infinity")]
    if looks:
        value = f"CASE WHEN {_known(text, looks)} THEN {value} END"
    return ColumnType(kind=kind, name=written, fits=fits, value=value)


def _number(text: str, way: str, *, declared: bool) -> tuple[Kind, str, str]:
    whole = f"TRY_CAST({text} AS BIGINT)"
    if way == "integer":
        digits = _matches(text, "lenient integer" if declared else "integer")
        return Kind.INTEGER, f"{digits} AND {whole} IS NOT NULL", whole
    value = f"TRY_CAST({text} AS DOUBLE)"
    if declared:
        finite = f"{_matches(text, 'lenient number')} AND isfinite({value})"
    else:
        # A whole number beyond 64 bits is a name: as a number it would be rounded.
        fitting = f"NOT {_matches(text, 'integer')} OR {whole} IS NOT NULL"
        finite = f"{_matches(text, 'number')} AND isfinite({value}) AND ({fitting})"
    fits = f"({finite}) OR {_matches(text, 'infinity')}"
    return Kind.NUMBER, fits, value


def _date(text: str, written: str) -> tuple[Kind, str, str]:
    way, _, form = written.partition(":")
    if form:
        value = f"try_strptime(trim({text}), {text_literal(form)})"
        return Kind.DATE, f"{value} IS NOT NULL", value
    value = f"TRY_CAST({text} AS {way.upper()})"
    return Kind.DATE, f"{_matches(text, way)} AND {value} IS NOT NULL", value


#: SQL of a number whose marks are not those of SQL.
_REWRITTEN = {
    "decimal-comma": "TRY_CAST(replace(regexp_replace({}, '[.'' \u00a0\u202f]', '', 'g'), ',', '.') AS DOUBLE)",
    "thousands-comma": "TRY_CAST(replace({}, ',', '') AS DOUBLE)",
    "percent": "TRY_CAST(replace(regexp_replace({}, '[ %]', '', 'g'), ',', '.') AS DOUBLE) / 100",
}


def suggestions(
    engine: Engine, source: str, name: str, missing: Sequence[str], ways: Sequence[str] = _NUMBERS
) -> list[str]:
    """Which of these types every text of a column would fit, if a person declared them."""
    found = [column_type(quoted(name), way, missing, declared=True) for way in ways]
    counts = _counts(engine, source, [misfit(quoted(name), type_, missing) for type_ in found])
    return [way for way, count in zip(ways, counts, strict=True) if not count]


def misfit(text: str, type_: ColumnType, missing: Sequence[str]) -> str:
    """SQL that is true for a row whose text is neither of the type nor missing."""
    # The list of missing texts is looked through only where the pattern failed.
    return f"({text} IS NOT NULL AND NOT ({type_.fits}) AND {_known(text, missing)})"


def _known(text: str, missing: Sequence[str]) -> str:
    listed = ", ".join(text_literal(word) for word in ("", *missing))
    return f"trim({text}) NOT IN ({listed})"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {text_literal(PATTERNS[pattern])})"


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """A text in SQL."""
    return "'" + value.replace("'", "''") + "'"
