"""``evenhand effects``: from the records of a trial to what each condition costs whom."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from evenhand.cli.audit import parse_bins, scoring_bar
from evenhand.cli.typed import written_command
from evenhand.differential import Effects
from evenhand.differential import effects as find_effects
from evenhand.errors import EXIT_REFUSED
from evenhand.records import MISSING_VALUES
from evenhand.records.output import check_outputs, input_files, write_text


def effects(
    table: str,
    /,
    *,
    metric: str,
    by: Annotated[list[str], Parameter(negative="")],
    condition: str = "condition",
    reference: str = "clean",
    only: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    unit: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    where: str | None = None,
    dose: str | None = None,
    tolerance: float = 0.0,
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    adjust: str = "max-t",
    bins: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    missing: Annotated[
        tuple[str, ...], Parameter(negative="", show_default=False)
    ] = MISSING_VALUES,
    columns: str | None = None,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Say what each condition costs each group beyond what it costs the others.

    To see what a repair gains, take the condition without it for the reference:
    --reference tone --only tone_notch.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t or postgresql://…?table=t of a trial's records.
    metric
        For example 'wer(reference=text, hypothesis=output)'. See: evenhand metrics
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    condition
        Column that names the condition of each row.
    reference
        The condition that all others are compared with.
    only
        Compare only this condition with the reference; may be repeated.
    unit
        Column that names what is independent: sentence, speaker, document.  Twice where rows that share
        either column are dependent.
    where
        Keep only rows that satisfy this predicate, for example "voice != 'rms'".
    dose
        Numeric column to follow the metric along, for example tone_level.
    tolerance
        A cost, or a difference of costs, up to this is no harm, in the metric's units (0.05 is five
        points).
    level
        Confidence of all numbers of one kind together.
    min_units
        Refuse groups with fewer independent units under a condition.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    adjust
        Correction for many comparisons: max-t, holm or bh (which changes p-values only).
    bins
        Cut a numeric attribute: age=25,45,65 at these edges, age=5 in five quantile bins.
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'age=number, code=text, when=date:%d/%m/%Y'.
    seed
        Of the simulation behind simultaneous intervals.
    json
        Print JSON instead of tables.
    html
        Write a report to this file.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    check_outputs([("--html", html)], input_files(table), force=force)
    with scoring_bar() as advance:
        found = find_effects(
            table,
            metric,
            by,
            condition=condition,
            reference=reference,
            only=only,
            unit=unit,
            where=where,
            dose=dose,
            tolerance=tolerance,
            level=level,
            min_units=min_units,
            worse=worse,
            adjust=adjust,
            bins=parse_bins(bins),
            missing_values=missing,
            columns=columns,
            seed=seed,
            command=written_command(),
            progress=advance,
        )
    _show(found, json=json, html=html)
    judged = (one.differential for one in found.groups if one.differential is not None)
    return EXIT_REFUSED if all(one.low is None for one in judged) else 0


def _show(found: Effects, *, json: bool, html: Path | None) -> None:
    if html is not None:
        write_text(html, found.to_html())
    if json:
        print(found.to_json())
        return
    console = Console(highlight=False)
    console.print(found)
    if html is not None:
        console.print(f"Report: {html}", style="bold", markup=False, soft_wrap=True)
