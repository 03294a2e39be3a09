"""The hunter that searches slices: where the current model loses most."""

from collections.abc import Iterator

from evenhand.bounty.hunting.ground import MIN_ROWS, Hunter, HuntingGround
from evenhand.bounty.hunting.hunters import prepend
from evenhand.slicing import slices as search_slices


def slices(
    *, depth: int = 2, top: int = 20, min_support: float = 0.01, team: str = "slice search"
) -> Hunter:
    """Where the current model loses most, by exact search, each slice with a gradient boosted patch.

    Parameters
    ----------
    depth : int
        Conditions of a slice.
    top : int
        Slices to try.
    min_support : float
        Smallest slice, as a share of the training rows.
    team : str
        Who is credited.

    Notes
    -----
    The search sees the training rows only and confirms nothing: proof is the bounty's.
    """

    def hunt(seen: HuntingGround) -> Iterator[bytes]:
        table = seen.task.decode(seen.matrix)
        name = "loss"
        while name in table.column_names:
            name += "_"
        found = search_slices(
            table.append_column(name, [seen.losses]),
            f"mean({name})",
            worse="higher",
            depth=depth,
            top=top,
            min_support=max(min_support, MIN_ROWS / len(table)),
            score="harm",
            confirm=False,
        )
        yield from prepend([one.predicate for one in found.slices], depth=None, team=team)(seen)

    return hunt
