"""A hunt: cells made ready to be searched, and searched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells
from evenhand.errors import InputError
from evenhand.slicing.bitmaps import Bitmaps, bytes_needed, pack
from evenhand.slicing.folding import Kept, fold
from evenhand.slicing.judging import Question
from evenhand.slicing.kernels import choose_kernel
from evenhand.slicing.losses import Losses, losses_of
from evenhand.slicing.scores import Score, score_of
from evenhand.slicing.search import Candidate, Found, Limits, Progress, Refine, search
from evenhand.slicing.space import Item, items_of, mask_of, member

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Report = Callable[[Progress], None]
#: Slices looked at per slice shown, at first and at most: the others fold into those shown.
POOL_FIRST, POOL_MOST = 4, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to search; see `evenhand.slices` for the meaning of each."""

    depth: int = 3
    min_support: float = 0.01
    min_units: int = 5
    min_denominator: float = 0.0
    top: int = 10
    score: str = "sliceline"
    alpha: float = 0.95
    merge: int = 1
    overlap: float = 0.5
    fold: bool = True
    kernel: str = "auto"
    memory_limit: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hunt:
    """Cells with everything that a search of them needs.

    Attributes
    ----------
    cells : Cells
        The evidence.
    items : tuple of Item
        Literals with enough support.
    attribute : integer array of shape (items,)
        Attribute of each literal.
    """

    cells: Cells
    question: Question
    settings: Settings
    losses: Losses
    items: tuple[Item, ...]
    attribute: Integers
    steepest: Floats
    bitmaps: Bitmaps
    score: Score
    limits: Limits

    def search(self, top: int, progress: Report | None = None) -> Found:
        """The best slices, redundant ones included."""
        return search(
            self.bitmaps,
            self.attribute,
            self.steepest,
            self.score,
            self.limits,
            top=top,
            # Of slices that say something of their own only those are told that are worse than all.
            above=0.0 if self.settings.fold else -np.inf,
            bounded=self.losses.bounded,
            refine=self._refine(),
            progress=progress,
        )

    def find(self, progress: Report | None = None) -> tuple[Found, list[Kept]]:
        """The best slices, each of which says something of its own."""
        top = self.settings.top
        pool = top * POOL_FIRST if self.settings.fold else top
        while True:
            found = self.search(pool, progress)
            kept = self._kept(found.best)
            full = len(found.best) < pool or pool >= top * POOL_MOST
            if len(kept) == top or full or not (found.exact and self.settings.fold):
                return found, kept
            pool *= 4

    def _kept(self, best: Sequence[Candidate]) -> list[Kept]:
        top = self.settings.top
        if self.settings.fold:
            return fold(self.bitmaps, self.score, best, top=top, overlap=self.settings.overlap)
        return [
            Kept(candidate=one, words=self.bitmaps.words(one.items), folded=[])
            for one in best[:top]
        ]

    def literals(self, candidate: Candidate) -> list[Item]:
        """Literals of a slice."""
        return [self.items[number] for number in candidate.items]

    def leaks(self) -> list[int]:
        """Attributes whose value tells the loss of every row: all of it or none."""
        if not self.losses.plain:
            return []
        out = []
        for number, (codes, keys) in enumerate(zip(self.cells.codes, self.cells.keys, strict=True)):
            above, below = (
                np.bincount(codes, side, len(keys) + 1)
                for side in (self.losses.above, self.losses.below)
            )
            told = below > 0
            if ((above == 0) | (above == below))[told].all() and not told[len(keys)]:
                out.append(number)
        return out

    def _refine(self) -> Refine | None:
        """Units of a slice, and its z over units: too dear for slices that are not near the top."""
        if self.cells.unit is None:
            return None
        unit, count = self.cells.unit, self.cells.n_units
        psi, says = self.losses.psi, (self.losses.above != 0) | (self.losses.below != 0)
        whole = np.bincount(unit, psi, count)

        def refine(candidate: Candidate) -> Candidate | None:
            mask = mask_of(self.cells, self.literals(candidate))
            if len(np.unique(unit[mask & says])) < self.settings.min_units:
                return None
            if self.score.name != "z":
                return candidate
            share = candidate.sums[2] / self.score.below
            own = np.bincount(unit[mask], psi[mask], count)
            apart = self.score.variance * self.score.below * share * (1 - share)
            error = float(np.sqrt(max(((own - share * whole) ** 2).sum(), apart)))
            score = float(own.sum()) / error if error > 0 else 0.0
            return Candidate(items=candidate.items, score=score, sums=candidate.sums)

        return refine


def prepare(cells: Cells, question: Question, settings: Settings, *, share: float = 1.0) -> Hunt:
    """Make cells ready to be searched.

    Parameters
    ----------
    cells : Cells
        The evidence, or the part of it that may be looked at.
    question : Question
        The metric.
    settings : Settings
        How to search.
    share : float
        Part of all rows that `cells` are.

    Raises
    ------
    InputError
        Where nothing can be found: no attribute with two frequent values, a constant loss, a support
        larger than the table, or more memory needed than allowed.
    """
    losses = losses_of(
        cells,
        question.form,
        higher_is_worse=question.higher_is_worse,
        proportion=question.proportion,
    )
    largest = max(float(np.abs(losses.above).max(initial=0)), 1.0)
    if float(losses.squares.max(initial=0.0)) <= (1e-9 * largest) ** 2:
        raise InputError(
            f"Every {'row' if cells.unit is None else 'unit'} has the same loss, so no slice is worse than "
            "another.  Look at the metric's columns."
        )
    rows = int(cells.n_rows.sum())
    least_rows = rows_needed(settings, rows, share=share)
    # A denominator in fixed point may fall short of the wanted one by rounding.
    wanted = settings.min_denominator * share / losses.size_step
    least_below = max(np.floor(wanted * (1 - 1e-8)) if losses.size_step != 1 else wanted, 1.0)
    items = _supported(
        cells, losses, items_of(cells, merge=settings.merge), least_rows, least_below
    )
    _check_memory(cells, losses, items, settings)
    words = -(-len(cells) // 64)
    kernel = choose_kernel(words * len(items) ** 2 / 2, settings.kernel)
    return Hunt(
        cells=cells,
        question=question,
        settings=settings,
        losses=losses,
        items=tuple(items),
        attribute=np.array([item.attribute for item in items], np.int64),
        steepest=_steepest(cells, losses, items),
        bitmaps=pack(cells, items, losses, kernel),
        score=score_of(
            settings.score,
            losses,
            alpha=settings.alpha,
            squares=float(losses.squares.sum()),
            clustered=cells.unit is not None,
        ),
        limits=Limits(
            depth=settings.depth,
            rows=least_rows,
            denominator=least_below,
            least=_least_denominator(cells, losses, least_rows),
        ),
    )


def rows_needed(settings: Settings, rows: int, *, share: float = 1.0) -> int:
    """Rows of the smallest slice, where `rows` of the table's rows are searched."""
    support = settings.min_support
    least = int(np.ceil(support * rows - 1e-9)) if support < 1 else int(np.ceil(support * share))
    if least >= rows:
        raise InputError(
            f"The minimum support is {least:,} rows, but only {rows:,} rows can be scored.  Lower it."
        )
    return max(least, 1)


def _supported(
    cells: Cells, losses: Losses, items: list[Item], rows: int, below: float
) -> list[Item]:
    """Literals that enough rows satisfy, and not all of them."""
    ones, alike = bool((cells.n_rows == 1).all()), np.array_equal(cells.n_rows, losses.below)
    sums = []
    for codes, keys in zip(cells.codes, cells.keys, strict=True):
        counts = np.bincount(codes, None if ones else cells.n_rows, len(keys) + 1)
        sums.append([counts, counts if alike else np.bincount(codes, losses.below, len(keys) + 1)])
    kept = []
    for item in items:
        n, b = (float(side[list(item.codes)].sum()) for side in sums[item.attribute])
        if n >= rows and b >= below and n < cells.n_rows.sum():
            kept.append(item)
    if not kept:
        raise InputError(
            f"No attribute has a value that at least {rows:,} rows (and a denominator of {below:g}) share "
            "and others lack.  Lower the minimum support, cut numeric attributes with --bins, or name other "
            "features."
        )
    return kept


def _check_memory(cells: Cells, losses: Losses, items: list[Item], settings: Settings) -> None:
    needed = bytes_needed(len(cells), len(items), losses) / 1e9
    if needed > settings.memory_limit:
        raise InputError(
            f"Searching {len(cells):,} rows for {len(items):,} literals needs about {needed:.2g} GB; "
            f"the limit is {settings.memory_limit:g} GB.  Raise --memory-limit or the minimum support, or "
            "name fewer features."
        )


def _steepest(cells: Cells, losses: Losses, items: list[Item]) -> Floats:
    """Largest loss per denominator of each literal's cells."""
    if losses.binary or not np.isfinite(losses.steepest):
        return np.full(len(items), losses.steepest)
    ratio = losses.above / np.maximum(losses.below, 1)
    return np.array([ratio[member(cells, item)].max(initial=0.0) for item in items], float)


def _least_denominator(cells: Cells, losses: Losses, rows: int) -> float:
    """A denominator that no slice of so many rows can fall below: the smallest ones added."""
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(cells.n_rows > 0, losses.below / cells.n_rows, np.inf)
    order = np.argsort(each, kind="stable")
    counted = np.cumsum(cells.n_rows[order])
    whole = int(np.searchsorted(counted, rows, side="right"))
    total = float(losses.below[order[:whole]].sum())
    if whole < len(order):
        before = counted[whole - 1] if whole else 0
        part = (rows - before) * each[order[whole]]
        total += float(part) if np.isfinite(part) else 0.0
    return float(np.floor(total))
