"""Effects for strangers: given as they are where no group in them is small, else refused with the reason.

Hiding a group, as audits do, would not do here: each condition gives its numbers again, and what a sum over groups
still tells differs from condition to condition.
"""

from collections.abc import Iterator

from evenhand.differential.result import Effects
from evenhand.errors import InputError
from evenhand.pages.nouns import count_units
from evenhand.results.estimate import Estimate


def check_shared(found: Effects, least: int) -> None:
    """Refuse to give effects to strangers where a group is small, or follows from others by subtraction.

    Parameters
    ----------
    found : Effects
    least : int
        Fewest units of a group that strangers may see.

    Raises
    ------
    InputError
        With the first reason, and what to do.
    """
    reason = next(_reasons(found, least), None)
    if reason is not None:
        raise InputError(f"--share: {reason}")


def _reasons(found: Effects, least: int) -> Iterator[str]:
    whole = max(found.by, key=len)
    for by in found.by:
        if not set(by) <= set(whole):
            yield (
                f"groups of {' × '.join(by)} and of {' × '.join(whole)} overlap, so that the numbers of few people "
                "may follow from two of them by subtraction.  Share one --by at a time, or their crossing a,b."
            )
    if any(one.group == {one.predicate: True} for one in found.groups):
        yield (
            "of a predicate it is not known how many the others are.  Share groups of a column, or "
            "take evenhand audit --share, which hides what would tell."
        )
    for missing in found.missing:
        if missing.reason == "missing_attribute" and missing.n_rows:
            yield (
                f"{missing.n_rows:,} of the rows lack {missing.attribute}, and their numbers follow from all less "
                f'those of the groups.  Leave them out: --where "{missing.attribute} IS NOT NULL".'
            )
    told = [
        (f"group {one.predicate}", f"under {one.condition}", one.estimate) for one in found.groups
    ]
    told += [
        (f"group {one.label}", f"at {found.settings.dose} {one.dose:g}", one.estimate)
        for one in found.doses
        if one.dose is not None
    ]
    for name, where, estimate in told:
        if _number(estimate) < least:
            yield (
                f"{name} has {count_units(_number(estimate), found.unit or 'row')} {where}, and of fewer than {least} "
                "strangers may learn too much.  Join it with another group, or leave its rows out with --where."
            )


def _number(estimate: Estimate) -> int:
    """Units, or rows, that the value is of."""
    return min(estimate.n_units or 0, estimate.n_rows or 0)
