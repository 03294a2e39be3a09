"""A repair as somebody may have written it: what contradicts itself is refused at its place, before any row is read."""

from collections.abc import Iterator

import numpy as np

from evenhand.errors import InputError, unknown_name
from evenhand.pages.numbers import listed
from evenhand.repairs.fitted import FittedRepair, GroupDecision
from evenhand.repairs.rows import told_value


def check_written_repair(fitted: FittedRepair) -> None:
    """Refuse a repair that does not say how each row is decided.

    Raises
    ------
    InputError
        With all that is wrong.
    """
    faults = list(_faults(fitted))
    if faults:
        raise InputError(
            "\n".join(faults)
            + "\nTake a repair as evenhand fix --keep wrote it, or mend these places."
        )


def _faults(fitted: FittedRepair) -> Iterator[str]:
    yield from _values(fitted)
    yield from _seen(fitted)
    for place, one in (
        *((f"repair.groups[{number}]", each) for number, each in enumerate(fitted.groups)),
        ("repair.otherwise", fitted.otherwise),
    ):
        yield from _decision(place, one, fitted)
    for number, one in enumerate(fitted.groups):
        if set(one.group) != set(fitted.by):
            told = listed(list(one.group)) if one.group else "nothing"
            yield (
                f"repair.groups[{number}].group is told apart by {told}, but repair.by names {listed(list(fitted.by))}."
            )


def _seen(fitted: FittedRepair) -> Iterator[str]:
    """What was seen: of numbers that are read, and the right way round."""
    features = () if fitted.scorer is None else fitted.scorer.features
    read = [one.column for one in features if one.kind == "number"]
    read += [fitted.score] if fitted.score is not None and fitted.scorer is None else []
    for number, one in enumerate(fitted.seen):
        place = f"repair.seen[{number}]"
        if one.column not in read:
            yield f"{place}.column: {unknown_name('number', one.column, read)}"
        if one.first > one.last:
            yield f"{place} has first {one.first:g} above last {one.last:g}."


def _values(fitted: FittedRepair) -> Iterator[str]:
    """The two decisions: of one kind, and two."""
    both = (fitted.positive, fitted.negative)
    kinds = {
        "text" if isinstance(one, str) else "true or false" if isinstance(one, bool) else "a number"
        for one in both
    }
    if len(kinds) > 1:
        yield (
            f"repair.positive is {both[0]!r} and repair.negative is {both[1]!r}, but both must be of one kind: text, "
            "numbers, or true and false."
        )
    elif told_value(both[0]) == told_value(both[1]):
        yield f"repair.positive and repair.negative are both {both[0]!r}, but a repair decides between two values."


def _decision(place: str, one: GroupDecision, fitted: FittedRepair) -> Iterator[str]:
    """How a group is decided: from a threshold of the score up, or as an answer."""
    if (one.threshold is None) == (one.answer is None):
        told = "neither a threshold nor an" if one.answer is None else "a threshold and an"
        yield f"{place} has {told} answer, but a group is decided by one of them."
    elif one.threshold is not None and fitted.score is None:
        yield f"{place}.threshold is {one.threshold:g}, but repair.score is null: name the column that it is of."
    elif one.threshold is not None and np.isnan(one.threshold):
        yield f"{place}.threshold is no number."
    elif one.answer is not None and one.answer not in fitted.answers:
        yield f"{place}.answer: {unknown_name('answer', one.answer, list(fitted.answers))}"
