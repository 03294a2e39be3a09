"""The tables that New York City's Local Law 144 asks for, with intervals beside its impact ratios.

The law's rules ask for selection or scoring rates and impact ratios of sexes, of races and ethnicities, and
of both crossed; for how many people are of an unknown category; the source of the data; and two dates.  An
impact ratio is a group's rate over the highest one, so it needs an audit against the best group.  Ratios come
from the audit: nothing is computed here but the share of people in a category.

Source: 6 RCNY §5-300 to 5-304 (in force 5 July 2023).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evenhand.audits.result import Audit, Group
from evenhand.cards.markdown import escaped
from evenhand.cards.mended import cautions
from evenhand.cards.parts import said_of
from evenhand.cards.result import Card
from evenhand.cards.words import metric_name
from evenhand.errors import InputError, unknown_name
from evenhand.pages import numbers

#: Categories of a smaller share may be left out of the impact ratios, §5-301(d).
LEAST_SHARE = 0.02
_RATES = ("selection_rate",)
_NOT_TOLD = "not told"
_OPENING = (
    "Summary of results as New York City's Local Law 144 asks for (6 RCNY §5-303).  It is no legal advice, and an "
    "audit under the law is made by an independent auditor."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LawfulColumns:
    """Which attributes of the audit are what the law asks for, and the dates that nobody measures.

    Attributes
    ----------
    sex, race : str
        Names of attributes; empty to take those that are called so.
    audited, distributed : str
        Days of the bias audit and of the tool's first use; empty where nobody said.
    """

    sex: str = ""
    race: str = ""
    audited: str = ""
    distributed: str = ""


_CALLED = {
    "sex": ("sex", "gender"),
    "race": ("race", "ethnicity", "race_ethnicity", "race/ethnicity"),
}


def render_local_law_144(card: Card, columns: LawfulColumns) -> str:
    """The summary of results as Markdown.

    Raises
    ------
    InputError
        Where no audit of the card has what the law asks for.
    """
    place, audit = _audit(card)
    sex, race = (_attribute(audit, kind, getattr(columns, kind)) for kind in ("sex", "race"))
    service = card.written.service
    evidence = card.of("audits", place)
    said = said_of(evidence.table, card.written)
    source = (said.description if said else "") or _NOT_TOLD
    collected = (said.period if said else "") or _NOT_TOLD
    parts = [
        f"# Bias audit of {escaped(service.name)} {escaped(service.version)}",
        _OPENING,
        *(f"> {escaped(text)}" for text in cautions(card)),
        "\n".join(
            f"* {line}"
            for line in (
                f"Date of the bias audit: {escaped(columns.audited or _NOT_TOLD)}",
                f"Distribution date of the tool: {escaped(columns.distributed or _NOT_TOLD)}",
                f"Source of the data: {escaped(source)}; collected: {escaped(collected)}",
                f"Rate: {escaped(audit.metric.expression)} = {escaped(audit.metric.definition)}",
                f"Applicants assessed: {audit.source.rows:,}",
                *(
                    [f"Only those where {escaped(audit.settings.where)}"]
                    if audit.settings.where
                    else []
                ),
                *_left_out(audit),
                *_unknown(audit, (sex, race)),
            )
        ),
    ]
    for title, by in (
        ("Sex", {(sex,)}),
        ("Race or ethnicity", {(race,)}),
        ("Intersection of sex and race or ethnicity", {(sex, race), (race, sex)}),
    ):
        groups = [group for group in audit.groups if group.by in by]
        if not groups:
            raise InputError(
                f"The audit has no groups by {' × '.join(next(iter(by)))}, which the law asks for.  Run it again with "
                f"--by {sex} --by {race} --by {sex},{race}"
            )
        parts += [f"## {title}", _table(groups, audit)]
    parts.append(
        f"Intervals ({numbers.percent(audit.level)}) of rates are for each category alone; those of impact ratios hold "
        "for all categories at once.  The law asks for neither: they say how far a ratio may be chance.  Hidden or "
        "unknown numbers stand as –."
    )
    return "\n\n".join(parts) + "\n"


def _audit(card: Card) -> tuple[int, Audit]:
    found = [(i, one) for i, one in enumerate(card.audits) if one.metric.name in _RATES]
    if not found:
        have = ", ".join(dict.fromkeys(one.metric.name for one in card.audits)) or "none"
        raise InputError(
            f"Local Law 144 asks for selection rates, and the card has audits of: {have}.  Add one: evenhand audit "
            "TABLE --metric 'selection_rate(prediction=COLUMN)' --worse lower --versus best --by sex --by race "
            "--by sex,race --json"
        )
    fit = [
        (place, audit)
        for place, audit in found
        if audit.settings.versus == "best" and not audit.metric.higher_is_worse
    ]
    heads = [(place, audit) for place, audit in fit if audit.weight is None]
    if len(heads) > 1:
        told = "; ".join(metric_name(audit) for _, audit in heads)
        raise InputError(
            f"{len(heads)} audits of the card have impact ratios: {told}.  Make a card with the one that is meant."
        )
    if heads:
        return heads[0]
    if fit:
        raise InputError(
            f"The audit of selection rates is weighted by {fit[0][1].weight}, and the law asks for numbers of people.  "
            "Run it again without --weight."
        )
    raise InputError(
        "An impact ratio is a rate over the highest rate, so the audit of selection rates must be made with "
        "--versus best --worse lower.  Run it again: " + found[0][1].settings.command
    )


def _attribute(audit: Audit, kind: str, given: str) -> str:
    single = list(dict.fromkeys(group.by[0] for group in audit.groups if len(group.by) == 1))
    if given:
        if given not in single:
            raise InputError(f"--{kind}: " + unknown_name("attribute", given, single))
        return given
    found = [name for name in single if name.casefold() in _CALLED[kind]]
    if len(found) != 1:
        raise InputError(
            f"Which attribute is {kind}?  Say it with --{kind}.  Attributes of the audit: {', '.join(single) or 'none'}"
        )
    return found[0]


def _left_out(audit: Audit) -> Iterator[str]:
    """Rows that are not in the numbers."""
    for one in audit.missing:
        if one.estimate is None:
            count = "–" if one.n_rows is None else f"{one.n_rows:,}"
            yield f"Left out, without {escaped(one.attribute)}: {count}"


def _unknown(audit: Audit, attributes: Sequence[str]) -> Iterator[str]:
    """How many people are of an unknown category."""
    for name in attributes:
        rows = [one.n_rows for one in audit.missing if one.attribute == name and one.estimate]
        count = "–" if None in rows else f"{sum(filter(None, rows)):,}"
        yield f"Unknown {escaped(name)}: {count} of those assessed, not in the tables by it"


def _table(groups: Sequence[Group], audit: Audit) -> str:
    head = "| category | applicants | selected | rate (interval) | impact ratio (interval) | note |"
    lines = [head, "| --- | ---: | ---: | ---: | ---: | --- |"]
    return "\n".join([*lines, *(_line(group, audit) for group in groups)])


def _line(group: Group, audit: Audit) -> str:
    estimate, versus = group.estimate, group.versus
    rate = _with(numbers.share(estimate.value), estimate.low, estimate.high, share=True)
    notes = []
    if group.suppressed:
        ratio = "–"
        notes.append("hidden: few people")
    elif versus is None:
        ratio = "1.00"
        notes.append("highest rate")
    elif versus.ratio is None:
        ratio = "–"
        notes.append((versus.reason or estimate.reason or _NOT_TOLD).replace("_", " "))
    else:
        ratio = _with(f"{versus.ratio:.2f}", versus.ratio_low, versus.ratio_high, share=False)
    if estimate.n_rows is not None and estimate.n_rows < LEAST_SHARE * audit.source.rows:
        notes.append("under 2 % of the data: may be left out of impact ratios")
        if versus is None and estimate.value is not None:
            notes.append(
                f"--min-units {estimate.n_rows + 1} leaves it out, and takes another for the highest"
            )
    cells = [
        escaped(group.label),
        "–" if estimate.n_rows is None else f"{estimate.n_rows:,}",
        "–" if estimate.numerator is None else f"{estimate.numerator:,.10g}",
        rate,
        ratio,
        "; ".join(notes),
    ]
    return f"| {' | '.join(cells)} |"


def _with(value: str, low: float | None, high: float | None, *, share: bool) -> str:
    if low is None or high is None:
        return value
    bounds = numbers.shares(low, high) if share else f"{low:.2f} to {high:.2f}"
    return f"{value} ({bounds})"
