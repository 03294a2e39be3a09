"""The monitor of one group: sums and evidence, taken further by each row and never begun anew."""

from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.stats.monitors import (
    STAKES,
    ever_above,
    log_factors,
    mean_of_stakes,
    recursion,
    run_steps,
)
from evenhand.watching.lengths import LONG, counted_ones, usual_length, usual_lengths
from evenhand.watching.marks import Alarm, Settlement, StreamPlace
from evenhand.watching.past import Past

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Visits of a unit that bet, since the last settlement; later ones count in the rates only.
MOST_LAYERS = 1024
#: The stake whose run of evidence tells since when.
_TELLING = 2
#: Evidence beyond this is not told apart.
_MOST_LOG = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bets:
    """What a group is held against.

    Attributes
    ----------
    threshold : float, optional
        Rate that is tolerated, scaled to the bounds; without one only changes are looked for.
    past : bool
        Whether changes are looked for.
    above, changed : float
        Logarithms that the evidence must reach for an alarm.
    alpha : float
        Probability that the limit of the past is ever wrong.
    """

    threshold: float | None
    past: bool
    above: float
    changed: float
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRows:
    """Rows of one group in their order.

    Attributes
    ----------
    a, b : array
        Harm and what it is divided by, scaled so that a row is at most ``a = b`` where bounds are known.
    row : array
        Number of each among all rows.
    time : array, optional
    layer : array, optional
        Which visit of its unit each row is since the last settlement, from 0; without units all are 0.
    first : array, optional
        Whether it is its unit's first visit of all.
    """

    a: Floats
    b: Floats
    row: Integers
    time: Floats | None
    layer: Integers | None
    first: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.a)

    def at(self, place: int) -> float | None:
        """Time of a row."""
        return None if self.time is None else float(self.time[place])


@dataclass(slots=True, kw_only=True)
class Monitor:
    """Sums and evidence of one group.

    Attributes
    ----------
    now : StreamPlace
        Rows so far.
    first : float, optional
        Time of the first row.
    lengths : dict
        Rows by the power of two of what they are divided by; see `evenhand.watching.lengths.usual_lengths`.
    long_rows : int
        Rows more than eight times as long as usual before them: they bet by their own length.
    above, changed : array of shape (layers, stakes)
        Logarithms of the evidence.
    past : Past
        First visits, each unit once, and what they are known not to exceed.
    known_since : int
        Units since the last settlement, each once; rows where there are no units.
    silent : int
        The last rows, none of which was evidence: units that had come too often.
    run : float
        Logarithm of the evidence since `since`, of one stake.
    since : StreamPlace
        Where it began.
    alarms : dict
        By kind, the first of each since the last settlement.
    settled : list of Settlement
        Alarms that were closed.
    begun : StreamPlace
        Where evidence was begun anew, at the last settlement.
    plain : bool
        Whether all rows were 0 or 1, without units: then sums tell the evidence against the threshold.
    history : list of StreamPlace
        Sums at every so many rows.
    """

    now: StreamPlace = field(default_factory=StreamPlace)
    first: float | None = None
    lengths: dict[int, float] = field(default_factory=dict)
    long_rows: int = 0
    above: Floats = field(default_factory=lambda: np.zeros((0, len(STAKES))))
    changed: Floats = field(default_factory=lambda: np.zeros((0, len(STAKES))))
    past: Past = field(default_factory=Past)
    known_since: int = 0
    silent: int = 0
    run: float = 0.0
    since: StreamPlace = field(default_factory=StreamPlace)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    settled: list[Settlement] = field(default_factory=list)
    begun: StreamPlace = field(default_factory=StreamPlace)
    plain: bool = True
    history: list[StreamPlace] = field(default_factory=list)

    @property
    def limit(self) -> float:
        """Smallest upper limit of the past so far."""
        return self.past.limit

    def take(self, rows: GroupRows, bets: Bets, bins: int) -> None:
        """Take rows in, in their order; `bins` is how many places of the past are kept for figures."""
        if not len(rows):
            return
        self.first = rows.at(0) if self.now.n == 0 else self.first
        self.past.shards = np.zeros(2)
        whole = rows.layer is None and bool((rows.b == 1).all())
        plain = whole and bool(((rows.a == 0) | (rows.a == 1)).all())
        plain = plain and usual_length(self.now.n, self.lengths) <= 1
        found = _Proportion(self, rows, bets) if plain else _Sums(self, rows, bets)
        found.go()
        self._remember(rows, bins)
        self.now = found.mark(len(rows) - 1)
        self.silent = self._silent(rows.layer)
        self.known_since += len(rows) if rows.layer is None else int((rows.layer == 0).sum())

    def _silent(self, layer: Integers | None) -> int:
        """How many of the last rows were no evidence, after these."""
        if layer is None:
            return 0
        bet = np.flatnonzero(layer < MOST_LAYERS)
        return len(layer) - 1 - int(bet[-1]) if len(bet) else self.silent + len(layer)

    def note(self, kind: str, at: StreamPlace, since: StreamPlace) -> None:
        """Note an alarm, with the sums of the rows whose evidence it is: those since the last settlement."""
        a, b = at.a - self.begun.a, at.b - self.begun.b
        self.alarms[kind] = Alarm(kind=kind, at=at, since=since, a=a, b=b)

    def settle(self, note: str, row: int, time: float | None, kinds: Container[str]) -> None:
        """Close alarms of these kinds, and begin evidence anew; what the past is known not to exceed stays.

        `row` and `time` are those of the newest row of all groups.
        """
        now = self.now
        at = StreamPlace(n=now.n, a=now.a, b=now.b, row=row, time=time)
        closed = [kind for kind in self.alarms if kind in kinds]
        self.settled += [
            Settlement(alarm=self.alarms.pop(kind), at=at, note=note) for kind in closed
        ]
        self.begun, self.silent, self.known_since = at, 0, 0
        self.above, self.changed = np.zeros((0, len(STAKES))), np.zeros((0, len(STAKES)))
        # Sums of all rows no longer tell the evidence: it is of the rows since.
        self.plain = self.plain and not self.now.n
        self.run, self.since = 0.0, self.now

    def evidence(self, *, units: bool) -> float:
        """Logarithm of the evidence against the threshold, as it is now."""
        return _joined(self.above, above=True, units=units)

    def change(self, *, units: bool) -> float:
        """Logarithm of the change statistic, as it is now."""
        return _joined(self.changed, above=False, units=units)

    def _remember(self, rows: GroupRows, bins: int) -> None:
        """Keep sums at every so many rows, a power of two, so that at most `bins` are kept."""
        if bins < 2:
            return
        start, n = self.now.n, self.now.n + len(rows)
        width = _width(n, bins)
        kept = self._thinned(width, bins)
        first = (start // width + 1) * width
        ends = np.arange(first, n + 1, width) - start - 1
        if len(ends):
            a, b = self.now.a + np.cumsum(rows.a)[ends], self.now.b + np.cumsum(rows.b)[ends]
            for place, up, down in zip(ends.tolist(), a.tolist(), b.tolist(), strict=True):
                row = int(rows.row[place])
                kept.append(
                    StreamPlace(n=start + place + 1, a=up, b=down, row=row, time=rows.at(place))
                )
        self.history = kept

    def _thinned(self, width: int, bins: int) -> list[StreamPlace]:
        """Marks of the past that lie at multiples of a width; of merged pasts, which lie anywhere, at most so many."""
        own = _width(self.now.n, bins)
        merged = [mark for mark in self.history if mark.n % own]
        kept = [mark for mark in self.history if not mark.n % width]
        while len(merged) + len(kept) > bins and len(merged) > 1:
            merged = merged[1::2]
        return sorted((*merged, *kept), key=lambda mark: mark.n) if merged else kept


def _width(n: int, bins: int) -> int:
    """The power of two by which so many rows make at most `bins` parts."""
    width = 1
    while n // width > bins:
        width *= 2
    return width


def _weights(layers: int) -> Floats:
    number = np.arange(1, layers + 1)
    return 1 / (number * (number + 1.0))


def _joined(logs: Floats, *, above: bool, units: bool) -> float:
    """Logarithm of the evidence, over layers and stakes; layers that have not begun have 1 of it, or none."""
    each = mean_of_stakes(logs)
    if not units:
        return float(each[0]) if len(each) else (0.0 if above else -np.inf)
    weights = _weights(len(each))
    rest = [1 - weights.sum()] if above else []
    with np.errstate(divide="ignore"):
        terms = [*(each + np.log(weights)), *np.log(rest)]
    return float(np.logaddexp.reduce(terms)) if terms else -np.inf


class _Taking:
    """One intake of a monitor: what its kinds of rows share."""

    def __init__(self, monitor: Monitor, rows: GroupRows, bets: Bets) -> None:
        self.monitor, self.rows, self.bets = monitor, rows, bets
        self.a, self.b = np.cumsum(rows.a), np.cumsum(rows.b)

    def mark(self, place: int) -> StreamPlace:
        """Sums up to a row and with it."""
        now = self.monitor.now
        if place < 0:
            return now
        return StreamPlace(
            n=now.n + place + 1,
            a=now.a + float(self.a[place]),
            b=now.b + float(self.b[place]),
            row=int(self.rows.row[place]),
            time=self.rows.at(place),
        )

    def start(self, place: int) -> StreamPlace:
        """Sums before a row, with its time."""
        before = self.mark(place - 1)
        if place >= len(self.rows):
            return before
        return StreamPlace(
            n=before.n, a=before.a, b=before.b, row=before.row, time=self.rows.at(place)
        )

    def alarm(self, kind: str, path: Floats, places: Integers, limit: float) -> None:
        """Note the first moment at which the evidence reaches its limit."""
        if kind in self.monitor.alarms:
            return
        hits = np.flatnonzero(path >= limit)
        if len(hits):
            place = int(places[hits[0]])
            self.monitor.note(kind, self.mark(place), self.since_until(place))

    def follow(self, before: Floats, after: Floats, places: Integers) -> None:
        """Where the run of evidence begins: the last moment at which the sum of logarithms was lowest.

        `before` are sums before the last row of each step, `after` with it.
        """
        self.places, self.before, self.after = places, before, after

    def since_until(self, place: int) -> StreamPlace:
        """Where the run of evidence began that a row belongs to."""
        step = int(np.searchsorted(self.places, place, side="right")) - 1
        if step >= 0:
            lowest = min(float(self.before[: step + 1].min()), 0.0)
            hits = np.flatnonzero(self.before[: step + 1] <= lowest)
            if len(hits):
                return self.start(int(self.places[hits[-1]]))
        since = self.monitor.since
        return since if since.n else StreamPlace(time=self.monitor.first)

    def close(self) -> None:
        """Keep the run of evidence for the next intake."""
        monitor = self.monitor
        if not len(self.places):
            return
        lowest = min(float(self.before.min()), 0.0)
        final = float(self.after[-1])
        if final <= lowest:
            monitor.run, monitor.since = 0.0, self.start(len(self.rows))
            return
        monitor.since = self.since_until(int(self.places[-1]))
        monitor.run = final - lowest


class _Proportion(_Taking):
    """Rows of 0 and 1, without units: rows of 0 between two of 1 are one step."""

    def go(self) -> None:
        """Take the rows in."""
        monitor, bets, rows = self.monitor, self.bets, self.rows
        monitor.lengths = counted_ones(len(rows), monitor.now.n, monitor.lengths)
        harms = np.flatnonzero(rows.a == 1)
        at, limits = self._limits()
        self._changes(harms, at, limits)
        if bets.threshold is not None:
            before = monitor.above[0] if len(monitor.above) else np.zeros(len(STAKES))
            number = np.arange(1, len(harms) + 1)
            path = before + _log_product(number, harms + 1, bets.threshold)
            self.alarm("above", mean_of_stakes(path), harms, bets.above)
            if monitor.plain:
                harm, n = monitor.now.a + len(harms), monitor.now.n + len(rows)
                monitor.above = _log_product(np.array([harm]), np.array([n]), bets.threshold)
            else:
                own = np.array([len(harms)]), np.array([len(rows)])
                monitor.above = before + _log_product(*own, bets.threshold)
        self.close()

    def _limits(self) -> tuple[Integers, Floats]:
        """First rows at which each limit of the past holds, and the limits; the first is of the rows before."""
        past, rows = self.monitor.past, self.rows
        if not self.bets.past:
            past.known += len(rows)
            return np.zeros(1, np.int64), np.array([past.limit])
        return past.take(rows.a, rows.b, np.ones(len(rows), bool), self.bets.alpha)

    def _changes(self, harms: Integers, at: Integers, limits: Floats) -> None:
        """Steps end at rows of 1, at the last row of each limit, and at the end."""
        rows, monitor = self.rows, self.monitor
        useful = np.flatnonzero(np.isfinite(limits))
        first = int(at[useful[0]]) if len(useful) else len(rows)
        ends = np.zeros(len(rows), bool)
        ends[harms] = True
        ends[at[1:] - 1] = True
        ends[-1] = True
        ends[:first] = False
        places = np.flatnonzero(ends)
        limit = limits[np.searchsorted(at, places, side="right") - 1]
        zeros = np.diff(places, prepend=first - 1) - 1.0
        factors, added = run_steps(zeros, rows.a[places], limit)
        before = monitor.changed[0] if len(monitor.changed) else None
        path, after = recursion(factors, added, before)
        if len(places):
            total = monitor.run + np.cumsum(factors[:, _TELLING])
            own = np.log1p(-STAKES[_TELLING])
            self.follow(np.append(monitor.run, total[:-1]) + zeros * own, total, places)
            monitor.changed = after[None, :]
        else:
            self.follow(np.empty(0), np.empty(0), places)
        self.alarm("changed", path, places, self.bets.changed)


def plain_evidence(now: StreamPlace, threshold: float) -> Floats:
    """Logarithm of the evidence of a proportion, which its sums alone tell: shape (1, stakes)."""
    return _log_product(np.array([now.a]), np.array([now.n]), threshold)


def _log_product(harms: npt.NDArray[Any], rows: npt.NDArray[Any], threshold: float) -> Floats:
    one, none = np.log1p(STAKES * (1 - threshold) / threshold), np.log1p(-STAKES)
    product: Floats = harms[:, None] * (one - none) + rows[:, None] * none
    return product


class _Sums(_Taking):
    """Rows of any numbers, or of units that return.

    Each is scaled by what rows before it were usually divided by: that is known before the row, so nothing is assumed
    of how rates and lengths go together.  A row that is longer is scaled by its own length, so that it can lose no
    more than is staked; of such rows it is assumed that their rate is tolerated whatever their length.  One that is far
    longer than usual leaves no trace in the scale of later rows.
    """

    def go(self) -> None:
        """Take the rows in."""
        monitor, bets, rows = self.monitor, self.bets, self.rows
        monitor.plain = False
        n = len(rows)
        units = rows.layer is not None
        layer = np.zeros(n, np.int64) if rows.layer is None else rows.layer
        usual, monitor.lengths = usual_lengths(rows.b, monitor.now.n, monitor.lengths)
        monitor.long_rows += int(((usual > 0) & (rows.b > LONG * usual)).sum())
        with np.errstate(divide="ignore"):
            scale = np.maximum(usual, 2.0 ** np.ceil(np.log2(rows.b)))
        # What is divided by nothing, before anything else, is no evidence of a rate.
        layer = np.where(scale > 0, layer, MOST_LAYERS)
        scale = np.where(scale > 0, scale, 1.0)
        limits = self._limits(scale, layer)
        known = np.isfinite(limits) & (layer < MOST_LAYERS)
        safe = np.where(known, limits, 1.0)
        capped = np.minimum(rows.a, rows.b)
        logs = log_factors(capped - safe * rows.b, safe * scale)
        places = np.flatnonzero(known)
        if len(places):
            total = monitor.run + np.cumsum(logs[places, _TELLING])
            self.follow(np.append(monitor.run, total[:-1]), total, places)
        else:
            self.follow(np.empty(0), np.empty(0), places)
        monitor.changed, path, at = _layers(
            logs, np.where(known, layer, MOST_LAYERS), monitor.changed, above=False, units=units
        )
        self.alarm("changed", path, at, bets.changed)
        if bets.threshold is not None:
            logs = log_factors(rows.a - bets.threshold * rows.b, bets.threshold * scale)
            monitor.above, path, at = _layers(logs, layer, monitor.above, above=True, units=units)
            self.alarm("above", path, at, bets.above)
        self.close()

    def _limits(self, scale: Floats, layer: Integers) -> Floats:
        """The past's limit at each row, from the first visits of units."""
        monitor, rows = self.monitor, self.rows
        limits = np.full(len(rows), monitor.limit)
        first = layer == 0 if rows.first is None else rows.first & (layer < MOST_LAYERS)
        places = np.flatnonzero(first)
        if not self.bets.past:
            monitor.past.known += len(places)
            return limits
        a = np.minimum(rows.a, rows.b)[places] / scale[places]
        b = rows.b[places] / scale[places]
        one = (rows.b[places] == 1) & (scale[places] == 1) & ((a == 0) | (a == 1))
        binary = one & (rows.layer is None)
        at, found = monitor.past.take(a, b, binary, self.bets.alpha)
        for number, limit in zip(at[1:].tolist(), found[1:].tolist(), strict=True):
            limits[places[number - 1] + 1 :] = limit
        return limits


def _layers(
    logs: Floats, layer: Integers, before: Floats, *, above: bool, units: bool
) -> tuple[Floats, Floats, Integers]:
    """Evidence after each row that bets, layer by layer, and joined.

    Returns
    -------
    (after, path, places)
        Logarithms of each layer and stake; the joined path, and the rows where it moves.
    """
    step, blank = (ever_above, 0.0) if above else (_recurring, -np.inf)
    betting = np.flatnonzero(layer < MOST_LAYERS)
    number = int(layer[betting].max(initial=-1)) + 1
    after = np.full((max(number, len(before)), len(STAKES)), blank)
    after[: len(before)] = before
    if not units:
        if not len(betting):
            return after, np.empty(0), betting
        path, after[0] = step(logs[betting], after[0])
        return after, path, betting
    weights = _weights(len(after))
    moves = np.zeros(len(logs))
    start = mean_of_stakes(after)
    total = (1 - weights.sum() if above else 0.0) + float(weights @ _bounded(start))
    order = betting[np.argsort(layer[betting], kind="stable")]
    for places in np.split(order, np.flatnonzero(np.diff(layer[order])) + 1):
        if len(places):
            k = layer[places[0]]
            path, after[k] = step(logs[places], after[k])
            moves[places] = weights[k] * np.diff(_bounded(np.append(start[k], path)))
    joined = (total + np.cumsum(moves))[betting]
    return after, np.log(np.maximum(joined, np.finfo(float).tiny)), betting


def _bounded(logs: Floats) -> Floats:
    """Evidence by its logarithm, as far as it is told apart."""
    return np.asarray(np.exp(np.minimum(logs, _MOST_LOG)), float)


def _recurring(logs: Floats, before: Floats) -> tuple[Floats, Floats]:
    return recursion(logs, logs, before)
