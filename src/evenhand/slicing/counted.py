"""A search of what was counted before: its features are what cells are told apart by."""

from collections.abc import Mapping, Sequence
from typing import Any

from evenhand.cubes import CountedRecords, cells_of
from evenhand.errors import InputError, unknown_name
from evenhand.groups.partition import readings, split_names
from evenhand.metrics import Metric
from evenhand.questions.absent import missing_rows
from evenhand.questions.counted import (
    counted_cubes,
    counted_metrics,
    counted_notes,
    counted_plan,
    directions_of,
    premises_of_counts,
    read_counted_question,
)
from evenhand.questions.premises import explained
from evenhand.records import Records
from evenhand.slicing.evidence import Evidence
from evenhand.slicing.hunt import SearchOptions, rows_needed
from evenhand.slicing.judging import Aim
from evenhand.slicing.question import SearchQuestion
from evenhand.slicing.result import SearchedMetric


def search_of_counts(
    counted: CountedRecords,
    cells: Records,
    settings: SearchOptions,
    *,
    metric: str | Metric,
    features: str | Sequence[str] | None,
    where: str | None,
    bins: Mapping[str, Any],
    worse: str | None,
    two_sides: bool,
) -> tuple[SearchQuestion, Evidence]:
    """What is asked of counts, and the cells that are searched.

    Parameters
    ----------
    counted : CountedRecords
    cells : Records
        See `open_cells`.
    settings : SearchOptions
    metric, features, where, bins, worse
        As in `evenhand.slices`; without a metric the one that was counted.
    two_sides : bool
        Whether one thing is to be compared with another: then rows are needed.

    Raises
    ------
    InputError
        For what the cells cannot tell.
    """
    if two_sides:
        raise InputError(
            f"baseline and between compare row by row, and {counted.name} holds counts.  Search the records."
        )
    bound, counted = counted_metrics(counted, [metric] if metric else ())
    if len(bound) > 1:
        raise InputError(
            f"{counted.name} counts {len(bound)} metrics: {'; '.join(one.text for one in bound)}.  Name one."
        )
    if len(counted.units) > 1:
        raise InputError(
            f"A search knows one unit, and {counted.name} was counted with {' and '.join(counted.units)}.  Count the "
            f"records again with one of them: --unit {counted.units[0]}"
        )
    if counted.stratum is not None:
        raise InputError(
            f"A search knows no strata, and {counted.name} was counted with those of {counted.stratum}.  Count the "
            "records again without --stratum."
        )
    names = _features(counted, features)
    question = read_counted_question(
        counted, cells, [(name,) for name in names], where=where, bins=bins
    )
    premises = premises_of_counts(counted, question)
    with explained(premises, bound, cells):
        (cube,) = counted_cubes(counted, question)
        least = rows_needed(settings, cube)
    plan, definition = counted_plan(counted.metrics[0], cells), bound[0].definition
    (higher,) = directions_of(bound, worse, counted)
    asked = SearchQuestion(
        records=cells,
        metric=bound[0],
        plan=plan,
        question=Aim(
            form=plan.form,
            higher_is_worse=higher,
            proportion=plan.proportion and cube.weights is None,
        ),
        note=SearchedMetric(
            name=definition.name,
            expression=bound[0].text,
            definition=definition.definition,
            higher_is_worse=higher,
            in_points=definition.in_points,
        ),
        attributes=question.attributes,
        unit=counted.units[0] if counted.units else None,
        where=question.where,
        sides=None,
        left_out={},
        notes=(*counted_notes(counted, question), *premises, *plan.notes),
        weighting=question.weighting,
    )
    read = readings(question.attributes, cells.columns, cells.missing_values)
    found = cells_of(cube, question.attributes, least, read=read)
    return asked, Evidence(
        cells=found, missing=missing_rows(cube, counted.units, weighting=question.weighting)
    )


def _features(counted: CountedRecords, features: str | Sequence[str] | None) -> list[str]:
    """Attributes that slices are made of: those that are columns."""
    known = [one.name for one in counted.attributes if one.predicate is None]
    if features is None:
        if not known:
            raise InputError(
                f"{counted.name} was counted by predicates only; slices are made of columns.  Count it by columns."
            )
        return known
    given = split_names(features) if isinstance(features, str) else list(features)
    for name in given:
        if name not in known:
            raise InputError(
                unknown_name("feature", name, known)
                + f".  {counted.name} was counted by these; for others count the records again."
            )
    return list(dict.fromkeys(given))
