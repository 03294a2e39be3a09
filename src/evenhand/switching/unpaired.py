"""Rows that not all services were scored on: counted by service and group, and told before all else."""

from collections.abc import Iterator, Sequence

import numpy as np

from evenhand.comparisons.sets import GroupSet
from evenhand.differential.assembly import group_sets
from evenhand.differential.block import partition_numbers
from evenhand.differential.losses import loss_of
from evenhand.errors import Note
from evenhand.groups import IsNull, to_text
from evenhand.metrics import Metric
from evenhand.pages.numbers import plural
from evenhand.questions.question import Question
from evenhand.questions.silent import TRANSCRIPTS_EMPTY, silent_rows
from evenhand.switching.pairing import Paired, rows_scored
from evenhand.switching.result import ComparedService, UnpairedRows


def compared_services(
    paired: Paired, metrics: Sequence[Metric], names: Sequence[str]
) -> Iterator[ComparedService]:
    """Each service with the rows that it was scored on, and those that another was not."""
    everywhere = np.ones((1, len(paired.scored.keys)), bool)
    _, both, *scored = rows_scored(paired, everywhere)[0].astype(int).tolist()
    for metric, name, number in zip(metrics, names, scored, strict=True):
        yield ComparedService(
            name=name, expression=metric.text, n_scored=number, n_unpaired=number - both
        )


def unpaired_rows(
    paired: Paired, question: Question, names: Sequence[str]
) -> Iterator[UnpairedRows]:
    """Rows of each group that a service was not scored on and another was."""
    cells: list[GroupSet] = group_sets(paired.scored, question)[0]
    own = rows_scored(paired, np.array([cell.members for cell in cells]))
    rests = rows_scored(paired, np.array([cell.known & ~cell.members for cell in cells]))
    places = [0, *range(2, own.shape[1])]  # the rows that any was scored on, and each service's
    loss = loss_of(own[:, places], rests[:, places], partition_numbers(cells))
    for i, cell in enumerate(cells):
        for k, name in enumerate(names):
            lost = int(own[i, 0] - own[i, k + 2])
            if lost:
                yield UnpairedRows(
                    by=cell.partition.names,
                    predicate=cell.predicate,
                    service=name,
                    n_rows=lost,
                    share=float(loss.own[i, k]),
                    uneven=bool(loss.uneven[i, k]),
                )


def unpaired_notes(
    services: Sequence[ComparedService], unpaired: Sequence[UnpairedRows]
) -> Iterator[Note]:
    """Rows that one service alone was scored on: by group where groups differ, else overall."""
    if not any(one.n_unpaired for one in services):
        return
    told = "; ".join(
        f"{one.name} was scored on {plural(one.n_unpaired, 'row')} that another was not"
        for one in services
        if one.n_unpaired
    )
    text = (
        f"{told}.  These cannot be paired and are in no number: a service that answers only what is easy looks better "
        "than it is.  Score a missing answer as what it is, a failure, to count it."
    )
    uneven = [one for one in unpaired if one.uneven]
    if uneven:
        most = max(uneven, key=lambda one: one.share)
        own = [one for one in unpaired if (one.by, one.service) == (most.by, most.service)]
        least = min(own, key=lambda one: one.share)
        beside = f", of {least.predicate} {least.share:.1%}" if least is not most else ""
        text = (
            f"{most.service} was not scored on {most.share:.1%} of the rows of {most.predicate}{beside}: groups differ "
            f"by more than chance, and if rows are lost because they went badly, that alone hides a loss.  {text}"
        )
    yield Note(code="rows_unpaired", text=text)


def empty_transcripts(
    question: Question, metrics: Sequence[Metric], names: Sequence[str]
) -> Iterator[Note]:
    """Rows of which a service has no transcript: they are scored as empty ones, and stay in the numbers."""
    records = question.records
    told = silent_rows(records, metrics, question.where)
    empty = [(names[place], number) for place, _, number in told]
    if any(number for _, number in empty):
        listed = "; ".join(f"{name}: {plural(number, 'row')}" for name, number in empty if number)
        absent = " AND ".join(
            to_text(IsNull(column, negated=True)) for _, column, number in told if number
        )
        text = (
            f"Rows without a transcript ({listed}) count as empty ones, with every word wrong.  To compare only what "
            f"all services answered, leave them out: --where '{absent}'."
        )
        yield Note(code=TRANSCRIPTS_EMPTY, text=text)
