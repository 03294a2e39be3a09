"""What a cube holds, told without judging anything."""

from dataclasses import dataclass
from typing import ClassVar

from evenhand.cubes import CountedRecords
from evenhand.errors import Note
from evenhand.results.protocol import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPart:
    """Records that a cube counts.

    Attributes
    ----------
    name : str
        What they were called when they were counted.
    sha256 : str or None
        SHA-256 of the file's bytes; `None` for frames and servers.
    where : str or None
        Which of their rows.
    """

    name: str
    sha256: str | None
    where: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CubeSummary(Result):
    """What a cube holds.

    Attributes
    ----------
    file : str or None
        The file.
    rows : int
        Rows that the first metric counts.
    cells : int
        Combinations of the groups' values; of the metric that has the most.
    counts : int
        Rows of the file: cells, or pairs of a cell and a unit.
    units : int or None
        Independent units; `None` where each row is one.
    unit : tuple of str
        Columns that name them.
    metrics : tuple of str
        What was counted.
    by : tuple of str
        The groups.
    bins : dict of str to tuple of float
        Edges of the groups that are cut.
    sources : tuple of CountedPart
        What is counted.
    added : int or None
        Files that this run added; `None` where it added none by itself.
    notes : tuple of Note
        What a reader must know of the rows; of many files the first of each kind.
    weight : str or None
        Column that says how many each row stands for; `None` where each stands for one.
    stratum : str or None
        Column that tells apart the strata within which units were drawn; `None` where there are none.
    """

    SCHEMA: ClassVar[str] = "evenhand.cube_summary/1"

    file: str | None
    rows: int
    cells: int
    counts: int
    units: int | None
    unit: tuple[str, ...]
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    sources: tuple[CountedPart, ...]
    added: int | None = None
    notes: tuple[Note, ...] = ()
    weight: str | None = None
    stratum: str | None = None


def summary_of(
    counted: CountedRecords, *, file: str | None = None, added: int | None = None
) -> CubeSummary:
    """What counted records hold."""
    cubes = [metric.cube for metric in counted.metrics]
    units = cubes[0].units
    return CubeSummary(
        file=file or (str(counted.path) if counted.path else None),
        rows=counted.n_rows,
        cells=max(len(cube.keys) for cube in cubes),
        counts=counted.n_counts,
        units=None if units is None else len(units.names),
        unit=counted.units,
        metrics=tuple(metric.text for metric in counted.metrics),
        by=counted.by,
        bins={a.name: a.edges for a in counted.attributes if a.edges is not None},
        sources=tuple(
            CountedPart(name=one.name, sha256=one.sha256, where=one.where)
            for one in counted.sources
        ),
        added=added,
        notes=counted.told_notes,
        weight=counted.weight,
        stratum=counted.stratum,
    )
