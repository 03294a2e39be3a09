"""Groups too many to compare, and units that are in several of them."""

from collections.abc import Iterator, Sequence

import numpy as np
from sqlglot import exp

from evenhand.cubes import Cube
from evenhand.errors import InputError, Note
from evenhand.groups import Attribute, Partition, Predicate, where_clause
from evenhand.groups.predicate import column_expression
from evenhand.metrics.inputs import FIRST_ROWS
from evenhand.pages.nouns import count_units, unit_noun
from evenhand.records import Kind, Records

#: Memory that the comparison of groups may take, and what a group takes with each cell: itself and its
#: rest, as a mask and as a factor of a product.
MOST_BYTES, BYTES = 2e9, 20
#: Groups at most, where each is one cell.
MOST_GROUPS = int((MOST_BYTES / BYTES) ** 0.5)


def check_first_groups(
    records: Records,
    attributes: Sequence[Attribute],
    partitions: Sequence[Partition],
    where: Predicate | None,
    most: int = MOST_GROUPS,
) -> None:
    """Refuse too many groups before the work, where the first rows have them already.

    Raises
    ------
    InputError
        With what to do.
    """
    dialect = records.engine.dialect
    plain = {a.name for a in attributes if a.edges is None and a.predicate is None}
    kept = where_clause(where, dialect)
    for partition in partitions:
        names = [column_expression(name).sql(dialect) for name in partition.names if name in plain]
        if not names:
            continue
        listed = ", ".join(names)
        first = f"SELECT {listed} FROM {records.source}{kept} LIMIT {FIRST_ROWS}"
        found = records.engine.query(
            f"SELECT COUNT(*) AS n FROM (SELECT DISTINCT {listed} FROM ({first}) AS first_rows) AS d"
        )
        number = int(found["n"][0].as_py())
        if number > most:
            raise InputError(_too_many(partition.names, f"more than {number:,}", most))


def check_groups(cube: Cube, partitions: Sequence[Partition]) -> None:
    """Refuse more groups than fit into memory, before they are compared.

    Raises
    ------
    InputError
        With what to do.
    """
    counts = {partition.names: len(cube.codes(partition.names)[1]) for partition in partitions}
    needed = BYTES * sum(counts.values()) * len(cube.keys)
    if needed > MOST_BYTES:
        names, number = max(counts.items(), key=lambda item: item[1])
        raise InputError(_too_many(names, f"{number:,}", MOST_GROUPS, needed / 1e9))


def _too_many(names: Sequence[str], number: str, most: int, needed: float | None = None) -> str:
    need = "" if needed is None else f", which need about {needed:.2g} GB to compare"
    return (
        f"--by {','.join(names)} makes {number} groups{need}; at most {most:,} are compared.  "
        "Cut numbers with --bins, name a coarser column, keep fewer with --where, or let `evenhand slices` "
        "find the groups that matter."
    )


def shared_units(
    cube: Cube, partitions: Sequence[Partition], units: Sequence[str], *, counted: bool = True
) -> Iterator[Note]:
    """Say where units are in several groups: their numbers do not add up, and comparisons allow for it.

    Not `counted`, how many is not told: it would be one more sum from which to subtract.
    """
    if cube.units is None or len(units) != 1:
        return
    unit = units[0]
    for partition in partitions:
        codes, keys = cube.codes(partition.names)
        known = np.array([None not in key for key in keys], bool)
        group = codes[cube.units.cell]
        known_pairs = known[group]
        named = cube.units.unit[known_pairs]
        count = int(np.count_nonzero(np.bincount(named)))
        # Sorted, which takes a tenth of the time of `np.unique`.
        pairs = np.sort(named * len(keys) + group[known_pairs])
        n_pairs = np.count_nonzero(np.diff(pairs, prepend=-1))
        if n_pairs > count and sum(known) > 1:
            by = " × ".join(partition.names)
            are = f"Some {unit_noun(unit)} are in several groups of {by}"
            if counted:
                distinct = pairs[np.diff(pairs, prepend=-1) != 0] // len(keys)
                some = "some" if 1 in np.bincount(distinct) else "all"
                are = f"{count_units(count, unit)}, {n_pairs:,} over the groups of {by}: {some} are in several groups"
            yield Note(
                code="units_in_several_groups",
                text=f"{are}, which the comparisons allow for.",
            )


def infinite_values(
    records: Records, attributes: Sequence[Attribute], few: int = 0
) -> Iterator[Note]:
    """Say where a number that tells groups apart is infinite: it is in no group.

    Where `few` is not 0, small groups are to be hidden, and how many rows it is is not told.
    """
    kinds = {column.name: column.kind for column in records.columns}
    names = [a.name for a in attributes if a.predicate is None and kinds.get(a.name) is Kind.NUMBER]
    if not names:
        return
    dialect = records.engine.dialect
    ends = [exp.cast(exp.Literal.string(f"{sign}Infinity"), "DOUBLE") for sign in ("", "-")]
    counts = ", ".join(
        exp.alias_(
            exp.Sum(
                this=exp.Case(
                    ifs=[
                        exp.If(
                            this=exp.In(
                                this=exp.cast(column_expression(name), "DOUBLE"), expressions=ends
                            ),
                            true=exp.Literal.number(1),
                        )
                    ],
                    default=exp.Literal.number(0),
                )
            ),
            f"n{place}",
        ).sql(dialect)
        for place, name in enumerate(names)
    )
    found = records.engine.query(f"SELECT {counts} FROM {records.source}").to_pylist()[0]
    for place, name in enumerate(names):
        count = int(found[f"n{place}"] or 0)
        if count:
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            rows = "Some rows have" if few else rows
            yield Note(
                code="infinite_values",
                text=f"{rows} an infinite {name}, which is in no group: counted as missing.",
            )
