"""The audit as a table for a terminal."""

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evenhand.audits import words
from evenhand.audits.result import Group, Result
from evenhand.groups.partition import tidy
from evenhand.pages.caveats import after_numbers, before_numbers, missing_sentences
from evenhand.results.estimate import Estimate

#: Groups shown of each partition; the rest is in the other outputs.
SHOWN = 40
_STYLES = {"worse": "bold red", "not worse": "green", "insufficient evidence": "dim"}


# Narrower terminals get fewer columns.
WIDE = 108


def render_audit(audit: Result, *, width: int, shown: int = SHOWN) -> RenderableType:
    """Everything that a person at a terminal wants to know, findings first."""
    parts: list[RenderableType] = [_heading(audit), Text()]
    parts += [Text(f"! {note}", style="yellow") for note in before_numbers(audit.notes)]
    parts += [Text(sentence, style="bold") for sentence in words.sentences(audit)]
    gap = words.gap_sentence(audit)
    parts += [Text(gap)] if gap else []
    for by in dict.fromkeys(group.by for group in audit.groups):
        parts += [Text(), _table(audit, by, shown, wide=width >= WIDE)]
        hidden = sum(group.by == by for group in audit.groups) - shown
        if hidden > 0:
            parts.append(Text(f"… {hidden:,} more in --json, --csv and --html", style="dim"))
    parts += [Text(), *_notes(audit)]
    return Lines(*parts)


def _heading(audit: Result) -> Text:
    text = Text()
    text.append(f"{audit.metric.title} {words.rate(audit.overall.value)}", style="bold")
    if audit.overall.low is not None:
        text.append(f"  ({words.interval(audit.overall.low, audit.overall.high)})")
    elif audit.overall.reason:
        text.append(f"  (no interval: {words.reason(audit.overall)})")
    text.append(f"  = {audit.metric.definition}; {words.direction(audit)}\n", style="dim")
    units = audit.overall.n_units or 0
    count = f", {units:,} {words.unit_name(audit, units)}" if audit.unit else ""
    text.append(f"{audit.source.name}: {audit.source.rows:,} rows{count}", style="dim")
    return text


def _table(audit: Result, by: tuple[str, ...], shown: int, *, wide: bool) -> Table:
    groups = [group for group in audit.groups if group.by == by]
    table = Table(
        title=_title(audit, by),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0) if wide else (0, 1, 0, 0),
    )
    table.add_column("group", overflow="fold", min_width=11)
    if wide or not audit.unit:
        table.add_column("rows", justify="right", no_wrap=True)
    if audit.unit:
        table.add_column(
            Text(words.unit_name(audit)) if wide else "units", justify="right", no_wrap=True
        )
    table.add_column(
        audit.metric.name if wide else audit.metric.name[:12], justify="right", no_wrap=True
    )
    if wide:
        table.add_column(words.percent(audit.level), no_wrap=True)
    # The reference may be a long predicate: the heading names it only where it is a word.
    short = audit.settings.versus in ("rest", "best", "overall")
    table.add_column(
        f"vs {audit.settings.versus if short else 'reference'}", justify="right", no_wrap=True
    )
    table.add_column("(all at once)", no_wrap=True)
    table.add_column("verdict", no_wrap=wide)
    for group in groups[:shown]:
        table.add_row(*_row(audit, group, wide=wide))
    for missing in audit.missing:
        if missing.estimate is not None and (missing.attribute,) == by:
            cells = _numbers(audit, missing.estimate, wide=wide)
            table.add_row("(missing)", *cells, "", "", "not judged", style="dim")
    return table


def _title(audit: Result, by: tuple[str, ...]) -> Text:
    """What is tabled, and what its verdicts let pass."""
    tolerated = words.tolerated(audit)
    return Text(" × ".join(by)).append(f"  ({tolerated})" if tolerated else "", style="not bold")


def _row(audit: Result, group: Group, *, wide: bool) -> list[Text | str]:
    in_points = audit.metric.in_points
    return [
        Text(group.label),
        *_numbers(audit, group.estimate, wide=wide),
        words.difference(group.versus, in_points=in_points),
        words.difference_interval(group.versus, in_points=in_points),
        Text(words.verdict(group), style=_STYLES.get(group.verdict or "", "dim")),
    ]


def _numbers(audit: Result, rate: Estimate, *, wide: bool) -> list[str]:
    rows = [words.count(rate.n_rows)] if wide or not audit.unit else []
    units = [words.count(rate.n_units)] if audit.unit else []
    spread = [words.interval(rate.low, rate.high)] if wide else []
    return [*rows, *units, words.rate(rate.value), *spread]


def _notes(audit: Result) -> list[RenderableType]:
    unit = "; differences in percentage points" if audit.metric.in_points else ""
    notes = [words.method(audit).removesuffix(".") + unit + "."]
    for name, edges in audit.settings.bins.items():
        cut = ", ".join(f"{tidy(edge)}" for edge in edges)
        notes.append(
            f"{name} is cut at {cut}." if edges else f"{name} has one bin: its values do not vary."
        )
    notes += words.limits(audit)
    notes += after_numbers(audit.notes)
    notes += missing_sentences([item for item in audit.missing if item.estimate is None])
    if audit.refused:
        more = len(audit.refused) - 1
        notes.append(
            audit.refused[0].message + (f"  … and {more:,} more, in --json." if more else "")
        )
    return [Padding(Text(note, style="dim"), 0) for note in notes]
