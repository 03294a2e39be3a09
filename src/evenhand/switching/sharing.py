"""Switches for strangers: given as they are where no group in them is small, else refused with the reason.

As with effects: each service gives a hidden group's numbers again, so that hiding it would not do.
"""

from evenhand.differential.sharing import refuse_small
from evenhand.switching.result import Switches


def check_small(found: Switches, least: int, *, option: str) -> None:
    """Refuse where a group has fewer units, or follows from others by subtraction.

    Parameters
    ----------
    found : Switches
    least : int
        Fewest units of a group that may be seen.
    option : str
        What asked for it, for the message.

    Raises
    ------
    InputError
        With the first reason, and what to do.
    """
    told = [
        (f"group {one.predicate}", f"under {one.service}", one.estimate) for one in found.groups
    ]
    predicate = any(one.group == {one.predicate: True} for one in found.groups)
    refuse_small(
        told, found.by, found.missing, found.unit, least, option=option, predicate=predicate
    )
