"""``evenhand coverage``: which cells of groups and conditions a table tells of, and what is missing."""

from evenhand.cli.kinds import Flag, Needed, Several
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output, Reading
from evenhand.cli.output import check_files, check_printed, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.errors import InputError
from evenhand.lastmile import coverage as find_coverage


def coverage(
    table: str,
    /,
    *,
    by: Needed,
    metric: str | None = None,
    population: str | None = None,
    synthetic: str | None = None,
    unit: Several = (),
    min_units: int | None = None,
    detect: float | None = None,
    level: float = 0.95,
    worse: str | None = None,
    csv: Flag = False,
    reading: Reading = Reading(),
    output: Output = Output(),
) -> None:
    """Say which cells of groups and conditions a table tells of, which it does not, and what is missing.

    It describes, so that its exit code is 0 whatever is missing.

    Parameters
    ----------
    table
        Path, glob or URL of records.
    by
        Attributes whose crossing makes the cells: groups, conditions, measures of samples; columns a,b or predicates.
    metric
        What is to be measured: then units count that say something about it. See: evenhand metrics
    population
        Whom the service is for: a CSV file with a column for each attribute and one called share, or records, whose
        rows are counted.
    synthetic
        Which rows were made: a column of true and false or of 0 and 1, or a predicate such as "condition <> 'quiet'".
        They are counted apart, and cover nothing.
    unit
        Column that names what is independent: speaker, patient, document.
    min_units
        Natural units that a covered cell has at least: 30, or 5 where --detect is given.
    detect
        Difference from the rest that a covered cell shows in four samples of five (0.05 is five points).
    level
        Confidence of the interval that shows it.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    csv
        Print what is missing as comma-separated values: a line a cell, the largest share first.
    """
    check_printed(output, csv=csv)
    if reading.weight is not None:
        raise InputError(
            f"--weight is {reading.weight}, but coverage counts rows and units, each once.  Leave it out: --population "
            "says whom the service is for."
        )
    check_files(table, reading, output, others=[population] if population else [])
    edition = output.edition()
    with counting_bar("scoring") as advance:
        found = find_coverage(
            reading.table(table),
            by,
            metric=metric,
            population=population,
            synthetic=synthetic,
            unit=unit,
            min_units=min_units,
            detect=detect,
            level=level,
            worse=worse,
            command=written_command(),
            progress=advance,
            **{name: value for name, value in reading.given().items() if name != "weight"},
        )
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if csv:
        print(found.to_csv(), end="")
        return
    show([found], output)
