"""``evenhand cube count``: from a table to a file of counts."""

from pathlib import Path

from evenhand.audits.counting import count_cube
from evenhand.audits.cube_summary import summary_of
from evenhand.cli.cube.output import tell
from evenhand.cli.kinds import Needed, Several
from evenhand.cli.options import Reading, Writing
from evenhand.cli.progress import counting_bar
from evenhand.cubes import write_cube
from evenhand.records.output import check_outputs, input_files


def count(
    table: str,
    /,
    *,
    metric: Needed,
    by: Needed,
    out: Path,
    unit: Several = (),
    stratum: str | None = None,
    worse: str | None = None,
    reading: Reading = Reading(),
    writing: Writing = Writing(),
) -> int:
    """Count a table once, to be audited as often as one likes, added to others, and kept without its rows.

    A cube holds the counts of small groups too, and the names of units: it is as confidential as the records.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t, postgresql://…?table=t or sc://host:port?table=t of the records.
    metric
        For example 'wer(reference=text, hypothesis=amazon)'; may be repeated. See: evenhand metrics
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    out
        File to write, such as calls.cube; it is Parquet.
    unit
        Column that names what is independent: speaker, patient.  Twice where rows that share either are dependent.
    stratum
        Column that tells apart the strata within which units were drawn, as a survey has them.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    """
    read = [*input_files(table), *reading.joined]
    check_outputs([("--out", out)], read, force=writing.force)
    with counting_bar("scoring") as advance:
        counted = count_cube(
            reading.table(table),
            metric,
            by,
            unit=unit,
            stratum=stratum,
            worse=worse,
            progress=advance,
            **reading.given(),
        )
    write_cube(counted, out)
    tell(summary_of(counted, file=str(out)), json=writing.json)
    return 0
