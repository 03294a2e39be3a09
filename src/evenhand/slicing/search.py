"""The search: level by level, exact, with bounds from all parents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenhand.errors import InputError
from evenhand.slicing.counter import Counter
from evenhand.slicing.scores import SliceScore

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Slices32 = npt.NDArray[np.int32]
#: Pairs of parents joined at a time, and candidates counted at a time (small at first: the sooner a
#: good slice is known, the more is pruned).
JOINED = 2_000_000
FIRST_WAVE = 512
#: Scores are compared with this slack, so that rounding prunes nothing.
SLACK = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Which slices are admissible.

    Attributes
    ----------
    depth : int
        Literals at most.
    rows : int
        Rows at least.
    denominator : float
        Denominator at least, in the integers of `Losses`; at least 1.
    least : float
        Smallest denominator that `rows` rows can have.
    candidates : int
        Slices that may be kept at a level before memory runs out.
    """

    depth: int
    rows: int
    denominator: float
    least: float
    candidates: int = 30_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProgress:
    """How far a search is: best scores so far, and the bound of what is left at this level."""

    level: int
    done: int
    total: int
    threshold: float
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """Slices of one number of literals with their sums; `steepest` as in `Losses`."""

    slices: Slices32
    sums: Integers
    steepest: Floats

    def take(self, chosen: npt.NDArray[np.bool_] | Integers) -> "Level":
        """Some of them."""
        return Level(
            slices=self.slices[chosen], sums=self.sums[chosen], steepest=self.steepest[chosen]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A slice in the list: literal numbers, score, and rows, numerator, denominator."""

    items: tuple[int, ...]
    score: float
    sums: tuple[int, int, int]


#: Exact score of a slice whose cheap score is an upper limit; `None` where it is not admissible.
Refine = Callable[[Candidate], Candidate | None]


@dataclass(slots=True, kw_only=True)
class Best:
    """The best slices so far, in order; ties go to fewer and earlier literals."""

    size: int
    above: float = -np.inf
    refine: Refine | None = None
    slices: list[Candidate] = field(default_factory=list)

    @property
    def threshold(self) -> float:
        """Score that a slice must reach to enter."""
        full = len(self.slices) >= self.size
        return max(self.slices[-1].score, self.above) if full else self.above

    def add(self, level: Level, scores: Floats) -> None:
        """Offer slices."""
        chosen = np.flatnonzero((scores >= self.threshold - SLACK) & (scores > self.above))
        order = chosen[np.argsort(-scores[chosen], kind="stable")]
        if self.refine is None:
            # Ties with the last that fits are kept: fewer and earlier literals decide.
            last = scores[order[min(self.size, len(order)) - 1]] if len(order) else 0.0
            self._enter([_candidate(level, n, scores) for n in order if scores[n] >= last])
            return
        for number in order:
            if scores[number] < self.threshold - SLACK:
                break
            offered = self.refine(_candidate(level, number, scores))
            if offered is not None and offered.score > self.above:
                self._enter([offered])

    def _enter(self, offered: list[Candidate]) -> None:
        self.slices.extend(offered)
        self.slices.sort(key=lambda c: (-c.score, len(c.items), c.items))
        del self.slices[self.size :]


def _candidate(level: Level, number: int, scores: Floats) -> Candidate:
    rows, above, below = map(int, level.sums[number])
    items = tuple(map(int, level.slices[number]))
    return Candidate(items=items, score=float(scores[number]), sums=(rows, above, below))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes
    ----------
    best : tuple of Candidate
        In order of score.
    exact : bool
        Whether no admissible slice has a higher score than the last of them.
    candidates, evaluated : int
        Slices considered, and those of them whose sums were counted.
    bound : float
        No slice that was not evaluated has a higher score; below the last score where `exact`.
    """

    best: tuple[Candidate, ...]
    exact: bool
    candidates: int
    evaluated: int
    bound: float


def search(
    counter: Counter,
    attribute: Integers,
    steepest: Floats,
    score: SliceScore,
    limits: Limits,
    *,
    top: int,
    above: float = -np.inf,
    bounded: bool = True,
    refine: Refine | None = None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> Found:
    """Find the best slices.

    Parameters
    ----------
    counter : Counter
        Sums of slices of literals.
    attribute : integer array of shape (items,)
        Attribute of each literal, in rising order; a slice has one literal of each at most.
    steepest : array of shape (items,)
        Largest loss per denominator among each literal's cells.
    score : SliceScore
        What to order by.
    limits : Limits
        Which slices are admissible.
    top : int
        How many to find.
    above : float
        Only slices with a higher score than this.
    bounded : bool
        Whether losses allow bounds; without them every admissible slice is evaluated.
    refine : callable, optional
        Exact score of slices whose cheap score is an upper limit.
    progress : callable, optional
        Told how far it is.

    Returns
    -------
    Found
        After an interruption (Ctrl-C) the best so far, not `exact`.
    """
    run = _Search(
        counter, attribute, score, limits, Best(size=top, above=above, refine=refine), progress
    )
    run.bounded = bounded
    exact = True
    try:
        run.levels(steepest)
    except KeyboardInterrupt:
        exact = False
    return Found(
        best=tuple(run.best.slices),
        exact=exact,
        candidates=run.candidates,
        evaluated=run.evaluated,
        bound=run.left if not exact else run.best.threshold,
    )


class _Search:
    """One search under way."""

    def __init__(
        self,
        counter: Counter,
        attribute: Integers,
        score: SliceScore,
        limits: Limits,
        best: Best,
        progress: Callable[[SearchProgress], None] | None,
    ) -> None:
        self.counter, self.attribute, self.score, self.limits = counter, attribute, score, limits
        self.best, self.progress = best, progress
        self.bounded = True
        self.candidates = self.evaluated = 0
        self.left = np.inf

    def levels(self, steepest: Floats) -> None:
        items = np.arange(len(self.attribute), dtype=np.int32)[:, None]
        first = Level(slices=items, sums=np.zeros((len(items), 3), np.int64), steepest=steepest)
        bound = np.full(len(items), np.inf)
        alive = self._evaluate(first, bound, 1)
        for depth in range(2, self.limits.depth + 1):
            alive = self._pruned(alive)
            if len(alive.slices) < depth:
                return
            self.left = float(self._bound(alive.sums, alive.steepest).max())
            candidates, bound = self._joined(alive)
            alive = self._evaluate(candidates, bound, depth)

    def _pruned(self, level: Level) -> Level:
        """Those that may have a good slice inside."""
        return level.take(self._bound(level.sums, level.steepest) >= self.best.threshold - SLACK)

    def _bound(self, sums: Integers, steepest: Floats) -> Floats:
        if not self.bounded:
            return np.full(len(sums), np.inf)
        above, below = sums[:, 1].astype(float), sums[:, 2].astype(float)
        least = max(self.limits.denominator, self.limits.least)
        bound = self.score.bound(above, steepest, below, least)
        return bound + SLACK * np.abs(np.where(np.isfinite(bound), bound, 0.0))

    def _evaluate(self, level: Level, bound: Floats, depth: int) -> Level:
        """Count candidates in order of their bounds, in waves; keep those that are admissible."""
        order = np.argsort(-bound, kind="stable")
        kept, start, wave = [_none(depth)], 0, FIRST_WAVE if self.bounded else 1 << 16
        total = len(order)
        while start < total and bound[order[start]] >= self.best.threshold - SLACK:
            # What lies inside those evaluated is bounded as they are; at the last level nothing does.
            last = depth == self.limits.depth
            self.left = float(bound[order[start if last else 0]])
            if self.progress is not None:
                threshold = self.best.threshold
                self.progress(
                    SearchProgress(
                        level=depth, done=start, total=total, threshold=threshold, bound=self.left
                    )
                )
            chosen = np.sort(order[start : start + wave])
            chosen = chosen[bound[chosen] >= self.best.threshold - SLACK]
            kept.append(self._count(level.take(chosen)))
            start, wave = start + wave, min(wave * 2, 1 << 16)
        out = stacked(kept)
        return out.take(np.lexsort(out.slices.T[::-1]))

    def _count(self, level: Level) -> Level:
        counted = Level(
            slices=level.slices, sums=self.counter.sums(level.slices), steepest=level.steepest
        )
        self.evaluated += len(level.slices)
        sums = counted.sums
        fits = (sums[:, 0] >= self.limits.rows) & (sums[:, 2] >= self.limits.denominator)
        counted = counted.take(fits)
        above, below = counted.sums[:, 1].astype(float), counted.sums[:, 2].astype(float)
        # A slice that is no worse than all rows together is never told, whatever its score.
        scores = np.where(self.score.worse(above, below), self.score.limit(above, below), -np.inf)
        self.best.add(counted, scores)
        return counted

    def _joined(self, alive: Level) -> tuple[Level, Floats]:
        """Candidates of the next level whose parents all are alive, with their bounds."""
        depth = alive.slices.shape[1] + 1
        kept, bounds, number = [_none(depth)], [np.zeros(0)], 0
        for level in join(alive, self.attribute):
            self.candidates += len(level.slices)
            bound = self._bound(level.sums, level.steepest)
            good = bound >= self.best.threshold - SLACK
            kept.append(level.take(good))
            bounds.append(bound[good])
            number += int(good.sum())
            if number > self.limits.candidates:
                raise InputError(
                    f"More than {self.limits.candidates:,} slices of {depth} literals "
                    "could be among the worst.  Raise the minimum support, lower the depth, or name fewer "
                    "features."
                )
        return stacked(kept), np.concatenate(bounds)


def join(alive: Level, attribute: Integers) -> Iterator[Level]:
    """Candidates made of two slices that differ in their last literal, all parents being alive.

    `alive` must be in lexicographic order.  Sums and steepness of a candidate are the smallest of
    its parents': limits of its own.
    """
    slices = alive.slices
    keys = _keys(slices, len(attribute))
    for first, second in _partners(slices, attribute):
        candidates = np.concatenate([slices[first], slices[second, -1:]], axis=1)
        sums = np.minimum(alive.sums[first], alive.sums[second])
        steepest = np.minimum(alive.steepest[first], alive.steepest[second])
        there = np.ones(len(candidates), bool)
        for omitted in range(candidates.shape[1] - 2):
            parents = np.delete(candidates, omitted, axis=1)
            wanted = _keys(parents, len(attribute))
            place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            there &= keys[place] == wanted
            sums = np.minimum(sums, alive.sums[place])
            steepest = np.minimum(steepest, alive.steepest[place])
        yield Level(slices=candidates, sums=sums, steepest=steepest).take(there)


def _partners(slices: Slices32, attribute: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Pairs of slices that share all but the last literal, whose last literals differ in attribute."""
    count = len(slices)
    new = np.ones(count, bool)
    new[1:] = (slices[1:, :-1] != slices[:-1, :-1]).any(axis=1)
    ends = np.append(np.flatnonzero(new)[1:], count)
    end = ends[np.cumsum(new) - 1]
    follow = end - np.arange(count) - 1
    start = 0
    while start < count:
        reach = int(np.searchsorted(np.cumsum(follow[start:]), JOINED)) + 1
        block = np.arange(start, min(start + reach, count))
        first = np.repeat(block, follow[block])
        offset = np.arange(len(first)) - np.repeat(
            np.cumsum(follow[block]) - follow[block], follow[block]
        )
        second = first + 1 + offset
        apart = attribute[slices[first, -1]] != attribute[slices[second, -1]]
        yield first[apart], second[apart]
        start = int(block[-1]) + 1


def _keys(slices: Slices32, items: int) -> Integers:
    """One number a slice, in lexicographic order."""
    key = np.zeros(len(slices), np.int64)
    for column in slices.T:
        key = key * items + column
    return key


def _none(depth: int) -> Level:
    return Level(
        slices=np.zeros((0, depth), np.int32),
        sums=np.zeros((0, 3), np.int64),
        steepest=np.zeros(0),
    )


def stacked(levels: Sequence[Level]) -> Level:
    """Slices of several chunks, of which there is at least one, together."""
    return Level(
        slices=np.concatenate([level.slices for level in levels]),
        sums=np.concatenate([level.sums for level in levels]),
        steepest=np.concatenate([level.steepest for level in levels]),
    )
