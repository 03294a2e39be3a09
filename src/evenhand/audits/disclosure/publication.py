"""What an audit publishes, as sums over cells that nobody can tell apart further.

A *component* is a part of the partitions that shares no column with the others: what is shown of the
others, beyond the total, says nothing about its groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Cube
from evenhand.groups import Attribute, Partition, columns_of
from evenhand.groups.partition import Key
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.ranges import kinds_of
from evenhand.stats.suppression import Quantity

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Keys = tuple[Key, ...]
#: A published set: what it is, the names of its partition and its key.
Name = tuple[str, tuple[str, ...], Keys]
OVERALL, GROUP, COMPARED, REFERENCE = "overall", "group", "compared", "reference"
#: Cells at most of a linear program.  Those beyond are taken for known, which errs on the safe side.
MOST_CELLS = 4_000
#: Pairs of sets whose difference is looked at together.
CHUNK = 4_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class People:
    """Whom a cube counts: its rows, or the kinds of its units by the regions that they are in."""

    kinds: Bools | None
    numbers: Floats

    def of(self, sets: Bools) -> Floats:
        """People in each set of regions."""
        return np.concatenate(
            [np.zeros(0)]
            + [self.numbers @ self.hits(sets[i : i + CHUNK]).T for i in range(0, len(sets), CHUNK)]
        )

    def hits(self, sets: Bools) -> Bools:
        """Which kinds have a row in each set, shape (sets, kinds)."""
        if self.kinds is None:
            return sets
        return np.asarray(sets.astype(np.float32) @ self.kinds.T.astype(np.float32) > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Publication:
    """One component: its published sets over regions, and the counts of each cube.

    Attributes
    ----------
    names : list of tuples
        For each set all that it is called: sets of the same rows are one.
    sets : bool array of shape (sets, regions)
        Members.
    region : list of integer arrays
        For each cube the region of each of its cells.
    cubes : list of Cube
        The cubes.
    """

    names: list[list[Name]]
    sets: Bools
    region: list[Integers]
    cubes: list[Cube]

    @classmethod
    def of(
        cls,
        cubes: Sequence[Cube],
        attributes: Sequence[Attribute],
        partitions: Sequence[Partition],
        rules: VerdictRules,
    ) -> Self:
        """What is published of these partitions."""
        used = {name for partition in partitions for name in partition.names}
        used |= {rules.versus} & {attribute.name for attribute in attributes}
        order = tuple(name for name in cubes[0].attributes if name in used)
        coded = [cube.codes(order) for cube in cubes]
        keys = list(dict.fromkeys(key for _, found in coded for key in found))
        named = _named(keys, order, attributes, partitions, rules)
        sets = np.array(list(named.values()))
        region = kinds_of(sets)
        place = dict(zip(keys, region.tolist(), strict=True))
        first = np.unique(region, return_index=True)[1]
        together: dict[bytes, list[Name]] = {}
        members: dict[bytes, Bools] = {}
        for name, one in zip(named, sets[:, first], strict=True):
            together.setdefault(one.tobytes(), []).append(name)
            members[one.tobytes()] = one
        return cls(
            names=list(together.values()),
            sets=np.array(list(members.values())),
            region=[np.array([place[key] for key in found])[codes] for codes, found in coded],
            cubes=list(cubes),
        )

    def people(self, number: int, side: tuple[int, ...] | None = None) -> People:
        """Units of a cube, or its rows where no unit is named; of a `side` only who has such a count."""
        cube, region, count = self.cubes[number], self.region[number], self.sets.shape[1]
        if cube.units is None:
            rows = cube.n_rows if side is None else counted_rows(cube, side)
            return People(kinds=None, numbers=self.summed(number, rows))
        pairs = cube.units.unit * count + region[cube.units.cell]
        if side is not None:
            pairs = pairs[(cube.units.sums[:, list(side)] != 0).any(axis=1)]
        pairs = np.unique(pairs)
        if not len(pairs):
            return People(kinds=np.eye(count, dtype=bool), numbers=np.zeros(count))
        unit, where = pairs // count, pairs % count
        # A unit's kind is the set of its regions, told apart by a sum of random numbers: 2^-64 to err.
        mark = np.random.default_rng(0).integers(0, 2**64, count, np.uint64)
        first = np.flatnonzero(np.diff(unit, prepend=-1))
        marks: npt.NDArray[np.uint64] = np.add.reduceat(mark[where], first)
        _, example, numbers = np.unique(marks, return_index=True, return_counts=True)
        # Nobody knows that there is no unit in one region alone, unless there is no row.
        kinds = np.concatenate([np.zeros((len(example), count), bool), np.eye(count, dtype=bool)])
        numbers = np.concatenate([numbers, np.zeros(count)])
        last = np.append(first, len(unit))
        for row, one in enumerate(example.tolist()):
            kinds[row, where[last[one] : last[one + 1]]] = True
        return People(kinds=kinds, numbers=numbers.astype(float))

    def summed(self, number: int, values: npt.ArrayLike) -> Floats:
        """Values of a cube's cells, added up by region."""
        weights = np.asarray(values, float)
        return np.bincount(self.region[number], weights, self.sets.shape[1]).astype(float)

    def is_named(self, *kinds: str) -> Bools:
        """Sets that are called so."""
        return np.array([any(name[0] in kinds for name in names) for names in self.names])

    def named_like(self, kind: str) -> list[Name]:
        """All names of the sets of which one is called so."""
        return [name for i in np.flatnonzero(self.is_named(kind)) for name in self.names[i]]

    def apart(self, everyone: Sequence[People], minimum: int) -> Bools:
        """Sets of a few people that are not published: regions, and what two published sets differ in."""
        known = {one.tobytes() for one in self.sets}
        found: dict[bytes, Bools] = {}
        regions = np.eye(self.sets.shape[1], dtype=bool)
        for candidates in (regions, *self._differences()):
            few = np.zeros(len(candidates), bool)
            for people in everyone:
                number = people.of(candidates)
                few |= (number > 0) & (number < minimum)
            found.update((one.tobytes(), one) for one in candidates[few])
        found = {text: one for text, one in found.items() if text not in known}
        return np.array(list(found.values()), bool).reshape(len(found), self.sets.shape[1])

    def _differences(self) -> list[Bools]:
        """What one published set has and another has not, and what both have, in portions."""
        together = self.sets.astype(np.float32) @ self.sets.T.astype(np.float32)
        first, second = np.nonzero((together > 0) & ~np.eye(len(self.sets), dtype=bool))
        out = []
        for start in range(0, len(first), CHUNK):
            one, two = (self.sets[index[start : start + CHUNK]] for index in (first, second))
            out += [one & ~two, one & two]
        return out


def components(
    attributes: Sequence[Attribute], partitions: Sequence[Partition], versus: str
) -> list[list[Partition]]:
    """Partitions that share columns, together."""
    named = {attribute.name: attribute for attribute in attributes}

    def columns(names: Sequence[str]) -> set[str]:
        found = (named[name] for name in names)
        return {c for a in found for c in (columns_of(a.predicate) if a.predicate else (a.name,))}

    out: list[tuple[set[str], list[Partition]]] = []
    for partition in partitions:
        mine = columns(partition.names) | (columns([versus]) if versus in named else set())
        linked = [one for one in out if one[0] & mine]
        out = [one for one in out if not one[0] & mine]
        joined = [p for _, members in linked for p in members]
        out.append((mine.union(*(one[0] for one in linked)), [*joined, partition]))
    return [members for _, members in out]


def _named(
    keys: Sequence[Keys],
    order: tuple[str, ...],
    attributes: Sequence[Attribute],
    partitions: Sequence[Partition],
    rules: VerdictRules,
) -> dict[Name, Bools]:
    """Every published set as a mask over the keys."""
    predicates = {a.name for a in attributes if a.predicate is not None}
    out: dict[Name, Bools] = {(OVERALL, (), ()): np.ones(len(keys), bool)}
    for partition in partitions:
        place = [order.index(name) for name in partition.names]
        parts = [tuple(key[i] for i in place) for key in keys]
        by_part: dict[Keys, list[int]] = {}
        for index, part in enumerate(parts):
            by_part.setdefault(part, []).append(index)
        for part, members in by_part.items():
            asked = zip(partition.names, part, strict=True)
            outside = any(name in predicates and value is False for name, value in asked)
            if not outside and (None not in part or len(part) == 1):
                out[GROUP, partition.names, part] = _mask(len(keys), members)
        if rules.versus == "rest":
            given = [index for index, part in enumerate(parts) if None not in part]
            out[COMPARED, partition.names, ()] = _mask(len(keys), given)
    if rules.versus in predicates:
        place = [order.index(rules.versus)]
        chosen = [index for index, key in enumerate(keys) if key[place[0]] is True]
        out[REFERENCE, (), ()] = _mask(len(keys), chosen)
    return out


def _mask(size: int, members: Sequence[int]) -> Bools:
    mask = np.zeros(size, bool)
    mask[list(members)] = True
    return mask


def quantities(
    publication: Publication,
    forms: Sequence[Form],
    everyone: Sequence[People],
    apart: Bools,
    minimum: int,
) -> list[Quantity]:
    """All that is published of each visible set, each once."""
    overall = publication.is_named(OVERALL)
    none = np.zeros_like(overall)
    out: list[Quantity] = []
    for number, (cube, form, people) in enumerate(
        zip(publication.cubes, forms, everyone, strict=True)
    ):
        rows = publication.summed(number, cube.n_rows)
        # Of a metric with two sides the scarcer is shown, so either may be.
        counted = [publication.people(number, side) for side in form.sides]
        crowd = float(rows.sum())
        if cube.units is not None:
            crowd = max(min(float(one.numbers.sum()) for one in counted), 1.0)
        found = [(rows, 1.0, overall, publication.sets, apart, True)]
        for one, least in ((people, 1.0), *((side, 0.0) for side in counted)):
            hit = one.hits(publication.sets), one.hits(apart)
            found.append((one.numbers, least, overall, *hit, one is people))
        found += [
            (publication.summed(number, part), 0.0, none, publication.sets, apart, False)
            for part in summands(cube, form)
        ]
        for amounts, least, fixed, sets, others, of_people in found:
            width = width_of(amounts, crowd, minimum)
            known = any(
                np.array_equal(amounts, one.amounts) and np.array_equal(sets, one.sets)
                for one in out
            )
            if width > 0 and not known:
                kept = _limited(amounts, sets, others)
                out.append(
                    Quantity(
                        amounts=kept[0],
                        sets=kept[1],
                        apart=kept[2],
                        width=width,
                        needed_apart=_needed_apart(kept, width, minimum, of_people=of_people),
                        least=least,
                        fixed=fixed,
                    )
                )
    return out


def summands(cube: Cube, form: Form) -> list[Floats]:
    """What the published sums of a ratio consist of, by cell; none of them is negative where it can be helped.

    Of a proportion its numerator, the rest of its denominator, and the rows that are in neither: who
    knows that a group has no rest knows that all in it are alike.
    """
    if not isinstance(form, Ratio):
        return []
    above, below = form.split(cube.sums[:, None, :])
    rest, outside = below - above, cube.n_rows - below
    proportion = bool((above >= 0).all() and (rest >= 0).all())
    within = bool((below >= 0).all() and (outside >= 0).all())
    return [above, rest if proportion else below, *([outside] if within else [])]


def counted_rows(cube: Cube, side: tuple[int, ...]) -> Floats:
    """Rows of each cell that have a count of this side."""
    if cube.indicators:
        return np.asarray(cube.sums[:, list(side)].sum(axis=1), float)
    return cube.n_defined.astype(float)


def width_of(amounts: Floats, people: float, minimum: int) -> float:
    """Width that a range must have at least.

    As much as `minimum` people have on average, of a count at least `minimum`; at most half of what
    all have, since the total is no secret.
    """
    total = float(np.abs(amounts).sum())
    each = total / people
    whole = bool((amounts == np.round(amounts)).all())
    return min(minimum * (max(each, 1.0) if whole else each), total / 2)


def _needed_apart(
    kept: tuple[Floats, Bools, Bools], width: float, minimum: int, *, of_people: bool
) -> Floats:
    """Range that must be left of sets that are not published.

    Of rows and units as many as the fewest people that a visible set has: so wide is it within any.  Of other
    sums from 0 to what they hold: more is known of each part of a visible set.
    """
    amounts, _, apart = kept
    if of_people:
        return np.full(len(apart), min(width, float(minimum)))
    return np.clip(apart @ amounts, 0.0, width)


def _limited(amounts: Floats, sets: Bools, apart: Bools) -> tuple[Floats, Bools, Bools]:
    """Cells in the same sets are one; no more than can be solved."""
    every = np.concatenate([sets, apart])
    kind = kinds_of(every)
    first = np.unique(kind, return_index=True)[1]
    amounts, every = np.bincount(kind, amounts).astype(float), every[:, first]
    if len(amounts) > MOST_CELLS:
        # First those that are in few sets' company: the cells of small groups.
        company = every.T @ (1.0 / np.maximum(every.sum(axis=1), 1))
        kept = np.sort(np.argsort(-company, kind="stable")[:MOST_CELLS])
        amounts, every = amounts[kept], every[:, kept]
    return amounts, every[: len(sets)], every[len(sets) :]
