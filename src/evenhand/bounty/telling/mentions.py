"""Which team's groups speak of which feature: the heat map of the 2024 article.

Globus-Harris, Harrison, Kearns, Perona & Roth (2024), arXiv 2402.10795, figure 4: a cell is the
share of a team's groups whose description mentions the feature.
"""

from collections.abc import Callable
from dataclasses import dataclass

from evenhand.bounty.state import State
from evenhand.bounty.submission.group import GroupRule
from evenhand.bounty.submission.submission import Submission
from evenhand.bounty.task.membership import literals_of
from evenhand.bounty.task.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """One row of the heat map.

    Attributes
    ----------
    team : str
    groups : int
        Groups that can be read; an ONNX model does not say what it looks at.
    unread : int
        Those that cannot.
    shares : tuple of float
        For each feature of the task, the share of the readable groups that mention it.
    """

    team: str
    groups: int
    unread: int
    shares: tuple[float, ...]


def mentioned(group: GroupRule) -> frozenset[int] | None:
    """Columns that a group asks about; `None` where it cannot be read."""
    if group.formula is not None:
        return frozenset(literal.column for literal in literals_of(group.formula))
    if group.linear is not None:
        return frozenset(column for column, _, weight in group.linear.terms if weight)
    return None


def mentions(state: State, load: Callable[[str], Submission]) -> tuple[Mentions, ...]:
    """One row a team, the busiest first, and a last one of all that was accepted."""
    teams: dict[str, list[GroupRule]] = {}
    for key in state.submitted:
        given = load(key)
        teams.setdefault(given.team, []).append(given.group)
    rows = [_row(team, groups, state.task) for team, groups in teams.items()]
    rows.sort(key=lambda row: (-row.groups - row.unread, row.team))
    listed = state.listed
    chosen = [listed.groups[n.group] for n in listed.nodes if n.model is not None and n.active]
    return (*rows, _row("all accepted", chosen, state.task)) if rows else ()


def _row(team: str, groups: list[GroupRule], task: Task) -> Mentions:
    found = [columns for group in groups if (columns := mentioned(group)) is not None]
    shares = (
        sum(column in columns for columns in found) / len(found) if found else 0.0
        for column in range(len(task.features))
    )
    return Mentions(
        team=team,
        groups=len(found),
        unread=len(groups) - len(found),
        shares=tuple(shares),
    )
