"""The sections of a card, in the order of AI service cards; what is missing is shown as missing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from evenhand.cards import words
from evenhand.cards.blocks import CardBlock, CardSection
from evenhand.cards.checklist import ADVICE, check_table, laws
from evenhand.cards.measured import (
    confounder_table,
    coverage_blocks,
    data_table,
    effect_blocks,
    fairness_blocks,
    outside_blocks,
    provenance_table,
    slice_blocks,
    switch_blocks,
    watch_blocks,
)
from evenhand.cards.mended import gate_blocks, repair_blocks
from evenhand.cards.result import Card
from evenhand.pages.edition import PLAIN, Edition


def sections_of(
    card: Card, edition: Edition = PLAIN, *, checklist: bool = False
) -> Iterator[CardSection]:
    """All sections; with the lawyer's check-list where it is asked for."""
    missing = {part.name for part in card.parts if not part.told}
    for section in _sections(card, edition):
        yield replace(section, absent=section.name in missing)
    if checklist:
        blocks = [
            CardBlock(heading=law.name, table=check_table(law, card), source=law.source)
            for law in laws()
        ]
        yield CardSection(
            name="checklist",
            title="What laws and standards ask",
            level=2,
            blocks=(CardBlock(text=ADVICE), *blocks),
        )


def _sections(card: Card, edition: Edition) -> Iterator[CardSection]:
    yield CardSection(name="overview", title="Overview", level=2)
    yield from _overview(card, edition)
    yield CardSection(name="intended", title="Intended uses and limitations", level=2)
    yield from _uses(card)
    yield CardSection(name="design", title="Design of the service", level=2)
    yield from _design(card, edition)
    yield CardSection(name="deploying", title="Deployment", level=2)
    yield from _deployment(card)
    yield CardSection(
        name="reliance",
        title="How far to rely on this card",
        level=2,
        blocks=tuple(_reliance(card)),
    )


def _overview(card: Card, edition: Edition) -> Iterator[CardSection]:
    written = card.written
    service = written.service
    yield _section(card, "description", [
        *_texts(service.description),
        *_texts(f"API: {service.api}" if service.api else ""),
        *_texts(f"Licence: {service.licence}" if service.licence else ""),
    ])  # fmt: skip
    yield _section(card, "intrinsic_variation", _texts(written.intrinsic_variation))
    yield _section(card, "confounders", [*confounder_table(card, edition)])
    yield _section(card, "operating_point", [
        *_texts(written.operating_point.description),
        *_items(written.operating_point.metrics, "Metrics that count at it"),
    ])  # fmt: skip


def _uses(card: Card) -> Iterator[CardSection]:
    written = card.written
    blocks = []
    for use in written.uses:
        blocks += [CardBlock(heading=use.name, text=use.description or "What for is not told.")]
        blocks += _items(use.risks or ("No risk is told.",), "Risks")
    yield _section(card, "uses", blocks)
    if not written.uses:
        yield _section(card, "risks", ())
    yield _section(card, "out_of_scope", _items(written.out_of_scope))
    yield _section(card, "limitations", _items(written.limitations))


def _design(card: Card, edition: Edition) -> Iterator[CardSection]:
    design, said = card.written.design, card.written.dimensions
    yield _section(card, "machine_learning", _texts(design.machine_learning))
    yield _section(card, "performance_expectations", _texts(design.performance_expectations))
    yield _section(card, "test_method", _texts(design.test_method))
    yield _section(card, "data", data_table(card))
    fairness = [
        *fairness_blocks(card, edition),
        *switch_blocks(card, edition),
        *repair_blocks(card, edition),
        *gate_blocks(card, edition),
    ]
    yield _section(card, "fairness", [*_texts(said.fairness), *fairness])
    yield _section(card, "unnamed_groups", slice_blocks(card, edition))
    yield _section(card, "data_coverage", coverage_blocks(card, edition))
    hangs_on = effect_blocks(card, edition, explaining=True)
    yield _section(card, "explainability", [*_texts(said.explainability), *hangs_on])
    yield _section(
        card,
        "robustness",
        [*_texts(said.robustness), *effect_blocks(card, edition, explaining=False)],
    )
    for name in ("privacy_and_security", "safety", "controllability"):
        yield _section(card, name, _texts(getattr(said, name)))
    yield _section(card, "monitoring", watch_blocks(card, edition))
    for name in ("veracity", "transparency", "governance"):
        yield _section(card, name, _texts(getattr(said, name)))
    yield _section(card, "outside_help", outside_blocks(card))


def _deployment(card: Card) -> Iterator[CardSection]:
    written = card.written
    effective = written.effectiveness
    yield _section(card, "effectiveness", [
        *_texts(effective.definition),
        *_texts(f"Measure it on inputs of your own: {effective.measured}" if effective.measured else ""),
    ])  # fmt: skip
    yield _section(card, "deployment", _items(written.deployment))
    repeats = dict.fromkeys(one.repeat for one in card.evidence if one.repeat)
    commands = [CardBlock(command=command) for command in repeats]
    if commands:
        told = (
            "Numbers on this card are of the records named above.  The same commands give yours, of a table with the "
            "same columns:"
        )
        yield CardSection(
            name="repeat",
            title="Repeat it on your own data",
            blocks=(CardBlock(text=told), *commands),
        )


def _reliance(card: Card) -> Iterator[CardBlock]:
    for one in card.signals:
        yield CardBlock(heading=words.signal_sentence(one).rstrip("."), text=one.rule)
        if one.name == "completeness":
            continue  # what is not told stands at the top, and at its place
        yield from _items(one.lacking[:SHOWN], "What lacks")
        if len(one.lacking) > SHOWN:
            yield CardBlock(
                text=f"… and {len(one.lacking) - SHOWN:,} more, in the JSON of this card."
            )
    yield from provenance_table(card)
    signature = card.signature
    seal = f"SHA-256 of this card’s canonical JSON: {card.content_sha256}."
    signed = (
        "It is not signed."
        if signature is None
        else f"Signed (Ed25519) by the key {signature.public_key}; ask the provider whether that is theirs."
    )
    yield CardBlock(heading="The seal of this card", text=f"{seal}  {signed}")
    yield CardBlock(
        text="The JSON of this card is what holds; check it, and with the data its numbers too:"
    )
    yield CardBlock(command="evenhand card verify card.json")


#: Things that lack, told one by one.
SHOWN = 30


def _section(card: Card, name: str, blocks: Iterable[CardBlock]) -> CardSection:
    title = next(part.title for part in card.parts if part.name == name)
    return CardSection(name=name, title=title, blocks=tuple(blocks))


def _texts(text: str) -> list[CardBlock]:
    """Paragraphs, which an empty line parts."""
    return [CardBlock(text=part.strip()) for part in text.split("\n\n") if part.strip()]


def _items(texts: Sequence[str], heading: str = "") -> list[CardBlock]:
    return [CardBlock(heading=heading, items=tuple(texts))] if texts else []
