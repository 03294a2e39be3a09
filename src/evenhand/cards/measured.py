"""Blocks of a card that results fill: tables and figures, each with the result that its numbers come from."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from evenhand.audits import answer
from evenhand.audits import words as audit_words
from evenhand.audits.figures import draw
from evenhand.audits.result import Audit, Group
from evenhand.bounty.telling import words as bounty_words
from evenhand.cards import words
from evenhand.cards.blocks import CardBlock
from evenhand.cards.parts import explains, said_of
from evenhand.cards.result import Card, Field
from evenhand.differential import answer as effect_answer
from evenhand.differential import words as effect_words
from evenhand.differential.result import ConditionOverall, Effects
from evenhand.gates.result import Gate
from evenhand.lastmile.coverage import words as coverage_words
from evenhand.pages import numbers
from evenhand.pages.caveats import missing_sentences
from evenhand.pages.edition import Edition, without_folders
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import plural
from evenhand.pages.table import TableCell, TableColumn, table_of
from evenhand.slicing import words as slice_words
from evenhand.slicing.result import Slices
from evenhand.switching import words as switch_words
from evenhand.watching import words as watch_words

#: Groups of a partition in its table, and conditions times groups; all are in the JSON.
TABLED = 3000
_NOT_TOLD = "not told"
_TAKEN_AWAY = (
    "Where a column holds somebody else's value, what the service loses is what it had from that column.  This says "
    "what answers hang on, not what makes things so."
)
_CHOSEN = {"worst value": "", "worst proven": "of the proven"}


def source(card: Card, field: Field, number: int) -> str:
    """Which result numbers come from: ``from audit.json``."""
    return f"from {card.of(field, number).name}"


# -- groups ----------------------------------------------------------------------------------------


def fairness_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """The worst groups, then each audit by its ways to cut the records."""
    if card.worst:
        yield CardBlock(text=words.worst_note(card))
        yield worst_table(card, edition)
    for place, audit in enumerate(card.audits):
        yield from _audit_blocks(card, place, audit, edition)


def worst_table(card: Card, edition: Edition) -> CardBlock:
    """The worst group of each metric."""
    columns = (
        TableColumn(head="metric", left=True, fold=True),
        TableColumn(head="attributes", left=True, fold=True),
        TableColumn(head="worst group", left=True, fold=True),
        TableColumn(head="value"),
        TableColumn(head="interval"),
        TableColumn(head="everybody"),
        TableColumn(head="units"),
        TableColumn(head="verdict", left=True),
        TableColumn(head="from", left=True, fold=True),
    )
    rows = []
    for one in card.worst:
        audit = card.audits[one.audit]
        kind = audit_words.KINDS[one.verdict]
        mark = f"{MARKS[kind].sign} {one.verdict}" if one.verdict else "reference"
        unit = audit_words.unit_name(audit, one.n_units or 0)
        rows.append(
            [
                TableCell(words.metric_name(audit, edition)),
                TableCell("crossed" if one.crossed else "one by one", note=_CHOSEN[one.chosen]),
                TableCell(edition.named(one.group, one.predicate)),
                TableCell(words.told_number(audit, one.value)),
                TableCell(words.told_interval(audit, one.low, one.high)),
                TableCell(words.told_number(audit, one.overall)),
                TableCell(f"{numbers.count(one.n_units)} {unit}"),
                TableCell(mark, kind=kind),
                TableCell(card.of("audits", one.audit).name),
            ]
        )
    table = table_of("The worst group of each metric", columns, rows)
    return CardBlock(heading="The worst group of each metric", table=table)


def _audit_blocks(card: Card, place: int, audit: Audit, edition: Edition) -> Iterator[CardBlock]:
    name, origin = words.metric_name(audit, edition), source(card, "audits", place)
    answers = tuple(answer.answers(audit, edition))
    method = audit_words.method(audit, advice="")
    told = (
        f"{name} = {audit.metric.definition}; {numbers.direction(audit.metric.higher_is_worse)}.  {method}",
    )
    lacking = words.lacking_rows(audit)
    yield CardBlock(heading=name, items=(*answers, *lacking, *told), source=origin)
    for by in answer.partitions(audit):
        crossed = edition.crossed(by)
        forest = draw(audit, by, edition)
        if forest.rows:
            yield CardBlock(
                heading=f"{name} by {crossed}: difference to {audit_words.reference(audit.settings.versus)}",
                forest=forest,
            )
        groups = [group for group in audit.groups if group.by == by]
        yield _groups_table(audit, groups, f"{name} by {crossed}", edition)


def _groups_table(audit: Audit, groups: Sequence[Group], title: str, edition: Edition) -> CardBlock:
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head="value (interval)"),
        TableColumn(head="difference (interval)"),
        TableColumn(head=audit_words.unit_name(audit)),
    )
    in_points = audit.metric.in_points
    rows = []
    for group in groups[:TABLED]:
        estimate = group.estimate
        apart = audit_words.difference(group.versus, in_points=in_points)
        bounds = audit_words.difference_interval(group.versus, in_points=in_points)
        own = words.told_interval(audit, estimate.low, estimate.high)
        rows.append(
            [
                TableCell(edition.group(group.group, group.predicate)),
                TableCell(audit_words.verdict(group), kind=audit_words.kind(group)),
                TableCell(numbers.with_bounds(words.told_number(audit, estimate.value), own)),
                TableCell(numbers.with_bounds(apart, bounds)),
                TableCell(numbers.count(estimate.n_units)),
            ]
        )
    more = len(groups) - TABLED
    heading = f"{title}: {plural(len(groups), 'group')}"
    if more > 0:
        heading += f", {more:,} of them only in the JSON"
    return CardBlock(heading=heading, folded=True, table=table_of(title, columns, rows))


def switch_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """What another service would change."""
    for place, found in enumerate(card.switches):
        yield CardBlock(
            heading=f"Another service in its place: {edition.column(found.metric.title)}",
            items=(*switch_words.answers(found, edition), *missing_sentences(found.missing)),
            source=source(card, "switches", place),
        )


def slice_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """Where a search found it worst."""
    del edition
    for place, found in enumerate(card.slices):
        yield CardBlock(
            heading=f"{found.metric.name}: {plural(found.searched.candidates, 'subset')} considered",
            items=tuple(slice_words.sentences(found, write=slice_words.told_value)),
            source=source(card, "slices", place),
        )
        if found.slices:
            yield _slices_table(found)


def _slices_table(found: Slices) -> CardBlock:
    columns = (
        TableColumn(head="subset", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head="value"),
        TableColumn(head="difference (interval)"),
        TableColumn(head="rows"),
    )
    in_points = found.metric.in_points
    rows = [
        [
            TableCell(one.predicate),
            TableCell(slice_words.mark(one), kind=slice_words.kind(one)),
            TableCell(slice_words.told_value(one.value, found)),
            TableCell(
                numbers.with_bounds(
                    slice_words.difference(one, in_points=in_points),
                    numbers.span(one.low, one.high, in_points=in_points),
                )
            ),
            TableCell(numbers.count(one.n_rows)),
        ]
        for one in found.slices
    ]
    title = "Subsets found, the worst first"
    return CardBlock(heading=title, folded=True, table=table_of(title, columns, rows))


def coverage_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """What the tables tell of."""
    for place, found in enumerate(card.coverages):
        yield CardBlock(
            heading=f"Coverage by {edition.crossed(found.settings.by)}",
            items=tuple(coverage_words.answers(found, edition)),
            source=source(card, "coverages", place),
        )


# -- conditions ------------------------------------------------------------------------------------


def confounder_table(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """What moves answers and should not, with what its condition was measured to cost."""
    if not card.written.confounders:
        return
    columns = (
        TableColumn(head="confounder", left=True, fold=True),
        TableColumn(head="how it moves answers", left=True, fold=True),
        TableColumn(head="measured", left=True, fold=True),
    )
    rows = [
        [one.name, one.description or _NOT_TOLD, _measured(card, one.condition, edition)]
        for one in card.written.confounders
    ]
    yield CardBlock(table=table_of("Confounding variation", columns, rows))


def _measured(card: Card, condition: str, edition: Edition) -> str:
    for found in card.effects:
        for one in found.overall:
            if condition and one.condition == condition and one.cost is not None:
                cost = effect_words.effect(one.cost, found)
                bounds = effect_words.span(one.cost, found)
                unit = " points" if found.metric.in_points else ""
                name, told = edition.column(found.metric.title), numbers.with_bounds(cost, bounds)
                return f"{name} {told}{unit} beside {found.reference}"
    return "not measured"


def effect_blocks(card: Card, edition: Edition, *, explaining: bool) -> Iterator[CardBlock]:
    """What each condition costs everybody and each group; `explaining` those that took columns away, or the others."""
    if explaining and card.written.explanations:
        yield CardBlock(text=_TAKEN_AWAY)
    for place, found in enumerate(card.effects):
        if explains(card.of("effects", place).name, card.written) is not explaining:
            continue
        name = edition.column(found.metric.title)
        yield CardBlock(
            heading=f"{name} by condition",
            items=(
                *effect_answer.answers(found, edition),
                *missing_sentences(found.missing),
                effect_words.method(found),
            ),
            source=source(card, "effects", place),
        )
        yield _conditions_table(found, name, edition)
        yield _costs_table(found, name, edition)


def _conditions_table(found: Effects, name: str, edition: Edition) -> CardBlock:
    columns = (
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head=name),
        TableColumn(head="cost (interval)"),
        TableColumn(head="rows"),
    )
    rows = [_condition_row(one, found, edition) for one in found.overall]
    return CardBlock(table=table_of(f"{name} of everybody by condition", columns, rows))


def _condition_row(
    one: ConditionOverall, found: Effects, edition: Edition
) -> list[TableCell | str]:
    kind = effect_words.kind(one.verdict)
    return [
        edition.value(found.condition, one.condition),
        TableCell(effect_words.paid_mark(one.verdict, one.cost), kind=kind),
        effect_answer.told_value(one.estimate.value, found),
        numbers.with_bounds(
            effect_words.effect(one.cost, found), effect_words.span(one.cost, found)
        ),
        numbers.count(one.estimate.n_rows),
    ]


def _costs_table(found: Effects, name: str, edition: Edition) -> CardBlock:
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="condition", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head=name),
        TableColumn(head="cost (interval)"),
        TableColumn(head="beyond the others (interval)"),
    )
    rows: list[list[TableCell | str]] = [
        [
            edition.named(one.group, one.predicate),
            edition.value(found.condition, one.condition),
            TableCell(effect_words.mark(one), kind=effect_words.kind(one.verdict)),
            effect_answer.told_value(one.estimate.value, found),
            numbers.with_bounds(
                effect_words.effect(one.cost, found), effect_words.span(one.cost, found)
            ),
            numbers.with_bounds(
                effect_words.effect(one.differential, found),
                effect_words.span(one.differential, found),
            ),
        ]
        for one in found.groups[:TABLED]
        if one.cost is not None
    ]
    title = f"{name} by group and condition"
    heading = f"{title}: {plural(len(rows), 'line')}"
    return CardBlock(heading=heading, folded=True, table=table_of(title, columns, rows))


# -- watches, bounties, data -----------------------------------------------------------------------


def watch_blocks(card: Card, edition: Edition) -> Iterator[CardBlock]:
    """Whether what is watched is quiet."""
    for place, found in enumerate(card.watches):
        yield CardBlock(
            heading=f"Watched: {edition.column(found.metric.title)}, {plural(found.taken.rows, 'row')} so far",
            items=tuple(watch_words.answers(found, edition, brief=True)),
            source=source(card, "watches", place),
        )


def outside_blocks(card: Card) -> Iterator[CardBlock]:
    """What outsiders improved, with proof."""
    for place, found in enumerate(card.bounties):
        items = [bounty_words.standing(found), bounty_words.ledger(found.ledger)]
        items += [
            f"{one.group}: error {numbers.share(one.error_before)} before, {numbers.share(one.error_after)} after, by "
            f"{one.team} ({'confirmed on fresh rows' if one.final else 'not yet confirmed on fresh rows'})."
            for one in found.accepted
        ]
        items.append(f"Its log ends in {found.head}; evenhand bounty verify proves it.")
        yield CardBlock(
            heading=f"Bounty on {found.label}",
            items=tuple(items),
            source=source(card, "bounties", place),
        )


def data_table(card: Card) -> Iterator[CardBlock]:
    """Each table that results rest on, and what people say of it."""
    seen: dict[tuple[str, str | None], dict[tuple[int | None, str], None]] = {}
    for one in card.evidence:
        if one.table:
            own = seen.setdefault((without_folders(one.table), one.data_sha256), {})
            own[one.rows, _where(card.held(one))] = None
    if not seen:
        return
    columns = (
        TableColumn(head="table", left=True, fold=True),
        TableColumn(head="rows that count", left=True, fold=True),
        TableColumn(head="what it is", left=True, fold=True),
        TableColumn(head="collected", left=True, fold=True),
        TableColumn(head="how labels came about", left=True, fold=True),
        TableColumn(head="how group values came about", left=True, fold=True),
        TableColumn(head="licence", left=True, fold=True),
    )
    rows: list[list[TableCell | str]] = []
    for (table, digest), counted in seen.items():
        said = said_of(table, card.written)
        texts = [
            (getattr(said, name) if said else "") or _NOT_TOLD
            for name in ("description", "period", "labels", "groups", "licence")
        ]
        note = f"SHA-256 {digest[:12]}…" if digest else "no SHA-256"
        rows.append([TableCell(table, note=note), _counted(counted), *texts])
    yield CardBlock(table=table_of("Tables that results rest on", columns, rows))
    origins = dict.fromkeys(
        note.text for audit in card.audits for note in audit.notes if note.code == "label_origin"
    )
    if origins:
        yield CardBlock(
            heading="What results themselves tell of their labels", items=tuple(origins)
        )


def _where(found: Any) -> str:
    """Which rows of its table a result kept; empty where all."""
    if isinstance(found, Gate):
        rules = [rule for rule in found.rules if rule.source is not None]
        most = max(rules, key=lambda rule: rule.source.rows if rule.source else 0, default=None)
        return "" if most is None else most.where or ""
    return getattr(getattr(found, "settings", None), "where", None) or ""


def _counted(counted: Collection[tuple[int | None, str]]) -> str:
    """How many rows results rest on, by the rows that they kept: ``6,787, where race in ('a', 'b')``."""
    by_where: dict[str, list[int]] = {}
    for rows, where in counted:
        by_where.setdefault(where, []).extend([] if rows is None else [rows])
    told = []
    for where, known in by_where.items():
        number = numbers.count(None)
        if known:
            number = " to ".join(map(numbers.count, sorted({min(known), max(known)})))
        told.append(f"{number}, where {where}" if where else number)
    return "; ".join(told)


def provenance_table(card: Card) -> Iterator[CardBlock]:
    """Where each number came from: every result with its file, command, data and version."""
    if not card.evidence:
        return
    columns = (
        TableColumn(head="result", left=True, fold=True),
        TableColumn(head="of", left=True, fold=True),
        TableColumn(head="SHA-256 of the result", left=True, fold=True),
        TableColumn(head="SHA-256 of the data", left=True, fold=True),
        TableColumn(head="version", left=True),
    )
    rows: list[list[TableCell | str]] = [
        [
            one.name,
            one.about,
            one.file_sha256,
            one.data_sha256 or "none",
            f"{one.version}" if one.version else _NOT_TOLD,
        ]
        for one in card.evidence
    ]
    title = "Where each number came from"
    yield CardBlock(heading=title, folded=True, table=table_of(title, columns, rows))
    commands = tuple(dict.fromkeys(one.command for one in card.evidence if one.command))
    if commands:
        yield CardBlock(heading="Commands that gave the results", folded=True, items=commands)
