"""The audit as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from evenhand.audits import words
from evenhand.audits.result import Audit, Group, Helped
from evenhand.pages.caveats import (
    after_numbers,
    before_numbers,
    bin_sentences,
    missing_sentences,
    refused_sentence,
)
from evenhand.pages.numbers import count, direction, interval, percent, plural, rate, ratio
from evenhand.pages.sampled import EFFECTIVE, effective, sampled
from evenhand.pages.table import Table, TableCell, TableColumn, table_of
from evenhand.pages.terminal import lay_out
from evenhand.results.estimate import Estimate

#: Groups shown of each partition; the rest is in the other outputs.
SHOWN = 40
#: The metric whose ratios the four-fifths rule looks at.
SELECTION = "selection_rate"


def render_terminal(audit: Audit, *, width: int, shown: int = SHOWN) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(audit), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(audit.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(audit)]
    gap = words.gap_sentence(audit)
    parts += [Text(gap)] if gap else []
    for by in dict.fromkeys(group.by for group in audit.groups):
        parts += [Text(), _title(audit, by), lay_out(_table(audit, by, shown), width)]
        hidden = sum(group.by == by for group in audit.groups) - shown
        if hidden > 0:
            parts.append(Text(f"… {hidden:,} more in --json, --csv and --html", style="dim"))
    parts += [Text(), *_notes(audit)]
    return Lines(*parts)


def _heading(audit: Audit) -> Text:
    text = Text()
    text.append(f"{audit.metric.title} {rate(audit.overall.value)}", style="bold")
    if audit.overall.low is not None:
        text.append(f"  ({interval(audit.overall.low, audit.overall.high)})")
    elif audit.overall.reason:
        text.append(f"  (no interval: {words.reason(audit.overall)})")
    text.append(
        f"  = {audit.metric.definition}; {direction(audit.metric.higher_is_worse)}\n",
        style="dim",
    )
    units = audit.overall.n_units or 0
    people = f", {units:,} {words.unit_name(audit, units)}" if audit.unit else ""
    people += sampled(audit.weight, audit.stratum, audit.overall.effective_sample_size)
    text.append(f"{audit.source.name}: {plural(audit.source.rows, 'row')}{people}", style="dim")
    if audit.judge is not None:
        text.append(f"\n{words.helped(audit)}", style="dim")
    return text


def _table(audit: Audit, by: tuple[str, ...], shown: int) -> Table:
    groups = [group for group in audit.groups if group.by == by]
    counted = words.counted(audit, groups)
    # The reference may be a long predicate: the heading names it only where it is a word.
    short = audit.settings.versus in ("rest", "best", "overall")
    columns = (
        TableColumn(head="group", left=True, fold=True),
        TableColumn(head="rows", need=3),
        TableColumn(head=counted, need=2) if counted else None,
        TableColumn(head=EFFECTIVE, need=2) if audit.weight else None,
        TableColumn(head="labels", need=1) if audit.judge else None,
        TableColumn(head="worth", need=2) if audit.judge else None,
        TableColumn(head=audit.metric.name),
        TableColumn(head=percent(audit.level), left=True, need=1),
        TableColumn(head=f"vs {audit.settings.versus if short else 'reference'}"),
        TableColumn(head="(all at once)", left=True),
        # Law asks of selections for the ratio; of errors it says little.
        TableColumn(head="ratio", need=4) if audit.metric.name == SELECTION else None,
        TableColumn(head="verdict", left=True),
    )
    rows = [_row(audit, group) for group in groups[:shown]]
    rows += [
        [
            "(missing)",
            *_numbers(missing.estimate, None),
            "",
            "",
            "",
            TableCell("not judged", kind="none"),
        ]
        for missing in audit.missing
        if missing.estimate is not None and (missing.attribute,) == by
    ]
    return table_of(" × ".join(by), columns, rows)


def _title(audit: Audit, by: tuple[str, ...]) -> Text:
    """What is tabled, and what its verdicts let pass."""
    tolerated = words.tolerated(audit)
    title = Text(" × ".join(by), style="bold")
    return title.append(f"  ({tolerated})" if tolerated else "", style="not bold")


def _row(audit: Audit, group: Group) -> list[TableCell | str]:
    in_points = audit.metric.in_points
    return [
        group.label,
        *_numbers(group.estimate, audit.judge.of(group) if audit.judge else None),
        words.difference(group.versus, in_points=in_points),
        words.difference_interval(group.versus, in_points=in_points),
        ratio(group.versus.ratio if group.versus else None),
        TableCell(words.verdict(group), kind=words.kind(group)),
    ]


def _numbers(estimate: Estimate, helped: Helped | None) -> list[str]:
    sizes = [count(estimate.n_rows), count(estimate.n_units)]
    sizes.append(effective(estimate.effective_sample_size))
    sizes.append(count(helped.labels if helped else None))
    sizes.append(effective(helped.effective_labels if helped else None))
    return [*sizes, rate(estimate.value), interval(estimate.low, estimate.high)]


def _notes(audit: Audit) -> list[RenderableType]:
    unit = "; differences in percentage points" if audit.metric.in_points else ""
    notes = [words.method(audit).removesuffix(".") + unit + "."]
    notes += bin_sentences(audit.settings.bins)
    notes += words.limits(audit)
    notes += after_numbers(audit.notes)
    notes += missing_sentences([item for item in audit.missing if item.estimate is None])
    notes += refused_sentence([one.message for one in audit.refused])
    return [Padding(Text(note, style="dim"), 0) for note in notes]
