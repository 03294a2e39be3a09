"""A card in plain words: what a person reads first."""

from collections.abc import Iterator, Sequence
from typing import Any

from evenhand.audits import answer, words
from evenhand.audits.result import Audit
from evenhand.bounty.telling.standing import Standing
from evenhand.cards.given import sources_of
from evenhand.cards.mended import warnings
from evenhand.cards.parts import OF_EACH_TABLE, said_of
from evenhand.cards.result import Card, CardPart, Signal, WorstGroup
from evenhand.errors import Note
from evenhand.gates import words as gate_words
from evenhand.gates.result import Gate
from evenhand.pages import numbers
from evenhand.pages.caveats import before_numbers, missing_sentences
from evenhand.pages.edition import PLAIN, Edition, without_folders
from evenhand.pages.numbers import percent, plural
from evenhand.repairs import words as repair_words
from evenhand.repairs.result import RepairTrial
from evenhand.watching import words as watch_words
from evenhand.watching.result import Watch

#: Words of the glossary that a card explains.
TERMS = (
    "Adjusted p-value", "Confirmed", "Confounder", "Cost of a condition", "Differential effect", "Effectiveness",
    "Insufficient evidence", "Interval", "Lead", "Operating point", "Percentage point", "Proven gap", "Rest",
    "Simultaneous interval", "Slice", "Tolerance", "Unit", "Verdict", "Worst group",
)  # fmt: skip
#: Worst groups told in sentences; the table has all.
TOLD = 6
_MEANINGS = {
    "worse": "proven worse than {reference}",
    "not worse": "proven not to be worse than {reference}",
    "insufficient evidence": "whether it is worse than {reference} is not shown",
}


def title(card: Card) -> str:
    """Heading of the card."""
    service = card.written.service
    return f"Service card: {service.name} {service.version}"


def answers(card: Card, edition: Edition = PLAIN) -> Iterator[str]:
    """The worst group of each metric, in a sentence; or that nothing was measured."""
    if not card.audits:
        others = any(one.field != "bounties" for one in card.evidence)
        yield "No audit stands on this card, so " + (
            "no group is told to be the worst; other results stand below."
            if others
            else "nothing is known of any group."
        )
        return
    if not card.worst:
        yield "No group on this card has an interval, so nothing is known of any."
        return
    by_audit: dict[int, WorstGroup] = {}
    # What is proven goes before what is not, and crossed attributes, which look closer, before single ones.
    for one in sorted(card.worst, key=lambda one: (one.audit, one.verdict == "worse", one.crossed)):
        by_audit[one.audit] = one
    for one in list(by_audit.values())[:TOLD]:
        yield worst_sentence(card, one, edition)
    if len(by_audit) > TOLD:
        yield f"… and {plural(len(by_audit) - TOLD, 'more metric')}, in the table."


def worst_sentence(card: Card, one: WorstGroup, edition: Edition = PLAIN) -> str:
    """``Worst for Wales: 35 of 100 words wrong (28.1 to 42.0 %; 12 speakers), 20 for everybody together; …``."""
    audit = card.audits[one.audit]
    name, metric = edition.named(one.group, one.predicate), edition.column(audit.metric.title)
    kept = kept_rows(audit)
    spoken = answer.in_hundred(audit, one.value, one.overall)
    own, beside = told_number(audit, one.value), told_number(audit, one.overall)
    if spoken is not None and metric == audit.metric.name:
        (own, beside), metric = spoken, ""
    rates = f"{own} ({_sure(audit, one)}), {beside} for everybody together{kept}"
    if one.chosen == "worst proven":
        what = f"{metric} " if metric else ""
        return f"Of the groups that are proven worse the worst is {name}: {what}{rates}."
    told = f"{metric} is worst for {name}: {rates}" if metric else f"Worst for {name}: {rates}"
    if one.verdict is None:
        return f"{told}."
    reference = words.reference(audit.settings.versus)
    return f"{told}; {_MEANINGS[one.verdict].format(reference=reference)}."


def _sure(audit: Audit, one: WorstGroup) -> str:
    """How far the value of a worst group is known: its interval, and how many units it is of."""
    found = [told_interval(audit, one.low, one.high)]
    if one.n_units is not None:
        found.append(f"{numbers.count(one.n_units)} {words.unit_name(audit, one.n_units)}")
    return "; ".join(text for text in found if text)


def metric_name(audit: Audit, edition: Edition = PLAIN) -> str:
    """What an audit measured, and of which rows where not of all."""
    return f"{edition.column(audit.metric.title)}{kept_rows(audit)}"


def kept_rows(audit: Audit) -> str:
    """Which rows an audit kept and how it weighed them: `` where age >= 60``; empty where all, alike."""
    where = f" where {audit.settings.where}" if audit.settings.where else ""
    return where + (f", weighted by {audit.weight}" if audit.weight else "")


def lacking_rows(audit: Audit) -> Iterator[str]:
    """``562 rows lack accent: shown as missing, not judged.  That is 32.8 % of the rows.``."""
    everybody = audit.overall.n_rows
    for item in audit.missing:
        for text in missing_sentences([item]):
            known = item.reason == "missing_attribute" and item.n_rows and everybody
            part = (item.n_rows or 0) / everybody if known and everybody else None
            yield text if part is None else f"{text}  That is {numbers.share(part)} of the rows."


def told_number(audit: Audit, value: float | None) -> str:
    """A value: in per cent where it is a share."""
    return numbers.share(value) if answer.is_share(audit) else numbers.rate(value)


def told_interval(audit: Audit, low: float | None, high: float | None) -> str:
    """Its bounds likewise."""
    return numbers.shares(low, high) if answer.is_share(audit) else numbers.interval(low, high)


def absent_sentence(card: Card) -> str:
    """Which parts nobody told, and of which tables where others are told."""
    absent = [f"{part.title}{_of_tables(card, part)}" for part in card.parts if not part.told]
    if not absent:
        return f"All {len(card.parts)} parts of the card are told."
    return f"Not told, of {len(card.parts)} parts: {'; '.join(absent)}."


def _of_tables(card: Card, part: CardPart) -> str:
    """Tables of which a part is not told, where it is told of others: `` (of compas.csv)``."""
    if part.name not in OF_EACH_TABLE:
        return ""
    results = (card.held(one) for one in card.evidence)
    names = (without_folders(table.name) for found in results for table in sources_of(found))
    tables = [name for name in dict.fromkeys(names) if name]
    lacking = [
        name
        for name in tables
        if not getattr(said_of(name, card.written), OF_EACH_TABLE[part.name], "")
    ]
    return f" (of {numbers.listed(lacking)})" if 0 < len(lacking) < len(tables) else ""


def caveats(card: Card, edition: Edition = PLAIN) -> Iterator[str]:
    """What must be known before the numbers, of the card and of its results, which are named where not all say so."""
    yield from warnings(card, edition)
    for watch in card.watches:
        if watch.alarms:
            yield from watch_words.answers(watch, edition, brief=True)
    yield from before_numbers(card.notes)
    said: dict[str, list[str]] = {}
    for one in card.evidence:
        for text in before_numbers(_notes(card.held(one))):
            said.setdefault(text, []).append(one.name)
    for text, names in said.items():
        everywhere = len(set(names)) == len(card.evidence)
        yield text if everywhere else f"{numbers.listed(list(dict.fromkeys(names)))}: {text}"


def _notes(found: Any) -> Sequence[Note]:
    """What a result tells before its numbers; watches and bounties say it in their answers."""
    if isinstance(found, RepairTrial):
        return repair_words.caveats(found)
    if isinstance(found, Gate):
        return gate_words.caveats(found)
    return () if isinstance(found, Watch | Standing) else found.notes


def worst_note(card: Card) -> str:
    """How the worst group is chosen and what its interval is."""
    levels = sorted({audit.level for audit in card.audits})
    level = " and ".join(map(percent, levels))
    hidden = sum(one.unjudged for one in card.worst)
    unjudged = (
        f"  {plural(hidden, 'group was', 'groups were')} refused or hidden as too small, and may be worse."
        if hidden
        else ""
    )
    return (
        "Worst is the group with the worst value among those that have an interval; where that one is not proven "
        f"worse, the worst of those that are stands below it.  An interval ({level}) is for its group alone; as the "
        "group was chosen for its value, its true rate is on average somewhat better.  Verdicts hold for "
        f"all groups of an audit at once.{unjudged}"
    )


def signal_sentence(one: Signal) -> str:
    """``Reproducibility: 2 of 3.``."""
    return f"{one.name.capitalize()}: {one.met} of {one.of}."
