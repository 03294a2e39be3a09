"""Folding: slices that add nothing to a worse one are told with it, not beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.slices.losses import Losses
from evenhand.slices.scores import Score
from evenhand.slices.search import Candidate
from evenhand.slices.space import Item, mask_of
from evenhand.stats.forms import Form

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Excess over its surroundings, in standard errors, from which on a slice adds something.
ADDS = 1.645


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A slice that is told, with those folded into it, best first."""

    candidate: Candidate
    mask: Bools
    folded: list[Candidate]


def fold(
    cells: Cells,
    losses: Losses,
    score: Score,
    items: Sequence[Item],
    best: Sequence[Candidate],
    *,
    top: int,
    overlap: float,
) -> list[Kept]:
    """Go down the list; keep a slice unless one kept before says the same.

    A slice is folded into a kept one where the two share more than `overlap` of the rows of either,
    where it lies inside the kept one and is no worse than the rest of that, or where what it has
    outside the kept one is no worse than what neither has.  One that is no worse than everyone is
    left out.

    Returns
    -------
    list of Kept
        At most `top`.
    """
    kept: list[Kept] = []
    for candidate in best:
        _, above, below = candidate.sums
        if above * score.below <= score.above * below:
            # No worse than everyone: large and fine, so the score alone speaks for it.
            continue
        mask = mask_of(cells, [items[number] for number in candidate.items])
        host = next((k for k in kept if _same(cells, losses, score, mask, k.mask, overlap)), None)
        if host is not None:
            host.folded.append(candidate)
        elif len(kept) < top:
            kept.append(Kept(candidate=candidate, mask=mask, folded=[]))
        else:
            break
    return kept


def _same(
    cells: Cells, losses: Losses, score: Score, mask: Bools, kept: Bools, overlap: float
) -> bool:
    both = mask & kept
    shared, either = cells.n_rows[both].sum(), cells.n_rows[mask | kept].sum()
    if shared == 0:
        return False
    if shared > overlap * either:
        return True
    outside = mask & ~kept
    if not losses.below[outside].any():
        return _excess(losses, score, mask, kept & ~mask) < ADDS
    return _excess(losses, score, outside, ~(mask | kept)) < ADDS


def _excess(losses: Losses, score: Score, first: Bools, second: Bools) -> float:
    """Difference of two disjoint sets of cells in standard errors; 0 where there is none."""
    a1, b1 = float(losses.above[first].sum()), float(losses.below[first].sum())
    a2, b2 = float(losses.above[second].sum()), float(losses.below[second].sum())
    if b1 == 0 or b2 == 0 or score.variance == 0:
        return 0.0
    return (a1 / b1 - a2 / b2) / float(np.sqrt(score.variance * (1 / b1 + 1 / b2)))


def contributions(cells: Cells, form: Form, items: Sequence[Item]) -> list[float | None]:
    """Shapley value of each literal: its share of the slice's difference to all rows.

    The value of a set of literals is the metric on the rows that satisfy them; contributions add up
    to the slice's value less the overall one.  Shapley (1953); for slices Pastor, de Alfaro &
    Baralis (2021), doi:10.1145/3448016.3457284.  `None` where a part has no value.
    """
    count = len(items)
    masks = [mask_of(cells, [item]) for item in items]
    values: dict[frozenset[int], float] = {}
    for size in range(count + 1):
        for chosen in combinations(range(count), size):
            inside = np.logical_and.reduce([np.ones(len(cells), bool), *(masks[i] for i in chosen)])
            sums = cells.sums[inside].sum(axis=0)[None, None, :]
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
