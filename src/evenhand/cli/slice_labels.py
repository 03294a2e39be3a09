"""Plain names beside slices, apart from `labels`, so that an audit does not load the search."""

from typing import Any

from evenhand.cli.labels import tell_unknown
from evenhand.cli.options import Reading
from evenhand.pages.edition import Edition
from evenhand.questions.occurring import occurring
from evenhand.questions.opening import opened
from evenhand.slicing import Slices


def fit_slices(edition: Edition, found: Slices, table: Any, reading: Reading) -> Edition:
    """The same for slices, which tell few of the values that there are: for the others the records are asked."""
    slices = (*found.slices, *found.elsewhere)
    values: dict[str, dict[object, None]] = {name: {} for name in found.searched.features}
    names = [found.metric.name, *(one.predicate for one in slices)]
    names += [literal for one in slices for literal in one.literals]
    wanted = edition.unknown(names, values)
    if wanted:
        with opened(
            table, columns=reading.given()["columns"], missing_values=reading.missing
        ) as records:
            for column, value in occurring(records, found.searched.features, wanted):
                values[column][value] = None
    tell_unknown(edition, names, values)
    return edition.apart(values)
