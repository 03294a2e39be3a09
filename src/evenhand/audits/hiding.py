"""Which sets of an audit must be hidden, so that no small count can be recovered."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import NONE, Evidence
from evenhand.audits.sets import Cell
from evenhand.stats.suppression import suppress

Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def hidden_sets(evidence: Evidence) -> frozenset[int]:
    """Numbers of the sets to hide: small ones, and those that would give them away.

    Small are sets with fewer people (units, or rows where none is named) than the rules' minimum,
    whether or not these say something about the metric.
    """
    minimum = evidence.rules.suppress_below
    if minimum <= 0:
        return frozenset()
    everyone = [*evidence.cells, *evidence.absent]
    index = np.concatenate([evidence.group_index, evidence.absent_index])
    rows = evidence.estimates.n_rows[index]
    people = np.array([_people(evidence, cell.members) for cell in everyone])
    small = (people > 0) & (people < minimum)
    for smaller, larger in _nested(everyone):
        between = everyone[larger].members & ~everyone[smaller].members
        small[smaller] |= 0 < _people(evidence, between) < minimum
    hidden = suppress(rows, small, _totals(everyone))
    numbers = {int(number) for number in index[hidden]}
    return frozenset(numbers | _references(evidence, numbers, minimum))


def _people(evidence: Evidence, members: Bools) -> int:
    """Distinct units with a row in these cells, or rows where no unit is named."""
    units = evidence.cube.units
    if units is None:
        return int(evidence.cube.n_rows[members].sum())
    return len(np.unique(units.unit[members[units.cell]]))


def _totals(everyone: Sequence[Cell]) -> list[tuple[int | None, Sequence[int]]]:
    """Published sums of rows: of a partition by columns, and of the crossings within its groups.

    A predicate publishes one group and not the others, so it adds up to nothing published.
    """
    totals: list[tuple[int | None, Sequence[int]]] = []
    for names in dict.fromkeys(cell.partition.names for cell in everyone):
        parts = [i for i, cell in enumerate(everyone) if cell.partition.names == names]
        if any(everyone[i].by_predicate for i in parts):
            continue
        if len(names) == 1:
            totals.append((None, parts))
        for i, cell in enumerate(everyone):
            inside = [j for j in parts if (everyone[j].members <= cell.members).all()]
            if len(cell.partition.names) < len(names) and inside:
                totals.append((i, inside))
    return totals


def _nested(everyone: Sequence[Cell]) -> list[tuple[int, int]]:
    """Pairs of predicate groups of which the first lies within the second."""
    chosen = [i for i, cell in enumerate(everyone) if cell.by_predicate]
    return [
        (i, j)
        for i in chosen
        for j in chosen
        if i != j and (everyone[i].members <= everyone[j].members).all()
    ]


def _references(evidence: Evidence, hidden: set[int], minimum: int) -> set[int]:
    """References that are small, or the same people as a hidden group."""
    if evidence.rules.versus in ("rest", "overall", "best"):
        return set()
    reference = int(evidence.reference_index.max(initial=NONE))
    if reference == NONE:
        return set()
    members = evidence.chosen_reference()
    same = any(
        (cell.members == members).all()
        for cell, index in zip(evidence.cells, evidence.group_index, strict=True)
        if int(index) in hidden
    )
    return {reference} if same or 0 < _people(evidence, members) < minimum else set()
