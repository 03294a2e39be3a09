"""An attack on a published report: what follows of its hidden numbers, by linear programming.

It knows nothing but the report, and shares nothing with what hides (`hiding`).  Its unknowns are the rows,
units and sums of *atoms*, the finest sets that the report's predicates tell apart; every number that stands in
the report is an equation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from evenhand.audits.disclosure.atoms import atoms_of, read_columns
from evenhand.audits.disclosure.printed import Printed, PrintedSet
from evenhand.deferred import optimize, sparse

Floats = npt.NDArray[np.float64]
#: Rows at most of a table of which the digits of a rate tell how many rows it is of, and how exact it must be.
MOST_ROWS, EXACT = 3_000, 3e-10
#: Pairs of overlapping sets at most of which the intersection is asked.
MOST_PAIRS = 2_000
_CLOSE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A number that should be hidden, and follows.

    `needed` is how wide the range of `low` to `high` should at least be.
    """

    metric: str
    group: str
    number: str
    low: float
    high: float
    needed: float

    @property
    def text(self) -> str:
        """As a sentence."""
        low, high = round(self.low, 3), round(self.high, 3)
        if high - low < _CLOSE:
            return f"{self.group}: the {self.number} can only be {low:g}."
        return (
            f"{self.group}: the {self.number} must lie from {low:g} to {high:g}; "
            f"a range of {self.needed:.3g} was due."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What an attack found: `hidden` numbers were looked at, `leaks` follow."""

    hidden: int
    leaks: tuple[Leak, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _KnownNumbers:
    """One kind of number: its equations over atoms."""

    name: str
    sets: Floats
    numbers: Floats
    hidden: Floats
    least: float
    needed: float
    everyone: bool = False
    of_people: bool = False


def attack(printed: Sequence[Printed], minimum: int | None = None) -> Attack:
    """Ask of every hidden number of a publication what it can be.

    Parameters
    ----------
    printed : sequence of Printed
        Audits that were published together.
    minimum : int, optional
        Fewest people of a group that may be shown; else what the report says.

    Notes
    -----
    Attackers as in Fischetti & Salazar (2001), doi:10.1287/mnsc.47.7.1008.9805: who knows that counts are
    not negative and that a hidden group is not empty.
    """
    leaks: dict[tuple[str, str], Leak] = {}
    looked = 0
    for together in _same_rows(printed):
        fewest = minimum if minimum is not None else max(one.minimum for one in together)
        for part in _components(together):
            found = _Component(together, part, fewest)
            looked += found.hidden
            for leak in found.leaks():
                leaks.setdefault((leak.group, leak.number), leak)
    return Attack(hidden=looked, leaks=tuple(leaks.values()))


def _same_rows(printed: Sequence[Printed]) -> list[list[Printed]]:
    """Audits of the same rows: what one hides another might show."""
    out: dict[tuple[int | None, str | None], list[Printed]] = {}
    for one in printed:
        out.setdefault((one.rows, one.unit), []).append(one)
    return list(out.values())


def _components(printed: Sequence[Printed]) -> list[list[tuple[str, ...]]]:
    """Partitions that share columns; what is shown of others says no more than the total."""
    out: list[tuple[set[str], list[tuple[str, ...]]]] = []
    shown = [one for audit in printed for one in audit.shown]
    for by in dict.fromkeys(one.by for one in shown):
        columns = {c for one in shown if one.by == by for c in read_columns(one.rows_of)}
        linked = [one for one in out if one[0] & columns]
        out = [one for one in out if not one[0] & columns]
        joined = [name for _, members in linked for name in members]
        out.append((columns.union(*(one[0] for one in linked)), [*joined, by]))
    return [members for _, members in out]


class _Component:
    """The sets of some partitions over their atoms."""

    def __init__(
        self, printed: Sequence[Printed], part: list[tuple[str, ...]], minimum: int
    ) -> None:
        self.printed, self.minimum = printed, minimum
        self.of = [{s.text: s for s in audit.shown if s.by in part} for audit in printed]
        self.shown = list({text: one for audit in self.of for text, one in audit.items()}.values())
        first = printed[0]
        atoms = atoms_of(self.shown, complete=first.rows is not None)
        self.sets = np.array(atoms, float).T.reshape(len(self.shown), -1)
        self.whole = np.ones(self.sets.shape[1])
        self.names = [one.text for one in self.shown]
        hidden = [any(found[t].hidden for found in self.of if t in found) for t in self.names]
        self.is_hidden = np.array(hidden, bool)
        self.rests = [self._rests(a, found) for a, found in zip(printed, self.of, strict=True)]

    @property
    def hidden(self) -> int:
        """How many sets hide their numbers."""
        return int(self.is_hidden.sum())

    def leaks(self) -> Iterator[Leak]:
        """What follows of hidden sets, and of few people that no set of the report names."""
        kinds = list(self._kinds())
        for number, facts in enumerate(kinds):
            if facts.needed <= 0:
                continue
            knowledge = _Knowledge(facts)
            for place in np.flatnonzero(self.is_hidden):
                low, high = knowledge.range_of(self.sets[place], facts.needed)
                if high - low < facts.needed - _CLOSE:
                    yield self._leak(facts, self.names[place], low, high)
            if number == 0 or facts.everyone:
                yield from self._few(knowledge, facts)

    def _leak(self, facts: _KnownNumbers, name: str, low: float, high: float) -> Leak:
        return Leak(
            metric=self.printed[0].title,
            group=name,
            number=facts.name,
            low=round(low, 6),
            high=round(high, 6),
            needed=facts.needed,
        )

    def _few(self, knowledge: "_Knowledge", facts: _KnownNumbers) -> Iterator[Leak]:
        """Sets that are of a few people: shown ones, and what follows of those that are not named."""
        told = {tuple(one) for one in self.sets}
        numbers = {tuple(one): n for one, n in zip(facts.sets, facts.numbers, strict=True)}
        for name, members in zip(self.names, self.sets, strict=True):
            number = float(numbers.get(tuple(members), 0.0))
            if facts.of_people and 0 < number < self.minimum:
                yield self._leak(facts, f"{name}, which is shown", number, number)
        for name, members in self._unnamed():
            if tuple(members) in told or not members.any():
                continue
            told.add(tuple(members))
            low, high = knowledge.range_of(members, facts.needed, enough=self.minimum)
            few = low > 0.5 and high < self.minimum - 0.5
            if few and high - low < facts.needed - _CLOSE:
                yield self._leak(facts, name, low, high)

    def _unnamed(self) -> Iterator[tuple[str, Floats]]:
        every, names = [*self.sets, self.whole], [*self.names, "all rows"]
        for atom in np.eye(len(self.whole)):
            inside = [n for n, one in zip(self.names, self.sets, strict=True) if one @ atom]
            yield f"in {' and in '.join(inside)}" if inside else "in none of the groups", atom
        pairs = 0
        for i, one in enumerate(every):
            for j, two in enumerate(every):
                both = one * two
                if i == j or not both.any():
                    continue
                yield f"{names[i]} without {names[j]}", one - both
                if i < j and pairs < MOST_PAIRS and (one - both).any() and (two - both).any():
                    pairs += 1
                    yield f"{names[i]} and {names[j]}", both

    # -- comparisons ---------------------------------------------------------------------------

    def _rests(
        self, audit: Printed, shown: dict[str, PrintedSet]
    ) -> list[tuple[Floats, PrintedSet]]:
        """Rests that groups were compared with, where their rate alone tells how many they are.

        A rate of 37 in 101 is one of 101, 202, … rows; if only the first fits, it is known.
        """
        if audit.rows is None or audit.rows != audit.below or audit.rows > MOST_ROWS:
            return []
        out = []
        for one in shown.values():
            others = [s for s in shown.values() if s.by == one.by and not s.lacks]
            if one.rest is None or one.rows is None:
                continue
            mixed = " × ".join(one.by) in audit.mixed
            given = self.whole if mixed else self._given(one, others)
            members = given - self._members(one)
            left = audit.rows - sum(s.rows or 0 for s in others)
            rate = Fraction(one.rest).limit_denominator(audit.rows)
            exact = abs(float(rate) - one.rest) < EXACT
            if exact and left and 2 * rate.denominator > left >= rate.denominator:
                above, rows = rate.numerator, rate.denominator
                told = replace(
                    one, rows=rows, units=None, above=above, below=rows, hidden=False, rest=None
                )
                out.append((members, told))
        return out

    def _members(self, one: PrintedSet) -> Floats:
        return np.asarray(self.sets[self.names.index(one.text)], float)

    def _given(self, one: PrintedSet, others: Sequence[PrintedSet]) -> Floats:
        """Rows that do not lack what the partition asks."""
        if one.by != (one.text,):
            return np.asarray(np.any([self._members(s) for s in others], axis=0), float)
        lacking = [
            self._members(s)
            for found in self.of
            for s in found.values()
            if s.by == one.by and s.lacks
        ]
        return np.asarray(self.whole - (lacking[0] if lacking else 0.0), float)

    # -- equations -----------------------------------------------------------------------------

    def _kinds(self) -> Iterator[_KnownNumbers]:
        """Every kind of number that the report gives of sets."""
        first = self.printed[0]
        people: int | None = max(one.units or 0 for one in self.printed) or None
        people = people if first.unit else first.rows
        if people is None:
            known = [(self.whole, one) for one in self.of[0].values() if one.rows is not None]
            people = int(self._at_least(known, np.array([one.rows for _, one in known], float)))
        rows = self._facts("rows", first.rows, self.of, least=1.0)
        alone = all(one.unit is None for one in self.printed)
        yield replace(self._due(rows, first.rows, people), of_people=alone)
        for audit, shown in zip(self.printed, self.of, strict=True):
            # Of a metric with two sides it is not told which of them is counted.
            if audit.below is not None or any(one.below is not None for one in shown.values()):
                everyone = audit.unit is not None and audit.below == audit.rows is not None
                if audit.adds_up and not (audit.unit is None and audit.units == audit.rows):
                    units = self._facts("units", audit.units, [shown], least=float(everyone))
                    name = "units" if everyone else f"units that count in {audit.title}"
                    named = replace(units, name=name)
                    due = self._due(named, audit.units, people)
                    yield replace(due, everyone=everyone, of_people=everyone)
                yield from self._sums(audit, shown, people)

    def _facts(
        self, field: str, total: int | None, audits: list[dict[str, PrintedSet]], least: float
    ) -> _KnownNumbers:
        """Equations of a number that these audits share."""
        sets, numbers = [], []
        if total is not None:
            sets.append(self.whole)
            numbers.append(float(total))
        for place, text in enumerate(self.names):
            known = [getattr(found[text], field) for found in audits if text in found]
            value = next((number for number in known if number is not None), None)
            if value is not None:
                sets.append(self.sets[place])
                numbers.append(float(value))
        for members, rest in (one for rests in self.rests for one in rests):
            if field == "rows" and rest.rows is not None:
                sets.append(members)
                numbers.append(float(rest.rows))
        return self._equations(field, sets, numbers, least)

    def _equations(
        self, name: str, sets: list[Floats], numbers: list[float], least: float
    ) -> _KnownNumbers:
        return _KnownNumbers(
            name=name,
            sets=np.array(sets).reshape(len(sets), len(self.whole)),
            numbers=np.array(numbers),
            hidden=self.sets[self.is_hidden],
            least=least,
            needed=0.0,
        )

    def _sums(
        self, audit: Printed, shown: dict[str, PrintedSet], people: float | None
    ) -> Iterator[_KnownNumbers]:
        """Numerators, what is left of denominators, and rows that are in neither."""
        whole = PrintedSet(
            by=(),
            rows_of=audit.shown[0].rows_of,
            text="all rows",
            rows=audit.rows,
            units=audit.units,
            above=audit.above,
            below=audit.below,
            hidden=audit.above is None,
        )
        known = [(self.whole, whole)] if whole.above is not None else []
        known += [
            (self.sets[self.names.index(text)], one)
            for text, one in shown.items()
            if one.above is not None
        ]
        known += self.rests[self.printed.index(audit)]
        if not known:
            return
        table = np.array([[one.above, one.below, one.rows] for _, one in known], float)
        above, rest, outside = table[:, 0], table[:, 1] - table[:, 0], table[:, 2] - table[:, 1]
        kinds = [("numerator", above)] if (above >= 0).all() else []
        proportion = bool((above >= 0).all() and (rest >= 0).all())
        kinds.append(
            ("denominator less numerator", rest) if proportion else ("denominator", table[:, 1])
        )
        kinds += (
            [("rows outside the denominator", outside)]
            if audit.once and (outside >= 0).all()
            else []
        )
        for name, numbers in kinds:
            facts = self._equations(
                f"{name} of {audit.title}", [one for one, _ in known], list(numbers), 0.0
            )
            total = float(numbers[0]) if whole.above is not None else self._at_least(known, numbers)
            if not numbers.any():  # there is none of it anywhere
                continue
            yield self._due(facts, total, people)

    def _at_least(self, known: list[tuple[Floats, PrintedSet]], numbers: Floats) -> float:
        """What all must have at least, where it is not told."""
        sums: dict[tuple[str, ...], float] = {}
        for (_, one), number in zip(known, numbers, strict=True):
            sums[one.by] = sums.get(one.by, 0.0) + number
        return max(sums.values(), default=0.0)

    def _due(
        self,
        facts: _KnownNumbers,
        total: float | None,
        people: float | None,
    ) -> _KnownNumbers:
        """The same with the width that is due, as it is promised in the documentation."""
        needed = float(self.minimum)
        if total is not None and people:
            each = total / people
            whole = bool((facts.numbers == np.round(facts.numbers)).all())
            needed = min(self.minimum * (max(each, 1.0) if whole else each), total / 2)
        return replace(facts, needed=needed)


class _Knowledge:
    """What some equations leave open; what was found of one set is used for the others."""

    def __init__(self, facts: _KnownNumbers) -> None:
        self.scale = max(facts.needed, 1e-300)
        count = facts.sets.shape[1]
        self.equal = sparse.csr_array(facts.sets) if len(facts.sets) else None
        self.numbers = facts.numbers / self.scale if len(facts.sets) else None
        bounded = facts.least > 0 and len(facts.hidden) > 0
        self.hidden = sparse.csr_array(-facts.hidden) if bounded else None
        self.least = np.full(len(facts.hidden), -facts.least / self.scale) if bounded else None
        self.seen = np.zeros((0, count))
        self.solvable = True

    def range_of(
        self, members: Floats, needed: float, enough: float | None = None
    ) -> tuple[float, float]:
        """Least and most that a set can hold; no longer looked for once the range is as wide as needed."""
        low, high = self._seen(members)
        if low <= high and (high - low >= needed or (enough is not None and high >= enough)):
            return low, high
        if enough is not None and low <= 0:
            return low, high
        ends = []
        for sign in (1.0, -1.0):
            found = self._solve(sign * members)
            if found is None:
                return 0.0, float("inf")
            ends.append(found)
            low, high = self._seen(members)
            if high - low >= needed:
                return low, high
        return ends[0], -ends[1]

    def _seen(self, members: Floats) -> tuple[float, float]:
        if not len(self.seen):
            return float("inf"), float("-inf")
        values = self.seen @ members * self.scale
        return float(values.min()), float(values.max())

    def _solve(self, goal: Floats) -> float | None:
        if not self.solvable:
            return None
        found = optimize.linprog(
            goal,
            A_ub=self.hidden,
            b_ub=self.least,
            A_eq=self.equal,
            b_eq=self.numbers,
            bounds=(0, None),
            method="highs",
        )
        if found.status == 3:
            return float("-inf")
        if found.status != 0:
            # Numbers below 0: no atom has the bound that is taken for known.
            self.solvable = False
            return None
        self.seen = np.concatenate([self.seen, found.x[None, :]])
        return float(found.fun) * self.scale
