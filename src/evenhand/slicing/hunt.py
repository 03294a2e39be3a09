"""A hunt: cells made ready to be searched, and searched."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from evenhand.cubes import Cells, Cube
from evenhand.errors import AlikeError, InputError, NoRowError
from evenhand.pages.numbers import plural
from evenhand.slicing.bitmaps import Bitmaps, bytes_needed, pack
from evenhand.slicing.counter import Counted, Counter, LocalCounter
from evenhand.slicing.far import FarCounter, FarRows
from evenhand.slicing.folding import Kept, fold
from evenhand.slicing.judging import Aim
from evenhand.slicing.kernels import choose_kernel
from evenhand.slicing.losses import Losses, losses_of
from evenhand.slicing.scores import SliceScore, score_of
from evenhand.slicing.search import Candidate, Found, Limits, Refine, SearchProgress, search
from evenhand.slicing.space import Item, items_of, mask_of, member

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Report = Callable[[SearchProgress], None]
#: Slices looked at per slice shown, at first and at most: the others fold into those shown.
POOL_FIRST, POOL_MOST = 8, 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How to search; see `evenhand.slices` for the meaning of each."""

    depth: int = 3
    min_support: float = 0.01
    min_units: int = 5
    min_denominator: float = 0.0
    top: int = 10
    score: str = "evidence"
    alpha: float = 0.95
    merge: int = 1
    overlap: float = 0.5
    fold: bool = True
    kernel: str = "auto"
    memory_limit: float = 8.0


class SearchFields(TypedDict, total=False):
    """Fields of `SearchOptions`, for functions that take them by name."""

    depth: int
    min_support: float
    min_units: int
    min_denominator: float
    top: int
    score: str
    alpha: float
    merge: int
    overlap: float
    fold: bool
    kernel: str
    memory_limit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hunt:
    """Cells with everything that a search of them needs.

    Attributes
    ----------
    cells : Cells
        The evidence; where the rows are far, told apart by what was asked for last.
    items : tuple of Item
        Literals with enough support.
    attribute : integer array of shape (items,)
        Attribute of each literal.
    far : FarRows, optional
        Where the rows are, if not here.
    """

    cells: Cells
    question: Aim
    settings: SearchOptions
    losses: Losses
    items: tuple[Item, ...]
    attribute: Integers
    steepest: Floats
    counter: Counter
    bitmaps: Bitmaps
    score: SliceScore
    limits: Limits
    far: FarRows | None = None

    def telling(self, slices: Sequence[Sequence[Item]]) -> "Hunt":
        """The same hunt with cells that tell some slices apart, where the rows are far; else itself."""
        if self.far is None:
            return self
        cells = self.far.telling(slices)
        losses = self.far.losses(cells)
        bitmaps = pack(cells, self.items, losses, choose_kernel(0.0))
        return replace(self, cells=cells, losses=losses, bitmaps=bitmaps)

    def search(self, top: int, progress: Report | None = None) -> Found:
        """The best slices, redundant ones included."""
        return search(
            self.counter,
            self.attribute,
            self.steepest,
            self.score,
            self.limits,
            top=top,
            # A slice that is no worse than all rows together is never told.
            above=0.0,
            bounded=self.losses.bounded,
            refine=self._refine(),
            progress=progress,
        )

    def find(self, progress: Report | None = None) -> tuple[Found, list[Kept]]:
        """The best slices, each of which says something of its own."""
        top = self.settings.top
        pool = top * POOL_FIRST if self.settings.fold else top
        found, kept = self._look(pool, progress)
        while self.settings.fold and found.exact and len(kept) < top:
            if len(found.best) < pool or pool >= top * POOL_MOST:
                break
            pool *= 4
            more, told = self._look(pool, progress)
            if not more.exact:
                # Interrupted: what a shorter list told stands.
                return replace(found, exact=False), kept
            found, kept = more, told
        return found, kept

    def _look(self, pool: int, progress: Report | None) -> tuple[Found, list[Kept]]:
        found = self.search(pool, progress)
        return found, self._kept(found.best)

    def scored(self, name: str) -> "Hunt":
        """The same hunt by another score."""
        if name == self.score.name:
            return self
        settings = replace(self.settings, score=name)
        return replace(self, settings=settings, score=_score(self.cells, self.losses, settings))

    def candidates(self, slices: Sequence[tuple[int, ...]]) -> list[Candidate]:
        """Slices by the numbers of their literals, with sums and scores; only those with enough units."""
        refine, out = self._refine(), []
        for items in slices:
            sums = self.counter.sums(np.array([items], np.int32))[0]
            score = float(self.score.value(*sums[1:, None].astype(float))[0])
            one = Candidate(
                items=items, score=score, sums=(int(sums[0]), int(sums[1]), int(sums[2]))
            )
            refined = refine(one) if refine else one
            out += [refined] if refined is not None else []
        return out

    def folded(self, best: Sequence[Candidate], top: int) -> list[Kept]:
        """Those of some slices, best first, that say something of their own."""
        return fold(self.bitmaps, self.score, best, top=top, overlap=self.settings.overlap)

    def _kept(self, best: Sequence[Candidate]) -> list[Kept]:
        top = self.settings.top
        if self.settings.fold:
            return self.telling([self.literals(one) for one in best]).folded(best, top)
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
        for number, keys in enumerate(self.cells.keys):
            cells, losses = self.cells, self.losses
            if self.far is not None:
                cells = self.far.cells([number])
                losses = self.far.losses(cells)
            above, below = (
                np.bincount(cells.codes[number], side, len(keys) + 1)
                for side in (losses.above, losses.below)
            )
            told = below > 0
            if ((above == 0) | (above == below))[told].all() and not told[len(keys)]:
                out.append(number)
        return out

    def _refine(self) -> Refine | None:
        """Units of a slice, and its own spread: too dear for slices that are not near the top."""
        if self.cells.unit is None:
            return self._refine_rows() if self.score.refined else None
        unit, count = self.cells.unit, self.cells.n_units
        psi, says = self.losses.psi, (self.losses.above != 0) | (self.losses.below != 0)
        whole = np.bincount(unit, psi, count)

        def refine(candidate: Candidate) -> Candidate | None:
            mask = mask_of(self.cells, self.literals(candidate))
            inside = np.bincount(unit[mask & says], minlength=count) > 0
            if inside.sum() < self.settings.min_units:
                return None
            if not self.score.refined:
                return candidate
            share = candidate.sums[2] / self.score.below
            own = np.bincount(unit[mask], psi[mask], count)
            if self.score.name == "z":
                return self._studentised(candidate, ((own - share * whole) ** 2).sum())
            outside = np.bincount(unit[says & ~mask], minlength=count) > 0
            rest = whole - own
            own = own - own.sum() / inside.sum() * inside
            rest = rest - rest.sum() / max(outside.sum(), 1) * outside
            return self._studentised(candidate, (((1 - share) * own - share * rest) ** 2).sum())

        return refine

    def _refine_rows(self) -> Refine:
        squares, number = self.losses.squares, self.cells.n_rows
        whole, rows = float(squares.sum()), int(number.sum())

        def refine(candidate: Candidate) -> Candidate:
            share = candidate.sums[2] / self.score.below
            mask = self.bitmaps.members(candidate.items, len(squares))
            inside, size = float(squares[mask].sum()), int(number[mask].sum())
            centre = self._excess(candidate) ** 2
            own = inside - centre / max(size, 1)
            rest = whole - inside - centre / max(rows - size, 1)
            return self._studentised(candidate, (1 - share) ** 2 * own + share**2 * rest)

        return refine

    def _excess(self, candidate: Candidate) -> float:
        return candidate.sums[1] - self.score.above / self.score.below * candidate.sums[2]

    def _studentised(self, candidate: Candidate, own: float) -> Candidate:
        """With the excess over the larger of its own standard error and that of exchangeable cells."""
        share = candidate.sums[2] / self.score.below
        apart = self.score.variance * self.score.below * share * (1 - share)
        error = float(np.sqrt(max(own, apart)))
        score = self._excess(candidate) / error if error > 0 else 0.0
        return Candidate(items=candidate.items, score=score, sums=candidate.sums)


def prepare(cells: Cells, question: Aim, settings: SearchOptions, *, share: float = 1.0) -> Hunt:
    """Make cells ready to be searched.

    Parameters
    ----------
    cells : Cells
        The evidence, or the part of it that may be looked at.
    question : Aim
        The metric.
    settings : SearchOptions
        How to search.
    share : float
        Part of all rows that `cells` are.

    Raises
    ------
    InputError
        Where nothing can be found: no attribute with two frequent values, a constant loss, a support
        larger than the table, or more memory needed than allowed.
    """
    losses, least_rows, least_below = _ground(cells, question, settings, share)
    literals = items_of(cells, merge=settings.merge)
    items = _supported(cells, losses, literals, least_rows, least_below)
    _check_memory(cells, losses, items, settings)
    words = -(-len(cells) // 64)
    bitmaps = pack(
        cells, items, losses, choose_kernel(words * len(items) ** 2 / 2, settings.kernel)
    )
    return Hunt(
        cells=cells,
        question=question,
        settings=settings,
        losses=losses,
        items=tuple(items),
        attribute=np.array([item.attribute for item in items], np.int64),
        steepest=_steepest(cells, losses, items),
        counter=LocalCounter(
            bitmaps=bitmaps,
            counted=Counted.of(cells, losses),
            items=tuple(items),
            sizes=tuple(len(keys) + 1 for keys in cells.keys),
        ),
        bitmaps=bitmaps,
        score=_score(cells, losses, settings),
        limits=Limits(
            depth=settings.depth,
            rows=least_rows,
            denominator=least_below,
            least=_least_denominator(cells, losses, least_rows),
        ),
    )


def prepare_far(far: FarRows, settings: SearchOptions) -> Hunt:
    """Make rows ready to be searched that stay on a server; the same hunt as if they were here."""
    cells = far.cells(())
    losses, least_rows, least_below = _ground(cells, far.question, settings, 1.0)
    literals, rows = items_of(cells, merge=settings.merge), int(cells.n_rows.sum())
    sizes = tuple(len(keys) + 1 for keys in cells.keys)
    words = -(-rows // 64)
    every = FarCounter(rows=far, items=tuple(literals), sizes=sizes, words=words)
    sums = every.sums(np.arange(len(literals), dtype=np.int32)[:, None])
    fits = (sums[:, 0] >= least_rows) & (sums[:, 2] >= least_below) & (sums[:, 0] < rows)
    items = tuple(item for item, kept in zip(literals, fits, strict=True) if kept)
    if not items:
        raise _no_literal(least_rows, least_below)
    return Hunt(
        cells=cells,
        question=far.question,
        settings=settings,
        losses=losses,
        items=items,
        attribute=np.array([item.attribute for item in items], np.int64),
        steepest=_steepest(cells, losses, list(items)),
        counter=FarCounter(rows=far, items=items, sizes=sizes, words=words),
        bitmaps=pack(cells, items, losses, choose_kernel(0.0)),
        score=_score(cells, losses, settings),
        limits=Limits(
            depth=settings.depth,
            rows=least_rows,
            denominator=least_below,
            least=_least_denominator(cells, losses, least_rows),
        ),
        far=far,
    )


def _ground(
    cells: Cells, question: Aim, settings: SearchOptions, share: float
) -> tuple[Losses, int, float]:
    """Losses, and the rows and the denominator that a slice has at least."""
    losses = losses_of(
        cells,
        question.form,
        higher_is_worse=question.higher_is_worse,
        proportion=question.proportion,
    )
    largest = max(float(np.abs(losses.above).max(initial=0)), 1.0)
    if float(losses.squares.max(initial=0.0)) <= (1e-9 * largest) ** 2:
        raise AlikeError(
            f"Every {'row' if cells.unit is None else 'unit'} has the same loss, so no slice is worse than "
            "another.  Look at the metric's columns.",
            units=int(cells.n_rows.sum()) if cells.unit is None else len(np.unique(cells.unit)),
        )
    least_rows = rows_needed(settings, cells, share=share)
    # A denominator in fixed point may fall short of the wanted one by rounding.
    wanted = settings.min_denominator * share / losses.size_step
    least_below = max(np.floor(wanted * (1 - 1e-8)) if losses.size_step != 1 else wanted, 1.0)
    return losses, least_rows, float(least_below)


def _score(cells: Cells, losses: Losses, settings: SearchOptions) -> SliceScore:
    return score_of(
        settings.score,
        losses,
        alpha=settings.alpha,
        squares=float(losses.squares.sum()),
        clustered=cells.unit is not None,
    )


def rows_needed(settings: SearchOptions, searched: Cells | Cube, *, share: float = 1.0) -> int:
    """Rows of the smallest slice; a cube tells why some rows cannot be searched."""
    rows = int(searched.n_rows.sum())
    if not rows:
        missing = searched.missing if isinstance(searched, Cube) else ()
        lacking = ", ".join(f"{plural(n, 'row')} without {name}" for name, n in missing if n)
        raise NoRowError(
            f"There is nothing to search: no row can be scored ({lacking or 'the table has none'})."
        )
    support = settings.min_support
    least = int(np.ceil(support * rows - 1e-9)) if support < 1 else int(np.ceil(support * share))
    if rows == 1:
        raise NoRowError(
            "There is nothing to search: only one row can be scored, and a slice is compared with the rest."
        )
    if least >= rows:
        raise InputError(
            f"The minimum support is {plural(least, 'row')}, but only {plural(rows, 'row')} can be scored.  Lower it."
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
        raise _no_literal(rows, below)
    return kept


def _no_literal(rows: int, below: float) -> InputError:
    return InputError(
        f"No attribute has a value that at least {plural(rows, 'row')} (and a denominator of {below:g}) share "
        "and others lack.  Lower the minimum support, cut numeric attributes with --bins, or name other "
        "features."
    )


def _check_memory(cells: Cells, losses: Losses, items: list[Item], settings: SearchOptions) -> None:
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
