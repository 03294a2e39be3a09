"""Partitions: how ``--by`` cuts the records into groups.

An *attribute* is what the groups of a partition are told apart by: a column, a column cut at
edges, or a predicate (in it or not).  A *partition* is one attribute or several crossed.
"""

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from evenhand.errors import InputError, unknown_name
from evenhand.groups.parser import parse_predicate
from evenhand.groups.predicate import (
    And,
    ColumnComparison,
    IsNull,
    Predicate,
    Value,
    equals,
    means_missing,
    to_text,
)
from evenhand.pages.numbers import tidy
from evenhand.records import Column, Kind, check_key
from evenhand.records.declarations import columns_option

Key = Value | None
MAX_BINS = 100
#: Key of what is there and falls into no bin, where keys are taken as written: NaN, infinite, meant as missing.
NO_BIN = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What groups are told apart by.

    Attributes
    ----------
    name : str
        The column, or the text of the predicate.
    edges : tuple of float, optional
        Cut points of a numeric column; bin *i* holds ``edges[i-1] <= value < edges[i]``, the
        first and last bins are open.  Its keys are the bins' numbers.
    predicate : Predicate, optional
        Where set, the keys are true and false.
    """

    name: str
    edges: tuple[float, ...] | None = None
    predicate: Predicate | None = None

    def predicate_for(self, key: Key) -> Predicate:
        """The rows that have `key`."""
        if self.predicate is not None:
            return self.predicate
        if self.edges is None or key is None:
            return equals(self.name, key)
        number = int(key)
        low = [ColumnComparison(self.name, ">=", tidy(self.edges[number - 1]))] if number else []
        high = (
            [ColumnComparison(self.name, "<", tidy(self.edges[number]))]
            if number < len(self.edges)
            else []
        )
        bounds = (*low, *high)
        if not bounds:
            return IsNull(self.name, negated=True)
        return bounds[0] if len(bounds) == 1 else And(bounds)

    def label_for(self, key: Key) -> Key:
        """What a person reads for `key`: the value, or the bin's bounds."""
        if self.edges is None or key is None:
            return key
        number = int(key)
        low = f"{tidy(self.edges[number - 1])}" if number else ""
        high = f"{tidy(self.edges[number])}" if number < len(self.edges) else ""
        if low and high:
            return f"{low} to under {high}"
        if low or high:
            return f"under {high}" if high else f"{low} and over"
        return "all values"


def readings(
    attributes: Sequence[Attribute], columns: Sequence[Column], texts: Sequence[str]
) -> list[Callable[[Key], Key]]:
    """For each attribute what its keys are read as: themselves, or `None` where they mean missing.

    Parameters
    ----------
    attributes : sequence of Attribute
        Their keys are values as the table has them; of bins -1 stands for a number that falls into none.
    columns : sequence of Column
        The columns of the table.
    texts : sequence of str
        Texts that mean missing.
    """
    kinds = {column.name: column.kind for column in columns}

    def read(attribute: Attribute) -> Callable[[Key], Key]:
        if attribute.predicate is not None:
            return lambda key: key
        if attribute.edges is not None:
            return lambda key: None if key == NO_BIN else key
        kind = kinds[attribute.name]
        return lambda key: None if key is None or means_missing(key, kind, texts) else key

    return [read(attribute) for attribute in attributes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One attribute, or several crossed; `names` are the attributes'."""

    names: tuple[str, ...]


def parse_partitions(
    by: str | Sequence[str | Sequence[str]],
    columns: Sequence[Column],
    *,
    bins: Mapping[str, int | Sequence[float]] | None = None,
) -> tuple[tuple[Attribute, ...], tuple[Partition, ...]]:
    """Read what ``by`` asks for.

    Parameters
    ----------
    by : str or sequence
        Each item is a column, several columns joined by commas (their crossing is a partition,
        and so is each of them alone), or a predicate.
    columns : Sequence of Column
        The columns of the table.
    bins : Mapping, optional
        For numeric columns the edges, or a number of quantile bins (filled in later).

    Returns
    -------
    (attributes, partitions)
        Each attribute and partition once, margins before their crossing.

    Raises
    ------
    InputError
        For an unknown column (with a near one) or a predicate that cannot be understood.
    """
    items = [by] if isinstance(by, str) else list(by) if isinstance(by, Sequence) else []
    usable = (
        isinstance(i, str) or (isinstance(i, Sequence) and i and all(isinstance(n, str) for n in i))
        for i in items
    )
    if not items or not all(usable):
        raise InputError('Say which groups: --by COLUMN, --by a,b or --by "age >= 65".')
    attributes: dict[str, Attribute] = {}
    partitions: dict[tuple[str, ...], Partition] = {}
    for item in items:
        found = _attributes(item, columns)
        attributes.update((attribute.name, attribute) for attribute in found)
        names = tuple(attribute.name for attribute in found)
        for crossing in (*((name,) for name in names), names):
            partitions.setdefault(crossing, Partition(names=crossing))
    with_edges = _with_edges(attributes, columns, bins or {})
    return with_edges, tuple(partitions.values())


def _attributes(item: str | Sequence[str], columns: Sequence[Column]) -> list[Attribute]:
    known = {column.name for column in columns}
    names = [item] if isinstance(item, str) and item in known else _split(item)
    if all(name in known for name in names):
        for column in columns:
            if column.name in names and column.kind is Kind.OTHER:
                check_key(column)
        return [Attribute(name=name) for name in dict.fromkeys(names)]
    if isinstance(item, str) and _looks_like_predicate(item):
        predicate = parse_predicate(item, columns, label="by")
        return [Attribute(name=to_text(predicate), predicate=predicate)]
    unknown = next(name for name in names if name not in known)
    raise InputError(unknown_name("column", unknown, [column.name for column in columns]))


def _split(item: str | Sequence[str]) -> list[str]:
    return split_names(item) if isinstance(item, str) else list(item)


_PIECE = re.compile(r'\s*(?:"((?:[^"]|"")+)"\s*|([^,]*))(?:,|\Z)')


def split_names(text: str) -> list[str]:
    """Names joined by commas; one with a comma in it stands in double quotes.

    Examples
    --------
    >>> split_names('site, "Age, years",sex')
    ['site', 'Age, years', 'sex']
    """
    names = []
    for quoted, plain in _PIECE.findall(text + ","):
        names.append(quoted.replace('""', '"') if quoted else plain.strip())
    return names[:-1] if len(names) > 1 and not names[-1] else names


def join_names(names: Sequence[str]) -> str:
    """Names as `split_names` reads them."""
    return ",".join(
        '"' + name.replace('"', '""') + '"' if "," in name or name[:1] == '"' else name
        for name in names
    )


def _looks_like_predicate(item: str) -> bool:
    words = {"IN", "IS", "BETWEEN", "NOT", "AND", "OR"}
    return any(mark in item for mark in "=<>()~!'\"*+/%|&;") or not words.isdisjoint(
        item.upper().split()
    )


def _with_edges(
    attributes: Mapping[str, Attribute],
    columns: Sequence[Column],
    bins: Mapping[str, int | Sequence[float]],
) -> tuple[Attribute, ...]:
    kinds = {column.name: column.kind for column in columns}
    for name, wanted in bins.items():
        if name not in attributes:
            raise InputError(f"Bins are given for {name!r}, but --by does not use it.")
        if name not in kinds or not kinds[name].numeric:
            held = kinds.get(name, "true or false")
            raise InputError(
                f"Bins are given for {name!r}, but it holds {held} values, not numbers.  If they are numbers, or it "
                f"has none: {columns_option(name, 'number')}"
            )
        _check_bins(name, wanted)
    edges = {
        name: tuple(edge if type(edge) is int else float(edge) for edge in given)
        for name, given in bins.items()
        if isinstance(given, Sequence)
    }
    return tuple(
        Attribute(name=name, edges=edges[name]) if name in edges else attribute
        for name, attribute in attributes.items()
    )


def _check_bins(name: str, wanted: object) -> None:
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        numbers = all(isinstance(e, int | float) and math.isfinite(e) for e in wanted)
        rising = numbers and all(a < b for a, b in itertools.pairwise(wanted))
        if not rising or len(wanted) >= MAX_BINS:
            raise InputError(
                f"The edges of {name!r} must be rising numbers; they are {list(wanted)}."
            )
    elif not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= MAX_BINS:
        raise InputError(
            f"Bins of {name!r} are {wanted!r}.  "
            f"Allowed: a number of bins from 1 to {MAX_BINS}, or rising edges."
        )
