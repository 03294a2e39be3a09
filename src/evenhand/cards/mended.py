"""Blocks of a card on what was done about differences: repairs with who pays, and rules that were asked."""

from collections.abc import Iterator, Sequence

from evenhand.cards.blocks import CardBlock
from evenhand.cards.given import GivenResult
from evenhand.cards.result import Card
from evenhand.errors import Note
from evenhand.gates import tables as gate_tables
from evenhand.gates import words as gate_words
from evenhand.gates.result import GateAnswer
from evenhand.pages.caveats import before_numbers
from evenhand.pages.edition import PLAIN, Edition, without_folders
from evenhand.pages.numbers import listed, plural
from evenhand.repairs import tables as repair_tables
from evenhand.repairs import words as repair_words

#: Answers of rules that a reader must know of, and how they are told.
_TOLD: dict[GateAnswer, str] = {
    "fail": "broken",
    "insufficient evidence": "open, for want of evidence",
}


def repair_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """Whether a repair reached its rule, who gains and who pays, on rows that it had not seen."""
    for place, found in enumerate(card.repairs):
        yield CardBlock(
            heading=f"A repair: {edition.column(found.metric.title)} by {edition.crossed(found.settings.by)}",
            items=(
                *repair_words.answers(found, edition),
                *before_numbers(repair_words.caveats(found)),
            ),
            source=f"from {card.of('repairs', place).name}",
        )
        yield CardBlock(table=repair_tables.groups_table(found, edition))
        tables = [
            repair_tables.price_table(each, edition, found.untouched) for each in found.other_prices
        ]
        tables.append(repair_tables.tried_table(found))
        for table in tables:
            yield CardBlock(heading=table.label, folded=True, table=table)
        notes = tuple(repair_words.notes(found))
        yield CardBlock(heading="How the repair was chosen and tested", folded=True, items=notes)


def gate_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """Which rules of a policy are kept, broken and open."""
    for place, found in enumerate(card.gates):
        named = f"“{found.title}”" if found.title else without_folders(found.policy)
        yield CardBlock(
            heading=f"Rules: {named}",
            items=(gate_words.headline(found), *before_numbers(gate_words.caveats(found))),
            source=f"from {card.of('gates', place).name}",
        )
        yield CardBlock(table=gate_tables.rules_table(found))
        for rule in found.rules:
            told = [f"{word}: {text}" for word, text in gate_words.obligations(rule)]
            heading = f"{rule.name}: {plural(len(rule.checks), 'check')}"
            if rule.checks:
                table = gate_tables.checks_table(rule, edition)
                yield CardBlock(heading=heading, folded=True, table=table)
            if told:
                yield CardBlock(heading=f"{rule.name}: what the policy says", items=tuple(told))
        if notes := tuple(gate_words.notes(found)):
            yield CardBlock(heading="How the rules were judged", folded=True, items=notes)


def warnings(card: Card, edition: Edition = PLAIN) -> Iterator[str]:
    """What must be known before all numbers: rules that are broken, who pays for a repair, that nobody gains by it."""
    for place, gate in enumerate(card.gates):
        name = card.of("gates", place).name
        for answer, told in _TOLD.items():
            if rules := [rule.name for rule in gate.of(answer)]:
                are = "is" if len(rules) == 1 else "are"
                yield (
                    f"{name}: {len(rules)} of {plural(len(gate.rules), 'rule')} {are} {told}: {listed(rules)}."
                )
    yield from warnings_of_repairs(card, edition)


def cautions(card: Card) -> list[str]:
    """What goes with a card's numbers wherever they go: its warnings, and notes on what its results rest on."""
    return [*warnings(card), *(note.text for note in card.notes)]


def warnings_of_repairs(card: Card, edition: Edition = PLAIN) -> Iterator[str]:
    """Who pays for a repair, and that nobody gains by it."""
    for place, repair in enumerate(card.repairs):
        name = card.of("repairs", place).name
        if repair.levelling_down:
            yield (
                f"The repair in {name} is levelling down: somebody is worse off, and the group that was worst off is "
                "not proven to be better."
            )
        if repair.payers:
            for told in repair_words.payers(repair, edition):
                yield f"Who pays for the repair in {name}: {told.removeprefix('Who pays: ')}"


def repair_notes(given: Sequence[GivenResult]) -> Iterator[Note]:
    """How audits and checks stand to a repair on the same card: made before it, or of rows that it was learnt from."""
    judging = [one for one in given if one.field in ("audits", "gates")]
    for one in given:
        if one.field != "repairs" or not judging:
            continue
        found, source = one.result, one.result.source
        before = [
            each.name
            for each in judging
            if any(table.sha256 == source.sha256 for table in each.sources)
        ]
        after = [
            each.name
            for each in judging
            if any(table.sha256 != source.sha256 for table in each.sources)
        ]
        if before:
            are = "rests" if len(before) == 1 else "rest"
            yield Note(
                code="before_repair",
                text=f"{listed(before)} {are} on the table that the repair in {one.name} began with, and not on "
                "decisions that it made.",
            )
        if after:
            where = f" where {found.settings.where}" if found.settings.where else ""
            counts, its = ("counts", "its") if len(after) == 1 else ("count", "their")
            kept = (
                f", and {its} rules may be kept on these alone"
                if any(each.field == "gates" and each.name in after for each in judging)
                else ""
            )
            yield Note(
                code="practice_rows",
                text=f"The repair in {one.name} was learnt from {found.practice_rows:,} of the "
                f"{found.practice_rows + found.held_out_rows:,} rows of {without_folders(source.name)}{where} that it "
                f"counts.  Where {listed(after)} {counts} such rows, {its} numbers may be too good{kept}; those of "
                f"{one.name} are of the other {found.held_out_rows:,} alone.",
            )
