"""Folding: slices that add nothing to a worse one are told with it, not beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.slicing.bitmaps import Bitmaps
from evenhand.slicing.scores import SliceScore
from evenhand.slicing.search import Candidate
from evenhand.slicing.space import Item, mask_of
from evenhand.stats.forms import Form

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
#: Excess over its surroundings, in standard errors, from which on a slice adds something.
ADDS = 1.645


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A slice that is told, with those folded into it, best first."""

    candidate: Candidate
    words: Words
    folded: list[Candidate]


def fold(
    bitmaps: Bitmaps, score: SliceScore, best: Sequence[Candidate], *, top: int, overlap: float
) -> list[Kept]:
    """Go down the list; keep a slice unless one kept before says the same.

    A slice is folded into a kept one where the two share more than `overlap` of the rows of either,
    where it lies inside the kept one and is no worse than the rest of that, or where what it has
    outside the kept one is no worse than what neither has.

    Returns
    -------
    list of Kept
        At most `top`.
    """
    kept: list[Kept] = []
    for candidate in best:
        words = bitmaps.words(candidate.items)
        host = next((k for k in kept if _same(bitmaps, score, candidate, words, k, overlap)), None)
        if host is not None:
            host.folded.append(candidate)
        elif len(kept) < top:
            kept.append(Kept(candidate=candidate, words=words, folded=[]))
        else:
            break
    return kept


def _same(
    bitmaps: Bitmaps, score: SliceScore, found: Candidate, words: Words, kept: Kept, overlap: float
) -> bool:
    both = bitmaps.sums_of(words & kept.words)
    own, other = np.array(found.sums), np.array(kept.candidate.sums)
    either = own + other - both
    if both[0] == 0:
        return False
    if both[0] > overlap * either[0]:
        return True
    outside = own - both
    if outside[2] == 0:
        return _excess(score, own, other - both) < ADDS
    neither = np.array([0, score.above, score.below]) - either
    return _excess(score, outside, neither) < ADDS


def _excess(score: SliceScore, first: Integers, second: Floats | Integers) -> float:
    """Difference of two disjoint sets of cells in standard errors; 0 where there is none."""
    (_, a1, b1), (_, a2, b2) = first, second
    if b1 <= 0 or b2 <= 0 or score.variance == 0:
        return 0.0
    return float((a1 / b1 - a2 / b2) / np.sqrt(score.variance * (1 / b1 + 1 / b2)))


def contributions(cells: Cells, form: Form, items: Sequence[Item]) -> list[float | None]:
    """Shapley value of each literal: its share of the slice's difference to all rows.

    The value of a set of literals is the metric on the rows that satisfy them; contributions add up
    to the slice's value less the overall one.  Shapley (1953); for slices Pastor, de Alfaro &
    Baralis (2021), doi:10.1145/3448016.3457284.  `None` where a part has no value.
    """
    count = len(items)
    group = np.zeros(len(cells), np.int64)
    for number, item in enumerate(items):
        group += mask_of(cells, [item]).astype(np.int64) << number
    parts = np.stack([np.bincount(group, part, 1 << count) for part in cells.sums.T], axis=1)
    patterns = np.arange(1 << count)
    values: dict[frozenset[int], float] = {}
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            wanted = sum(1 << number for number in chosen)
            sums = parts[patterns & wanted == wanted].sum(axis=0)[None, None, :]
            values[frozenset(chosen)] = float(form.value(sums)[0])
    if not np.isfinite(list(values.values())).all():
        return [None] * count
    return [_shapley(values, literal, count) for literal in range(count)]


def _shapley(values: dict[frozenset[int], float], literal: int, count: int) -> float:
    total = 0.0
    for chosen, value in values.items():
        if literal not in chosen:
            weight = factorial(len(chosen)) * factorial(count - len(chosen) - 1) / factorial(count)
            total += weight * (values[chosen | {literal}] - value)
    return total
