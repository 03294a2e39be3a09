"""Counted records: the cubes of a question's metrics, and what they count, in place of the rows.

They add: over shards, days and customers, wherever each was counted.  Each says which records it counts, so that
none counts twice and an update knows which files it has not read.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evenhand.cubes.cube import Cube
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute
from evenhand.groups.partition import Key
from evenhand.pages.edition import without_folders
from evenhand.pages.numbers import plural
from evenhand.records import MISSING_VALUES, Column, Kind, fingerprint
from evenhand.records.declarations import columns_option

#: Notes of one kind that are shown.
_NOTES_OF_A_KIND = 3
#: Sources that are named, of many, and other things.
_NAMED, _LISTED = 3, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSource:
    """Records that were counted.

    Attributes
    ----------
    name : str
        What the user called them; of several files read as one, each file.
    sha256 : str or None
        SHA-256 of the file's bytes; `None` for frames and servers.
    where : str, optional
        Which of their rows.
    """

    name: str
    sha256: str | None
    where: str | None = None

    @property
    def identity(self) -> tuple[str | None, str]:
        """What no other records have: the hash, and of a database's file the table."""
        table = self.name.rpartition("?table=")[2] if self.name.startswith("duckdb:") else ""
        return self.sha256, table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedMetric:
    """A metric, counted.

    Attributes
    ----------
    text : str
        The metric, as `parse_metric` reads it.
    higher_is_worse : bool or None
        Direction of harm; `None` where it is open until somebody judges.
    form : Mapping
        How its value follows from the counts, as `write_form` has it.
    cube : Cube
        The counts.
    proportion : bool
        Whether it is a proportion of rows.
    bounds : (float or None, float or None), optional
        Range of the value, where the rows narrow that of the definition.
    notes : tuple of Note
        What a reader must know of these rows before the number.
    """

    text: str
    higher_is_worse: bool | None
    form: Mapping[str, Any]
    cube: Cube
    proportion: bool = False
    bounds: tuple[float | None, float | None] | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountedRecords:
    """What was counted of some records.

    Attributes
    ----------
    attributes : tuple of Attribute
        What cells are told apart by.
    by : tuple of str
        The groups that were asked for, as `evenhand.audit` takes them.
    units : tuple of str
        Columns that name what is independent.
    columns : tuple of Column
        Columns of the table that were read, and their kinds.
    metrics : tuple of CountedMetric
    sources : tuple of CountedSource
        The records that are counted.
    notes : tuple of Note
        What a reader must know of the rows.
    missing_values : tuple of str
        Texts that meant missing.
    declared : str
        The types that a person gave, as ``--columns`` takes them.
    weight : str, optional
        Column that says how many each row stands for.
    stratum : str, optional
        The attribute that tells strata of the sample apart.
    path : Path, optional
        The file it was read from.
    """

    attributes: tuple[Attribute, ...]
    by: tuple[str, ...]
    units: tuple[str, ...]
    columns: tuple[Column, ...]
    metrics: tuple[CountedMetric, ...]
    sources: tuple[CountedSource, ...]
    notes: tuple[Note, ...] = ()
    missing_values: tuple[str, ...] = MISSING_VALUES
    declared: str = ""
    weight: str | None = None
    stratum: str | None = None
    path: Path | None = field(default=None)

    @property
    def n_counts(self) -> int:
        """Cells of the largest cube; where units are named, pairs of a cell and a unit."""
        cubes = [metric.cube for metric in self.metrics]
        return max(len(c.keys) if c.units is None else len(c.units.cell) for c in cubes)

    @property
    def where(self) -> str | None:
        """Which rows were counted; where it differs from source to source, any of them."""
        filters = list(dict.fromkeys(source.where for source in self.sources))
        if None in filters or len(filters) == 1:
            return filters[0] if len(filters) == 1 else None
        return " OR ".join(f"({one})" for one in filters)

    @property
    def n_rows(self) -> int:
        """Rows that the first metric counts."""
        return int(self.metrics[0].cube.n_rows.sum())

    @property
    def name(self) -> str:
        """The file it stands in, else what was counted."""
        return str(self.path) if self.path else ", ".join(source.name for source in self.sources)

    @property
    def told_notes(self) -> tuple[Note, ...]:
        """The notes to show: of many files the first of each kind, and how many more there are."""
        kinds = Counter(note.code for note in self.notes)
        shown, met = [], Counter[str]()
        for note in self.notes:
            met[note.code] += 1
            if met[note.code] <= _NOTES_OF_A_KIND:
                shown.append(note)
            elif met[note.code] == kinds[note.code]:
                more = plural(kinds[note.code] - _NOTES_OF_A_KIND, "more note")
                text = f"{more} like the last, of other records that were counted."
                shown.append(Note(code=note.code, text=text))
        return tuple(shown)

    @property
    def called(self) -> str:
        """The file it stands in, else the first of what was counted."""
        return str(self.path) if self.path else self.read_from

    @property
    def read_from(self) -> str:
        """What was counted, of many files the first."""
        names = list(dict.fromkeys(without_folders(source.name) for source in self.sources))
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more}"

    def unseen(self, paths: Sequence[Path]) -> list[Path]:
        """Files that are not counted; each is read for its hash, not for its rows.

        Raises
        ------
        InputError
            Where a file was counted and holds something else by now.
        """
        known = {source.sha256 for source in self.sources}
        before = {source.name for source in self.sources}
        new = [path for path in paths if fingerprint([path]) not in known]
        changed = next((path for path in new if str(path) in before), None)
        if changed is not None:
            raise InputError(
                f"{changed} is not the file that {self.name} counts: it was changed since.  What it added cannot be "
                "taken out again; count all files anew."
            )
        return new

    def merge(self, other: "CountedRecords") -> "CountedRecords":
        """Add what was counted of other records.

        Raises
        ------
        InputError
            Where something else was counted, or some of the records are the same.
        """
        own, its = _alike(self, other), _alike(other, self)
        _check_like(own, its)
        notes = [*self.notes, *other.notes]
        known: dict[tuple[str | None, str], list[CountedSource]] = {}
        for one in self.sources:
            known.setdefault(one.identity, []).append(one)
        for source in other.sources:
            same = [] if source.sha256 is None else known.get(source.identity, [])
            if any(None in (one.where, source.where) or one.where == source.where for one in same):
                raise InputError(
                    f"Both count {source.name}.  Added, its rows would count twice: leave one out."
                )
            notes += [
                Note(
                    code="counted_in_parts",
                    text=f"{without_folders(source.name)} was counted in parts: where {one.where}, and where "
                    f"{source.where}.  Rows that satisfy both count twice.",
                )
                for one in same
            ]
            # Of frames whoever adds them knows; a table of a database has a place in its name.
            if ":" in source.name and source in known.get((None, source.identity[1]), ()):
                notes.append(
                    Note(
                        code="counted_perhaps_twice",
                        text=f"Several of the counts are of {without_folders(source.name)}, and no hash tells them "
                        "apart: rows that are in more than one count more than once.",
                    )
                )
        return replace(
            own,
            metrics=tuple(map(_added, own.metrics, its.metrics)),
            sources=self.sources + other.sources,
            notes=tuple(dict.fromkeys(notes)),
            path=None,
        )


def _check_like(one: CountedRecords, other: CountedRecords) -> None:
    for own, its in zip(one.attributes, other.attributes, strict=False):
        if own.name == its.name and own.edges != its.edges:
            raise InputError(
                f"{own.name} is cut at {_edges(own)} in one and at {_edges(its)} in the other.  Quantiles "
                f"differ from file to file: name the edges when you count, as in --bins '{own.name}=10,20'"
            )
    kinds = {column.name: column.kind for column in one.columns}
    for column in other.columns:
        if kinds.get(column.name, column.kind) is not column.kind:
            kind = common_kind(kinds[column.name], column.kind)
            raise InputError(
                f"{column.name} holds {kinds[column.name]} values in one and {column.kind} values in the other.  "
                f"Say what it is when you count: {columns_option(column.name, kind)}"
            )
    for what, mine, theirs in (
        ("Metrics", [m.text for m in one.metrics], [m.text for m in other.metrics]),
        ("Strata", _named(one.stratum), _named(other.stratum)),
        ("Groups", [a.name for a in one.attributes], [a.name for a in other.attributes]),
        ("Units", list(one.units), list(other.units)),
        ("Weights", _named(one.weight), _named(other.weight)),
        ("Origins of labels", _origins(one), _origins(other)),
        (
            "Texts that mean missing",
            list(map(repr, one.missing_values)),
            list(map(repr, other.missing_values)),
        ),
    ):
        if mine != theirs:
            here, there = _only(mine, theirs), _only(theirs, mine)
            raise InputError(
                f"They count different things.  {what} of {one.called}: {here}; of {other.called}: {there}.  Only "
                "like counts add: count the records of one again, as those of the other were."
            )


def _alike(counted: CountedRecords, other: CountedRecords) -> CountedRecords:
    """As it would have been counted beside the other: an empty column is of the other's kind, a date is a moment."""
    kinds = {column.name: column.kind for column in other.columns}
    places, theirs = (
        {attribute.name: place for place, attribute in enumerate(one.attributes)}
        for one in (counted, other)
    )
    columns = []
    for column in counted.columns:
        kind, place = kinds.get(column.name, column.kind), places.get(column.name)
        empty = kind is not column.kind and place is not None and not _values(counted, place)
        columns.append(replace(column, kind=kind) if empty else column)
    moments = {
        places[column.name]: _moment
        for column in columns
        if column.kind is Kind.DATE and column.name in places and column.name in theirs
        if any(_MOMENT.search(str(value)) for value in _values(other, theirs[column.name]))
    }
    if not moments:
        return replace(counted, columns=tuple(columns))
    metrics = [
        replace(m, cube=replace(m.cube, keys=m.cube.keys.changed(moments))) for m in counted.metrics
    ]
    return replace(counted, columns=tuple(columns), metrics=tuple(metrics))


def _values(counted: CountedRecords, place: int) -> set[Key]:
    """Values that an attribute has in some cell."""
    found: set[Key] = set()
    for metric in counted.metrics:
        keys = metric.cube.keys
        found |= {keys.values[place][code] for code in np.unique(keys.codes[place]).tolist()}
    return found - {None}


#: Of a time without a zone.
_MOMENT = re.compile(r"^[0-9-]{10}T[0-9:.]+$")


def _moment(key: Key) -> Key:
    """The first moment of a date, as a column of times holds it."""
    return f"{key}T00:00:00" if isinstance(key, str) and re.fullmatch(r"[0-9-]{10}", key) else key


def common_kind(one: Kind, other: Kind) -> str:
    """What a column must be declared as, where it is of two kinds in two tables."""
    return "number" if one.numeric and other.numeric else "text"


def _origins(counted: CountedRecords) -> list[str]:
    """How labels came about, as it was said when records were counted."""
    return sorted({note.text for note in counted.notes if note.code == "label_origin"})


def _named(column: str | None) -> list[str]:
    return [] if column is None else [column]


def _only(names: Sequence[str], others: Sequence[str]) -> str:
    """Names, for a message; of many those that the others lack."""
    if len(names) <= _LISTED:
        return "; ".join(names) or "none"
    own = [name for name in names if name not in others]
    told = "; ".join(own[:_LISTED]) + "; …" * (len(own) > _LISTED)
    return f"{len(names)}, of which the other lacks {told or 'none'}"


def merge_all(shards: Iterable[CountedRecords]) -> CountedRecords:
    """Add several, two by two and the results again, so that each cell is touched as seldom as can be.

    Of many that are read one after the other, at most as many are in memory as the logarithm of their number says.

    Raises
    ------
    InputError
        Where there is none, two count different things, or two count the same records.
    """
    waiting: list[tuple[int, CountedRecords]] = []
    for shard in shards:
        total, size = shard, 1
        while waiting and waiting[-1][0] == size:
            total, size = _told(waiting.pop()[1], total, shard), 2 * size
        waiting.append((size, total))
        named = shard
    if not waiting:
        raise InputError("There is no cube to add.  Name at least one file.")
    while len(waiting) > 1:
        _, last = waiting.pop()
        size, before = waiting.pop()
        waiting.append((size, _told(before, last, named)))
    return waiting[0][1]


def _told(one: CountedRecords, other: CountedRecords, named: CountedRecords) -> CountedRecords:
    try:
        return one.merge(other)
    except InputError as error:
        raise InputError(f"{named.name} cannot be added.  {error}") from error


def _added(one: CountedMetric, other: CountedMetric) -> CountedMetric:
    if one.form != other.form or one.cube.parts != other.cube.parts:
        raise InputError(
            f"{one.text} counts {_parts(one)} in one and {_parts(other)} in the other.  Where a class is absent from "
            "some records, name all of them: labels=('a', 'b', 'c')"
        )
    directions = {one.higher_is_worse, other.higher_is_worse}
    if len(directions - {None}) > 1:
        raise InputError(f"{one.text} is worse when higher in one, and when lower in the other.")
    return replace(
        one,
        higher_is_worse=one.higher_is_worse
        if one.higher_is_worse is not None
        else other.higher_is_worse,
        cube=one.cube.merge(other.cube),
        proportion=one.proportion and other.proportion,
        bounds=one.bounds if one.bounds == other.bounds else None,
        notes=tuple(dict.fromkeys(one.notes + other.notes)),
    )


def _edges(attribute: Attribute) -> str:
    return ", ".join(f"{edge:g}" for edge in attribute.edges or ()) or "no edge"


def _parts(metric: CountedMetric) -> str:
    return ", ".join(metric.cube.parts)
