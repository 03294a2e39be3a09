"""Effects for strangers: given as they are where no group in them is small, else refused with the reason.

Hiding a group, as audits do, would not do here: each condition gives its numbers again, and what a sum over groups
still tells differs from condition to condition.
"""

from collections.abc import Iterator, Sequence

from evenhand.differential.result import Effects
from evenhand.errors import InputError
from evenhand.pages.nouns import count_units
from evenhand.results.estimate import Estimate, Missing

#: A group, where its number is, and the number.
Told = tuple[str, str, Estimate]


def check_shared(found: Effects, least: int, option: str = "--share") -> None:
    """Refuse to give effects to strangers where a group is small, or follows from others by subtraction.

    Parameters
    ----------
    found : Effects
    least : int
        Fewest units of a group that strangers may see.
    option : str
        What asked for it.

    Raises
    ------
    InputError
        With the first reason, and what to do.
    """
    told = [
        (f"group {one.predicate}", f"under {one.condition}", one.estimate) for one in found.groups
    ]
    told += [
        (f"group {one.label}", f"at {found.settings.dose} {one.dose:g}", one.estimate)
        for one in found.doses
        if one.dose is not None
    ]
    predicate = any(one.group == {one.predicate: True} for one in found.groups)
    refuse_small(
        told, found.by, found.missing, found.unit, least, option=option, predicate=predicate
    )


def refuse_small(
    told: Sequence[Told],
    by: Sequence[tuple[str, ...]],
    missing: Sequence[Missing],
    unit: str | None,
    least: int,
    *,
    option: str,
    predicate: bool,
) -> None:
    """Refuse where a group is small, or follows from others by subtraction.

    Parameters
    ----------
    told : sequence of (str, str, Estimate)
        Groups, where their numbers are, and the numbers.
    by, missing, unit
        Partitions, rows that lack something, and the column of units, as results have them.
    least : int
        Fewest units of a group that may be seen.
    option : str
        What asked for it.
    predicate : bool
        Whether a group is that of a predicate.

    Raises
    ------
    InputError
        With the first reason, and what to do.
    """
    reason = next(_reasons(told, by, missing, unit, least, predicate=predicate), None)
    if reason is not None:
        raise InputError(f"{option}: {reason}")


def _reasons(
    told: Sequence[Told],
    by: Sequence[tuple[str, ...]],
    missing: Sequence[Missing],
    unit: str | None,
    least: int,
    *,
    predicate: bool,
) -> Iterator[str]:
    whole = max(by, key=len)
    for one in by:
        if not set(one) <= set(whole):
            yield (
                f"groups of {' × '.join(one)} and of {' × '.join(whole)} overlap, so that the numbers of few people "
                "may follow from two of them by subtraction.  Share one --by at a time, or their crossing a,b."
            )
    if predicate:
        yield (
            "of a predicate it is not known how many the others are.  Share groups of a column, or "
            "take evenhand audit --share, which hides what would tell."
        )
    for item in missing:
        if item.reason == "missing_attribute" and item.n_rows:
            yield (
                f"{item.n_rows:,} of the rows lack {item.attribute}, and their numbers follow from all less "
                f'those of the groups.  Leave them out: --where "{item.attribute} IS NOT NULL".'
            )
    for name, where, estimate in told:
        if _number(estimate) < least:
            yield (
                f"{name} has {count_units(_number(estimate), unit or 'row')} {where}, and of fewer than {least} "
                "strangers may learn too much.  Join it with another group, or leave its rows out with --where."
            )


def _number(estimate: Estimate) -> int:
    """Units, or rows, that the value is of."""
    return min(estimate.n_units or 0, estimate.n_rows or 0)
