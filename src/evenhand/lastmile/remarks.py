"""What a reader of a plan must know of it: what the pilot does not tell, and what is taken for granted."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.sets import GroupSet
from evenhand.cubes import Cube
from evenhand.errors import Note
from evenhand.lastmile.pilot import PilotCells
from evenhand.lastmile.population import Population, incomplete
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import plural, share
from evenhand.questions.question import Question
from evenhand.stats.allocation import HEAVY

Integers = npt.NDArray[np.int64]


def remarks(
    found: PilotCells,
    cube: Cube,
    cells: Sequence[GroupSet],
    question: Question,
    population: Population | None,
    first: Integers,
    unknown: float,
    shared: int,
) -> Iterator[Note]:
    """Notes of a plan.

    Parameters
    ----------
    found : PilotCells
    cube : Cube
    cells : sequence of GroupSet
    question : Question
    population : Population, optional
    first : integer array of shape (cells,)
        Labels of the cells that cannot be planned.
    unknown : float
        Part of the population in cells of which the pilot has nothing.
    shared : int
        See `shared_units`.
    """
    unable = int((~found.able).sum())
    if unable:
        yield Note(
            code="pilot_too_small",
            text=f"Of {plural(unable, 'cell')} the pilot does not tell how much units vary; {int(first.sum()):,} "
            "labels are kept to find out, and no width is promised there.",
        )
    binary = np.isfinite(found.pilot.trials)
    if found.pilot.kurtosis > HEAVY and not binary.all():
        what = question.units[0] if question.units else "row"
        yield Note(
            code="heavy_tails",
            text=f"A few units ({what}) of the pilot hold most of what varies (kurtosis {found.pilot.kurtosis:.0f}; 3 "
            "is usual).  Where that is so, promises were kept in 80 to 95 % of simulated worlds: plan some more, or "
            "take a larger pilot.",
        )
    outside = int(cube.n_rows.sum()) - int(found.rows.sum())
    lacking = ~np.logical_or.reduce([cell.known for cell in cells])
    outside -= int(cube.n_rows[lacking].sum())
    if outside:
        yield Note(
            code="rows_in_no_cell",
            text=f"{plural(outside, 'row')} of the pilot {'is' if outside == 1 else 'are'} in no cell: of a predicate "
            "only the rows that satisfy it are one.",
        )
    if shared:
        unit = question.units[0]
        yield Note(
            code="units_shared",
            text=f"{count_units(shared, unit)} of the pilot {'has' if shared == 1 else 'have'} rows in several cells.  "
            f"Labels are counted for each row; where one label serves all rows of a {unit}, fewer do.  Widths of "
            "differences leave out what cells share, and are usually too wide.",
        )
    if not question.units:
        yield Note(
            code="rows_independent",
            text="Each row counts as independent.  Name as --unit whose rows are alike (speaker, patient, document): "
            "otherwise the plan is too small.",
        )
    if population is None:
        yield Note(
            code="share_of_pilot",
            text="The pilot's rows are taken for the population where cells are weighed (--population FILE says "
            "otherwise).",
        )
    else:
        yield from incomplete(population)
    if population is not None and unknown > 0:
        yield Note(
            code="population_unknown",
            text=f"{share(unknown)} of {population.name} is in cells of which the pilot has no row.  Nothing can be "
            "planned there: evenhand coverage lists them.",
        )


def shared_units(cube: Cube, cells: Sequence[GroupSet]) -> int:
    """Units that have rows in more than one cell."""
    if cube.units is None:
        return 0
    place = np.full(len(cube.keys), -1, np.int64)
    for number, cell in enumerate(cells):
        place[cell.members] = number
    own = place[cube.units.cell]
    pairs = np.unique(np.stack([cube.units.unit[own >= 0], own[own >= 0]]), axis=1)
    _, cells_each = np.unique(pairs[0], return_counts=True)
    return int((cells_each > 1).sum())
