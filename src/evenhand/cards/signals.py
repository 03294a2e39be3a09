"""The four signals of Evaluation Cards, each a count with its rule.

Source of the signals: Evaluation Cards, arXiv:2606.09809 (2026): reproducibility, completeness of documentation,
provenance and risk, and comparability of scores.  The rules are ours, and stand on the card.
"""

from collections.abc import Iterator, Sequence

from evenhand.audits.result import Audit
from evenhand.cards.given import GivenResult
from evenhand.cards.parts import said_of, tables_of
from evenhand.cards.result import CardEvidence, CardPart, Signal
from evenhand.cards.written import WrittenCard


def signals_of(
    written: WrittenCard,
    given: Sequence[GivenResult],
    evidence: Sequence[CardEvidence],
    parts: Sequence[CardPart],
) -> tuple[Signal, ...]:
    """The four signals."""
    return (
        _signal(
            "reproducibility",
            "Of each result the card has the command, the SHA-256 of its table and the version that computed it, or it "
            "is a bounty, which is proven from its own log.",
            [
                (told.name, _not_repeatable(told, one))
                for told, one in zip(evidence, given, strict=True)
            ],
        ),
        _signal(
            "completeness",
            "Each part that a service card should have is told by people or by a result.",
            [(part.title, "" if part.told else "not told") for part in parts],
        ),
        _signal(
            "provenance and risk",
            "It is told who measured and in which relation, how labels and group values of each table came about, and "
            "a risk of each intended use.",
            list(_provenance(written, tables_of(given))),
        ),
        _signal(
            "comparability",
            "Each metric has one definition with a source, was measured on one table, and names what is independent.",
            list(_comparable([one.result for one in given if isinstance(one.result, Audit)])),
        ),
    )


def _signal(name: str, rule: str, things: Sequence[tuple[str, str]]) -> Signal:
    lacking = tuple(f"{thing}: {why}" for thing, why in things if why)
    return Signal(
        name=name, rule=rule, met=len(things) - len(lacking), of=len(things), lacking=lacking
    )


def _not_repeatable(one: CardEvidence, given: GivenResult) -> str:
    if one.field == "bounties":
        return ""
    lacks = [
        what
        for what, there in (
            ("no command", one.command),
            (
                "no SHA-256 of its table",
                given.sources and all(table.sha256 for table in given.sources),
            ),
            ("no version", one.version),
        )
        if not there
    ]
    return ", ".join(lacks)


def _provenance(written: WrittenCard, tables: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "who measured", "" if written.measured.by and written.measured.relation else "not told"
    for table in tables:
        said = said_of(table, written)
        yield (
            f"labels of {table}",
            "" if said and said.labels else "how they came about is not told",
        )
        yield (
            f"groups of {table}",
            "" if said and said.groups else "how they came about is not told",
        )
    if not written.uses:
        yield "intended uses", "none is told"
    for use in written.uses:
        yield f"use “{use.name}”", "" if use.risks else "no risk is told"


def _comparable(audits: Sequence[Audit]) -> Iterator[tuple[str, str]]:
    by_expression: dict[str, list[Audit]] = {}
    for audit in audits:
        by_expression.setdefault(audit.metric.expression, []).append(audit)
    for expression, own in by_expression.items():
        lacks = []
        if not all(one.metric.source for one in own):
            lacks.append("no source of its definition")
        if len({one.source.sha256 or one.source.name for one in own}) > 1:
            lacks.append("measured on several tables")
        if not all(one.unit for one in own):
            lacks.append("each row is taken for independent")
        yield expression, ", ".join(lacks)
