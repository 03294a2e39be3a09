"""Lines of a table of counts that hold the total of others, and would count twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.deferred import pyarrow as pa
from evenhand.errors import InputError, Note
from evenhand.records.schema import Column, Kind

Integers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
#: Lines that notes name.
_NAMED = 3
#: What follows a word of all and is none of all: "All others".
_NOT_ALL = re.compile(r"\bothers?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalLines:
    """Lines that hold the total of others.

    Attributes
    ----------
    places : array of bool
    notes : tuple of Note
    choices : Mapping
        Columns each of whose values has lines that add up to the same: the same rows, told once for each.
    """

    places: Marks
    notes: tuple[Note, ...]
    choices: Mapping[str, tuple[str, ...]]


def find_totals(
    described: pa.Table,
    columns: Sequence[Column],
    counts: Mapping[str, Integers],
    counted: Marks,
    *,
    classes: bool = False,
) -> TotalLines:
    """Find lines for all groups together.

    A line is one where it is called so (`All`, `Gesamt`) and holds at least what the lines of its groups do, which may
    lack counts; or is called nothing, and holds just that.

    Parameters
    ----------
    described : Arrow table
        What is said of each line besides its counts.
    columns : sequence of Column
        Those of `described`.
    counts : Mapping
        By what they count, shape (lines,).
    counted : array of bool, shape (lines,)
        Lines that lack no count.
    classes : bool
        Whether values may be classes, one of which is called `all`: then a total holds more than its lines only where
        some of these lack a count.

    Raises
    ------
    InputError
        Where a line is called a total and holds less than its groups.
    """
    table = _Lines(
        values={c.name: described[c.name].to_pylist() for c in columns},
        kinds={c.name: c.kind for c in columns},
        counts=np.stack(list(counts.values()), axis=1),
        counted=counted,
        classes=classes,
    )
    found = np.zeros(described.num_rows, bool)
    notes: list[Note] = []
    for name, values in table.texts().items():
        for places, more_held in table.totals_by(name):
            for place in [place for place in places if not found[place]]:
                found[place] = True
                notes.append(_total_note(name, values[place], place, more=more_held))
    if len(notes) > _NAMED:
        more = len(notes) - _NAMED
        verb = "lines hold" if more > 1 else "line holds"
        text = (
            f"{more:,} more {verb} the total of others and {'are' if more > 1 else 'is'} left out."
        )
        notes[_NAMED:] = [Note(code="total_left_out", text=text)]
    notes += table.sums(~found)
    notes += table.called(~found)
    notes += table.margins(counted & ~found)
    return TotalLines(
        places=found, notes=tuple(notes), choices=dict(table.told_by_each(counted & ~found))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lines:
    """Lines of a table of counts: values of their columns, and counts of shape (lines, counts)."""

    values: Mapping[str, Sequence[Any]]
    kinds: Mapping[str, Kind]
    counts: Integers
    counted: Marks
    classes: bool
    _found: dict[tuple[str, ...], dict[tuple[Any, ...], list[int]]] = field(default_factory=dict)
    _known: dict[Any, tuple[list[int], list[int]]] = field(default_factory=dict)

    def _of(self, names: Sequence[str]) -> dict[tuple[Any, ...], list[int]]:
        """Lines by their values of some columns."""
        asked = tuple(names)
        if asked not in self._found:
            known: dict[tuple[Any, ...], list[int]] = {}
            columns = [self.values[name] for name in asked]
            for line in range(len(self.counts)):
                known.setdefault(tuple(column[line] for column in columns), []).append(line)
            self._found[asked] = known
        return self._found[asked]

    def texts(self) -> dict[str, Sequence[Any]]:
        """The columns of texts, which may name groups."""
        return {name: v for name, v in self.values.items() if self.kinds[name] is Kind.TEXT}

    def totals_by(self, name: str) -> Iterator[tuple[list[int], bool]]:
        """Lines that hold all values of a column, and whether they hold more than their groups add up to."""
        values = self.values[name]
        asked = [
            place
            for place in np.flatnonzero(self.counted).tolist()
            if values[place] is None or means_all(values[place])
        ]
        done: set[int] = set()
        looked: set[tuple[int, ...]] = set()
        for place in asked:
            families = [self._families(name, place, others) for others in self._alike(name, place)]
            # Lines of one family, which is kept, are looked at once.
            same = tuple(id(own) for own, _ in families)
            if place in done or same in looked:
                continue
            looked.add(same)
            # What is just the total of some lines is that; otherwise more may be hidden.
            fitting = next(
                (
                    one
                    for exact in (True, False)
                    for one in families
                    if self._holds(name, *one, exact=exact)
                ),
                None,
            )
            if fitting is None:
                self._check_called(name, place)
                continue
            places, held = fitting
            done |= set(places)
            yield places, bool((self._sum(places) > self._sum(held)).any())

    def _sum(self, lines: Sequence[int]) -> Integers:
        total: Integers = self.counts[lines][self.counted[lines]].sum(axis=0)
        return total

    def _alike(self, name: str, place: int) -> Iterator[list[str]]:
        """Columns by which a total's groups are known: all that say of them what they say of it; then fewer."""
        others = [
            n
            for n, column in self.values.items()
            if n != name and len(self._of([n])[(column[place],)]) > 1
        ]
        yield others
        yield [n for n in others if self.kinds[n] is not Kind.NUMBER]
        yield [n for n in others if self.kinds[n] is Kind.TEXT]

    def _families(
        self, name: str, place: int, others: Sequence[str]
    ) -> tuple[list[int], list[int]]:
        """Lines of the same total (one a file, where several are read), and those of its groups."""
        values = self.values[name]
        alike = tuple(self.values[n][place] for n in others)
        asked = (name, values[place], *others), alike
        if asked not in self._known:
            near = self._of(others)[alike]
            own = [line for line in near if values[line] == values[place] and self.counted[line]]
            held = [
                line
                for line in near
                if values[line] is not None
                and values[line] != values[place]
                and not means_all(values[line])
            ]
            self._known[asked] = own, held
        return self._known[asked]

    def _holds(self, name: str, places: Sequence[int], held: Sequence[int], *, exact: bool) -> bool:
        """Whether lines are the total of others; what is called nothing is one only where it is one exactly."""
        own, total = self._sum(places), self._sum(held)
        if not own.any() or not held:
            return False
        if self.values[name][places[0]] is None:
            # Lines that name groups of their own are no total, though they add up to one.
            alike = all(len({v[place] for place in places}) == 1 for v in self.texts().values())
            return exact and alike and len(held) > 1 and bool((total == own).all())
        if exact or (self.classes and self.counted[held].all()):
            return bool((total == own).all())
        return bool((total <= own).all())

    def _check_called(self, name: str, place: int) -> None:
        value = self.values[name][place]
        if value is None:
            return
        own, held = self._families(name, place, next(self._alike(name, place)))
        if len(held) > 1 and (self._sum(held) > self._sum(own)).any():
            raise InputError(
                f"Line {place + 1} ({name} = {value!r}) is called a total and holds less than the lines of its groups "
                "add up to: groups may overlap, or it is one of them.  Leave the line out, or call the group otherwise."
            )

    def sums(self, kept: Marks) -> Iterator[Note]:
        """A line that could be a total: not called so, and just the sum of all others."""
        left = np.flatnonzero(kept & self.counted)
        if len(left) < 3:
            return
        counts = self.counts[left]
        for place in left[
            (counts.any(axis=1) & (2 * counts == counts.sum(axis=0)).all(axis=1))
        ].tolist():
            texts = (f"{name} = {values[place]!r}" for name, values in self.texts().items())
            yield Note(
                code="perhaps_a_total",
                text=f"Line {place + 1} ({', '.join(texts)}) holds just what all others add up to.  If it is their "
                "total, it counts twice: leave it out with --where.",
            )

    def called(self, kept: Marks) -> Iterator[Note]:
        """Lines that are called totals, and are taken for what others are."""
        left = np.flatnonzero(kept & self.counted).tolist()
        for name, values in self.texts().items():
            named = [line for line in left if means_all(values[line])]
            if named and len(named) < kept.sum():
                yield Note(
                    code="perhaps_a_total",
                    text=f"Line {named[0] + 1} ({name} = {values[named[0]]!r}) is not the sum of other lines, and "
                    "counts as they do.  If it holds others, leave it out with --where.",
                )

    def margins(self, kept: Marks) -> Iterator[Note]:
        """Two columns of which each line names one: the same rows, told by one and by the other."""
        known = {
            name: np.array([value is not None for value in values])
            for name, values in self.texts().items()
        }
        for (one, named), (other, also) in combinations(known.items(), 2):
            by_one, by_other = kept & named & ~also, kept & also & ~named
            if min(by_one.sum(), by_other.sum()) < 2 or (kept & named & also).any():
                continue
            if (self.counts[by_one].sum(axis=0) == self.counts[by_other].sum(axis=0)).all():
                yield Note(
                    code="told_twice",
                    text=f"Lines by {one} and lines by {other} add up to the same: they are the same rows, told twice, "
                    f"and what is said of all together counts both.  Keep those of one: --where '{one} IS NOT NULL'",
                )

    def told_by_each(self, kept: Marks) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Columns under each value of which all rows are told again: by sex, and by race."""
        for name in self.texts():
            lines_of = {
                value: [line for line in lines if kept[line]]
                for (value,), lines in self._of([name]).items()
            }
            known = {value: lines for value, lines in lines_of.items() if lines}
            sums = [tuple(self.counts[lines].sum(axis=0)) for lines in known.values()]
            several = len(known) > 1 and all(len(lines) > 1 for lines in known.values())
            if several and None not in known and len(set(sums)) == 1 and self._apart(name, known):
                yield name, tuple(map(str, known))

    def _apart(self, name: str, known: Mapping[Any, Sequence[int]]) -> bool:
        """Whether the lines of different values are told apart by other values too: no crossing of two columns."""
        for other, values in self.texts().items():
            if other == name:
                continue
            sets = [{values[line] for line in lines} for lines in known.values()]
            if any(one & two for one, two in combinations(sets, 2)):
                return False
        return True


@lru_cache(8192)
def means_all(value: Any) -> bool:
    """Whether a line is called one for all groups together.

    Examples
    --------
    >>> [means_all(text) for text in ("Total:", "All races*", "Both sexes", "All others", "Alabama")]
    [True, True, True, False, False]
    """
    if not isinstance(value, str):
        return False
    plain = re.sub(r"[\s_]+", " ", re.sub(r"[^\w\s]|(?<=\D)\d+$", "", value)).strip().casefold()
    first, _, rest = plain.partition(" ")
    words = _words()
    if plain in words:
        return True
    return bool(rest) and f"{first} …" in words and _NOT_ALL.search(rest) is None


@cache
def _words() -> frozenset[str]:
    text = (files("evenhand.records") / "total_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("# "))


def _total_note(name: str, value: Any, place: int, *, more: bool) -> Note:
    # How much more would tell what is hidden.
    told = "; it holds more than they add up to" if more else ""
    called = f"{name} = {value!r}" if value is not None else f"nothing in {name}"
    return Note(
        code="total_left_out",
        text=f"Line {place + 1} ({called}) is the total of other lines and is left out{told}.",
    )
