"""The population that is to be served: shares from a census, or the customer's own traffic, counted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenhand.cubes import Input, Measure, Moments, build_cube
from evenhand.errors import InputError, Note, unknown_names
from evenhand.groups import Attribute, columns_of
from evenhand.groups.predicate import column_expression, literal
from evenhand.lastmile.costs import key_text, read_numbers, rows_of
from evenhand.pages.numbers import listed, plural, share
from evenhand.questions.opening import opened
from evenhand.questions.question import check_rows
from evenhand.records import Records, find_column
from evenhand.results.estimate import Missing

#: The column that makes a file one of shares, and no traffic.
SHARE = "share"
#: How far shares may be from adding to a whole by rounding alone.
_ROUNDED = 0.01
#: Each row counts once, whatever is measured.
ROWS = Measure(
    parts=(("rows", column_expression("row")),),
    inputs=(Input(name="row", expression=literal(1), text="row"),),
    moments=Moments.INDICATORS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Shares of cells.

    Attributes
    ----------
    name : str
        Of the file or the table.
    rows : int or None
        Of the traffic that was counted; `None` of shares that were given.
    shares : dict
        Of each cell, by the texts of its values; together 1.
    missing : tuple of Missing
        Rows of the traffic that lack an attribute.
    total : float or None
        What the shares that were given add up to, before they are made to add to 1; `None` of traffic.
    """

    name: str
    rows: int | None
    shares: dict[tuple[str, ...], float]
    missing: tuple[Missing, ...] = ()
    total: float | None = None


def read_population(
    given: Any, attributes: Sequence[Attribute], missing_values: Sequence[str]
) -> Population:
    """Shares of a population by attributes that are known: numbers are cut where they were cut before.

    Parameters
    ----------
    given : path, or what `evenhand.audit` takes
        A file or table with a column for each attribute and one called ``share``; else records, whose rows are counted.
    attributes : sequence of Attribute
    missing_values : sequence of str

    Raises
    ------
    InputError
        Where it lacks an attribute, or holds nothing.
    """
    if isinstance(given, str | Path) and _has_shares(given):
        return _shared(str(given), rows_of(given), attributes, missing_values)
    with opened(given, missing_values=missing_values) as records:
        check_rows(records)
        if _names_shares(column.name for column in records.columns):
            return _shared(records.name, _lines(records), attributes, records.missing_values)
        _check(records, attributes)
        return _counted(records, attributes)


def incomplete(population: Population) -> Iterator[Note]:
    """Rows of traffic that are in no share, and shares that are no parts of a whole as they were given."""
    total = population.total
    if total is not None and all(abs(total / whole - 1) > _ROUNDED for whole in (1, 100)):
        yield Note(
            code="shares_scaled",
            text=f"The shares in {population.name} add up to {total:,.6g}, not to 1 or 100: each is taken as its part "
            "of that sum.  Is a cell forgotten, or told wrongly?",
        )
    lost = sum(one.n_rows or 0 for one in population.missing)
    if lost and population.rows is not None:
        part = share(lost / (population.rows + lost))
        they = "lacks an attribute and is" if lost == 1 else "lack an attribute and are"
        yield Note(
            code="population_incomplete",
            text=f"{plural(lost, 'row')} of {population.name} ({part}) {they} in no share.",
        )


def _has_shares(given: str | Path) -> bool:
    """Whether it is a text file of shares, which is read as it is written: faults have their lines."""
    path = Path(given)
    texts = path.suffix.lower() in (".csv", ".tsv", ".txt") and path.is_file()
    return texts and _names_shares(next(rows_of(path), []))


def _names_shares(heads: Iterable[str]) -> bool:
    """Whether a column is called share; also in capitals, which `read_numbers` then refuses by name."""
    return SHARE in [head.strip().lower() for head in heads]


def _lines(records: Records) -> Iterator[list[str]]:
    """Shares that are no text file, as the lines of one."""
    found = records.engine.query(f"SELECT * FROM {records.source}")
    names = [column.name for column in records.columns]
    yield names
    for row in found.select(names).to_pylist():
        yield ["" if row[name] is None else key_text(row[name]) for name in names]


def _shared(
    name: str,
    lines: Iterable[Sequence[str]],
    attributes: Sequence[Attribute],
    missing_values: Sequence[str],
) -> Population:
    told = read_numbers(name, lines, SHARE, attributes, whole=True, least=-1.0)
    for key in told.numbers:
        for attribute, text in zip(attributes, key, strict=True):
            cut = attribute.edges is not None or attribute.predicate is not None
            if text in missing_values and not cut:
                raise InputError(
                    f"{name}: {attribute.name} is {text!r}, which means missing: no row of a table is in that cell.  "
                    "Leave the line out, or say with --missing which texts mean missing."
                )
    total = sum(told.numbers.values())
    if not total > 0:
        raise InputError(f"{name}: all shares are 0.  Say of some cell that it has people.")
    shares = {key: number / total for key, number in told.numbers.items()}
    return Population(name=name, rows=None, shares=shares, total=total)


def _columns_of(attribute: Attribute) -> Sequence[str]:
    """The columns that an attribute reads."""
    return (attribute.name,) if attribute.predicate is None else columns_of(attribute.predicate)


def _check(records: Records, attributes: Sequence[Attribute]) -> None:
    _check_names(records, attributes)
    for attribute in attributes:
        for name in _columns_of(attribute):
            try:
                column = find_column(name, records.columns)
            except InputError as error:
                raise InputError(f"{records.name}: {error}") from error
            if column.kind.numeric or attribute.edges is None:
                continue
            raise InputError(
                f"{name} is cut into bins of numbers, and is none in {records.name}.  Write numbers there, or name the "
                f"bins in a file of shares."
            )


def _check_names(records: Records, attributes: Sequence[Attribute]) -> None:
    """Tell all names that are missing at once; a file of shares with other names has none of its own either."""
    own = [column.name for column in records.columns]
    needed = dict.fromkeys(name for one in attributes for name in _columns_of(one))
    lacking = [name for name in needed if name not in own]
    if not lacking:
        return
    raise InputError(
        f"{records.name}: {unknown_names('column', lacking, own)}.  Nor is one called {SHARE}: give a file with "
        f"{listed([*needed, SHARE])}, or rows with {listed(list(needed))}, which are counted."
    )


def _counted(records: Records, attributes: Sequence[Attribute]) -> Population:
    cube = build_cube(records, ROWS, attributes, missing_values=records.missing_values)
    shares: dict[tuple[str, ...], float] = {}
    lacking = dict.fromkeys((attribute.name for attribute in attributes), 0)
    for key, rows in zip(cube.keys, cube.n_rows.tolist(), strict=True):
        absent = [one.name for one, value in zip(attributes, key, strict=True) if value is None]
        if absent:
            lacking[absent[0]] += rows
            continue
        labels = (one.label_for(value) for one, value in zip(attributes, key, strict=True))
        told = tuple(map(key_text, labels))
        shares[told] = shares.get(told, 0.0) + rows
    total = sum(shares.values())
    if not total:
        absent = [name for name, rows in lacking.items() if rows]
        raise InputError(
            f"Every row of {records.name} lacks {' or '.join(absent)}, so that it tells of no cell."
        )
    _check_traffic(records, attributes, shares)
    return Population(
        name=records.name,
        rows=int(total),
        shares={key: rows / total for key, rows in shares.items()},
        missing=tuple(
            Missing(attribute=name, n_rows=rows, reason="missing_attribute")
            for name, rows in lacking.items()
            if rows
        ),
    )


def _check_traffic(
    records: Records, attributes: Sequence[Attribute], rows: Mapping[tuple[str, ...], float]
) -> None:
    """A line a cell with a number beside it is a table of shares under another name, and no traffic."""
    own = {name for one in attributes for name in _columns_of(one)}
    beside = [column.name for column in records.columns if column.name not in own]
    if len(rows) > 1 and len(beside) == 1 and set(rows.values()) == {1}:
        raise InputError(
            f"{records.name} has one row of each cell and {beside[0]!r} beside it, so that counting its rows would "
            f"make all cells alike.  If {beside[0]!r} says how many people are in the cell, call that column "
            f"{SHARE}; if rows are to be counted, leave it out."
        )
