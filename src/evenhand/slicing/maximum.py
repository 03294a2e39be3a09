"""The maximum over the family in a world without bad slices, every slice measured by its own spread."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.deferred import sparse
from evenhand.slicing.counter import Counter, LocalCounter
from evenhand.slicing.family import admissible
from evenhand.slicing.losses import Losses
from evenhand.slicing.search import Limits
from evenhand.slicing.studentised import Contrasts, UnitSample, studentised
from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Slices32 = npt.NDArray[np.int32]
Family = tuple[Counter, Integers, Limits]
#: Contrasts with the slices that they are of, for so many draws at a time.
Source = Callable[[int], Iterator[tuple[Contrasts, Slices32]]]
DRAWS = 999
#: Numbers drawn at a time: 100 MB.
DRAWN_NUMBERS = 25_000_000
#: Slices whose members are unpacked at a time, and numbers of theirs that are drawn for at a time.
CHUNK, CHUNK_NUMBERS = 2_000, 4_000_000
#: Simulated and observed statistics this close are one: sums are drawn in single precision.
TIE = 1e-4
#: The surest slices of the data that are kept.
SUREST = 200
#: Poisson's distribution of mean 1 at the middles of 2¹⁶ equal parts of probability.
_STEPS = np.cumsum(np.exp(-1.0) / np.cumprod(np.concatenate([[1.0], np.arange(1.0, 12)])))
_POISSON = np.searchsorted(_STEPS, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maximum:
    """Largest statistic over some slices, draw by draw, and the largest ones of the data.

    Attributes
    ----------
    draws : array of shape (draws,)
        On the normal scale.
    best : tuple of (literal numbers, statistic)
        The surest slices of the data, best first; none where the statistic is not by `Contrasts`.
    """

    draws: Floats
    best: tuple[tuple[tuple[int, ...], float], ...] = ()

    def p(self, z: Floats) -> Floats:
        """Share of draws whose largest statistic is at least as large, the data counted as one."""
        above = (self.draws[None, :] >= np.asarray(z)[:, None] - TIE).sum(axis=1)
        return np.asarray((1.0 + above) * self.least, float)

    @property
    def least(self) -> float:
        """The smallest p-value that so many draws can give."""
        return 1.0 / (1.0 + len(self.draws))

    def quantile(self, level: float) -> float:
        """What the largest statistic stays below with probability `level`, where nothing is worse."""
        critical = float(np.quantile(self.draws, level, method="higher"))
        return max(critical, float(z_of(2 * level - 1)))


@dataclass(slots=True, kw_only=True)
class _Surest:
    """The largest statistics of the data, while slices pass by in one block of draws."""

    done: bool = False
    best: list[tuple[tuple[int, ...], float]] = field(default_factory=list)

    def see(self, contrasts: Contrasts, slices: Slices32) -> None:
        if self.done:
            return
        z = contrasts.z
        for number in np.argsort(-z, kind="stable")[:SUREST]:
            if z[number] > 0:
                self.best.append((tuple(map(int, slices[number])), float(z[number])))
        self.best = sorted(self.best, key=lambda one: (-one[1], len(one[0]), one[0]))[:SUREST]


def exchangeable(cells: Cells) -> bool:
    """Whether cells can be permuted: each is one row, or the only cell of its unit."""
    if cells.unit is None:
        return cells.comoments is None and not cells.folded
    return len(cells) == cells.n_units


def permutation_maximum(sample: UnitSample, family: Family, rng: np.random.Generator) -> Maximum:
    """Largest studentised difference of any admissible slice when losses are dealt out at random.

    Exact where losses are independent of all attributes and cells are exchangeable: rows, or units
    whose attributes do not vary.  Where slices only have equal means it holds for many units: Janssen
    (1997), doi:10.1016/S0167-7152(97)00043-6; Chung & Romano (2013), doi:10.1214/13-AOS1090.
    """
    values, maxima, surest = sample.psi, [], _Surest()
    for draws in _blocks(len(values)):
        # In double precision, so that ties with the data are ties.
        dealt = np.empty((len(values), draws))
        for draw in range(draws):
            dealt[:, draw] = rng.permutation(values)
        squared = dealt**2
        largest = np.full(draws, -np.inf)
        for contrasts, slices in _contrasts(sample, family, draws):
            surest.see(contrasts, slices)
            ones = contrasts.members()
            largest = _larger(largest, contrasts.dealt(ones @ dealt, ones @ squared))
        maxima.append(largest)
        surest.done = True
    return Maximum(draws=np.concatenate(maxima), best=tuple(surest.best))


def bootstrap_maximum(sample: UnitSample, family: Family, rng: np.random.Generator) -> Maximum:
    """Largest studentised difference over the family when units are drawn anew.

    Each unit counts as often as Poisson's distribution of mean 1 says, which keeps the spread, the
    skewness and the dependence of slices; each slice is centred at what the data show of it, and
    studentised anew in every draw (the bootstrap-t).  Nothing is supposed about how losses vary: only
    means are compared.  Efron (1979), doi:10.1214/aos/1176344552; of maxima: Chernozhukov,
    Chetverikov & Kato (2017), doi:10.1214/16-AOP1113.
    """
    return _bootstrap(sample, lambda draws: _contrasts(sample, family, draws), rng)


def bootstrap_of(sample: UnitSample, masks: Bools, rng: np.random.Generator) -> Maximum:
    """The same over some slices only, as masks of shape (slices, cells)."""
    contrasts = observed(sample, masks)
    numbers = np.arange(len(masks), dtype=np.int32)[:, None]
    return _bootstrap(sample, lambda _: iter([(contrasts, numbers)]), rng)


def _bootstrap(sample: UnitSample, source: Source, rng: np.random.Generator) -> Maximum:
    psi, maxima, surest = sample.psi_of_units.astype(np.float32), [], _Surest()
    whole = np.stack([np.ones_like(psi), psi, psi**2])
    for draws in _blocks(sample.units):
        drawn = _POISSON[rng.integers(0, 1 << 16, (sample.units, draws), np.uint16)]
        totals = (whole @ drawn).astype(float)
        largest = np.full(draws, -np.inf)
        for contrasts, slices in source(draws):
            surest.see(contrasts, slices)
            first, second = contrasts.changes()
            largest = _larger(largest, contrasts.drawn(first @ drawn, second @ drawn, totals))
        maxima.append(largest)
        surest.done = True
    return Maximum(draws=np.concatenate(maxima), best=tuple(surest.best))


def multiplier_maximum(
    cells: Cells, losses: Losses, family: Family, rng: np.random.Generator
) -> Maximum:
    """Largest studentised excess over the family when each cell of a cube gets a random sign and size.

    A cube without units knows the variance of the rows in its cells and no more of them, so its sums
    are drawn from the normal distribution: Chernozhukov, Chetverikov & Kato (2013),
    doi:10.1214/13-AOS1161.
    """
    signed = np.sqrt(losses.squares)
    draws = rng.standard_normal((len(cells), DRAWS), np.float32)
    drawn_whole = (signed @ draws).astype(np.float32)
    total, whole = losses.below.sum(), float(losses.squares.sum())
    maxima = np.full(DRAWS, -np.inf)
    for members in _members(family, len(cells)):
        share = np.asarray(members @ losses.below, float) / total
        inside = np.asarray(members @ losses.squares, float)
        variance = inside * (1 - 2 * share) + share**2 * whole
        usable = variance > 1e-12 * inside.max(initial=1.0)
        influence = members.multiply(signed.astype(np.float32)).tocsr()
        totals = influence @ draws - share[:, None].astype(np.float32) * drawn_whole
        with np.errstate(divide="ignore", invalid="ignore"):
            totals = totals / np.sqrt(variance)[:, None].astype(np.float32)
        maxima = _larger(maxima, totals[usable])
    return Maximum(draws=maxima.astype(float))


def observed(sample: UnitSample, masks: Bools) -> Contrasts:
    """The same contrasts for some slices, as masks of shape (slices, cells)."""
    rows, columns = np.nonzero(masks)
    return studentised(sample, rows, columns, len(masks))


def work(family: Family, cells: int) -> float:
    """Products that a maximum takes, about."""
    counter, attribute, limits = family
    members = 0.0
    for level in admissible(counter, attribute, limits):
        # Rows say how many cells there are where each cell is a row, and else too many.
        members += float(np.minimum(level.sums[:, 0], cells).sum())
        if members * DRAWS > 1e13:
            break
    return members * DRAWS


def _larger(largest: Floats, found: Floats) -> Floats:
    return np.asarray(np.maximum(largest, found.max(axis=0, initial=-np.inf)), float)


def _blocks(numbers: int) -> Iterator[int]:
    """Draws at a time, so that they fit in memory."""
    block = max(20, min(DRAWS, DRAWN_NUMBERS // max(numbers, 1)))
    for start in range(0, DRAWS, block):
        yield min(block, DRAWS - start)


def _contrasts(
    sample: UnitSample, family: Family, draws: int
) -> Iterator[tuple[Contrasts, Slices32]]:
    chunk = max(1, min(CHUNK, CHUNK_NUMBERS // draws))
    for rows, columns, slices in _bits(family, len(sample.told), chunk):
        contrasts = studentised(sample, rows, columns, len(slices))
        if contrasts.usable.any():
            yield contrasts, slices


def _members(family: Family, cells: int) -> Iterator[Any]:
    """Which cells belong to which slice, as sparse matrices (slices, cells)."""
    for rows, columns, slices in _bits(family, cells, CHUNK):
        ones = np.ones(len(rows), np.float32)
        yield sparse.csr_matrix((ones, (rows, columns)), (len(slices), cells))


def _bits(family: Family, cells: int, chunk: int) -> Iterator[tuple[Integers, Integers, Slices32]]:
    """Slices and their cells, pair by pair in order, and the slices."""
    counter, attribute, limits = family
    assert isinstance(counter, LocalCounter)  # whose rows are here
    flat = np.ascontiguousarray(counter.bitmaps.items.transpose(1, 0, 2)).reshape(
        len(attribute), -1
    )
    for level in admissible(counter, attribute, limits):
        for start in range(0, len(level.slices), chunk):
            slices = level.slices[start : start + chunk]
            bits = flat[slices[:, 0]].copy()
            for column in slices.T[1:]:
                bits &= flat[column]
            unpacked = np.unpackbits(
                bits.view(np.uint8), axis=1, count=cells, bitorder="little"
            ).view(bool)
            rows, columns = np.nonzero(unpacked)
            yield rows, columns, slices
