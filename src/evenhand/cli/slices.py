"""``evenhand slices``: from a file of records to the subsets where the service is worst."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from evenhand.cli.audit import parse_bins
from evenhand.cli.typed import written_command
from evenhand.errors import EXIT_INTERRUPTED, EXIT_REFUSED
from evenhand.records import MISSING_VALUES
from evenhand.records.output import check_outputs, input_files, write_text
from evenhand.slicing import Progress as Search
from evenhand.slicing import Slices
from evenhand.slicing import slices as search_slices


def slices(
    table: str,
    /,
    *,
    metric: str,
    features: str | None = None,
    depth: int = 3,
    min_support: float = 0.01,
    min_units: int = 5,
    min_denominator: float = 0.0,
    top: int = 10,
    score: str | None = None,
    alpha: float = 0.95,
    confirm: str = "auto",
    unit: str | None = None,
    where: str | None = None,
    baseline: str | None = None,
    between: str | None = None,
    bins: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    merge: int = 1,
    fold: bool = True,
    overlap: float = 0.5,
    level: float = 0.95,
    worse: str | None = None,
    missing: Annotated[
        tuple[str, ...], Parameter(negative="", show_default=False)
    ] = MISSING_VALUES,
    columns: str | None = None,
    seed: int = 0,
    kernel: str = "auto",
    memory_limit: float = 8.0,
    json: Annotated[bool, Parameter(negative="")] = False,
    html: Path | None = None,
    force: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Find the subsets nobody named where a service is worst, and say which are proven.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t or postgresql://…?table=t of the records.
    metric
        A ratio of sums, for example 'error_rate(label=y, prediction=p)'. See: evenhand metrics
    features
        Columns a,b,c that slices are made of; all but the metric's and the unit's where not given.
    depth
        Conditions that a slice may have, 1 to 4.
    min_support
        Smallest slice: a share of the rows below 1, or a number of rows.
    min_units
        Fewest independent units of a slice, where a unit is named.
    min_denominator
        Smallest denominator of a slice, in the metric's own counts.
    top
        How many slices to tell.
    score
        Order by evidence (how sure it is), sliceline (size against error), difference, z, or harm (difference times
        size).
    alpha
        Weight of the error against the size in SliceLine's score.
    confirm
        How to confirm: auto, exact, permutation, bootstrap, split, cross-screening, e-values or none.
    unit
        Column that names what is independent: speaker, patient, document.
    where
        Keep only rows that satisfy this predicate, for example "duration > 1".
    baseline
        Another metric on the same rows: find where --metric is worse than this one.
    between
        column=before,now: find where rows with the second value are worse than with the first.
    bins
        Cut a numeric feature: age=25,45,65 at these edges, age=5 in five quantile bins.
    merge
        Offer IN sets of up to this many values.
    fold
        Fold slices that add nothing to a worse one into that.
    overlap
        Share of common rows from which on two slices say the same.
    level
        Confidence over everything that was searched.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'age=number, code=text, when=date:%d/%m/%Y'.
    seed
        Of permutations, multipliers and halves.
    kernel
        What counts: auto, numpy or compiled (needs the extra fast); both give the same.
    memory_limit
        Refuse a search that needs more, in GB.
    json
        Print JSON instead of a table.
    html
        Write a report to this file.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    check_outputs([("--html", html)], input_files(table), force=force)
    with _Bar() as report:
        found = search_slices(
            table,
            metric,
            features=features,
            depth=depth,
            min_support=min_support,
            min_units=min_units,
            min_denominator=min_denominator,
            top=top,
            score=score,
            alpha=alpha,
            confirm=confirm,
            unit=unit,
            where=where,
            baseline=baseline,
            between=between,
            bins=parse_bins(bins),
            merge=merge,
            fold=fold,
            overlap=overlap,
            level=level,
            worse=worse,
            missing_values=missing,
            columns=columns,
            seed=seed,
            kernel=kernel,
            memory_limit=memory_limit,
            command=written_command(),
            progress=report,
        )
    _show(found, json=json, html=html)
    if not found.exact:
        return EXIT_INTERRUPTED
    return 0 if found.slices or found.elsewhere else EXIT_REFUSED


class _Bar(AbstractContextManager[Callable[[Search], None]]):
    """A progress bar of the level under way, with the bound closing in on the last score told."""

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self.task = self.bar.add_task("searching", total=None)

    def __enter__(self) -> Callable[[Search], None]:
        self.bar.start()
        return self.report

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def report(self, search: Search) -> None:
        """Show how far the search is."""
        best = "" if search.threshold == float("-inf") else f"; told from {search.threshold:.3g}"
        bound = "" if search.bound == float("inf") else f", others at most {search.bound:.3g}"
        text = f"slices of {search.level}{best}{bound}"
        self.bar.update(self.task, description=text, completed=search.done, total=search.total)


def _show(found: Slices, *, json: bool, html: Path | None) -> None:
    if html is not None:
        write_text(html, found.to_html())
    if json:
        print(found.to_json())
        return
    console = Console(highlight=False)
    console.print(found)
    if html is not None:
        console.print(f"Report: {html}", style="bold", markup=False, soft_wrap=True)
