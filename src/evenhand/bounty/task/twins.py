"""Rows that stand in two tables: by chance, as in independent draws, or more often than that."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.task.losses import Floats
from evenhand.bounty.task.task import Labels

#: Probability of calling an honest draw copied.
CHANCE = 0.01
#: Copies that are named.
NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Sealed rows that stand in a public table too, features and label alike.

    Attributes
    ----------
    rows : int
        So many sealed rows.
    different : int
        Different rows among them.
    expected : float
        Different rows that would stand in both if all rows had been dealt out to the tables by chance.
    p_value : float
        At most the probability of so many, or more, by chance.
    places : tuple of (str, int, int)
        The first few: the public table, its row and the sealed one, from 1.
    """

    rows: int
    different: int
    expected: float
    p_value: float
    places: tuple[tuple[str, int, int], ...]

    @property
    def excess(self) -> bool:
        """Whether they are too many for independent draws."""
        return self.p_value <= CHANCE


def find_twins(
    public: Sequence[tuple[str, npt.NDArray[Any], Labels]], sealed: tuple[npt.NDArray[Any], Labels]
) -> Twins:
    """Compare sealed rows with public ones.

    Notes
    -----
    If the tables are independent draws of one population, any way to deal the pooled rows out to them is as
    likely as any other.  Then a row that occurs k times stands on both sides of the seal with probability
    ``1 - s^k - (1 - s)^k``, s the sealed share of all rows.  The number of such rows is compared with that sum
    by Chernoff's bound, ``min over t of exp(-t x) Π (1 + q (e^t - 1))``; dealing without replacement only makes
    the crossings less spread.  Chernoff (1952), doi:10.1214/aoms/1177729330.  A table of few different rows has
    many twins by chance, and few of them tell anything; one of measurements has none.
    """
    ours = _keys(*sealed)
    theirs = [(name, _keys(matrix, labels)) for name, matrix, labels in public]
    inside, outside = Counter(ours), Counter(key for _, keys in theirs for key in keys)
    share = len(ours) / max(len(ours) + outside.total(), 1)
    crossing = [key for key in inside if key in outside]
    sizes = Counter(
        inside[key] + outside[key]
        for key in inside.keys() | outside.keys()
        if inside[key] + outside[key] > 1
    )
    times = np.array(sorted(sizes), float)
    chances = 1 - share**times - (1 - share) ** times
    counts = np.array([sizes[int(k)] for k in times], float)
    return Twins(
        rows=sum(inside[key] for key in crossing),
        different=len(crossing),
        expected=float(counts @ chances),
        p_value=_at_least(len(crossing), chances, counts),
        places=tuple(_places(set(crossing), ours, theirs)),
    )


def _keys(matrix: npt.NDArray[Any], labels: Labels) -> list[bytes]:
    return [x.tobytes() + y.tobytes() for x, y in zip(matrix, labels, strict=True)]


def _at_least(seen: int, chances: Floats, counts: Floats) -> float:
    """Chernoff's bound of the probability that so many, or more, of independent events happen."""
    if seen <= counts @ chances:
        return 1.0
    if seen >= counts.sum():
        return math.exp(float(counts @ np.log(chances)))
    low, high = 0.0, 60.0
    for _ in range(80):
        tilt = (low + high) / 2
        weight = chances * math.exp(tilt)
        low, high = (
            (tilt, high) if counts @ (weight / (weight + 1 - chances)) < seen else (low, tilt)
        )
    generating = float(counts @ np.log1p(chances * math.expm1(low)))
    return min(math.exp(generating - low * seen), 1.0)


def _places(
    twins: set[bytes], ours: list[bytes], theirs: list[tuple[str, list[bytes]]]
) -> list[tuple[str, int, int]]:
    first = {key: row for row, key in reversed(list(enumerate(ours, 1)))}
    return [
        (name, row, first[key])
        for name, keys in theirs
        for row, key in enumerate(keys, 1)
        if key in twins
    ][:NAMED]
