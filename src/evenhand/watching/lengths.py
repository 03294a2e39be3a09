"""How long the rows of a group are: what one row can lose, known before it."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: Rows after which what was counted before counts half.
HALVED = 1024
#: From so many rows on one row that is longer than all others is no measure of the next.
EARLY = 64
#: Rows as long as this that make a length a usual one.
USUAL = 2
#: A row so many times as long as usual is a long one.
LONG = 8.0


def usual_lengths(
    b: Floats, start: int, counts: Mapping[int, float]
) -> tuple[Floats, dict[int, float]]:
    """For each row the power of two that rows before it reached often enough; 0 where none did.

    Parameters
    ----------
    b : array
        What each row is divided by.
    start : int
        Rows before these.
    counts : mapping of int to float
        Rows before by the exponent of their power of two.

    Returns
    -------
    (usual, after)

    Notes
    -----
    It is the largest that a row reached, but no row `LONG` times as long as the largest that `USUAL` rows reached; rows
    count half after each `HALVED`, and one counts until it is a hundredth.  So one row of unusual length is no measure
    of others, and what was usual long ago is forgotten.  It is known before the row.
    """
    n = len(b)
    with np.errstate(divide="ignore"):
        power = np.ceil(np.log2(b))
    kept, out, place = dict(counts), np.zeros(n), 0
    while place < n:
        end = min(n, place + HALVED - (start + place) % HALVED)
        own = power[place:end]
        found = {int(one): own == one for one in np.unique(own) if np.isfinite(one)}
        enough = np.where(start + np.arange(place, end) < EARLY, 1.0, float(USUAL))
        usual, seen = np.zeros(len(own)), np.zeros(len(own))
        came: dict[int, npt.NDArray[np.bool_]] = {}
        for one in sorted({*kept, *found}, reverse=True):
            before = np.full(len(own), kept.get(one, 0.0))
            if one in found:
                more = np.cumsum(found[one])
                before = before + more - found[one]
                kept[one] = kept.get(one, 0.0) + float(more[-1])
            seen, came[one] = seen + before, before > 0
            usual = np.where((usual == 0) & (seen >= enough), 2.0**one, usual)
        most = np.zeros(len(own))
        for one, some in came.items():
            most = np.where((most == 0) & some & (2.0**one <= LONG * usual), 2.0**one, most)
        out[place:end] = most
        if (start + end) % HALVED == 0:
            kept = _halved(kept)
        place = end
    return out, kept


def usual_length(start: int, counts: Mapping[int, float]) -> float:
    """The power of two for the next row."""
    return float(usual_lengths(np.zeros(1), start, counts)[0][0])


def counted_ones(n: int, start: int, counts: Mapping[int, float]) -> dict[int, float]:
    """Counts after `n` rows that are each divided by 1."""
    kept = dict(counts)
    while n:
        step = min(n, HALVED - start % HALVED)
        kept[0] = kept.get(0, 0.0) + step
        n, start = n - step, start + step
        if start % HALVED == 0:
            kept = _halved(kept)
    return kept


def _halved(counts: Mapping[int, float]) -> dict[int, float]:
    """Counts once they count half; what is less than a hundredth is forgotten."""
    return {one: count / 2 for one, count in counts.items() if count > 0.01}
