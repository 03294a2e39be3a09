"""Evidence: what a search reads of a table, rows or cells that rows were folded into where they lie."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from evenhand.cubes import Cells, RowReading, build_cube, read_cells
from evenhand.errors import InputError, Note
from evenhand.pages.numbers import plural
from evenhand.questions.absent import missing_rows
from evenhand.records import dialect_of
from evenhand.results.estimate import Missing
from evenhand.slicing.differences import check_denominators
from evenhand.slicing.far import MOST_CELLS, FarRows
from evenhand.slicing.hunt import SearchOptions, rows_needed
from evenhand.slicing.losses import is_binary
from evenhand.slicing.question import SearchQuestion
from evenhand.slicing.search import SearchProgress
from evenhand.stats.forms import Ratio

#: Combinations of a row's counts, at most: a 0/1 loss has four.
MOST_LOSSES = 16
#: Methods whose answer does not depend on which row comes first.
ORDERLESS = (None, "auto", "exact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Cells or far rows that are searched, the rows that lack what the metric needs, and what must be known besides."""

    cells: Cells | FarRows
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...] = ()


def read_evidence(
    asked: SearchQuestion,
    settings: SearchOptions,
    method: str | None,
    progress: Callable[[SearchProgress], None] | None = None,
) -> Evidence:
    """Read what is searched; faults of the table are raised together.

    The rows of a server stay there where they can: of independent rows with a 0/1 loss whose slices are
    confirmed exactly, or not at all, only combinations come, with how many rows have each.  Otherwise
    the rows are fetched, in the server's order, and that is told before.

    Parameters
    ----------
    asked : SearchQuestion
        What was asked of which table.
    settings : SearchOptions
        How to search.
    method : str, optional
        How to confirm.
    progress : callable, optional
        Told how many rows will be fetched.
    """
    plan, where = asked.plan, asked.where
    texts = asked.records.missing_values
    whole = build_cube(
        plan.records, plan.measure, (), unit=asked.unit, where=where, missing_values=texts
    )
    rows = int(whole.n_rows.sum())
    least = rows_needed(settings, whole)
    far = not dialect_of(plan.records.engine.dialect).local
    cells: Cells | FarRows | None = None
    notes: tuple[Note, ...] = ()
    if far and asked.unit is None and method in ORDERLESS:
        cells = _staying(asked, least)
    if cells is None:
        notes = _told(asked, settings, rows, progress, far=far)
        cells = read_cells(
            plan.records,
            plan.measure,
            asked.attributes,
            unit=asked.unit,
            where=where,
            missing_values=texts,
            least=least,
        )
    if asked.sides is not None:
        assert isinstance(plan.form, Ratio)
        known = cells.cells(()) if isinstance(cells, FarRows) else cells
        check_denominators(known, len(known.parts) // 2, plan.form, *asked.sides)
    units = (asked.unit,) if asked.unit else ()
    missing = missing_rows(whole, units, weighting=asked.weighting)
    return Evidence(cells=cells, missing=missing, notes=notes)


def _staying(asked: SearchQuestion, least: int) -> Cells | FarRows | None:
    """All combinations, or the rows where they lie if there are too many; `None` if rows are needed here."""
    plan, texts = asked.plan, asked.records.missing_values
    reading = RowReading.of(
        plan.records, plan.measure, asked.attributes, None, asked.where, texts, least
    )
    losses = reading.folded((), MOST_LOSSES)
    if losses is None or not is_binary(losses, plan.form):
        return None
    cells = reading.folded(range(len(asked.attributes)), MOST_CELLS, least)
    aim = replace(asked.question, proportion=True)
    return FarRows(reading=reading.scored(least), question=aim) if cells is None else cells


def _told(
    asked: SearchQuestion,
    settings: SearchOptions,
    rows: int,
    progress: Callable[[SearchProgress], None] | None,
    *,
    far: bool,
) -> tuple[Note, ...]:
    """Say how many rows come, before they do; refuse where they do not fit."""
    # Codes of two bytes, counts and numbers of rows and units of eight; in pieces first, and then whole.
    each = 2 * (2 * len(asked.attributes) + 8 * (len(asked.plan.measure.parts) + 2))
    needed = rows * each / 1e9
    if needed > settings.memory_limit:
        raise InputError(
            f"Searching {asked.records.name} needs about {needed:.2g} GB, since all {plural(rows, 'row')} must be in "
            f"memory; the limit is {settings.memory_limit:g} GB, and nothing was fetched.  Raise --memory-limit, name "
            "fewer features, keep fewer rows with --where, or search a cube of the features."
        )
    if not far:
        return ()
    if progress is not None:
        progress(
            SearchProgress(level=0, done=0, total=rows, threshold=float("-inf"), bound=float("inf"))
        )
    text = f"{plural(rows, 'row')} came from the server: the search needed them one by one."
    return (Note(code="rows_fetched", text=text),)
