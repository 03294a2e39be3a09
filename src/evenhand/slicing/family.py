"""The family: every admissible slice, whatever its loss, since that is what was looked at."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.slicing.counter import Counter
from evenhand.slicing.search import Level, Limits, join, stacked

Integers = npt.NDArray[np.int64]
#: Words ANDed to count the family exactly; beyond, an upper limit of its size is used.
COUNTED_WORDS = 2e10
#: Slices counted at a time.
CHUNK = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """How many slices are admissible; an upper limit where `counted` is false."""

    size: int
    counted: bool


def admissible(counter: Counter, attribute: Integers, limits: Limits) -> Iterator[Level]:
    """All admissible slices, in chunks, level by level.

    Rows and denominators alone decide, so the family does not depend on the loss; numerators are not
    counted.
    """
    counter = counter.supports()
    items = np.arange(len(attribute), dtype=np.int32)[:, None]
    alive = yield from _counted(counter, limits, iter([_unseen(items)]))
    for _ in range(2, limits.depth + 1):
        if len(alive.slices) < 2:
            return
        alive = yield from _counted(counter, limits, join(alive, attribute))


def _unseen(items: npt.NDArray[np.int32]) -> Level:
    return Level(
        slices=items, sums=np.zeros((len(items), 3), np.int64), steepest=np.zeros(len(items))
    )


def _counted(
    counter: Counter, limits: Limits, levels: Iterator[Level]
) -> Generator[Level, None, Level]:
    kept = []
    for level in levels:
        for start in range(0, len(level.slices), CHUNK):
            part = level.take(np.arange(start, min(start + CHUNK, len(level.slices))))
            sums = counter.sums(part.slices)
            fits = (sums[:, 0] >= limits.rows) & (sums[:, 2] >= limits.denominator)
            chosen = replace(part, sums=sums).take(fits)
            kept.append(chosen)
            yield chosen
    if not kept:
        return _unseen(np.zeros((0, 1), np.int32))
    whole = stacked(kept)
    return whole.take(np.lexsort(whole.slices.T[::-1]))


def count_family(counter: Counter, attribute: Integers, limits: Limits) -> Family:
    """Number of admissible slices, or an upper limit where counting would take too long."""
    most = COUNTED_WORDS / counter.words
    size = 0
    for chunks, level in enumerate(admissible(counter, attribute, limits), 1):
        size += len(level.slices)
        if chunks > limits.depth and chunks * CHUNK > most:
            return Family(size=_upper_limit(attribute, limits.depth), counted=False)
    return Family(size=max(size, 1), counted=True)


def _upper_limit(attribute: Integers, depth: int) -> int:
    """Conjunctions of up to `depth` literals of different attributes, admissible or not.

    Elementary symmetric polynomials of the attributes' numbers of literals.
    """
    sums = [1] + [0] * depth
    for count in np.bincount(attribute).tolist():
        for size in range(depth, 0, -1):
            sums[size] += sums[size - 1] * count
    return sum(sums[1:])
