"""The book of a watch: its groups, their monitors, and what was taken in so far."""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.groups import Partition
from evenhand.watching.monitor import Bets, GroupRows, Monitor
from evenhand.watching.reading import ScoredRows, key_text

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: A group by its partition and key.
Named = tuple[int, tuple[str | None, ...]]
#: Groups at most.
MOST_GROUPS = 5_000
#: Share of the level that is kept for groups that appear later.
LATE = 0.1
#: What rows are counted under that lack an attribute, before its name.
LACKING = "missing_attribute:"
#: Places of the past that are kept for figures: of each group, and of all together.
BINS, ALL_BINS = 48, 1_200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRules:
    """What is an alarm.

    Attributes
    ----------
    threshold : float, optional
    level : float
        Probability that no group within the threshold is ever called above it.
    run_length : float
        Rows of a group, on average, before a change is told that is none.
    low, high : float, optional
        Bounds of a row's value.
    higher_is_worse : bool
    room : int, optional
        Groups that the level is shared by; as many as the first rows have where not given.

    Notes
    -----
    Harm is scaled so that 0 is the good bound and 1 the bad: a rate that is tolerated has harm above 0.
    """

    threshold: float | None
    level: float
    run_length: float
    low: float
    high: float | None
    higher_is_worse: bool
    room: int | None = None

    @property
    def size(self) -> float:
        """What harm is divided by: the width of the bounds."""
        return 1.0 if self.high is None else self.high - self.low

    def harm(self, a: Floats, b: Floats) -> Floats:
        """Harm of rows, from 0 on: how far they are from the good bound, in widths."""
        if self.higher_is_worse:
            far = a - self.low * b if self.low else a
        else:
            assert self.high is not None
            far = self.high * b - a
        return far if self.size == 1 else far / self.size

    def scaled(self, value: float) -> float:
        """A rate as its harm."""
        far = value - self.low if self.higher_is_worse else (self.high or 0.0) - value
        return far / self.size

    def value(self, a: float, b: float) -> float | None:
        """The rate whose harm and denominator are summed."""
        if not b:
            return None
        far = a / b * self.size
        return self.low + far if self.higher_is_worse else (self.high or 0.0) - far


@dataclass(slots=True, kw_only=True)
class Book:
    """Groups in the order of their appearance, with their monitors.

    Attributes
    ----------
    rules : AlarmRules
    partitions : tuple of Partition
        The first, without names, is everyone.
    names : tuple of str
        Names of the attributes, in the order of the rows' codes.
    predicates : frozenset of str
        Those that are predicates: only rows in them are a group.
    room : int
        Groups that share most of the level; 0 before the first rows.
    places : dict
        Number of each group, by its partition and key.
    keys : list
        Partition and key of each group.
    monitors : list of Monitor
    visits : dict
        How often each unit was seen in each group, and how often up to the last settlement.
    rows : int
        Rows taken in.
    newest : float, optional
        Time of the newest row.
    clock : {'number', 'date'}, optional
        What times are.
    counts : dict
        Rows and files by what became of them.
    """

    rules: AlarmRules
    partitions: tuple[Partition, ...]
    names: tuple[str, ...]
    predicates: frozenset[str] = frozenset()
    room: int = 0
    places: dict[tuple[int, str], int] = field(default_factory=dict)
    keys: list[Named] = field(default_factory=list)
    monitors: list[Monitor] = field(default_factory=list)
    visits: dict[tuple[int, str], tuple[int, int]] = field(default_factory=dict)
    rows: int = 0
    newest: float | None = None
    clock: str | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str, number: int) -> None:
        """Count what became of rows."""
        if number:
            self.counts[name] = self.counts.get(name, 0) + number

    def alarms(self) -> set[tuple[Named, str]]:
        """Groups and kinds of the alarms."""
        pairs = zip(self.keys, self.monitors, strict=True)
        return {(key, kind) for key, monitor in pairs for kind in monitor.alarms}

    def settle(self, note: str, closed: Container[tuple[Named, str]]) -> None:
        """Close the alarms named, and begin the evidence of all groups anew."""
        for key, monitor in zip(self.keys, self.monitors, strict=True):
            kinds = [kind for kind in monitor.alarms if (key, kind) in closed]
            monitor.settle(note, self.rows, self.newest, kinds)
        # Each unit bets anew; which visit was its first of all stays known.
        self.visits = {named: (n, n) for named, (n, _) in self.visits.items()}

    def weight(self, group: int) -> float:
        """Share of the level that a group has."""
        if group < self.room:
            return (1 - LATE) / self.room
        late = group - self.room + 1
        return LATE / (late * (late + 1))

    def bets(self, group: int) -> Bets:
        """What a group is held against."""
        rules, weight = self.rules, self.weight(group)
        alpha = (1 - rules.level) * weight
        return Bets(
            threshold=None if rules.threshold is None else rules.scaled(rules.threshold),
            past=rules.high is not None,
            above=-math.log(alpha),
            changed=math.log(rules.run_length / weight),
            alpha=alpha,
        )

    def everywhere(self, *, units: bool) -> float:
        """Logarithm of the evidence that some group is above, as it is now: the weighted mean of all."""
        weights = [self.weight(group) for group in range(len(self.monitors))]
        logs = [
            monitor.evidence(units=units) + math.log(weight)
            for monitor, weight in zip(self.monitors, weights, strict=True)
        ]
        rest = 1 - sum(weights)
        return float(np.logaddexp.reduce([*logs, *([math.log(rest)] if rest > 1e-12 else [])]))

    def take(self, rows: ScoredRows) -> None:
        """Take rows in, in their order."""
        if not len(rows):
            return
        if rows.time is not None:
            if self.newest is not None:
                self.count("late", int((rows.time < self.newest).sum()))
            newest = float(rows.time.max())
            self.newest = newest if self.newest is None else max(newest, self.newest)
        a = self.rules.harm(rows.a, rows.b)
        outside = a < 0
        if outside.any():
            self.count("out_of_bounds", int(outside.sum()))
            a = np.where(outside, 0.0, a)
        if self.rules.high is not None:
            self.count("beyond_bound", int((a > rows.b).sum()))
        for name, values, codes in zip(self.names, rows.values, rows.codes, strict=True):
            if None in values:
                self.count(f"{LACKING}{name}", int((codes == values.index(None)).sum()))
        numbers = self.rows + 1 + np.arange(len(rows))
        groups = [self._groups(place, rows) for place in range(len(self.partitions))]
        self._admit(groups)
        for place, (codes, keys) in enumerate(groups):
            self._monitors(place, codes, keys, rows, a, numbers)
        self.rows += len(rows)

    def _groups(
        self, place: int, rows: ScoredRows
    ) -> tuple[Integers, list[tuple[str | None, ...]]]:
        """Which group of a partition each row is in, and the groups' keys in the order of appearance."""
        names = self.partitions[place].names
        if not names:
            return np.zeros(len(rows), np.int64), [()]
        columns = [self.names.index(name) for name in names]
        joined, size = np.zeros(len(rows), np.int64), 1
        for column in columns:
            joined = joined * len(rows.values[column]) + rows.codes[column]
            size *= len(rows.values[column])
        if size <= 4 * len(rows) + 1000:
            first = np.full(size, -1)
            first[joined[::-1]] = np.arange(len(rows))[::-1]
            present = np.flatnonzero(first >= 0)
            order = present[np.argsort(first[present])]
            number = np.zeros(size, np.int64)
            number[order] = np.arange(len(order))
            codes = number[joined]
        else:
            order, first, codes = np.unique(joined, return_index=True, return_inverse=True)
            rank = np.argsort(np.argsort(first))
            codes, order = rank[codes.reshape(-1)], order[np.argsort(first)]
        keys = []
        for one in order.tolist():
            key: list[str | None] = []
            rest = one
            for column in reversed(columns):
                rest, own = divmod(rest, len(rows.values[column]))
                key.append(rows.values[column][own])
            keys.append(tuple(reversed(key)))
        return codes, keys

    def _admit(self, groups: Sequence[tuple[Integers, list[tuple[str | None, ...]]]]) -> None:
        """Number the groups that were not seen before, and share the level where these are the first."""
        for place, (_, keys) in enumerate(groups):
            for key in keys:
                if None not in key and not self._outside(place, key):
                    self.admit(place, key)
        if not self.room:
            self.room = self.rules.room or len(self.monitors)

    def place(self, place: int, key: tuple[str | None, ...]) -> int:
        """Number of a group."""
        return self.places[(place, key_text(key))]

    def admit(self, place: int, key: tuple[str | None, ...]) -> int:
        """Number of a group, which is new where it was not seen before.

        Raises
        ------
        InputError
            Where there are too many.
        """
        named = (place, key_text(key))
        if named not in self.places:
            if len(self.monitors) >= MOST_GROUPS:
                raise InputError(
                    f"--by makes more than {MOST_GROUPS:,} groups; that many cannot be watched together.  Cut it "
                    "more coarsely."
                )
            self.places[named] = len(self.monitors)
            self.keys.append((place, key))
            self.monitors.append(Monitor())
        return self.places[named]

    def _outside(self, place: int, key: tuple[str | None, ...]) -> bool:
        """Whether a key says that a predicate does not hold: only those in it are a group."""
        pairs = zip(self.partitions[place].names, key, strict=True)
        return any(name in self.predicates and value == "false" for name, value in pairs)

    def _monitors(
        self,
        place: int,
        codes: Integers,
        keys: Sequence[tuple[str | None, ...]],
        rows: ScoredRows,
        a: Floats,
        numbers: Integers,
    ) -> None:
        """Take the rows of each group of a partition in."""
        small = codes.astype(np.uint16) if len(keys) < 65_536 else codes
        order = np.argsort(small, kind="stable") if len(keys) > 1 else None
        ends = np.cumsum(np.bincount(codes, minlength=len(keys)))
        for number, key in enumerate(keys):
            group = self.places.get((place, key_text(key)))
            if group is None:
                continue
            own: Integers | slice = slice(None)
            if order is not None:
                own = order[ends[number - 1] if number else 0 : ends[number]]
            layer, first = (
                (None, None) if rows.unit is None else self._layers(group, rows.unit, own)
            )
            self.monitors[group].take(
                GroupRows(
                    a=a[own],
                    b=rows.b[own],
                    row=numbers[own],
                    time=None if rows.time is None else rows.time[own],
                    layer=layer,
                    first=first,
                ),
                self.bets(group),
                self.bins,
            )

    @property
    def bins(self) -> int:
        """Places of the past that are kept of each group."""
        return min(BINS, ALL_BINS // max(len(self.monitors), self.room, 1))

    def _layers(
        self, group: int, units: Sequence[str], own: Integers | slice
    ) -> tuple[Integers, npt.NDArray[np.bool_]]:
        """Which visit of its unit each row of a group is since the last settlement, from 0, and whether its first."""
        places = range(*own.indices(len(units))) if isinstance(own, slice) else own.tolist()
        layer, first = np.empty(len(places), np.int64), np.empty(len(places), bool)
        for i, row in enumerate(places):
            named = (group, units[row])
            seen, settled = self.visits.get(named, (0, 0))
            layer[i], first[i] = seen - settled, not seen
            self.visits[named] = (seen + 1, settled)
        return layer, first
