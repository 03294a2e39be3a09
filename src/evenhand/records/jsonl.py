"""JSON lines: one object a row.  JSON says which values are texts, so text is never made a number."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evenhand.errors import Fault, InputError
from evenhand.pages import numbers
from evenhand.records.column_types import quoted, text_literal
from evenhand.records.delimited import check_case, listed, readable
from evenhand.records.encodings import encoding_of, open_text
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.schema import Kind

#: Query, kinds that each scalar column may have, names of columns of lists or structures.
Rows = tuple[str, dict[str, tuple[Kind, ...]], tuple[str, ...]]
#: What a scalar of the engine's may turn out to hold; strings may be dates and nothing else.
_STRING = (Kind.DATE,)
_NUMBER = (Kind.INTEGER, Kind.NUMBER)
_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "BOOLEAN": (Kind.BOOLEAN,),
    "BIGINT": _NUMBER,
    "UBIGINT": _NUMBER,
    "HUGEINT": _NUMBER,
    "UHUGEINT": _NUMBER,
    "DOUBLE": _NUMBER,
    "DATE": _STRING,
    "TIMESTAMP": _STRING,
    "VARCHAR": _STRING,
    # Scalars of several types, which are text; lists and structures have types of their own.
    "JSON": (),
    "TIME": (),
    "UUID": (),
    "TIMESTAMP WITH TIME ZONE": (),
    '"NULL"': (),
}


#: Bytes of a file up to which it is read as a whole to say what it holds.
MOST_WHOLE = 1 << 28


class StrayLinesError(InputError):
    """Some line is JSON, but no object; `faults` finds which."""


def rows_as_text(engine: DuckDBEngine, paths: Sequence[Path]) -> Rows:
    """Query that reads the objects, scalars as text.

    Returns
    -------
    (query, kinds, nested)
        Kinds that each scalar column may have, and the names of columns of lists or structures.

    Raises
    ------
    duckdb.Error
        Where the engine cannot read the text; `faults` then finds where.
    InputError
        For objects without keys, or whose keys differ in case only.
    """
    for path in paths:
        if encoding_of(path).name == "cp1252":
            raise InputError(
                f"{path} is not UTF-8, which JSON must be.  If it was saved on Windows: "
                f"iconv -f windows-1252 -t utf-8 {path} > utf8{path.suffix}"
            )
    # A file called .json may hold one array; lines must be objects, one each.
    array = any(path.name.lower().removesuffix(".gz").endswith(".json") for path in paths)
    form = "auto" if array else "newline_delimited"
    files = listed([_without_mark(engine, path) for path in paths])
    objects = f"read_json_objects({files}, format = '{form}')"
    strays = engine.query(
        f"SELECT 1 AS one FROM {objects} WHERE json_type(json) <> 'OBJECT' LIMIT 1"
    )
    if strays.num_rows:
        raise StrayLinesError(f"{paths[0]}: its lines are not all JSON objects")
    options = f"format = '{form}', union_by_name = true, map_inference_threshold = -1"
    found = engine.query(
        f"DESCRIBE FROM read_json({files}, {options}, sample_size = -1)"
    ).to_pylist()
    types = {str(row["column_name"]): str(row["column_type"]) for row in found}
    if list(types) == ["json"] and not _has_key(engine, objects, "json"):
        raise InputError(f"{paths[0]}: its objects have no keys, so there is no column.")
    if any(name.rpartition("_")[2].isdigit() for name in types):
        # The engine gives the second of two keys that differ in case another name.
        keys = engine.query(f"SELECT DISTINCT unnest(json_keys(json)) AS k FROM {objects}")["k"]
        check_case(str(paths[0]), keys.to_pylist())
    scalars = {
        name: _KINDS[type_]
        for name, type_ in types.items()
        if type_ in _KINDS and not (type_ == "JSON" and _has_nested(engine, objects, name))
    }
    if array and len(scalars) < len(types):
        # The engine takes an object that holds the rows for a row.
        whole = _one_object(paths[0])
        if whole is not None and (not scalars or _lists_of_objects(whole)):
            raise InputError(f"{paths[0]}: {_wrapped(paths[0], whole)}")
    if not scalars:
        raise InputError(
            f"{paths[0]}: its objects hold nothing but lists and objects ({numbers.listed(list(types))}), of which "
            "there are no groups and no metrics."
        )
    declared = ", ".join(
        f"{quoted(name)}: {text_literal('VARCHAR' if name in scalars else type_)}"
        for name, type_ in types.items()
    )
    query = f"FROM read_json({files}, {options}, columns = {{{declared}}})"
    return query, scalars, tuple(name for name in types if name not in scalars)


def _has_key(engine: DuckDBEngine, objects: str, key: str) -> bool:
    found = engine.query(
        f"SELECT 1 AS one FROM {objects} WHERE list_contains(json_keys(json), {text_literal(key)}) LIMIT 1"
    )
    return bool(found.num_rows)


def _has_nested(engine: DuckDBEngine, objects: str, key: str) -> bool:
    """Whether some value of a key is a list or an object."""
    value = f"json_type(json_extract(json, {text_literal('$.' + chr(34) + key + chr(34))}))"
    found = engine.query(
        f"SELECT 1 AS one FROM {objects} WHERE {value} IN ('ARRAY', 'OBJECT') LIMIT 1"
    )
    return bool(found.num_rows)


def _without_mark(engine: DuckDBEngine, path: Path) -> Path:
    return path if encoding_of(path).name == "utf-8" else readable(engine, path)


def faults(path: Path) -> Iterator[Fault]:
    """Lines that are no JSON object, one after the other; of one object over many lines what it holds."""
    whole = _one_object(path)
    if whole is not None and not _half_surrogate(whole):
        yield Fault(line=None, message=_wrapped(path, whole))
        return
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            try:
                found = json.loads(line) if line.strip() else {}
                if not isinstance(found, dict):
                    yield Fault(line=number, message=f"{line.strip()[:60]!r} is not an object")
                elif half := _half_surrogate(found):
                    yield Fault(line=number, message=f"{half} is half of a character (a surrogate)")
            except json.JSONDecodeError as error:
                yield Fault(line=number, message=f"not JSON: {error.msg} at column {error.colno}")
            except RecursionError:
                yield Fault(line=number, message="nested too deeply")


def _one_object(path: Path) -> dict[str, Any] | None:
    """The one object that a file of moderate size is; `None` where it is none, or each line is one."""
    if path.stat().st_size > MOST_WHOLE:
        return None
    try:
        with open_text(path) as file:
            lines = (line for line in file if line.strip())
            first = next(lines, "")
            if not first.lstrip().startswith("{") or (_is_json(first) and next(lines, "")):
                return None
            file.seek(0)
            found = json.load(file)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lists_of_objects(whole: dict[str, Any]) -> dict[str, int]:
    """Members that may be rows, and how many of these there are."""
    return {
        name: len(value)
        for name, value in whole.items()
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    }


def _wrapped(path: Path, whole: dict[str, Any]) -> str:
    """What is said of one object that holds the rows, and how to take them out of it."""
    lists = _lists_of_objects(whole)
    start = "it is one JSON object, and each row is one"
    if not lists:
        return f"{start}: it has {numbers.listed(list(whole))}, none of which is a list of objects"
    told = ", ".join(f"{name!r} ({count:,})" for name, count in lists.items())
    inside = shlex.quote(f".[{json.dumps(next(iter(lists)))}][]")
    return (
        f"{start}.  Rows may be what lies under {told}.  Take them out: "
        f"jq -c {inside} {shlex.quote(str(path))} > {shlex.quote(path.stem)}.jsonl"
    )


def _half_surrogate(found: dict[str, Any]) -> str:
    """An escape that stands for no character alone, as cut text has; empty where there is none."""
    text = json.dumps(found, ensure_ascii=False)
    half = next((character for character in text if "\ud800" <= character <= "\udfff"), "")
    return half and f"\\u{ord(half):04x}"
