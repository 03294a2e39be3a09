"""All that a report of a bounty shows, as plain values."""

from dataclasses import dataclass

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.state import State
from evenhand.bounty.telling import words
from evenhand.bounty.telling.history import Chapter, chapters
from evenhand.bounty.telling.mentions import Mentions, mentions
from evenhand.bounty.telling.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """One node of the pointer decision list.

    Attributes
    ----------
    version : int
        Nodes of the list with it.
    group, team : str
    points_to : int or None
        The older version of a repair; `None` in an update.
    active : bool
        Whether it has not been rolled back.
    live : bool
        Whether it can still decide about a row.
    group_weight, error_before, error_after : float or None
        Of an update's certificate.
    """

    version: int
    group: str
    team: str
    points_to: int | None
    active: bool
    live: bool
    group_weight: float | None = None
    error_before: float | None = None
    error_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A bounty at one moment.

    Attributes
    ----------
    name : str
        Its directory.
    standing : Standing
    features : tuple of str
    entries : tuple of ListEntry
        Oldest first.
    groups : tuple of (str, str, int)
        Group, team and version of each introduced group, in order.
    chapters : tuple of Chapter
    mentions : tuple of Mentions
        The last one is of all accepted groups.
    head : str
        Hash of the latest event: whoever knows it knows the whole log.
    events : int
    command : str
    change : float or None
        The most by which an update moves an answer, where that is declared.
    notes : tuple of str
        What was drawn, and what should be known of the tables.
    """

    name: str
    standing: Standing
    features: tuple[str, ...]
    entries: tuple[ListEntry, ...]
    groups: tuple[tuple[str, str, int], ...]
    chapters: tuple[Chapter, ...]
    mentions: tuple[Mentions, ...]
    head: str
    events: int
    command: str
    change: float | None = None
    notes: tuple[str, ...] = ()


def read_report(bounty: Bounty, standing: Standing, *, command: str = "") -> Report:
    """The report of a bounty as it is now."""
    state, events = bounty.state, bounty.log.read()
    listed = state.listed
    updates = [(i, node) for i, node in enumerate(listed.nodes) if node.model is not None]
    return Report(
        name=bounty.folder.name or str(bounty.folder),
        standing=standing,
        features=tuple(feature.name for feature in bounty.task.features),
        entries=_entries(state),
        groups=tuple((listed.groups[n.group].text, n.team, i + 1) for i, n in updates),
        chapters=tuple(chapters(bounty, state)),
        mentions=mentions(state, bounty.load),
        head=events[-1].hash,
        events=len(events),
        command=command,
        change=bounty.task.loss.change,
        notes=(words.drawn(bounty), *bounty.notes),
    )


def _entries(state: State) -> tuple[ListEntry, ...]:
    listed, live = state.listed, set(state.listed.live_nodes())
    certificates = {v.key: v.certificate for v in state.verdicts if v.accepted}
    out = []
    for index, node in enumerate(listed.nodes):
        told = certificates.get(node.key) if node.key else None
        out.append(
            ListEntry(
                version=index + 1,
                group=listed.groups[node.group].text,
                team=node.team,
                points_to=node.version,
                active=node.active,
                live=index in live,
                group_weight=told.group_weight if told else None,
                error_before=told.error_before if told else None,
                error_after=told.error_after if told else None,
            )
        )
    return tuple(out)
