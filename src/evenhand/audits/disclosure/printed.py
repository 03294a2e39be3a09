"""What stands in a published report, read as an outsider reads it: sets in words, and their numbers."""

import csv
import io
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

from evenhand.errors import ExpressionError, InputError
from evenhand.groups import (
    And,
    ColumnComparison,
    IsNull,
    Predicate,
    equals,
    parse_predicate,
    to_text,
)

SCHEMA = "evenhand.audit/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedSet:
    """A set of rows that a report names; numbers that it does not give are `None`.

    `rest` is the value of the rows of the same partition that are not in it.
    """

    by: tuple[str, ...]
    rows_of: "Predicate | Unknown"
    text: str
    rows: int | None
    units: int | None
    above: float | None
    below: float | None
    hidden: bool
    rest: float | None = None

    @property
    def lacks(self) -> bool:
        """Whether it is the rows that lack an attribute."""
        return isinstance(self.rows_of, IsNull | Unknown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """One audit of a report.

    Attributes
    ----------
    title : str
        The metric.
    minimum : int
        Groups with fewer people were hidden.
    unit : str, optional
        What people are; rows where absent.
    rows, units, above, below
        Of everybody.
    shown : tuple of PrintedSet
        Groups, and rows that lack an attribute.
    adds_up : bool
        Whether each unit is in one group only, so that units add up.
    mixed : set of str
        Partitions whose groups are compared with rows that lack the attribute, too.
    once : bool
        Whether a row is in the denominator once at most, as far as the metric's definition says.
    """

    title: str
    minimum: int
    unit: str | None
    rows: int | None
    units: int | None
    above: float | None
    below: float | None
    shown: tuple[PrintedSet, ...]
    adds_up: bool = True
    mixed: frozenset[str] = frozenset()
    once: bool = False


def read_printed(path: Path) -> list[Printed]:
    """Audits of a published file: JSON, CSV or HTML.

    Raises
    ------
    InputError
        Where it is none of them, or no audit.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a report: {error}") from error
    start = text.lstrip()[:1]
    try:
        if start in ("{", "["):
            found = json.loads(text)
            printed = [of_audit(one) for one in (found if isinstance(found, list) else [found])]
        else:
            printed = list(_of_html(text) if start == "<" else _of_csv(text))
    except (ValueError, KeyError, TypeError, AttributeError, ExpressionError) as error:
        raise InputError(
            f"{path} is no audit that Evenhand made ({error}).  Give what `evenhand audit` wrote with --json, "
            "--csv or --html."
        ) from error
    if not any(one.shown for one in printed):
        raise InputError(f"{path} shows no group, so there is nothing to attack.")
    return printed


# -- JSON -----------------------------------------------------------------------------------------


def of_audit(audit: Mapping[str, Any]) -> Printed:
    """What an audit's JSON shows."""
    if audit.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {audit.get('schema')!r}")
    settings, overall = audit["settings"], audit["overall"]
    against_rest = settings["versus"] == "rest"
    shown = [_group(group, against_rest=against_rest) for group in audit["groups"]]
    for item in audit["missing"]:
        if item["estimate"] is not None:
            name = item["attribute"]
            lacks = _lacks(name, {g["predicate"] for g in audit["groups"]})
            text = f"rows that lack {name}"
            shown.append(_estimate((name,), lacks, text, item["estimate"], rest=None))
    codes = {note["code"] for note in audit.get("notes", ())}
    return Printed(
        title=audit["metric"]["expression"],
        minimum=int(settings["suppress_below"]),
        unit=audit["unit"],
        rows=audit["source"]["rows"],
        units=overall["n_units"],
        above=overall["numerator"],
        below=overall["denominator"],
        shown=tuple(shown),
        adds_up="units_in_several_groups" not in codes,
        mixed=frozenset(
            found[1]
            for note in audit.get("notes", ())
            if (found := re.match(r"Groups of (.+) are compared with all other rows", note["text"]))
        ),
        once=not (audit.get("weight") or re.search(r"\d", audit["metric"]["definition"])),
    )


def _group(group: Mapping[str, Any], *, against_rest: bool) -> PrintedSet:
    versus, value = group["versus"], group["estimate"]["value"]
    rest = None
    if against_rest and versus and versus["difference"] is not None and value is not None:
        rest = value - versus["difference"]
    text = group["predicate"]
    predicate = parse_predicate(text)
    return _estimate(tuple(group["by"]), predicate, text, group["estimate"], rest=rest)


def _estimate(
    by: tuple[str, ...],
    predicate: "Predicate | Unknown",
    text: str,
    numbers: Mapping[str, Any],
    *,
    rest: float | None,
) -> PrintedSet:
    return PrintedSet(
        by=by,
        rows_of=predicate,
        text=text,
        rows=numbers["n_rows"],
        units=numbers["n_units"],
        above=numbers["numerator"],
        below=numbers["denominator"],
        hidden=numbers["n_rows"] is None,
        rest=rest,
    )


def _lacks(name: str, predicates: set[str]) -> "Predicate | Unknown":
    """Rows that lack an attribute: a column's value, or what a predicate needs to be true or false."""
    return Unknown(parse_predicate(name)) if name in predicates else IsNull(name)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Rows for which a predicate is neither true nor false."""

    operand: Predicate


# -- CSV ------------------------------------------------------------------------------------------


def _of_csv(text: str) -> Iterator[Printed]:
    rows = list(csv.reader(io.StringIO(text)))
    heads = [place for place, row in enumerate(rows) if row[:3] == ["by", "group", "predicate"]]
    if not heads or heads[0] != 0:
        raise ValueError("its first line does not begin with by,group,predicate")
    for number, (start, stop) in enumerate(zip(heads, [*heads[1:], len(rows)], strict=True), 1):
        table = [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 : stop]]
        units = any(row["n_units"] != row["n_rows"] for row in table)
        yield Printed(
            title=f"table {number}",
            minimum=0,
            unit="unit" if units else None,
            rows=None,
            units=None,
            above=None,
            below=None,
            shown=tuple(_line(row) for row in table),
            adds_up=not units,  # notes do not stand in a CSV
        )


def _line(row: Mapping[str, str]) -> PrintedSet:
    text = row["predicate"].removeprefix("'") if row["predicate"][:1] == "'" else row["predicate"]
    value, difference = _number(row["value"]), _number(row["versus_difference"])
    compared = row["versus_reference"] == "rest" and None not in (value, difference)
    rows, units = _number(row["n_rows"]), _number(row["n_units"])
    return PrintedSet(
        by=(row["by"],),
        rows_of=parse_predicate(text),
        text=text,
        rows=None if rows is None else int(rows),
        units=None if units is None else int(units),
        above=_number(row["numerator"]),
        below=_number(row["denominator"]),
        hidden=row["suppressed"] == "True",
        rest=value - difference
        if compared and value is not None and difference is not None
        else None,
    )


def _number(text: str) -> float | None:
    return float(text) if text else None


# -- HTML -----------------------------------------------------------------------------------------


class _Page(HTMLParser):
    """Headings, tables and the command of a report."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[tuple[str, str]] = []
        self._open: str | None = None

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        del attrs
        if tag in ("h1", "h2", "th", "td", "tr", "pre", "p"):
            self.blocks.append((tag, ""))
            self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = None if tag == self._open else self._open

    def handle_data(self, data: str) -> None:
        if self._open:
            tag, text = self.blocks[-1]
            self.blocks[-1] = (tag, text + data)


def _of_html(text: str) -> Iterator[Printed]:
    page = _Page()
    page.feed(text)
    blocks = [(tag, re.sub(r"\s+", " ", inside).strip()) for tag, inside in page.blocks]
    # The command closes what is told of each metric.
    ends = [place + 1 for place, (tag, _) in enumerate(blocks) if tag == "pre"]
    for start, stop in pairwise([0, *(ends or [len(blocks)])]):
        yield _metric_of_page(blocks[start:stop], text)


def _metric_of_page(blocks: Sequence[tuple[str, str]], text: str) -> Printed:
    words = shlex.split(next((inside for tag, inside in blocks if tag == "pre"), ""))
    lines = (inside for tag, inside in blocks if tag == "p")
    drawn = r"(?:, (?:weighted by|in strata of) .+)?"
    ends = (re.search(rf"([\d,]+) rows(?:, ([\d,]+) .+?)?{drawn}\.$", line) for line in lines)
    counted = next((found for found in ends if found), None)
    if counted is None:
        raise ValueError("it does not say how many rows there are")
    unit = _option(words, "--unit")
    hidden = re.search(r"Groups of fewer than ([\d,]+) ", text)
    above, below = _out_of(
        " ".join(inside for tag, inside in blocks if tag == "p"), r"\. [\d,]+ rows"
    )
    return Printed(
        title=next((inside for tag, inside in blocks if tag in ("h1", "h2")), "the report"),
        minimum=_count(hidden[1]) or 0 if hidden else 0,
        unit=unit,
        rows=_count(counted[1]),
        units=_count(counted[2]) if unit else _count(counted[1]),
        above=above,
        below=below,
        shown=tuple(_tables(blocks, unit, set(re.findall(r"<li>(.+?) is cut at ", text)))),
        adds_up="are in several groups" not in text,
    )


def _out_of(text: str, after: str = "$") -> tuple[float | None, float | None]:
    """Numerator and denominator of ``805 of 1,795``, before what follows it."""
    found = re.search(rf"([\d,]+) of ([\d,]+){after}", text)
    if found is None:
        return None, None
    return _number(found[1].replace(",", "")), _number(found[2].replace(",", ""))


def _option(words: Sequence[str], name: str) -> str | None:
    for place, word in enumerate(words):
        if word == name:
            return words[place + 1]
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None


def _count(text: str | None) -> int | None:
    text = (text or "").replace(",", "")
    return int(text) if text.isdigit() else None


def _tables(
    blocks: Sequence[tuple[str, str]], unit: str | None, cut: set[str]
) -> Iterator[PrintedSet]:
    by: tuple[str, ...] = ()
    columns: list[str] = []
    row: list[str] = []
    for tag, inside in [*blocks, ("tr", "")]:
        if tag in ("tr", "h2"):
            if by and row[:1] == ["group"]:
                # Tables of how sure numbers are name the same groups again, without their sizes.
                columns = row if row[1] == "verdict" else []
            elif by and len(row) == len(columns) > 0:
                yield _line_of_page(by, dict(zip(columns, row, strict=True)), unit, cut)
            row = []
        if tag == "h2":
            by = tuple(inside[3:].split(" × ")) if inside.startswith("By ") else ()
            columns = []
        elif tag in ("th", "td"):
            row.append(inside)


def _line_of_page(
    by: tuple[str, ...], line: Mapping[str, str], unit: str | None, cut: set[str]
) -> PrintedSet:
    rows = _count(line["rows"])
    columns = list(line)
    units = _count(line[columns[columns.index("rows") + 1]]) if unit else rows
    label = line["group"]
    above, below = _out_of(line.get("count", ""))
    predicate = _labelled(by, label, cut)
    return PrintedSet(
        by=by,
        rows_of=predicate,
        text=f"{' × '.join(by)}: {label}" if isinstance(predicate, Unknown) else to_text(predicate),
        rows=rows,
        units=units,
        above=above,
        below=below,
        hidden=rows is None,
    )


def _labelled(by: tuple[str, ...], label: str, cut: set[str]) -> "Predicate | Unknown":
    try:
        asked = parse_predicate(by[0]) if len(by) == 1 else None
    except ExpressionError:
        asked = None
    if label == "missing":
        return IsNull(by[0]) if asked is None else Unknown(asked)
    if asked is not None and label == by[0]:
        return asked
    values = label.split(" · ")
    if len(values) != len(by):
        raise ValueError(f"its group {label!r} cannot be told apart by {' × '.join(by)}")
    parts = tuple(
        _bin(name, value) if name in cut else equals(name, _value(value))
        for name, value in zip(by, values, strict=True)
    )
    return parts[0] if len(parts) == 1 else And(parts)


def _bin(name: str, text: str) -> Predicate:
    """A bin by its label, as `Attribute.label_for` writes it."""
    low, _, high = text.partition(" to under ")
    if high:
        return And(
            (ColumnComparison(name, ">=", float(low)), ColumnComparison(name, "<", float(high)))
        )
    if text.startswith("under "):
        return ColumnComparison(name, "<", float(text.removeprefix("under ")))
    if text.endswith(" and over"):
        return ColumnComparison(name, ">=", float(text.removesuffix(" and over")))
    return IsNull(name, negated=True)


def _value(text: str) -> str | float | bool:
    """A label as it stands in predicates."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return float(text)
    except ValueError:
        return text
