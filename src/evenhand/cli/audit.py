"""``evenhand audit``: from a file of records to verdicts."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evenhand.audits import Audit, audit_metrics
from evenhand.cli.typed import written_command
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.records import MISSING_VALUES
from evenhand.records.output import check_outputs, input_files, write_text

#: Above this a single number is an edge: age=65.
MOST_BINS = 20


def audit(
    table: str,
    /,
    *,
    metric: Annotated[list[str], Parameter(negative="")],
    by: Annotated[list[str], Parameter(negative="")],
    unit: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    where: str | None = None,
    versus: str = "rest",
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    interval: str = "wilson",
    bins: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    missing: Annotated[
        tuple[str, ...], Parameter(negative="", show_default=False)
    ] = MISSING_VALUES,
    columns: str | None = None,
    suppress_below: int = 0,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
    cube: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Compare a service's groups and give verdicts.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t or postgresql://…?table=t of the records.
    metric
        For example 'wer(reference=text, hypothesis=amazon)'; may be repeated. See: evenhand metrics
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    unit
        Column that names what is independent: speaker, patient, document.  Twice where rows that share
        either column are dependent: raters and items, speakers and sites.
    where
        Keep only rows that satisfy this predicate, for example "duration > 1".
    versus
        Compare with rest, best, overall, or the group of a predicate.
    tolerance
        A difference up to this is no harm, in the metric's units (0.05 is five points).
    level
        Confidence of each interval, and of all comparisons together.
    min_units
        Refuse groups with fewer independent units.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    adjust
        Correction for many comparisons: max-t, holm or bh (which changes p-values only).
    interval
        Interval of a proportion of independent rows: wilson or clopper-pearson.
    bins
        Cut a numeric attribute: age=25,45,65 at these edges, age=5 in five quantile bins.
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'age=number, code=text, when=date:%d/%m/%Y'.
    suppress_below
        Hide groups with fewer units, and as many others that none of them follows from what is shown.
    seed
        Of the simulation behind simultaneous intervals.
    json
        Print JSON instead of a table.
    csv
        Print comma-separated values instead of a table.
    html
        Write a report to this file.
    cube
        Write the sufficient statistics to this Parquet file.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    if json and csv:
        raise InputError("--json and --csv cannot both go to the output.  Choose one.")
    reports = [] if html is None else _report_names(html, metric)
    outputs = [*(("--html", report) for report in reports), ("--cube", cube)]
    check_outputs(outputs, input_files(table), force=force)
    with scoring_bar() as advance:
        audits = audit_metrics(
            table,
            metric,
            by,
            unit=unit,
            where=where,
            versus=versus,
            tolerance=tolerance,
            level=level,
            min_units=min_units,
            worse=worse,
            adjust=adjust,
            interval=interval,
            bins=parse_bins(bins),
            missing_values=missing,
            columns=columns,
            suppress_below=suppress_below,
            seed=seed,
            cube=None if cube is None else str(cube),
            command=written_command(),
            progress=advance,
        )
    for report, found in zip(reports, audits, strict=False):
        write_text(report, found.to_html())
    _show(audits, json=json, csv=csv, reports=reports)
    return (
        EXIT_REFUSED
        if all(group.estimate.low is None for audit in audits for group in audit.groups)
        else 0
    )


@contextmanager
def scoring_bar() -> Iterator[Callable[[int], None]]:
    """A bar of the rows scored, shown once there are some; gives what to tell their number."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as progress:
        task = progress.add_task("scoring", total=None, visible=False)

        def advance(rows: int) -> None:
            progress.update(task, advance=rows, visible=True)

        yield advance


def parse_bins(given: Sequence[str]) -> dict[str, int | list[float]]:
    """Edges or numbers of bins as they are written after ``--bins``."""
    out: dict[str, int | list[float]] = {}
    for item in given:
        name, _, text = item.rpartition("=")
        name = name.strip()[1:-1].replace('""', '"') if name.strip()[:1] == '"' else name
        edges = [edge for edge in text.split(",") if edge.strip()]
        try:
            few = text.isdigit() and int(text) <= MOST_BINS
            out[name] = int(text) if few else [float(edge) for edge in edges]
        except ValueError:
            name = ""
        if not name:
            raise InputError(
                f"--bins {item!r}: write age=25,45,65 for edges, or age=5 for five quantile bins (at most "
                f"{MOST_BINS}; a larger number is an edge)."
            )
    return out


def _show(audits: tuple[Audit, ...], *, json: bool, csv: bool, reports: list[Path]) -> None:
    if json:
        texts = [audit.to_json() for audit in audits]
        print(texts[0] if len(texts) == 1 else "[" + ",\n".join(texts) + "]")
    elif csv:
        for audit in audits:
            print(audit.to_csv(), end="")
    else:
        console = Console(highlight=False)
        for audit in audits:
            console.print(audit)
        for report in reports:
            console.print(f"Report: {report}", style="bold", markup=False, soft_wrap=True)


def _report_names(path: Path, metrics: Sequence[str]) -> list[Path]:
    """One file a metric; of several, each has its number and metric's name before the ending."""
    if len(metrics) == 1:
        return [path]
    names = [re.split(r"\W", metric.strip(), maxsplit=1)[0] for metric in metrics]
    return [
        path.with_name(f"{path.stem}-{number}-{name}{path.suffix}")
        for number, name in enumerate(names, 1)
    ]
