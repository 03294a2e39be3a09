"""``evenhand audit``: from a file of records to verdicts."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from evenhand.audits import MISSING_VALUES, Audit, audit_metrics
from evenhand.errors import EXIT_REFUSED, InputError


def audit(
    table: str,
    /,
    *,
    metric: Annotated[list[str], Parameter(negative="")],
    by: Annotated[list[str], Parameter(negative="")],
    unit: str | None = None,
    where: str | None = None,
    versus: str = "rest",
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    interval: str = "wilson",
    bins: Annotated[list[str], Parameter(negative="")] = [],  # noqa: B006 - read only
    missing: Annotated[list[str], Parameter(negative="")] = list(MISSING_VALUES),  # noqa: B006
    suppress_below: int = 0,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
    csv: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
    cube: Path | None = None,
) -> int:
    """Compare a service's groups and give verdicts.

    Parameters
    ----------
    table
        Records: path or glob of Parquet, CSV, TSV, JSON lines or Arrow files, or
        duckdb:///file.db?table=t, or postgresql://…?table=t.
    metric
        For example 'wer(reference=text, hypothesis=amazon)'; may be repeated. See: evenhand metrics
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    unit
        Column that names what is independent: speaker, patient, document.
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
        Correction for many comparisons: max-t, holm or bh.
    interval
        Interval of a proportion of independent rows: wilson or clopper-pearson.
    bins
        Cut a numeric attribute: age=25,45,65 at these edges, age=5 in five quantile bins.
    missing
        A text that means missing in attributes; may be repeated and replaces the usual list.
    suppress_below
        Hide groups with fewer units, and others that would give them away by subtraction.
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
    """
    if json and csv:
        raise InputError("--json and --csv cannot both go to the output.  Choose one.")
    with _progress() as progress:
        task = progress.add_task("scoring", total=None, visible=False)

        def advance(rows: int) -> None:
            progress.update(task, advance=rows, visible=True)

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
            bins=_bins(bins),
            missing_values=missing,
            suppress_below=suppress_below,
            seed=seed,
            cube=None if cube is None else str(cube),
            command=_command(),
            progress=advance,
        )
    if html is not None:
        _write_reports(html, audits)
    _show(audits, json=json, csv=csv, html=html)
    return (
        EXIT_REFUSED
        if all(group.estimate.low is None for audit in audits for group in audit.groups)
        else 0
    )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _command() -> str:
    return shlex.join(["evenhand", *sys.argv[1:]])


def _bins(given: list[str]) -> dict[str, int | list[float]]:
    out: dict[str, int | list[float]] = {}
    for item in given:
        name, _, text = item.rpartition("=")
        try:
            out[name] = (
                int(text)
                if text.isdigit() and int(text) < 100 and "," not in text
                else [float(edge) for edge in text.split(",")]
            )
        except ValueError:
            name = ""
        if not name:
            raise InputError(
                f"--bins {item!r}: write age=25,45,65 for edges or age=5 for five quantile bins."
            )
    return out


def _show(audits: tuple[Audit, ...], *, json: bool, csv: bool, html: Path | None) -> None:
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
        if html is not None:
            console.print(f"Report: {html}", style="bold", highlight=False)


def _write_reports(path: Path, audits: tuple[Audit, ...]) -> None:
    """One file a metric; a second metric's name is put before the ending."""
    for audit in audits:
        target = (
            path
            if len(audits) == 1
            else path.with_name(f"{path.stem}-{audit.metric.name}{path.suffix}")
        )
        try:
            target.write_text(audit.to_html(), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror}.") from error
