"""What is said of each cell beside the pilot: what a label costs, and its share of the population."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.sets import GroupSet
from evenhand.errors import Fault, FaultsError, InputError, unknown_name

Floats = npt.NDArray[np.float64]


def read_of_cells(
    path: str | Path, column: str, cells: Sequence[GroupSet], names: Sequence[str]
) -> Floats:
    """A number of each cell, from a file with a column for each attribute and one for the number.

    Parameters
    ----------
    path : str or Path
        CSV with a header; a column of the attributes may be left out where the number does not depend on it.
    column : str
        What the number is called: ``cost`` or ``share``.
    cells : sequence of GroupSet
    names : sequence of str
        The attributes, in the order of the cells' labels.

    Raises
    ------
    FaultsError
        With line numbers, for what is no number above 0, and for cells that are told twice.
    InputError
        Where columns or cells are missing.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            heads, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if column not in heads:
        raise InputError(f"{path}: {unknown_name('column', column, heads)}")
    told = [name for name in names if name in heads]
    for head in heads:
        if head != column and head not in names:
            raise InputError(f"{path}: {unknown_name('attribute', head, list(names))}")
    found: dict[tuple[str, ...], float] = {}
    faults: list[Fault] = []
    for line, row in enumerate(rows, start=2):
        key = tuple((row[name] or "").strip() for name in told)
        try:
            number = float(row[column])
        except (TypeError, ValueError):
            number = float("nan")
        if not 0 < number < float("inf"):
            message = f"{column} is {row[column]!r}, but must be a number above 0"
            faults.append(Fault(line=line, message=message))
        elif key in found:
            faults.append(Fault(line=line, message=f"{', '.join(key)} is told twice"))
        else:
            found[key] = number
    if faults:
        raise FaultsError(str(path), faults)
    keys = [
        tuple(str(value) for name, value in zip(names, cell.label, strict=True) if name in told)
        for cell in cells
    ]
    lacking = list(dict.fromkeys(", ".join(key) for key in keys if key not in found))
    if lacking:
        raise InputError(
            f"{path} has no {column} of {'; '.join(lacking[:5])}{' …' * (len(lacking) > 5)}.  Add a line for each of "
            f"the {len(lacking)} missing."
        )
    return np.array([found[key] for key in keys])
