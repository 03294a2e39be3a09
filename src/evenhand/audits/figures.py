"""What the page of an audit draws and tables: each partition's differences and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.audits import answer, words
from evenhand.audits.help_table import table_help
from evenhand.audits.result import Audit, Contrast, Gap, Group, Helped
from evenhand.audits.score_figures import draw_scores, table_scores, table_thresholds
from evenhand.audits.side_by_side import side_by_side
from evenhand.metrics.described import normalizer_told
from evenhand.pages import numbers
from evenhand.pages.caveats import after_numbers, before_numbers, missing_sentences
from evenhand.pages.curves import Panel
from evenhand.pages.edition import PLAIN, Edition
from evenhand.pages.forest import Difference, Forest, draw_forest
from evenhand.pages.page import render_page
from evenhand.pages.picture import Figure, draw_picture
from evenhand.pages.sampled import EFFECTIVE, effective
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.results.estimate import Estimate, Missing

#: Groups drawn and tabled of each partition; all are in JSON and CSV.
DRAWN, TABLED = 40, 200
#: Where a page says that the rest is.
JSON = "in the JSON of this audit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One partition: its picture and its tables."""

    by: str
    forest: Forest
    drawn: int
    total: int
    table: Table
    more: Table
    parts: Table | None
    helped: Table | None
    unjudged: Table | None
    scores: tuple[Panel, ...]
    bins: Table
    thresholds: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One metric on the page."""

    audit: Audit
    title: str
    answers: tuple[str, ...]
    findings: tuple[str, ...]
    scope: tuple[str, ...]
    caveats: tuple[str, ...]
    footnotes: tuple[str, ...]
    value: str
    counts: str
    plots: tuple[Plot, ...]
    gaps: Table


def render_html(*audits: Audit, edition: Edition = PLAIN) -> str:
    """The page of one audit, or of several metrics on the same groups."""
    together = [edition.column(audit.metric.title) for audit in audits]
    return render_page(
        "evenhand.audits:audit.html",
        normalizer_told=normalizer_told,
        views=[_view(audit, edition, together) for audit in audits],
        beside=side_by_side(audits, edition),
        edition=edition,
        words=words,
    )


def draw_figure(audit: Audit, edition: Edition = PLAIN) -> str:
    """The differences of all partitions as an SVG."""
    reference = words.reference(audit.settings.versus)
    points = ", in percentage points" if audit.metric.in_points else ""
    tolerated = words.tolerated(audit)
    notes = (
        edition.note,
        *(answer.answers(audit, edition) if edition.title else ()),
        f"{edition.column(audit.metric.title)} of each group less that of {reference}{points}.",
        words.method(audit, advice=""),
        f"Shaded: {tolerated}." if tolerated else "",
        edition.made(audit.source.name),
    )
    figures = []
    for by in answer.partitions(audit):
        title = edition.crossed(by)
        if (forest := draw(audit, by, edition)).rows:
            figures.append(Figure(heading=title, drawn=forest))
        if charts := draw_scores(audit, by, edition):
            heading = f"What the scores promise (across), and what came of it (up), by {title}"
            figures.append(Figure(heading=heading, drawn=charts, across="score"))
    return draw_picture(edition.title or " ".join(answer.answers(audit, edition)), figures, notes)


def draw(audit: Audit, by: tuple[str, ...], edition: Edition = PLAIN) -> Forest:
    """Differences of a partition's groups to their reference."""
    groups = [group for group in audit.groups if group.by == by and answer.is_compared(group)]
    in_points = audit.metric.in_points
    tolerance = audit.settings.tolerance
    band = (0.0, tolerance) if audit.metric.higher_is_worse else (-tolerance, 0.0)
    return draw_forest(
        [_difference(audit, group, edition) for group in groups[:DRAWN]],
        lambda tick: numbers.points(tick, in_points=in_points),
        tolerated=band if tolerance else None,
    )


def _view(audit: Audit, edition: Edition, together: Sequence[str]) -> View:
    overall = audit.overall
    return View(
        audit=audit,
        title=edition.column(audit.metric.title),
        answers=tuple(answer.answers(audit, edition)),
        findings=tuple(answer.findings(audit, edition)),
        scope=(*answer.scope(audit, edition, together), *missing_sentences(audit.missing)),
        caveats=tuple(before_numbers(audit.notes)),
        footnotes=(*words.limits(audit, where=JSON), *after_numbers(audit.notes)),
        value=answer.told_value(audit, overall),
        counts=_counts(audit, overall),
        plots=tuple(_plot(audit, by, edition) for by in answer.partitions(audit)),
        gaps=_gaps(audit, edition),
    )


def _plot(audit: Audit, by: tuple[str, ...], edition: Edition) -> Plot:
    groups = [group for group in audit.groups if group.by == by]
    compared = [group for group in groups if answer.is_compared(group)]
    apart = [group for group in groups if not answer.is_compared(group)]
    lacking = next((m for m in audit.missing if m.estimate and (m.attribute,) == by), None)
    title = edition.crossed(by)
    forest = draw(audit, by, edition)
    return Plot(
        by=title,
        forest=forest,
        drawn=len(forest.rows),
        total=len(groups),
        table=_table(audit, compared[:TABLED], lacking, title, edition),
        more=_more(audit, compared[:TABLED], title, edition),
        scores=draw_scores(audit, by, edition),
        bins=table_scores(audit, by, edition),
        thresholds=table_thresholds(audit, by, edition),
        parts=_parts(audit, compared[:TABLED], title, edition),
        helped=table_help(audit, groups[:TABLED], title, edition),
        unjudged=_unjudged(audit, apart[:TABLED], title, edition) if apart else None,
    )


def _difference(audit: Audit, group: Group, edition: Edition) -> Difference:
    versus, in_points = group.versus, audit.metric.in_points
    value = answer.told_value(audit, group.estimate)
    apart = words.difference(versus, in_points=in_points)
    bounds = words.difference_interval(versus, in_points=in_points)
    return Difference(
        name=edition.group(group.group, group.predicate),
        kind=words.kind(group),
        verdict=words.verdict(group).lstrip("▲✓?– "),
        value=f"{value}; {apart} ({bounds})" if bounds else f"{value}; {apart}",
        point=None if versus is None else versus.difference,
        low=None if versus is None else versus.low,
        high=None if versus is None else versus.high,
    )


def _table(
    audit: Audit, groups: Sequence[Group], lacking: Missing | None, title: str, edition: Edition
) -> Table:
    """What a reader needs; the rest is in a table of its own."""
    shares = answer.is_share(audit) and any("of" in _counts(audit, g.estimate) for g in groups)
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True),
        TableColumn(head=edition.column(audit.metric.title)),
        TableColumn(head="count") if shares else None,
        TableColumn(head="difference (interval)"),
        TableColumn(head="rows"),
        TableColumn(head=words.unit_name(audit)) if audit.unit else None,
        TableColumn(head=EFFECTIVE) if audit.weight else None,
        TableColumn(head="labels") if audit.judge else None,
        TableColumn(head="worth labels alone") if audit.judge else None,
    )
    rows = [_row(audit, group, edition) for group in groups]
    if lacking is not None and lacking.estimate is not None:
        value, counts, *sizes = _numbers(audit, lacking.estimate, None)
        rows.append(
            [TableCell("missing"), TableCell("not judged"), value, counts, TableCell("–"), *sizes]
        )
    return table_of(f"{audit.metric.title} by {title}", columns, rows)


def _row(audit: Audit, group: Group, edition: Edition) -> list[TableCell]:
    in_points = audit.metric.in_points
    apart = words.difference(group.versus, in_points=in_points)
    bounds = words.difference_interval(group.versus, in_points=in_points)
    value, counts, *sizes = _numbers(audit, group.estimate, _helped(audit, group))
    return [
        TableCell(edition.group(group.group, group.predicate)),
        TableCell(words.verdict(group), kind=words.kind(group)),
        value,
        counts,
        TableCell(f"{apart} ({bounds})" if bounds else apart),
        *sizes,
    ]


def _helped(audit: Audit, group: Group) -> Helped | None:
    return None if audit.judge is None else audit.judge.of(group)


def _numbers(audit: Audit, rate: Estimate, helped: Helped | None) -> list[TableCell]:
    """Value, counts behind it, rows, units and their worth, labels and theirs."""
    return [
        TableCell(answer.told_value(audit, rate)),
        TableCell(_counts(audit, rate)),
        TableCell(numbers.count(rate.n_rows)),
        TableCell(numbers.count(rate.n_units)),
        TableCell(effective(rate.effective_sample_size)),
        TableCell(numbers.count(helped.labels if helped else None)),
        TableCell(effective(helped.effective_labels if helped else None)),
    ]


def _counts(audit: Audit, rate: Estimate) -> str:
    # Weighted sums are no numbers of rows, even where they are whole; with a judge's help there are none.
    if not answer.is_share(audit) or audit.weight or audit.judge:
        return "–"
    return numbers.out_of(rate.numerator, rate.denominator)


def _more(audit: Audit, groups: Sequence[Group], title: str, edition: Edition) -> Table:
    """How sure each number is."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head=f"{numbers.percent(audit.level)} interval"),
        TableColumn(head="adjusted p"),
        TableColumn(head="ratio (interval)"),
        TableColumn(head="shrunk"),
        TableColumn(head="detectable"),
    )
    write = numbers.share if answer.is_share(audit) else numbers.rate
    between = numbers.shares if answer.is_share(audit) else numbers.interval
    rows = [
        [
            edition.group(group.group, group.predicate),
            between(group.estimate.low, group.estimate.high),
            numbers.p_value(group.versus.p_adjusted if group.versus else None),
            _ratio(group.versus),
            write(group.shrunk),
            _size(audit, group.minimum_detectable_difference),
        ]
        for group in groups
    ]
    return table_of(f"{audit.metric.title} by {title}: how sure it is", columns, rows)


def _parts(audit: Audit, groups: Sequence[Group], title: str, edition: Edition) -> Table | None:
    """What each rate is worked out from: of decisions all four kinds, right and wrong."""
    names = list(audit.overall.counts or {})
    if len(names) < 2:
        return None
    rows = [
        [
            edition.group(group.group, group.predicate),
            *(numbers.total((group.estimate.counts or {}).get(name)) for name in names),
        ]
        for group in groups
    ]
    columns = (TableColumn(head=name.replace("_", " ")) for name in names)
    named = TableColumn(head="group", left=True, fold=True)
    label = f"{audit.metric.title} by {title}: what it is worked out from"
    return table_of(label, (named, *columns), rows)


def _ratio(versus: Contrast | None) -> str:
    if versus is None or versus.ratio is None:
        return "–"
    if versus.ratio_low is None:
        return numbers.ratio(versus.ratio)
    high = "∞" if versus.ratio_high is None else numbers.ratio(versus.ratio_high)
    return f"{numbers.ratio(versus.ratio)} ({numbers.ratio(versus.ratio_low)} to {high})"


def _size(audit: Audit, value: float | None) -> str:
    if value is None:
        return "–"
    return numbers.points(value, in_points=audit.metric.in_points, signed=False)


def _unjudged(audit: Audit, groups: Sequence[Group], title: str, edition: Edition) -> Table:
    """Groups that are shown without a comparison, and why."""
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="verdict", left=True, fold=True),
        TableColumn(head=edition.column(audit.metric.title)),
        TableColumn(head="rows"),
        TableColumn(head=counted) if (counted := words.counted(audit, groups)) else None,
    )
    rows = []
    for group in groups:
        value, _, *sizes = _numbers(audit, group.estimate, None)
        why = words.reason(group.estimate) or (words.reason(group.versus) if group.versus else "")
        verdict = TableCell(f"– {why}" if why else words.verdict(group), kind="none")
        rows.append(
            [TableCell(edition.group(group.group, group.predicate)), verdict, value, *sizes]
        )
    return table_of(f"{audit.metric.title} by {title}: not judged", columns, rows)


def _gaps(audit: Audit, edition: Edition) -> Table:
    columns = (
        TableColumn(head="by", left=True, fold=True),
        TableColumn(head="largest raw difference"),
        TableColumn(head="proven gap, at least"),
        TableColumn(head="spread between groups"),
        TableColumn(head="lowest / highest"),
        TableColumn(head="p, all groups equal"),
    )
    return table_of(
        f"{audit.metric.title}: gaps between groups",
        columns,
        [_gap(audit, gap, edition) for gap in audit.gaps],
    )


def _gap(audit: Audit, gap: Gap, edition: Edition) -> list[str]:
    sizes = (gap.largest, gap.lower_bound, gap.between_group_sd)
    return [
        edition.crossed(gap.by),
        *(_size(audit, size) for size in sizes),
        numbers.ratio(gap.smallest_ratio),
        numbers.p_value(gap.homogeneity_p, gap.homogeneity_p_floor),
    ]
