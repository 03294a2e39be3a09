"""``evenhand slices``: from a file of records to the subsets where the service is worst."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evenhand.cli.kinds import Flag
from evenhand.cli.lines import written_command
from evenhand.cli.options import Confidence, Output, Reading
from evenhand.cli.output import check_files, show, write_files
from evenhand.cli.progress import new_bar
from evenhand.cli.slice_labels import fit_slices
from evenhand.errors import EXIT_INTERRUPTED, EXIT_REFUSED, InputError
from evenhand.pages.numbers import significant
from evenhand.slicing import SearchProgress as Search
from evenhand.slicing import slices as search_slices

#: Why no search is for strangers, and what is.
NOT_SHARED = (
    "--share: slices overlap, so the numbers of the few people who are in one and not in another follow "
    "from the two by subtraction.  Keep this answer to those who may see the records; to show one slice to "
    "strangers, audit it: evenhand audit … --by PREDICATE --share"
)


def slices(
    table: str,
    /,
    *,
    metric: str = "",
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
    baseline: str | None = None,
    between: str | None = None,
    merge: int = 1,
    fold: bool = True,
    overlap: float = 0.5,
    kernel: str = "auto",
    memory_limit: float = 8.0,
    share: Flag = False,
    reading: Reading = Reading(),
    confidence: Confidence = Confidence(),
    output: Output = Output(),
) -> int:
    """Find the subsets nobody named where a service is worst, and say which are proven.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t, postgresql://…?table=t or sc://host:port?table=t of the records; or a
        cube of their counts, whose metric and groups are taken where none is named.
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
    baseline
        Another metric on the same rows: find where --metric is worse than this one.
    between
        column=before,now: find where rows with the second value are worse than with the first.
    merge
        Offer IN sets of up to this many values.
    fold
        Fold slices that add nothing to a worse one into that.
    overlap
        Share of common rows from which on two slices say the same.
    kernel
        What counts: auto, numpy or compiled (needs the extra fast); both give the same.
    memory_limit
        Refuse a search that needs more, in GB.
    share
        Not for slices: they overlap, and would give few people away. Says what to do instead.
    """
    if share:
        raise InputError(NOT_SHARED)
    check_files(table, reading, output)
    edition = output.edition()
    records = reading.table(table)
    with _searching() as report:
        found = search_slices(
            records,
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
            baseline=baseline,
            between=between,
            merge=merge,
            fold=fold,
            overlap=overlap,
            kernel=kernel,
            memory_limit=memory_limit,
            command=written_command(),
            progress=report,
            **reading.given(),
            **confidence.given(),
        )
    edition = fit_slices(edition, found, records, reading)
    page = None if output.html is None else found.to_html(edition)
    write_files(found, page, output, edition)
    show([found], output)
    if not found.exact:
        return EXIT_INTERRUPTED
    return 0 if found.slices or found.elsewhere else EXIT_REFUSED


@contextmanager
def _searching() -> Iterator[Callable[[Search], None]]:
    """A bar of the level under way, with the bound closing in on the last score told."""
    bar = new_bar("TimeElapsedColumn")
    task = bar.add_task("searching", total=None)

    def report(search: Search) -> None:
        best = (
            ""
            if search.threshold == float("-inf")
            else f"; told from {significant(search.threshold)}"
        )
        bound = (
            "" if search.bound == float("inf") else f", others at most {significant(search.bound)}"
        )
        text = f"slices of {search.level}{best}{bound}"
        if not search.level:
            text = f"fetching {search.total:,} rows from the server"
        bar.update(task, description=text, completed=search.done, total=search.total)

    with bar:
        yield report
