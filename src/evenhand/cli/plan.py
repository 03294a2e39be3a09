"""``evenhand plan``: from a pilot to how many labels of each cell to collect."""

from evenhand.cli.costs import read_cost
from evenhand.cli.kinds import Flag, Several
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output, Reading
from evenhand.cli.output import check_files, check_printed, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.errors import InputError
from evenhand.lastmile import plan as plan_labels


def plan(
    table: str,
    /,
    *,
    metric: str = "",
    by: Several = (),
    budget: float | None = None,
    half_width: float | None = None,
    pair: float | None = None,
    detect: float | None = None,
    rule: str = "minimax-pair",
    cost: str = "1",
    population: str | None = None,
    assurance: float = 0.95,
    unit: Several = (),
    level: float = 0.95,
    worse: str | None = None,
    min_units: int = 5,
    csv: Flag = False,
    reading: Reading = Reading(),
    output: Output = Output(),
) -> None:
    """Say how many labels to collect of each cell: for a wanted width, or the best use of a budget.

    The new sample stands for itself: the pilot's labels are not counted in it. Cells of which the pilot has too few
    units to promise a width are named, with what to label of them first.

    Parameters
    ----------
    table
        The pilot: path, glob or URL of records, of which some rows of each cell are labelled; or a cube of them.
    metric
        What is to be measured, for example 'error_rate(label=y, prediction=p)'. See: evenhand metrics
        Of a cube of one metric it can be left out.
    by
        Attributes whose crossing makes the cells: a column, or columns a,b.  Of a cube those that were counted, where
        left out.
    budget
        What may be spent; in labels, where each costs 1.
    half_width
        The interval of each cell shall be no wider than this to each side (0.03 is three points).
    pair
        The interval of each difference of two cells likewise.
    detect
        Differences of two cells of this size shall be found in four samples of five.
    rule
        How a budget is spent: minimax-pair (the difference known least is known best), neyman (for all together),
        proportional (as the population is) or equal.
    cost
        Of one label; or a CSV file with a column for each attribute and one called cost.
    population
        A CSV file with a column for each attribute and one called share, or records of whom the service is for, whose
        rows are counted; the pilot's rows where not given.
    assurance
        With what probability no interval shall be wider than is said.
    unit
        Column that names what is independent: speaker, patient, document.
    level
        Confidence of each interval.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    min_units
        Units that each cell has at least.
    csv
        Print comma-separated values: a line a cell, for those who collect.
    """
    check_printed(output, csv=csv)
    if reading.weight is not None:
        raise InputError(
            f"--weight is {reading.weight}, but a plan counts labels, each once.  Leave it out: --population says "
            "whom the service is for."
        )
    others = [one for one in (population, cost) if one is not None]
    check_files(table, reading, output, others=others)
    edition = output.edition()
    with counting_bar("scoring") as advance:
        found = plan_labels(
            reading.table(table),
            metric,
            by,
            budget=budget,
            half_width=half_width,
            pair=pair,
            detect=detect,
            rule=rule,
            cost=read_cost(cost),
            population=population,
            assurance=assurance,
            unit=unit,
            level=level,
            worse=worse,
            min_units=min_units,
            command=written_command(),
            progress=advance,
            **{name: value for name, value in reading.given().items() if name != "weight"},
        )
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if csv:
        print(found.to_csv(), end="")
        return
    show([found], output)
