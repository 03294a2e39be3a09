"""One card beside the next: each metric and group on both, and what people wrote otherwise."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from evenhand.audits.result import Audit, Group
from evenhand.cards.changes.intervals import differences_apart
from evenhand.cards.changes.pairing import PairedTables, paired_switch, paired_tables
from evenhand.cards.changes.result import (
    CardChanges,
    CardName,
    ChangedMetric,
    GroupChange,
    GroupMention,
    Moved,
    Samples,
    TextChange,
)
from evenhand.cards.discrepancies import discrepancies
from evenhand.cards.result import Card
from evenhand.errors import InputError, Note
from evenhand.pages.numbers import listed
from evenhand.results.estimate import Estimate
from evenhand.results.protocol import to_plain

#: What an audit may measure otherwise, and what that is called.
_ASKED: dict[str, Callable[[Audit], str]] = {
    "unit": lambda audit: audit.unit or "each row",
    "where": lambda audit: audit.settings.where or "all rows",
    "tolerance": lambda audit: f"{audit.settings.tolerance:g}",
    "weight": lambda audit: audit.weight or "none",
    "level": lambda audit: f"{audit.level:g}",
    "definition": lambda audit: audit.metric.definition,
    "expression": lambda audit: audit.metric.expression,
}


def compare_cards(
    before: Card,
    after: Card,
    *,
    level: float = 0.95,
    data: Sequence[Path] = (),
    on: Sequence[str] = (),
) -> CardChanges:
    """What changed from one card to the next.

    Parameters
    ----------
    before, after : Card
        The older and the newer card.
    level : float
        Confidence of all intervals together.
    data : sequence of Path
        Tables of the cards: where both cards rest on the same rows these are asked again, each row beside itself.
    on : sequence of str
        Columns that tell which rows of two tables belong together.

    Returns
    -------
    CardChanges

    Raises
    ------
    InputError
        For a table that neither card rests on, and for a confidence that is none.

    Notes
    -----
    Each metric has its share of 1 - level (Bonferroni).  Tables with different digests are taken for different people.
    Cards of one table say nothing of how sure a change is without the table: its rows are the same, so that intervals
    of independent samples would be wrong.
    """
    if not 0 < level < 1:
        raise InputError(
            f"level is {level!r}, but must be a confidence between 0 and 1, such as 0.95."
        )
    known = [str(audit.source.sha256) for card in (before, after) for audit in card.audits]
    tables = paired_tables(data, on, known)
    pairs = list(_matched(before.audits, after.audits))
    share = 1 - (1 - level) / max(len(pairs), 1)
    metrics: list[ChangedMetric] = []
    groups: list[GroupChange] = []
    for name, first, second in pairs:
        samples, own = _changes(name, first, second, tables, share, len(pairs))
        groups += own
        metrics.append(
            ChangedMetric(
                name=name,
                expression=second.metric.expression,
                in_points=second.metric.in_points,
                higher_is_worse=second.metric.higher_is_worse,
                samples=samples,
            )
        )
    matched = [(first, second) for _, first, second in pairs]
    return CardChanges(
        before=_name(before),
        after=_name(after),
        level=level,
        comparisons=sum(one.low is not None for one in groups),
        metrics=tuple(metrics),
        groups=tuple(groups),
        new_groups=tuple(one for name, a, b in pairs for one in _only(name, b, a)),
        gone_groups=tuple(one for name, a, b in pairs for one in _only(name, a, b)),
        new_metrics=_unmatched(after.audits, [second for _, second in matched]),
        gone_metrics=_unmatched(before.audits, [first for first, _ in matched]),
        definitions=tuple(one for name, a, b in pairs for one in _definitions(name, a, b)),
        texts=tuple(_texts(before, after)),
        now_told=_told(after, before),
        no_longer_told=_told(before, after),
        notes=tuple(_notes(before, after, metrics)),
    )


def _matched(before: Sequence[Audit], after: Sequence[Audit]) -> Iterator[tuple[str, Audit, Audit]]:
    """Audits of the same metric: by how it is written and filtered, else by its name where it stands once."""
    left = list(before)
    pairs: dict[int, Audit] = {}
    for same in (_exactly, _by_title, _by_name):
        for place, audit in enumerate(after):
            if place in pairs:
                continue
            found = [one for one in left if same(one) == same(audit)]
            rivals = [
                p for p, other in enumerate(after) if p not in pairs and same(other) == same(audit)
            ]
            if len(found) == 1 and len(rivals) == 1:
                pairs[place] = found[0]
                left = [one for one in left if one is not found[0]]
    titles = [after[place].metric.title for place in sorted(pairs)]
    for place in sorted(pairs):
        audit = after[place]
        name = audit.metric.title if titles.count(audit.metric.title) == 1 else _full(audit)
        yield name, pairs[place], audit


def _exactly(audit: Audit) -> Any:
    return audit.metric.expression, audit.settings.where, audit.weight, audit.source.name


def _by_title(audit: Audit) -> Any:
    return audit.metric.expression, audit.settings.where


def _by_name(audit: Audit) -> Any:
    return audit.metric.name, audit.settings.where


def _full(audit: Audit) -> str:
    where = f" where {audit.settings.where}" if audit.settings.where else ""
    return f"{audit.metric.expression}{where}"


def _unmatched(audits: Sequence[Audit], matched: Sequence[Audit]) -> tuple[str, ...]:
    return tuple(_full(one) for one in audits if not any(one is other for other in matched))


def _samples(before: Audit, after: Audit, tables: PairedTables) -> Samples:
    first, second = before.source.sha256, after.source.sha256
    if first is None or second is None:
        return "unknown"
    if before.metric.expression == after.metric.expression and first == second:
        return "same question"
    if tables.have(before, after):
        return "paired"
    return "same rows" if first == second else "other tables"


def _changes(
    name: str, before: Audit, after: Audit, tables: PairedTables, level: float, metrics: int
) -> tuple[Samples, list[GroupChange]]:
    samples = _samples(before, after, tables)
    if samples == "paired":
        return samples, _paired(name, before, after, tables, level, metrics)
    sides: list[tuple[Group | None, Estimate, Estimate]] = [(None, before.overall, after.overall)]
    old = {_key(group): group for group in before.groups}
    sides += [
        (group, old[_key(group)].estimate, group.estimate)
        for group in after.groups
        if _key(group) in old
    ]
    apart = differences_apart([(one, other) for _, one, other in sides], level)
    out = []
    for (group, earlier, later), found in zip(sides, apart, strict=True):
        change = None
        if earlier.value is not None and later.value is not None:
            change = later.value - earlier.value
        known = samples == "other tables"
        reason = found.reason or (None if known else samples.replace(" ", "_"))
        low, high = (found.low, found.high) if known else (None, None)
        p_value = found.p_value
        out.append(
            GroupChange(
                metric=name,
                by=group.by if group else (),
                group=group.group if group else {},
                predicate=group.predicate if group else "",
                before=earlier,
                after=later,
                change=change,
                low=low,
                high=high,
                p_adjusted=min(p_value * metrics, 1.0) if known and p_value is not None else None,
                samples=samples,
                verdict=_moved(low, high, worse=after.metric.higher_is_worse),
                reason=reason,
            )
        )
    return samples, out


def _paired(
    name: str, before: Audit, after: Audit, tables: PairedTables, level: float, metrics: int
) -> list[GroupChange]:
    # Changes of everybody and of groups are two families of the answer: each has half.
    found = paired_switch(tables, before, after, level=1 - (1 - level) / 2)
    first, second = (service.name for service in found.services)
    sign = 1.0 if after.metric.higher_is_worse else -1.0
    rows: list[Any] = [*found.overall, *found.groups]
    earlier = {getattr(one, "predicate", ""): one.estimate for one in rows if one.service == first}
    out = []
    for one in (one for one in rows if one.service == second):
        predicate, cost = getattr(one, "predicate", ""), one.change
        # A cost is positive where it is harm; a change is later less earlier.
        ends = [None if end is None else sign * end for end in (cost.low, cost.high)]
        low, high = ends if sign > 0 else ends[::-1]
        p_value = cost.p_adjusted
        out.append(
            GroupChange(
                metric=name,
                by=getattr(one, "by", ()),
                group=getattr(one, "group", {}),
                predicate=predicate,
                before=earlier[predicate],
                after=one.estimate,
                change=None if cost.value is None else sign * cost.value,
                low=low,
                high=high,
                p_adjusted=None if p_value is None else min(p_value * 2 * metrics, 1.0),
                samples="paired",
                verdict=_moved(low, high, worse=after.metric.higher_is_worse),
                reason=cost.reason,
            )
        )
    return out


def _moved(low: float | None, high: float | None, *, worse: bool) -> Moved | None:
    if low is None or high is None:
        return None
    if low > 0:
        return "worse" if worse else "better"
    if high < 0:
        return "better" if worse else "worse"
    return "no change shown"


def _key(group: Group) -> tuple[tuple[str, ...], str]:
    return group.by, group.predicate


def _only(name: str, audit: Audit, other: Audit) -> Iterator[GroupMention]:
    """Groups of an audit that another one lacks."""
    known = {_key(group) for group in other.groups}
    for group in audit.groups:
        if _key(group) not in known:
            yield GroupMention(metric=name, predicate=group.predicate)


def _definitions(name: str, before: Audit, after: Audit) -> Iterator[TextChange]:
    for what, told in _ASKED.items():
        if told(before) != told(after):
            yield TextChange(place=f"{name}: {what}", before=told(before), after=told(after))


def _texts(before: Card, after: Card) -> Iterator[TextChange]:
    old, new = to_plain(before.written), to_plain(after.written)
    for one in discrepancies(old, new, "", "the newer card"):
        yield TextChange(place=one.place, before=one.stands, after=one.should)


def _told(card: Card, other: Card) -> tuple[str, ...]:
    """Parts that only the first tells."""
    untold = {part.name for part in other.parts if not part.told}
    return tuple(part.title for part in card.parts if part.told and part.name in untold)


def _name(card: Card) -> CardName:
    service = card.written.service
    return CardName(
        service=service.name,
        version=service.version,
        applies_to=service.applies_to,
        content_sha256=card.content_sha256,
    )


def _notes(before: Card, after: Card, metrics: Sequence[ChangedMetric]) -> Iterator[Note]:
    if before.written.service.name != after.written.service.name:
        yield Note(
            code="other_service",
            text=f"The cards are of two services: {before.written.service.name} and {after.written.service.name}.",
        )
    if before.written.service.applies_to > after.written.service.applies_to:
        yield Note(
            code="turned_round",
            text=f"The first card applies from {before.written.service.applies_to}, later than the second "
            f"({after.written.service.applies_to}).  Name the older card first.",
        )
    by_samples: dict[Samples, list[str]] = {}
    for one in metrics:
        by_samples.setdefault(one.samples, []).append(one.name)
    for samples, text in _SAYS.items():
        if names := by_samples.get(samples):
            yield Note(code=samples.replace(" ", "_"), text=f"{listed(names)}: {text}")


_SAYS: dict[Samples, str] = {
    "same question": (
        "both cards asked the same of the same table, so nothing can have changed but how it was computed."
    ),
    "same rows": (
        "both cards rest on one table, so the same rows stand on both sides.  How sure a change is follows from each "
        "row beside itself, which needs the table (--data); as if they were two samples the intervals would as a rule "
        "be too wide, and none is given."
    ),
    "unknown": (
        "a card does not tell the SHA-256 of its table, so nobody knows whether the same rows stand on both sides.  No "
        "interval of a change is given."
    ),
    "other tables": (
        "the tables differ, and are taken for different people.  Where the same people are in both, intervals are as "
        "a rule too wide: give both tables with --data, and with --on what tells which rows belong together."
    ),
}
