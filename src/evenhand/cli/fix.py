"""``evenhand fix``: a repair of decisions, proven on held-out rows; and `fix apply`, which decides rows by it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from evenhand.cli.bins import parse_bins
from evenhand.cli.kinds import Flag, Needed, Several
from evenhand.cli.lines import say, written_command
from evenhand.cli.options import Output
from evenhand.cli.output import check_written, show, write_files
from evenhand.cli.progress import progress_bar
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.groups.partition import split_names
from evenhand.pages.numbers import listed, plural
from evenhand.records import MISSING_VALUES
from evenhand.records.output import (
    check_outputs,
    input_files,
    made_here,
    write_bytes,
    write_text,
)
from evenhand.repairs import RepairTrial, apply_repair
from evenhand.repairs import fix as fix_decisions
from evenhand.repairs.apply import AppliedRepair, read_trial
from evenhand.repairs.extremes import HARDLY_ANYONE
from evenhand.repairs.fitted import FittedRepair
from evenhand.repairs.words import headline

if TYPE_CHECKING:
    import pyarrow as pa

#: Exit code where the rule is proven not to be reached.
EXIT_NOT_REACHED = 1

fix = App(
    name="fix",
    help="Mend decisions for the groups that they fail, prove it on held-out rows, and name who pays.",
    help_format="plaintext",
    help_epilogue=(
        "Examples\n$ evenhand fix clinic.csv --by sex --level 0.5 --maximum 0.5 --keep repair.json \\\n"
        "    --metric 'false_positive_rate(label=ill, prediction=score >= 0.5)'\n"
        "$ evenhand fix apply repair.json clinic.csv --out decided.csv"
    ),
)


@fix.default
def mend(
    table: str,
    /,
    *,
    metric: str,
    by: Needed,
    maximum: float | None = None,
    minimum: float | None = None,
    maximum_difference: float | None = None,
    score: Several = (),
    other: Several = (),
    features: Several = (),
    train: str | None = None,
    condition: Several = (),
    fairlearn: Flag = False,
    label: str | None = None,
    positive: str | None = None,
    allowance: float = 0.02,
    held_out: float = 0.4,
    unit: Several = (),
    where: str | None = None,
    bins: Several = (),
    level: float = 0.95,
    min_units: int = 5,
    worse: str | None = None,
    seed: int = 0,
    missing: Several = MISSING_VALUES,
    columns: str | None = None,
    keep: Path | None = None,
    output: Output = Output(),
) -> int:
    """Find a repair of decisions, and prove on held-out rows whether it reaches a rule, and who pays for it.

    Ends with 0 where the rule is reached, 1 where it is not, 3 where the rows cannot tell, where hardly anyone is
    decided one way any more, or where it is reached by levelling down.

    Parameters
    ----------
    table
        A row a decision, with what is right: path, glob or URL.
    metric
        What the rule is about, of the decisions as they stand, for example
        'false_positive_rate(label=y, prediction=score >= 0.5)'. See: evenhand metrics
    by
        Attributes whose crossing makes the groups: a column, or columns a,b.
    maximum
        The rule: every group's value is at most this.
    minimum
        The rule: every group's value is at least this.
    maximum_difference
        The rule: no two groups are further apart. Without any rule the worst group is to be better off.
    score
        Column from which thresholds may decide; may be repeated. Where the prediction is 'column >= number', that one.
    other
        Another answer that is there, a column or a predicate; may be repeated: which of them decides for whom.
    features
        Columns from which scores are learnt here, as a,b,c: logistic regressions, with and without what groups add.
    train
        The learner behind the decisions, as in evenhand improve: 'module:function' of (rows, test), or a program
        'python fit.py {train} {test} {out}'. It is trained as it is, reweighed, and with the worst group's rows several
        times; it answers 'prediction', and scores that --score names.
    condition
        A condition of a table's row, as in a trial; may be repeated. Rows for training are there a second time under
        it.
    fairlearn
        Try fairlearn's reduction and thresholds as well (pip install 'evenhand[fix]').
    label
        What is right, where the metric does not say it.
    positive
        The label's value that a high score stands for.
    allowance
        Share of the rows by which errors may grow for the rule's sake.
    held_out
        Share of the units that no repair sees.
    unit
        Column that names what is independent: speaker, patient, document. No unit is in both parts.
    where
        Rows to read, for example "age >= 18".
    bins
        Cut a numeric attribute: age=25,45,65 at these edges, age=5 in five quantile bins.
    level
        Confidence of everything that is said, taken together.
    min_units
        Units that an interval needs.
    worse
        Direction of harm, higher or lower, where it is not the metric's own.
    seed
        Of the parting into practice and held-out rows.
    missing
        A text that means missing; may be repeated and replaces the usual list.
    columns
        What columns hold where you know better: 'age=number, code=text'.
    keep
        Write the answer with its repair to this JSON file, for evenhand fix apply.
    """
    check_written(input_files(table), output, ("--keep", keep))
    edition = output.edition()
    with progress_bar("trying repairs") as advance:
        found = fix_decisions(
            table,
            metric,
            by,
            maximum=maximum,
            minimum=minimum,
            maximum_difference=maximum_difference,
            score=score,
            other=other,
            features=[name for text in features for name in split_names(text)],
            train=train,
            condition=condition,
            fairlearn=fairlearn,
            label=label,
            positive=positive,
            allowance=allowance,
            held_out=held_out,
            unit=unit,
            where=where,
            bins=parse_bins(bins),
            level=level,
            min_units=min_units,
            worse=worse,
            seed=seed,
            missing_values=missing,
            columns=columns,
            command=written_command(),
            progress=advance,
        )
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    if keep is not None:
        write_text(keep, found.to_json())
    show([found], output)
    if keep is not None and not output.json:
        say(f"The repair is in {keep}: evenhand fix apply {keep} TABLE --out FILE")
    # A rule that is kept by deciding hardly anyone, or by making some worse off, is for a person to look at.
    hollow = found.levelling_down or any(one.code == HARDLY_ANYONE for one in found.notes)
    kept = EXIT_REFUSED if hollow else 0
    answers = {"reached": kept, "not reached": EXIT_NOT_REACHED}
    return answers.get(found.rule.answer, EXIT_REFUSED)


@fix.command(
    help="Decide rows by a repair; groups that it never saw are refused.",
    help_epilogue="Examples\n$ evenhand fix apply repair.json clinic.csv --out decided.csv",
)
def apply(
    repair: Path,
    table: str,
    /,
    *,
    out: Path,
    where: str | None = None,
    outside: Flag = False,
    force: Flag = False,
) -> None:
    """Decide rows by a repair; groups that it never saw are refused.

    Rows of the file that the repair was learnt from are marked, for numbers of them are too good.

    Parameters
    ----------
    repair
        What evenhand fix --keep wrote.
    table
        Rows to decide: path, glob or URL.
    out
        File for the rows with their decision: .csv or .parquet.
    where
        Rows to decide, for example "age >= 18"; the others are left out.
    outside
        Decide also where numbers are of another scale than those that the repair has seen, or categories mostly others.
    force
        Replace a file that holds something else; never one that this run reads.
    """
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise InputError(f"--out is {str(out)!r}, but must end in .csv or .parquet.")
    inputs = [repair, *input_files(table)]
    check_outputs([("--out", out)], inputs, force=True)
    given = read_trial(repair)
    found = apply_repair(given, table, where=where, outside=outside)
    data = _written(found.table, out.suffix.lower())
    if out.is_file() and not force and not made_here(out) and out.read_bytes() != data:
        raise InputError(
            f"--out {out} exists, and holds something else than would be written now.  Name another file, or add "
            "--force to replace it."
        )
    write_bytes(out, data)
    say(*_told(found, out), *_warned(found, given))


def _written(table: "pa.Table", suffix: str) -> bytes:
    """Rows as a file holds them; what Parquet says of itself tells that Evenhand made it."""
    from pyarrow import BufferOutputStream, csv, parquet  # noqa: PLC0415 - only where a file is written

    stream = BufferOutputStream()
    if suffix == ".csv":
        csv.write_csv(table, stream)
    else:
        mark = {"evenhand": '{"schema": "evenhand.decided/1"}'}
        parquet.write_table(
            table.replace_schema_metadata({**(table.schema.metadata or {}), **mark}), stream
        )
    return bytes(stream.getvalue())


def _told(found: AppliedRepair, out: Path) -> Iterator[str]:
    """What was decided, and how."""
    yield f"{plural(found.table.num_rows, 'row')} decided in column {found.column}: {out}"
    if found.changed is not None:
        yield f"{plural(found.changed, 'decision')} changed."
    if found.lacking:
        yield f"{plural(found.lacking, 'row')} in no group: decided as holds for everybody."
    if found.outside:
        what = listed(list(found.outside_in))
        yield f"{plural(found.outside, 'row')} unlike all that the repair has seen, in {what}: decided all the same."
    if found.standing:
        yield f"{plural(found.standing, 'row')} without what decides: decided as they stand."
    if found.undecided:
        yield f"{plural(found.undecided, 'row')} without what decides: left empty."


def _warned(found: AppliedRepair, given: RepairTrial | FittedRepair) -> Iterator[str]:
    """What the repair's test said, and of which rows numbers are too good."""
    trial = given if isinstance(given, RepairTrial) else None
    if trial is not None:
        yield f"The test of this repair: {headline(trial)}."
    if found.practice is None:
        known = trial is not None and trial.settings.parting and trial.source.sha256
        rows = f"rows of {trial.source.name}" if trial is not None and known else "rows"
        marked = "  Applied to that file itself, the repair marks them." if known else ""
        yield (
            f"Numbers of {rows} that the repair was learnt from are too good: if some are among these, audit and check "
            f"the others.{marked}"
        )
    elif found.practice:
        number = found.table.num_rows
        of = f"{found.practice:,} of the {number:,} rows" if number > 1 else "the row"
        yield (
            f"The repair was learnt from {of}, and numbers of them are too good: column {found.practice_column} marks "
            f"them.  Audit and check the others: --where '{found.practice_column} = false'"
        )
