"""Changes in plain words: a log in sentences, the worst first."""

from collections.abc import Iterator, Sequence

from evenhand.cards.changes.result import (
    CardChanges,
    ChangedMetric,
    GroupChange,
    LooserRule,
    TextChange,
)
from evenhand.errors import REASONS
from evenhand.pages import numbers
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import listed, percent, plural

KINDS = {"worse": "worse", "better": "better", "no change shown": "unsure", None: "none"}
#: Why a metric's rows were not put beside themselves, or its values not subtracted.
NOT_PAIRED = {
    "other_direction": "one card calls higher values worse and the other lower ones, so that no group became worse "
    "or better.",
    "counted_otherwise": "both cards asked the same of the same table and counted its rows otherwise, so that only "
    "this can have changed; what is otherwise stands below.  No interval of a change is given.",
    "not_paired_weight": "rows are weighted, and weighted rows are not compared with themselves here.  No interval of "
    "a change is given.",
    "not_paired_stratum": "units were drawn by strata, and such rows are not compared with themselves here.  No "
    "interval of a change is given.",
    "not_paired_judge": "a judge's labels stand beside people's, and such rows are not compared with themselves here.  "
    "No interval of a change is given.",
    "not_paired_hidden": "a card hides small groups, which the table would tell, so it was not asked.  No interval of "
    "a change is given.",
    "not_the_cards_numbers": "asked of the table again, the rows that both metrics know do not give the numbers on the "
    "cards: some rows lack an answer, or the cards counted otherwise.  No interval of a change is given.",
}
_REASONS = {
    **REASONS,
    "same_rows": "the same rows on both sides; give the table",
    "same_question": "the same question on the same table",
    "unknown": "a card does not tell its table",
    "other_quantity": "another quantity under one name",
    "other_direction": "another direction of harm",
    "counted_otherwise": "the same rows, counted otherwise",
    "not_paired_weight": "weighted rows are not paired",
    "not_paired_stratum": "rows of strata are not paired",
    "not_paired_judge": "rows with a judge's labels are not paired",
    "not_paired_hidden": "the card hides small groups",
    "not_the_cards_numbers": "the table does not give the card's numbers",
}
#: Texts, groups and changes told one by one; the JSON has all.
TOLD = 12


def title(found: CardChanges) -> str:
    """``What changed: my service 1.0 to 1.1``."""
    return f"What changed: {found.before.service} {found.before.version} to {_after(found)}"


def _after(found: CardChanges) -> str:
    same = found.before.service == found.after.service
    return found.after.version if same else f"{found.after.service} {found.after.version}"


def answers(found: CardChanges, edition: Edition = PLAIN) -> Iterator[str]:
    """For whom it became worse and better beyond noise, and of whom nobody knows."""
    yield from _of_rules(found)
    yield from _before_all(found, edition)
    if any(one.code == "newer_card_warns" for one in found.notes):
        yield "The newer card warns of its own numbers, and of who pays for a repair: read that first, below."
    for verdict in ("worse", "better"):
        moved = [one for one in found.groups if one.verdict == verdict]
        moved.sort(key=lambda one: -abs(one.change or 0.0))
        for one in moved[:TOLD]:
            yield change_sentence(found, one, edition)
        if len(moved) > TOLD:
            yield f"… and {plural(len(moved) - TOLD, 'more group')} for which it is {verdict}."
    if not found.groups:
        yield "The cards have no metric and group in common, so nothing was compared."
        return
    if not found.comparisons:
        yield "Nothing can be said of whether a change is more than noise."
        return
    if all(one.verdict not in ("worse", "better") for one in found.groups):
        yield f"No group changed beyond noise, of {plural(found.comparisons, 'comparison')}."
    yield from _unjudged(found, edition)


def _of_rules(found: CardChanges) -> Iterator[str]:
    """Rules that are broken now, that ask for less, or for nothing."""
    if broken := [one for one in found.rules if one.after == "broken"]:
        told = [f"{one.place} (was {one.before})" for one in broken]
        yield f"Broken now: {listed(told)}."
    for one in found.looser:
        yield looser_sentence(one)
    gone = [one for one in found.rules if (one.after, one.before) == ("not asked", "broken")]
    if gone:
        yield f"No longer asked: {listed([f'{one.place} (was {one.before})' for one in gone])}."


def looser_sentence(one: LooserRule) -> str:
    """``Rule “few” is kept only by a looser limit: maximum_difference 10 → 40 points.``."""
    scale, unit = (100, " points") if one.in_points else (1, "")
    before = f"{one.before * scale:.6g}"
    if one.after is None:
        limit = f"{one.limit} {before}{unit} is no longer asked"
    else:
        limit = f"{one.limit} {before} → {one.after * scale:.6g}{unit}"
    if one.answer == "kept" != one.answer_before:
        would = (
            ""
            if one.answer_before == "not asked"
            else f"; by the old one it is {one.answer_before}"
        )
        return f"Rule “{one.name}” is kept only by a looser limit: {limit}{would}."
    return f"Rule “{one.name}” has a looser limit, and is {one.answer}: {limit}."


def _before_all(found: CardChanges, edition: Edition) -> Iterator[str]:
    """What the numbers are about, where that is not what their name says."""
    for metric in found.metrics:
        name = edition.column(metric.name)
        if metric.reason == "other_quantity":
            yield (
                f"{name} is not the same quantity on both cards ({metric.expression} now), so nothing follows from its "
                "numbers."
            )
        if (rows := metric.shared) is not None:
            yield (
                f"{name} is compared on the {rows.shared:,} rows that both cards have, of {rows.before:,} on the older "
                f"and {rows.after:,} on the newer; of the others nothing is said."
            )

    for metric in found.metrics:
        told = []
        for mentioned, which in ((found.gone_groups, "older"), (found.new_groups, "newer")):
            own = [one.predicate for one in mentioned if one.metric == metric.name]
            if own:
                more = [f"{len(own) - TOLD:,} more"] if len(own) > TOLD else []
                told.append(f"{listed([*own[:TOLD], *more])} only on the {which} card")
        if told:
            yield (
                f"{edition.column(metric.name)} of everybody is of other people on each card: {', '.join(told)}."
            )


def _unjudged(found: CardChanges, edition: Edition) -> Iterator[str]:
    """Groups that have no verdict, by name."""
    if unjudged := [one for one in found.groups if one.verdict is None]:
        several = len(found.metrics) > 1
        names = [
            named(found, one, edition) + (f" ({edition.column(one.metric)})" if several else "")
            for one in unjudged[:TOLD]
        ]
        if len(unjudged) > TOLD:
            names.append(f"{len(unjudged) - TOLD:,} more")
        yield f"Could not be judged: {listed(names)}."


def change_sentence(found: CardChanges, one: GroupChange, edition: Edition = PLAIN) -> str:
    """``Worse for Wales: wer 25.0 % before, 31.0 % now (+2.1 to +9.9 points).``."""
    metric = found.metric(one.metric)
    points = " points" if metric.in_points else ""
    span = numbers.span(one.low, one.high, in_points=metric.in_points)
    verdict = "Worse" if one.verdict == "worse" else "Better"
    return (
        f"{verdict} for {named(found, one, edition)}: {edition.column(one.metric)} "
        f"{value(metric, one.before.value)} {sides(found)[0]}, {value(metric, one.after.value)} {sides(found)[1]} "
        f"({span}{points})."
    )


def sides(found: CardChanges) -> tuple[str, str]:
    """What the numbers of each card are: earlier and later of one service, or those of two services."""
    if found.before.service == found.after.service:
        return "before", "now"
    return f"by {found.before.service}", f"by {found.after.service}"


def heads(found: CardChanges) -> tuple[str, str]:
    """What the columns of both cards are called: versions, and the services where they are two."""
    first, second = found.before, found.after
    if first.service == second.service:
        return first.version or "before", second.version or "after"
    return f"{first.service} {first.version}".strip(), f"{second.service} {second.version}".strip()


def named(found: CardChanges, one: GroupChange, edition: Edition = PLAIN) -> str:
    """A group by its values, with its attributes where those of another group are called alike."""
    name = called(one, edition)
    alike = [
        other
        for other in found.groups
        if other.metric == one.metric and other.by != one.by and called(other, edition) == name
    ]
    if not alike or not one.by or one.group == {one.predicate: True}:
        return name
    return " · ".join(
        f"{edition.column(column)} {edition.value(column, value)}"
        for column, value in one.group.items()
    )


def too_wide(metric: ChangedMetric, one: GroupChange) -> bool:
    """Whether an interval of points leaves open everything from none to all."""
    known = metric.in_points and one.low is not None and one.high is not None
    return known and (one.low or 0.0) <= -1 and (one.high or 0.0) >= 1


def called(one: GroupChange, edition: Edition = PLAIN) -> str:
    """A group by its values."""
    return edition.named(one.group, one.predicate) if one.predicate else "everybody"


def value(metric: ChangedMetric, number: float | None) -> str:
    """A value: in per cent where differences are points."""
    return numbers.share(number) if metric.in_points else numbers.rate(number)


def beside(metric: ChangedMetric, number: float | None, told: float | None) -> str:
    """A value of the rows that both cards have, and what the card says of all."""
    shown = value(metric, number)
    return shown if metric.shared is None else f"{shown} (all rows {value(metric, told)})"


def verdict(one: GroupChange) -> str:
    """Verdict with its sign, or why there is none."""
    if one.verdict is None:
        return f"– {_REASONS.get(one.reason or '', one.reason or '')}"
    return f"{MARKS[KINDS[one.verdict]].sign} {one.verdict}"


def log(found: CardChanges) -> Iterator[str]:
    """Everything else that changed, in sentences."""
    yield from _listed("New metrics", found.new_metrics)
    yield from _listed("Metrics that are gone", found.gone_metrics)
    yield from _listed("New groups", [one.predicate for one in found.new_groups])
    yield from _listed("Groups that are gone", [one.predicate for one in found.gone_groups])
    for one in found.rules:
        yield f"Rule “{one.place}” was {one.before}, and is {one.after}."
    for one in found.definitions:
        yield f"Measured otherwise: {_moved(one)}"
    yield from _listed("Now told", found.now_told)
    yield from _listed("No longer told", found.no_longer_told)
    for one in found.texts[:TOLD]:
        yield f"Text: {_moved(one)}"
    if len(found.texts) > TOLD:
        yield f"… and {plural(len(found.texts) - TOLD, 'more text')}, in the JSON."


def _listed(told: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{told}: {listed(list(dict.fromkeys(names)))}."


def _moved(one: TextChange) -> str:
    return f"{one.place} was {one.before}, and is {one.after}."


def method(found: CardChanges) -> str:
    """In which sense the numbers hold."""
    return (
        f"{percent(found.level)} intervals of {plural(found.comparisons, 'change')}, all of which hold at once "
        "(each metric has its share of the error)."
    )
