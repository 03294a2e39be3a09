"""Effects in plain words: what a person reads in the terminal and in the report."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evenhand.differential.question import USUAL_REFERENCE
from evenhand.differential.result import (
    ConditionOverall,
    Effect,
    Effects,
    GroupEffect,
    Paid,
    Pair,
    Verdict,
)
from evenhand.pages import numbers
from evenhand.pages.caveats import (
    after_numbers,
    bin_sentences,
    independence,
    missing_sentences,
    refused_sentence,
    together,
)
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import percent, points, rate

#: The kind of each verdict, which decides its sign and its colour.
KINDS = {
    "costs more": "worse",
    "not more": "fine",
    "worse": "worse",
    "better": "better",
    "not worse": "fine",
    "insufficient evidence": "unsure",
    None: "none",
}
_PAID: dict[str, str] = {"worse": "costs", "better": "gains", "not worse": "no harm"}
#: Findings told one by one; the tables have them all.
TOLD = 6


def amount(value: float, found: Effects) -> str:
    """A size: ``38.7 points``, or in the metric's units."""
    return numbers.amount(value, in_points=found.metric.in_points)


def effect(one: Effect | None, found: Effects) -> str:
    """A cost, signed: ``+38.7``."""
    if one is None or one.value is None:
        return "–"
    return points(one.value, in_points=found.metric.in_points)


def span(one: Effect | None, found: Effects) -> str:
    """Its simultaneous interval: ``+23.3 to +55.7``."""
    return "" if one is None else numbers.span(one.low, one.high, in_points=found.metric.in_points)


def mark(one: GroupEffect) -> str:
    """Verdict on a group's differential effect with its sign; what is gained is not called a cost."""
    if one.verdict == "costs more" and gains(one):
        return f"{MARKS[kind(one.verdict)].sign} gains less"
    return verdict(one.verdict, one.differential)


def verdict(found: Verdict | None, one: Effect | None) -> str:
    """A verdict with its sign; or why there is none."""
    if found is None:
        return "reference"
    if one is not None and one.reason:
        return f"– {one.reason.replace('_', ' ')}"
    return f"{MARKS[kind(found)].sign} {found}"


def gains(one: GroupEffect) -> bool:
    """Whether the condition did the group good, or nothing where it did the others good."""
    if one.cost is None or one.cost.value is None:
        return False
    beyond = one.differential.value if one.differential is not None else None
    return one.cost.value < 0 or (one.cost.value == 0 and (beyond or 0.0) > 0)


def nothing_to_gain(one: GroupEffect, found: Effects) -> bool:
    """Whether the group has the best value that there is, with and without the condition; known of shares."""
    best = 0.0 if found.metric.higher_is_worse else 1.0
    values = (one.estimate.value, _reference_of(one, found))
    return found.metric.in_points and gains(one) and values == (best, best)


def paid_mark(found: Paid | None, one: Effect | None) -> str:
    """Verdict on a cost with its sign."""
    if found is None:
        return "reference"
    if one is not None and one.reason:
        return f"– {one.reason.replace('_', ' ')}"
    return f"{MARKS[kind(found)].sign} {_PAID.get(found, found)}"


def kind(found: str | None) -> str:
    """Kind of a verdict, for its sign and its colour."""
    return KINDS[found]


@dataclass(frozen=True, slots=True)
class Manner:
    """How sentences name a group, by its predicate, how they write a rate, and what they call a condition."""

    name: Callable[[str], str]
    write: Callable[[float | None], str]
    condition: Callable[[str], str] = str


#: To who may ask again: predicates as they stand.
PLAIN = Manner(str, rate)


def sentences(found: Effects, manner: Manner = PLAIN) -> Iterator[str]:
    """The findings as sentences: what it costs everybody, whom it costs more, and who loses by a gain."""
    return (sentence for sentence, _ in findings(found, manner))


def findings(found: Effects, manner: Manner = PLAIN) -> Iterator[tuple[str, bool]]:
    """The same, each with whether it tells a harm that is proven: a saving is none."""
    yield from _everybody(found, manner)
    ranked = found.costs_more
    for one in ranked[:TOLD]:
        yield _more(one, found, manner), True
    if len(ranked) > TOLD:
        more = numbers.plural(len(ranked) - TOLD, "more case")
        yield f"… and {more} of a group that pays more, in the table.", True
    if not ranked:
        yield _nobody(found, manner), False
    yield from ((told, True) for told in _pairs(found, manner))
    yield from _losers(found, manner)


def reference(found: Effects, manner: Manner = PLAIN, *, advice: str = "") -> str:
    """What all conditions are compared with, and whether anybody chose it; `advice` goes to who can ask again."""
    usual = f" (the usual one, as no other was named{advice})"
    chosen = found.reference != USUAL_REFERENCE
    return f"the reference {manner.condition(found.reference)}{'' if chosen else usual}"


def _everybody(found: Effects, manner: Manner) -> Iterator[tuple[str, bool]]:
    proven = [one for one in found.overall if one.verdict in ("worse", "better")]
    proven.sort(key=lambda one: -abs(_value(one)))
    plain = found.overall[0].estimate.value
    for one in proven[:3]:
        verb = "costs" if one.verdict == "worse" else "saves"
        told = (
            f"{manner.condition(one.condition)} {verb} {amount(_value(one), found)} of {found.metric.name} overall "
            f"({_sizes(one.cost, found)}): {manner.write(plain)} under {manner.condition(found.reference)}, "
            f"{manner.write(one.estimate.value)} under it."
        )
        yield told, one.verdict == "worse"
    if len(proven) > 3:
        more = numbers.plural(len(proven) - 3, "more condition")
        harm = any(one.verdict == "worse" for one in proven[3:])
        yield f"… and {more} with a proven cost or saving overall, in the table.", harm
    if not proven:
        yield "No condition is proven to cost or save anything overall.", False


def _value(one: ConditionOverall) -> float:
    return (one.cost.value or 0.0) if one.cost is not None else 0.0


def _sizes(one: Effect | None, found: Effects) -> str:
    """Bounds of an effect that is proven: ``23.3 to 55.7``."""
    if one is None or one.low is None or one.high is None:
        return "no interval"
    small, large = sorted((abs(one.low), abs(one.high)))
    in_points = found.metric.in_points
    return " to ".join(points(v, in_points=in_points, signed=False) for v in (small, large))


def _more(one: GroupEffect, found: Effects, manner: Manner) -> str:
    differential = one.differential
    assert differential is not None
    assert differential.value is not None
    before = _reference_of(one, found)
    told = _compared(
        manner.condition(one.condition),
        one,
        "the others",
        manner.name(one.predicate),
        differential,
        found,
    )
    change = f"goes from {manner.write(before)} to {manner.write(one.estimate.value)}"
    if manner.write(before) == manner.write(one.estimate.value):
        change = f"stays at {manner.write(before)}"
    return f"{told}: its {found.metric.name} {change}."


def _compared(
    condition: str, one: GroupEffect, others: str, who: str, differential: Effect, found: Effects
) -> str:
    """What a condition does to one side and to the other, whichever way each goes."""
    cost = one.cost.value if one.cost is not None and one.cost.value is not None else 0.0
    apart, bounds = amount(differential.value or 0.0, found), _sizes(differential, found)
    paid, nothing = amount(cost, found), amount(0.0, found)
    gained = (differential.value or 0.0) - cost
    if gained > 0 and amount(gained, found) != nothing and (cost >= 0 or paid == nothing):
        saves = f"saves {others} {amount(gained, found)}"
        if paid == nothing:
            return f"{condition} {saves} ({bounds}) and {who} nothing"
        return f"{condition} costs {who} {paid} and {saves}, {apart} apart ({bounds})"
    verb, more = ("saves", "less") if gains(one) else ("costs", "more")
    return f"{condition} {verb} {who} {apart} {more} than {others} ({bounds})"


def _reference_of(one: GroupEffect, found: Effects) -> float | None:
    same = (
        g.estimate.value
        for g in found.groups
        if (g.by, g.predicate, g.condition) == (one.by, one.predicate, found.reference)
    )
    return next(same, None)


def _nobody(found: Effects, manner: Manner) -> str:
    known = sorted(
        g.differential.minimum_detectable
        for g in found.groups
        if g.differential is not None and g.differential.minimum_detectable is not None
    )
    if _unchanged(found):
        return (
            f"Nothing changes: under every condition each group has the {found.metric.name} that it has "
            f"under {manner.condition(found.reference)}."
        )
    reasons = {one.differential.reason for one in found.groups if one.differential is not None}
    if not known and reasons == {"no_variation"}:
        return "Nothing can be said about who pays more: within groups every unit changes alike."
    if not known:
        return "Nothing can be said about who pays more: no group has enough evidence."
    least, most = (amount(value, found) for value in (known[0], known[-1]))
    size = least if least == most else f"{least} to {most}"
    return (
        "No group is proven to pay more than the others; in four trials of five a differential "
        f"effect of {size} would have been found."
    )


def _unchanged(found: Effects) -> bool:
    """Whether no group has another value under any condition."""
    costs = [one.cost.value for one in found.groups if one.cost is not None]
    return bool(costs) and all(value == 0 for value in costs)


def _pairs(found: Effects, manner: Manner) -> Iterator[str]:
    for by in found.by:
        own = [pair for pair in found.pairs if pair.by == by]
        if len(own) > 1 and own[0].verdict == "costs more":
            yield _pair(own[0], found, manner)


def _pair(pair: Pair, found: Effects, manner: Manner) -> str:
    first = next(
        g
        for g in found.groups
        if (g.by, g.predicate, g.condition) == (pair.by, pair.first, pair.condition)
    )
    told = _compared(
        manner.condition(pair.condition),
        first,
        manner.name(pair.second),
        manner.name(pair.first),
        pair.differential,
        found,
    )
    return f"Furthest apart: {told}."


def _losers(found: Effects, manner: Manner) -> Iterator[tuple[str, bool]]:
    """Who loses by a condition that gains overall."""
    for one in [o for o in found.overall if o.verdict == "better"][:3]:
        own = [g for g in found.groups if g.condition == one.condition]
        proven = [g for g in own if g.paid == "worse"]
        worse = [
            g.cost.value
            for g in own
            if g.cost is not None and g.cost.value is not None and g.cost.value > 0
        ]
        if proven:
            names = ", ".join(manner.name(g.predicate) for g in proven[:5])
            yield f"By {manner.condition(one.condition)} these are proven to lose: {names}.", True
        elif worse:
            few = "1 group is" if len(worse) == 1 else f"{len(worse)} groups are"
            told = (
                f"By {manner.condition(one.condition)} nobody is proven to lose; {few} worse off in these records, by "
                f"up to {amount(max(worse), found)}, which may be chance."
            )
            yield told, False
        else:
            yield f"By {manner.condition(one.condition)} no group is worse off.", False


def method(found: Effects) -> str:
    """How the numbers were made, in one sentence."""
    settings = found.settings
    family = together(settings.adjust)
    number = settings.comparisons
    units = independence(found.unit)
    return (
        f"{percent(found.level)} intervals of differences in differences; {number} "
        f"comparison{'s' * (number != 1)}, {family}; {units}."
    )


def notes(found: Effects, *, where: str = "in --json") -> Iterator[str]:
    """How it was found, and what was left out.

    `where` says where the rest is told.
    """
    yield method(found)
    if found.settings.tolerance:
        yield f"Up to {amount(found.settings.tolerance, found)} count as no harm."
    yield from bin_sentences(found.settings.bins)
    yield from after_numbers(found.notes)
    yield from missing_sentences(found.missing)
    yield from refused_sentence([one.message for one in found.refused], where=where)


def labels(found: Effects, by: Sequence[str]) -> dict[str, str]:
    """Short name of each group of a partition, by its predicate."""
    return {one.predicate: one.label for one in found.groups if one.by == tuple(by)}
