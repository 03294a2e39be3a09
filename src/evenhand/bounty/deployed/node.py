"""Nodes of the deployed list, and the way of a row through them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of the list.

    Attributes
    ----------
    group : int
        Number of the group.
    model : int or None
        Number of the model that answers its rows; `None` in a repair.
    version : int or None
        Number of nodes of the older version that a repair points to; `None` in an update.
    team, key : str
        Who is credited, and the submission; a repair is credited to nobody.
    active : bool
        False once it is rolled back: it keeps its place, so that pointers stay right.
    """

    group: int
    model: int | None = None
    version: int | None = None
    team: str = ""
    key: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedNode:
    """One step of the explanation of a row."""

    node: int
    group: str
    team: str
    points_to: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a row is answered as it is: the nodes it passed, and the model that answered."""

    steps: tuple[PassedNode, ...]
    model: int
    team: str
    key: str
