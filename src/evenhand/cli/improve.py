"""``evenhand improve``: which rows to collect for training, and for whom more no longer help."""

from pathlib import Path

from evenhand.cli.costs import read_cost
from evenhand.cli.kinds import Flag, Needed, Several
from evenhand.cli.lines import written_command
from evenhand.cli.options import Output
from evenhand.cli.output import check_printed, check_written, show, write_files
from evenhand.cli.progress import progress_bar
from evenhand.improving import improve as improve_groups
from evenhand.records import MISSING_VALUES
from evenhand.records.output import input_files


def improve(
    table: str,
    /,
    *,
    test: str,
    train: str,
    metric: str,
    by: Needed,
    budget: float,
    cost: str = "1",
    worth: float = 0.1,
    floor: float = 0.5,
    repeats: int = 3,
    unit: Several = (),
    where: str | None = None,
    level: float = 0.95,
    min_units: int = 30,
    worse: str | None = None,
    seed: int = 0,
    keep: Path | None = None,
    missing: Several = MISSING_VALUES,
    csv: Flag = False,
    output: Output = Output(),
) -> None:
    """Say which rows to collect for training, and for which groups more rows no longer help.

    Parameters
    ----------
    table
        Rows for training: path, glob or URL.
    test
        Rows for testing; no row in both.
    train
        How to train: 'module:function' of (rows, test), whose module is in the current folder, on PYTHONPATH or
        installed; or a program 'python fit.py {train} {test} {out}' that
        reads two CSV files and writes one, a line for each row for testing.
    metric
        What is to be made better, for example 'error_rate(label=y, prediction=prediction)'. See: evenhand metrics
    by
        Attributes whose crossing makes the groups: a column, or columns a,b.
    budget
        What may be spent in all; in rows, where each costs 1. A round spends a quarter at most.
    cost
        Of a row; or a CSV file with a column for each attribute and one called cost.
    worth
        Part of a group's errors that more rows must take away to be worth it, where the whole budget is spent on it
        alone (of which curves are told up to four times the rows that there are).
    floor
        Part of the round that is spent alike on all groups, whatever the curves say.
    repeats
        Trainings with each part of the rows.
    unit
        Column that names what is independent: speaker, patient, document.
    where
        Rows to read, for example "age >= 18".
    level
        Confidence of each interval, and of all verdicts together.
    min_units
        Units for testing that a group needs for a curve.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    seed
        Of the rows that each training leaves out.
    keep
        A folder in which answers of trainings are kept, so that an interrupted plan goes on.
    missing
        Texts that mean missing.
    csv
        Print comma-separated values: a line a group, for those who collect.
    """
    check_printed(output, csv=csv)
    check_written([*input_files(table), *input_files(test)], output)
    edition = output.edition()
    with progress_bar("training") as advance:
        found = improve_groups(
            table,
            train,
            metric,
            by,
            test=test,
            budget=budget,
            cost=read_cost(cost),
            worth=worth,
            floor=floor,
            repeats=repeats,
            unit=unit,
            where=where,
            level=level,
            min_units=min_units,
            worse=worse,
            seed=seed,
            keep=keep,
            missing_values=missing,
            command=written_command(),
            progress=advance,
        )
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if csv:
        print(found.to_csv(), end="")
        return
    show([found], output)
