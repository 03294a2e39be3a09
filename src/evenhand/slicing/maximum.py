"""The maximum over the family in a world without bad slices: by permutation or by multipliers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from evenhand.cubes import Cells
from evenhand.slicing.bitmaps import Bitmaps
from evenhand.slicing.family import admissible
from evenhand.slicing.losses import Losses
from evenhand.slicing.search import Limits

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
DRAWS = 999
#: Numbers dealt out at a time: 200 MB.
DEALT_NUMBERS = 25_000_000
#: Slices whose members are unpacked at a time.
CHUNK = 2_000


def exchangeable(cells: Cells) -> bool:
    """Whether cells can be permuted: each is one row, or the only cell of its unit."""
    if cells.unit is None:
        return cells.comoments is None
    return len(cells) == cells.n_units


def permutation_maximum(
    cells: Cells,
    losses: Losses,
    family: tuple[Bitmaps, Integers, Limits],
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Largest standardised excess of any admissible slice when losses are dealt out at random.

    Exact where losses are independent of all attributes and cells are exchangeable: rows, or units
    whose attributes do not vary.  Westfall & Young (1993), Resampling-Based Multiple Testing.

    Returns
    -------
    (excess, maxima)
        What each cell adds to the excess, scaled so that all slices compare; and the maxima, one a draw.
    """
    psi = losses.psi
    # Cells that say nothing about the metric are never dealt out.
    told = (losses.above > 0) | (losses.below > 0)
    scaled = np.where(told, psi, 0.0) / np.sqrt((psi[told] ** 2).sum() / max(told.sum() - 1, 1))
    values, number = scaled[told], int(told.sum())
    maxima = []
    # In double precision, so that ties with the data are ties, and in blocks that fit in memory.
    block = max(20, min(DRAWS, DEALT_NUMBERS // len(cells)))
    for start in range(0, DRAWS, block):
        dealt = np.zeros((len(cells), min(block, DRAWS - start)))
        for draw in range(dealt.shape[1]):
            dealt[told, draw] = rng.permutation(values)
        largest = np.full(dealt.shape[1], -np.inf)
        for members in _members(family, len(cells)):
            size = np.asarray(members[:, told].sum(axis=1), float).ravel()
            spread = np.sqrt(np.maximum(size * (1 - size / number), 1e-9))
            totals = (members @ dealt) / spread[:, None]
            usable = (size > 0) & (size < number)
            largest = np.maximum(largest, totals[usable].max(axis=0, initial=-np.inf))
        maxima.append(largest)
    return scaled, np.concatenate(maxima)


def standardised_excess(scaled: Floats, losses: Losses, mask: npt.NDArray[np.bool_]) -> float:
    """The same statistic for one slice of the real data."""
    told = (losses.above > 0) | (losses.below > 0)
    size = float((mask & told).sum())
    spread = size * (1 - size / told.sum())
    return float(scaled[mask].sum() / np.sqrt(max(spread, 1e-9)))


def multiplier_maximum(
    cells: Cells,
    losses: Losses,
    family: tuple[Bitmaps, Integers, Limits],
    rng: np.random.Generator,
) -> Floats:
    """Largest studentised excess over the family when each unit's influence gets a random sign and size.

    Gaussian multipliers on the influence of each unit on *slice less rest*, centred at its null:
    Chernozhukov, Chetverikov & Kato (2013), doi:10.1214/13-AOS1161.
    """
    unit = np.arange(len(cells)) if cells.unit is None else cells.unit
    units = int(unit.max()) + 1
    signed = losses.psi if cells.unit is not None else np.sqrt(losses.squares)
    by_unit = sparse.csr_matrix((signed, (np.arange(len(cells)), unit)), (len(cells), units))
    whole = np.asarray(by_unit.sum(axis=0), float).ravel()
    draws = rng.standard_normal((units, DRAWS), np.float32)
    drawn_whole = (whole @ draws).astype(np.float32)
    total = losses.below.sum()
    maxima = np.full(DRAWS, -np.inf, np.float32)
    for members in _members(family, len(cells)):
        share = np.asarray(members @ losses.below, float) / total
        influence = (members @ by_unit).tocsr()
        squares = np.asarray(influence.multiply(influence).sum(axis=1), float).ravel()
        crossed = np.asarray(influence @ whole, float)
        variance = squares - 2 * share * crossed + share**2 * (whole**2).sum()
        usable = variance > 1e-12 * squares.max(initial=1.0)
        totals = influence @ draws - share[:, None].astype(np.float32) * drawn_whole
        with np.errstate(divide="ignore", invalid="ignore"):
            totals = totals / np.sqrt(variance)[:, None].astype(np.float32)
        maxima = np.maximum(maxima, totals[usable].max(axis=0, initial=-np.inf))
    return maxima.astype(float)


def work(family: tuple[Bitmaps, Integers, Limits], cells: int) -> float:
    """Products that either maximum takes, about."""
    bitmaps, attribute, limits = family
    members = 0.0
    for level in admissible(bitmaps, attribute, limits):
        # Rows say how many cells there are where each cell is a row, and else too many.
        members += float(np.minimum(level.sums[:, 0], cells).sum())
        if members * DRAWS > 1e13:
            break
    return members * DRAWS


def _members(family: tuple[Bitmaps, Integers, Limits], cells: int) -> Iterator[Any]:
    """Which cells belong to which slice, as sparse matrices (slices, cells)."""
    bitmaps, attribute, limits = family
    flat = np.ascontiguousarray(bitmaps.items.transpose(1, 0, 2)).reshape(len(attribute), -1)
    for level in admissible(bitmaps, attribute, limits):
        for start in range(0, len(level.slices), CHUNK):
            slices = level.slices[start : start + CHUNK]
            bits = flat[slices[:, 0]].copy()
            for column in slices.T[1:]:
                bits &= flat[column]
            rows, columns = _ones(bits, cells)
            ones = np.ones(len(rows), np.float32)
            yield sparse.csr_matrix((ones, (rows, columns)), (len(slices), cells))


def _ones(bits: npt.NDArray[np.uint64], cells: int) -> tuple[Integers, Integers]:
    unpacked = np.unpackbits(bits.view(np.uint8), axis=1, count=cells, bitorder="little")
    rows, columns = np.nonzero(unpacked)
    return rows, columns
