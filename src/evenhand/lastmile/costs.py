"""What a file says of each cell: what a label costs there, or its share of the population."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.sets import GroupSet
from evenhand.errors import Fault, FaultsError, InputError, unknown_name, unknown_names
from evenhand.groups import Attribute

Floats = npt.NDArray[np.float64]
#: Cells that a message names.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CellNumbers:
    """Numbers of cells, as a file has them.

    Attributes
    ----------
    names : tuple of str
        The attributes that the file tells apart.
    numbers : dict
        The number of each cell, by the texts of its values in the order of `names`.
    """

    names: tuple[str, ...]
    numbers: dict[tuple[str, ...], float]


def key_text(value: object) -> str:
    """A value as files write it: whole numbers without a point, truth in small letters.

    Examples
    --------
    >>> key_text(3.0), key_text(True), key_text("Wales")
    ('3', 'true', 'Wales')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def rows_of(path: str | Path) -> Iterator[list[str]]:
    """Rows of a CSV file, its header first; a semicolon or a tab may stand for the comma.

    Raises
    ------
    InputError
        Where it cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            yield from csv.reader(file, delimiter=max(",;\t", key=head.count))
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be read: {reason}.") from error


def read_numbers(
    path: str | Path,
    lines: Iterable[Sequence[str]],
    column: str,
    attributes: Sequence[Attribute],
    *,
    whole: bool,
    least: float = 0.0,
) -> CellNumbers:
    """A number of each cell, from lines with a column for each attribute and one for the number.

    Parameters
    ----------
    path : str or Path
        What the lines are called in messages.
    lines : iterable of sequences of str
        As `rows_of` gives them.
    column : str
        What the number is called: ``cost`` or ``share``.
    attributes : sequence of Attribute
        What cells are told apart by.  Of a number that is cut, the file may hold the bin as tables name it, or
        any number that falls into it.
    whole : bool
        Whether all attributes are needed; else a number that does not depend on one may leave it out.
    least : float
        Numbers are above 0, or also 0 where this is below it.

    Raises
    ------
    FaultsError
        With line numbers, for what is no such number, and for cells that are told twice.
    InputError
        Where columns or all lines are missing.
    """
    first, *rows = list(lines) or [[]]
    heads = [head.strip() for head in first]
    _check_heads(path, heads, column, [attribute.name for attribute in attributes], whole=whole)
    told = [attribute for attribute in attributes if attribute.name in heads]
    found: dict[tuple[str, ...], float] = {}
    faults: list[Fault] = []
    for line, row in enumerate(rows, start=2):
        if not any(text.strip() for text in row):
            continue
        key, number, wrong = _line(row, heads, column, told, least)
        if wrong or key in found:
            faults.append(Fault(line=line, message=wrong or f"{', '.join(key)} is told twice"))
        else:
            found[key] = number
    if faults:
        raise FaultsError(str(path), faults)
    if not found:
        raise InputError(f"{path} has a header and no line.  Write one for each cell.")
    return CellNumbers(names=tuple(one.name for one in told), numbers=found)


def _check_heads(
    path: str | Path, heads: Sequence[str], column: str, names: Sequence[str], *, whole: bool
) -> None:
    wrong = []
    if column not in heads:
        wrong.append(unknown_name("column", column, heads))
    unknown = [head for head in heads if head != column and head not in names]
    if unknown:
        wrong.append(unknown_names("attribute", unknown, names))
    lacking = [name for name in names if name not in heads]
    if whole and lacking:
        wrong.append(
            f"It has no column {' and no column '.join(lacking)}.  A {column} belongs to a cell of "
            f"{' × '.join(names)}: add a column for each attribute."
        )
    if wrong:
        raise InputError(
            f"{path}: {'  '.join(one if one[-1] in '.?' else f'{one}.' for one in wrong)}"
        )
    if len(set(heads)) < len(heads):
        raise InputError(f"{path} has two columns of one name: {', '.join(heads)}.")


def _line(
    row: Sequence[str], heads: Sequence[str], column: str, told: Sequence[Attribute], least: float
) -> tuple[tuple[str, ...], float, str]:
    """The cell of a line, its number, and what is wrong with them; empty where nothing is."""
    if len(row) != len(heads):
        return (), 0.0, f"{len(row)} values, but the header names {len(heads)} columns"
    key = tuple(_known(row[heads.index(one.name)].strip(), one) for one in told)
    if "" in key:
        return key, 0.0, f"{told[key.index('')].name} is empty"
    text = row[heads.index(column)]
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if least < number < float("inf") and number >= 0:
        return key, number, ""
    allowed = "a number above 0" if least >= 0 else "a number of at least 0"
    if text.strip().endswith("%") or "," in text:
        allowed += ", without signs and with a point, such as 12.5"
    return key, number, f"{column} is {text!r}, but must be {allowed}"


def _known(text: str, attribute: Attribute) -> str:
    """The text of an attribute's value as cells have it: the bin of a number that is cut."""
    if attribute.predicate is not None:
        return text.lower()
    if text.lower() in ("true", "false"):
        return text.lower()
    try:
        number = float(text)
    except ValueError:
        return text
    if not np.isfinite(number):
        return text
    if attribute.edges is None:
        return key_text(number) if text == str(number) else text
    place = int(np.searchsorted(np.array(attribute.edges, float), number, side="right"))
    return key_text(attribute.label_for(place))


def of_cells(
    path: str | Path, column: str, given: CellNumbers, cells: Sequence[GroupSet]
) -> Floats:
    """The numbers of cells, in their order.

    Raises
    ------
    InputError
        Where the file has none of some.
    """
    keys = [
        tuple(
            key_text(value)
            for name, value in zip(cell.partition.names, cell.label, strict=True)
            if name in given.names
        )
        for cell in cells
    ]
    # A file may have its columns in an order of its own; keys follow that of the attributes.
    lacking = list(dict.fromkeys(", ".join(key) for key in keys if key not in given.numbers))
    if lacking:
        raise InputError(
            f"{path} has no {column} of {'; '.join(lacking[:_NAMED])}{' …' * (len(lacking) > _NAMED)}.  Add a line for "
            f"each of the {len(lacking)} missing.{_told_otherwise(given, keys)}"
        )
    return np.array([given.numbers[key] for key in keys])


def _told_otherwise(given: CellNumbers, keys: Sequence[tuple[str, ...]]) -> str:
    """What a file has of cells that nobody asked for: it may be those that are missing, spelt otherwise."""
    others = [", ".join(key) for key in given.numbers if key not in keys]
    if not others:
        return ""
    told = "; ".join(others[:_NAMED]) + " …" * (len(others) > _NAMED)
    return f"  It has {told}: is that one of them, spelt otherwise?"


def costs_of(
    cost: float | str | Path, cells: Sequence[GroupSet], attributes: Sequence[Attribute]
) -> Floats:
    """What a label, or a row, of each cell costs.

    Raises
    ------
    InputError
        Where it is no number above 0, and no file that has one for each cell.
    """
    if isinstance(cost, str | Path):
        if not Path(cost).exists() and Path(cost).suffix.lower() not in (".csv", ".tsv", ".txt"):
            raise InputError(
                f"cost is {str(cost)!r}, which is neither a number nor a file that is there.  Allowed: a number "
                "above 0, or a CSV file with a column for each attribute and one called cost."
            )
        told = read_numbers(cost, rows_of(cost), "cost", attributes, whole=False)
        return of_cells(cost, "cost", told, cells)
    if not isinstance(cost, int | float) or isinstance(cost, bool) or not 0 < cost < np.inf:
        raise InputError(
            f"cost is {cost!r}, but must be a number above 0, or a file that has one for each cell."
        )
    return np.full(len(cells), float(cost))
