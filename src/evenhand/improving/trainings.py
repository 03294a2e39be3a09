"""Which rows each training gets: parts of all groups alike, and of each group by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from evenhand.comparisons.sets import GroupSet, cells_of
from evenhand.cubes import build_cube
from evenhand.errors import InputError, NoRowError
from evenhand.lastmile.population import ROWS
from evenhand.questions.question import Question

Integers = npt.NDArray[np.int64]
#: The number of a row, as a column that no table has.
ROW = "evenhand:row"
#: Parts of all rows, and the part of one group's where it alone is cut.
PARTS, CUT = (0.25, 0.5), 0.25
#: Groups at most: each costs trainings of its own.
MOST_GROUPS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRows:
    """Rows for training, by group.

    Attributes
    ----------
    table : pyarrow.Table
    cells : tuple of GroupSet
        Groups, without those that lack an attribute.
    rows : tuple of integer arrays
        Places of the rows of each group.
    units : integer array of shape (rows,)
        What rows are taken together by: the unit, or the row itself.
    lacking : int
        Rows that are in no group.
    """

    table: pa.Table
    cells: tuple[GroupSet, ...]
    rows: tuple[Integers, ...]
    units: Integers
    lacking: int

    @property
    def sizes(self) -> Integers:
        """Rows of each group."""
        return np.array([len(rows) for rows in self.rows], np.int64)

    def counted(self, places: Integers) -> Integers:
        """How many of some rows each group has."""
        group = np.full(self.table.num_rows, len(self.rows))
        for number, rows in enumerate(self.rows):
            group[rows] = number
        return np.bincount(group[places], minlength=len(self.rows))[: len(self.rows)]

    def part(self, shares: Sequence[float], rng: np.random.Generator) -> Integers:
        """Places of rows such that each group has this share of its own, whole units, at least one."""
        kept = []
        for rows, share in zip(self.rows, shares, strict=True):
            if share >= 1:
                kept.append(rows)
                continue
            own, where = np.unique(self.units[rows], return_inverse=True)
            place = np.empty(len(own), np.int64)
            place[rng.permutation(len(own))] = np.arange(len(own))
            order = np.argsort(place[where], kind="stable")
            wanted = max(1, round(share * len(rows)))
            last = place[where][order][wanted - 1]
            kept.append(rows[place[where] <= last])
        return np.sort(np.concatenate(kept))


def read_training(question: Question, table: pa.Table) -> TrainingRows:
    """Rows for training, told apart by group.

    Parameters
    ----------
    question : Question
        Of the table with `ROW`.
    table : pyarrow.Table
        The same rows, without it.

    Raises
    ------
    InputError
        Where no row is in a group, or each of the groups would need trainings of its own.
    """
    found = read_grouped(question, table)
    if not found.cells:
        (partition,) = question.partitions
        raise NoRowError(f"No row for training is in a group of {' × '.join(partition.names)}.")
    if len(found.cells) > MOST_GROUPS:
        raise InputError(
            f"--by makes {len(found.cells):,} groups; at most {MOST_GROUPS} are planned, since each needs trainings of "
            "its own.  Cut it more coarsely."
        )
    return found


def read_grouped(question: Question, table: pa.Table) -> TrainingRows:
    """The same of any number of groups, none among them."""
    (partition,) = question.partitions
    cube = build_cube(
        question.records,
        ROWS,
        question.attributes,
        unit=(ROW,),
        where=question.where,
        missing_values=question.records.missing_values,
    )
    assert cube.units is not None
    number = np.array([int(float(name)) for name in cube.units.names], np.int64)[cube.units.unit]
    cells = [cell for cell in cells_of(cube, partition, question.attributes) if not cell.missing]
    rows = tuple(np.sort(number[cell.members[cube.units.cell]]) for cell in cells)
    return TrainingRows(
        table=table,
        cells=tuple(cells),
        rows=rows,
        units=_units(question, table),
        lacking=len(number) - sum(map(len, rows)),
    )


def _units(question: Question, table: pa.Table) -> Integers:
    """A number for each row's unit; rows whose unit is not there are one each."""
    n = table.num_rows
    if not question.units:
        return np.arange(n)
    codes = np.zeros(n, np.int64)
    for name in question.units:
        column = table[name].combine_chunks().dictionary_encode()
        own = np.asarray(column.indices.to_numpy(zero_copy_only=False), float)
        own = np.where(np.isnan(own), len(column.dictionary) + np.arange(n), own)
        codes = np.unique(codes * (own.max() + 1) + own, return_inverse=True)[1]
    return codes


def numbered(table: pa.Table) -> pa.Table:
    """A table with a column that numbers its rows."""
    return table.append_column(ROW, pa.array(np.arange(table.num_rows)))


def design(training: TrainingRows, repeats: int, seed: int) -> Iterator[Integers]:
    """Rows of each training, that with all of them first.

    Parts of all groups alike say how the learner learns; a group that alone is cut says what is its own rows'
    doing, and what the others'.
    """
    groups = len(training.rows)
    everything = [1.0] * groups
    yield training.part(everything, np.random.default_rng(seed))
    shares = [[part] * groups for part in PARTS]
    if groups > 1:
        shares += [[CUT if g == own else 1.0 for g in range(groups)] for own in range(groups)]
    for place, share in enumerate(shares):
        for repeat in range(repeats):
            yield training.part(share, np.random.default_rng([seed, place, repeat]))


def layout(groups: int, repeats: int) -> list[list[int]]:
    """Numbers of the trainings that have the same shares of all groups, repeats of each other."""
    times = len(PARTS) + (groups if groups > 1 else 0)
    return [[1 + place * repeats + r for r in range(repeats)] for place in range(times)]
