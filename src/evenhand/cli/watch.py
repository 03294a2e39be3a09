"""``evenhand watch``: rows as they come, and an alarm when a group fares worse."""

from pathlib import Path

from evenhand.cli.kinds import Flag, Needed
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output, Reading
from evenhand.cli.output import check_files, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.errors import InputError
from evenhand.watching import tables_of
from evenhand.watching import watch as watch_tables


def watch(
    *tables: str,
    metric: str,
    by: Needed,
    threshold: float | None = None,
    time: str | None = None,
    unit: str | None = None,
    id: str | None = None,  # noqa: A002 - what the column is called
    state: Path | None = None,
    level: float = 0.95,
    run_length: float = 100_000,
    groups: int | None = None,
    bounds: str | None = None,
    worse: str | None = None,
    webhook: str | None = None,
    jsonl: Flag = False,
    reading: Reading = Reading(),
    output: Output = Output(),
) -> int:
    """Say when a group fares worse than is tolerated, or than it used to.  Exit code 0: quiet; 1: alarm; 3: too little.

    Parameters
    ----------
    tables
        Files, globs, folders or URLs of records, taken in one after the other; - is the standard input.
    metric
        A ratio of sums over rows, for example 'error_rate(label=y, prediction=p)'. See: evenhand metrics
    by
        Which groups are watched, beside everyone: a column, columns a,b crossed, or a predicate; may be repeated.
    threshold
        The rate that is tolerated. Without one only changes are looked for.
    time
        Column of dates or numbers that orders the rows of each table.
    unit
        Column that names what is independent, where units return: speaker, patient.
    id
        Column that names a row: labels that come late, again or corrected then count once, at their time.
    state
        File that keeps the watch. The next run goes on where this one stopped.
    level
        Probability that no group within the threshold is ever called above it.
    run_length
        Rows of a group, on average, before a change is told that is none.
    groups
        How many groups there will be, where the first table does not have them all.
    bounds
        Range of a row's value, where the metric does not know it: 0,1.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    webhook
        Send new alarms as JSON to this https address; that it failed is told and loses no alarm.
    jsonl
        Print a line of JSON for each alarm, new ones first, and nothing else.
    """
    del webhook
    if output.json and jsonl:
        raise InputError("--json and --jsonl cannot both go to the output.  Choose one.")
    named = list(tables_of(list(tables)))
    for table in named:
        check_files(table, reading, output)
    edition = output.edition()
    given = {name: value for name, value in reading.given().items() if name != "weight"}
    with counting_bar("scoring") as advance:
        found = watch_tables(
            [reading.table(table) for table in named],
            metric,
            by,
            threshold=threshold,
            time=time,
            unit=unit,
            id=id,
            state=state,
            level=level,
            run_length=run_length,
            groups=groups,
            bounds=_bounds(bounds),
            worse=worse,
            command=written_command(),
            progress=advance,
            **given,
        )
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    show([found], output)
    return found.exit_code


def _bounds(text: str | None) -> tuple[float, float] | None:
    """Two numbers."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"bounds are {text!r}, but must be two numbers, the lower first: --bounds 0,1"
        ) from error
    return low, high
