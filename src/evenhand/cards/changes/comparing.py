"""One card beside the next: each metric and group on both, and what people wrote otherwise."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evenhand.audits.result import Audit, Group
from evenhand.cards.changes.asking import (
    asked_otherwise,
    counted_otherwise,
    incomparable,
    unpairable,
)
from evenhand.cards.changes.intervals import differences_apart
from evenhand.cards.changes.pairing import PairedTables, check_used, paired_switch, paired_tables
from evenhand.cards.changes.result import (
    CardChanges,
    CardName,
    ChangedMetric,
    GroupChange,
    GroupMention,
    Moved,
    Samples,
    SharedRows,
    TextChange,
)
from evenhand.cards.changes.rules import changed_rules, loosened_rules, rules_asked_otherwise
from evenhand.cards.changes.words import NOT_PAIRED
from evenhand.cards.discrepancies import discrepancies
from evenhand.cards.mended import warnings_of_repairs
from evenhand.cards.result import Card, Field
from evenhand.errors import InputError, Note
from evenhand.pages.numbers import listed, plural
from evenhand.results.estimate import Estimate
from evenhand.results.protocol import to_plain
from evenhand.switching.result import Switches


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
        For a table that neither card rests on or that would not be used, and for a confidence that is none.

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
    check_used(tables, [(first, second) for _, first, second in pairs])
    share = 1 - (1 - level) / max(len(pairs), 1)
    metrics: list[ChangedMetric] = []
    groups: list[GroupChange] = []
    for name, first, second in pairs:
        metric, own = _changes(name, first, second, tables, share, len(pairs))
        groups += own
        metrics.append(metric)
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
        definitions=(
            *(one for name, a, b in pairs for one in asked_otherwise(name, a, b)),
            *rules_asked_otherwise(before, after),
        ),
        texts=tuple(_texts(before, after)),
        now_told=_told(after, before),
        no_longer_told=_told(before, after),
        notes=tuple(
            _notes(
                before,
                after,
                metrics,
                {name: a.source.sha256 != b.source.sha256 for name, a, b in pairs},
            )
        ),
        rules=tuple(changed_rules(before, after)),
        looser=tuple(loosened_rules(before, after)),
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
) -> tuple[ChangedMetric, list[GroupChange]]:
    metric = ChangedMetric(
        name=name,
        expression=after.metric.expression,
        in_points=after.metric.in_points,
        higher_is_worse=after.metric.higher_is_worse,
        samples=_samples(before, after, tables),
        reason=incomparable(before, after),
    )
    if metric.samples == "same question" and counted_otherwise(before, after):
        metric = replace(metric, samples="same rows", reason=metric.reason or "counted_otherwise")
    if metric.samples == "paired":
        reason = metric.reason or unpairable(before, after)
        if reason is None:
            paired = paired_switch(tables, before, after, level=1 - (1 - level) / 2)
            own = _paired(name, before, after, paired, metrics)
            metric = replace(metric, shared=_shared(before, after, own[0]))
            if _are_the_cards(metric, own, one_table=before.source.sha256 == after.source.sha256):
                return metric, own
            reason = "not_the_cards_numbers"
        # Who gave the tables said that the same rows stand in both.
        metric = replace(metric, samples="same rows", reason=reason, shared=None)
    return metric, _apart(metric, before, after, level, metrics)


def _apart(
    metric: ChangedMetric, before: Audit, after: Audit, level: float, metrics: int
) -> list[GroupChange]:
    """Changes from the cards' own numbers."""
    sides: list[tuple[Group | None, Estimate, Estimate]] = [(None, before.overall, after.overall)]
    old = {_key(group): group for group in before.groups}
    sides += [
        (group, old[_key(group)].estimate, group.estimate)
        for group in after.groups
        if _key(group) in old
    ]
    apart = differences_apart(
        [(one, other) for _, one, other in sides], level, (before.level, after.level)
    )
    known = metric.samples == "other tables" and metric.reason is None
    out = []
    for (group, earlier, later), found in zip(sides, apart, strict=True):
        change = None
        alike = metric.reason not in ("other_quantity", "other_direction")
        if alike and earlier.value is not None and later.value is not None:
            change = later.value - earlier.value
        reason = metric.reason or found.reason
        reason = reason or (None if known else metric.samples.replace(" ", "_"))
        low, high = (found.low, found.high) if known else (None, None)
        p_value = found.p_value
        out.append(
            GroupChange(
                metric=metric.name,
                by=group.by if group else (),
                group=group.group if group else {},
                predicate=group.predicate if group else "",
                before=earlier,
                after=later,
                change=change,
                low=low,
                high=high,
                p_adjusted=min(p_value * metrics, 1.0) if known and p_value is not None else None,
                samples=metric.samples,
                verdict=_moved(low, high, worse=after.metric.higher_is_worse),
                reason=reason,
            )
        )
    return out


def _paired(
    name: str, before: Audit, after: Audit, found: Switches, metrics: int
) -> list[GroupChange]:
    """Changes of each row beside itself; everybody and groups are two families, each of which has half."""
    first, second = (service.name for service in found.services)
    sign = 1.0 if after.metric.higher_is_worse else -1.0
    rows: list[Any] = [*found.overall, *found.groups]
    earlier = {_place(one): one.estimate for one in rows if one.service == first}
    own = [
        {((), ""): side.overall.value} | {_key(one): one.estimate.value for one in side.groups}
        for side in (before, after)
    ]
    out = []
    for one in (one for one in rows if one.service == second):
        place, cost = _place(one), one.change
        # A cost is positive where it is harm; a change is later less earlier.
        ends = [None if end is None else sign * end for end in (cost.low, cost.high)]
        low, high = ends if sign > 0 else ends[::-1]
        p_value = cost.p_adjusted
        out.append(
            GroupChange(
                metric=name,
                by=place[0],
                group=getattr(one, "group", {}),
                predicate=place[1],
                before=earlier[place],
                after=one.estimate,
                change=None if cost.value is None else sign * cost.value,
                low=low,
                high=high,
                p_adjusted=None if p_value is None else min(p_value * 2 * metrics, 1.0),
                samples="paired",
                verdict=_moved(low, high, worse=after.metric.higher_is_worse),
                reason=cost.reason,
                card_before=own[0].get(place),
                card_after=own[1].get(place),
            )
        )
    return out


def _place(one: Any) -> tuple[tuple[str, ...], str]:
    return getattr(one, "by", ()), getattr(one, "predicate", "")


def _shared(before: Audit, after: Audit, everybody: GroupChange) -> SharedRows | None:
    """Of two cards that do not rest on the same rows: how many both have."""
    shared, old, new = everybody.after.n_rows, before.overall.n_rows, after.overall.n_rows
    if shared is None or old is None or new is None or shared == old == new:
        return None
    return SharedRows(shared=shared, before=old, after=new)


def _are_the_cards(metric: ChangedMetric, own: Sequence[GroupChange], *, one_table: bool) -> bool:
    """Whether numbers that were computed again are those of the cards, as far as they must be.

    Of one table all must; of two those of everybody, where both cards rest on the rows that both tables have: groups
    are taken from the older table.
    """
    if not one_table and metric.shared is not None:
        return True
    looked_at = own if one_table else own[:1]
    return all(
        _same(one.before.value, one.card_before) and _same(one.after.value, one.card_after)
        for one in looked_at
    )


def _same(value: float | None, told: float | None) -> bool:
    if value is None or told is None:
        return value is told
    return math.isclose(value, told, rel_tol=1e-9, abs_tol=1e-12)


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


def _notes(
    before: Card, after: Card, metrics: Sequence[ChangedMetric], two_tables: dict[str, bool]
) -> Iterator[Note]:
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
    for text in (*warnings_of_repairs(after), *_too_good(after)):
        yield Note(code="newer_card_warns", text=f"The newer card warns: {text}")
    yield from _rests_on(metrics, two_tables)
    if untold := [*_uncompared(before, "older"), *_uncompared(after, "newer")]:
        yield Note(
            code="not_compared",
            text="Only audits and answers of rules are compared.  Nothing is said of whether these changed: "
            f"{listed(untold)}.",
        )


def _too_good(card: Card) -> list[str]:
    """What a card says of its own numbers where a repair was learnt from their rows."""
    return [note.text for note in card.notes if note.code == "practice_rows"]


def _rests_on(metrics: Sequence[ChangedMetric], two_tables: dict[str, bool]) -> Iterator[Note]:
    """What the numbers of metrics rest on."""
    for one in metrics:
        if one.reason in NOT_PAIRED:
            yield Note(code=one.reason, text=f"{one.name}: {NOT_PAIRED[one.reason]}")
        if one.samples == "paired" and two_tables.get(one.name):
            yield Note(code="groups_of_older", text=f"{one.name}: {_GROUPS_OF_OLDER}")
    by_samples: dict[Samples, list[str]] = {}
    for one in metrics:
        if one.reason is None:
            by_samples.setdefault(one.samples, []).append(one.name)
    for samples, text in _SAYS.items():
        if names := by_samples.get(samples):
            yield Note(code=samples.replace(" ", "_"), text=f"{listed(names)}: {text}")


def _uncompared(card: Card, which: str) -> Iterator[str]:
    """Results other than audits, counted."""
    for field, (one, many) in _OTHERS.items():
        if number := len(getattr(card, field)):
            yield f"{plural(number, one, many)} of the {which} card"


_OTHERS: dict[Field, tuple[str, str]] = {
    "slices": ("search for subsets", "searches for subsets"),
    "effects": ("result of what conditions cost", "results of what conditions cost"),
    "switches": ("comparison of services", "comparisons of services"),
    "coverages": ("result of what tables tell of", "results of what tables tell of"),
    "watches": ("watch", "watches"),
    "bounties": ("bounty", "bounties"),
    "repairs": ("repair", "repairs"),
}
_GROUPS_OF_OLDER = (
    "rows of the two tables are paired, and which group a row is in, its unit and what is right are taken from the "
    "older table."
)


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
