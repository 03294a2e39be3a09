"""``evenhand audit``: from a file of records to verdicts."""

from collections.abc import Sequence
from pathlib import Path

from evenhand.audits import Audit, audit_metrics
from evenhand.audits.side_by_side import side_by_side
from evenhand.cli.kinds import Flag, Row, Several
from evenhand.cli.labels import fit
from evenhand.cli.lines import written_command
from evenhand.cli.options import SHARED, Comparing, Confidence, Output, Reading
from evenhand.cli.output import check_files, check_printed, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.cli.strangers import given_away
from evenhand.cli.switches import Asked, check_others, compare_services
from evenhand.errors import EXIT_REFUSED, InputError


def audit(
    table: str,
    /,
    *others: str,
    metric: Several = (),
    label: Several = (),
    compare: Row = (),
    by: Several = (),
    unit: Several = (),
    stratum: str | None = None,
    judge: str | None = None,
    versus: str = "rest",
    interval: str = "wilson",
    suppress_below: int | None = None,
    cube: Path | None = None,
    csv: Flag = False,
    share: Flag = False,
    reading: Reading = Reading(),
    comparing: Comparing = Comparing(),
    confidence: Confidence = Confidence(),
    output: Output = Output(),
) -> int:
    """Compare a service's groups and give verdicts.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t, postgresql://…?table=t or sc://host:port?table=t of the records; or a
        cube of their counts, whose metrics and groups are taken where none is named.
    others
        Logs of other services, with --compare: they are paired with the first by what was asked.
    metric
        For example 'wer(reference=text, hypothesis=amazon)'; may be repeated. See: evenhand metrics
    label
        Column that says what is right, for metrics that name none; once for each rule, and there is a line of each.
    compare
        Compare services on the same rows in place of one: the metric of each, the one that is switched from first,
        as in --compare 'wer(text, amazon)' 'wer(text, google)'.  Without metrics between the logs that are named, by
        --metric.
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    unit
        Column that names what is independent: speaker, patient.  Twice where rows that share either are dependent.
    stratum
        Column that tells apart the strata within which units were drawn, as a survey has them.
    judge
        The same metric by a judge's labels, which all rows have, where people's are on some: people's few labels are
        made surer, never replaced.
    versus
        Compare with rest, best, overall, or the group of a predicate.
    interval
        Interval of a proportion of independent rows: wilson or clopper-pearson.
    suppress_below
        Hide groups with fewer units, and as many others that none of them follows from what is shown.
    csv
        Print comma-separated values instead of a table.
    share
        The report is for strangers: hide groups below 10 units (or --suppress-below), and folders.
    cube
        Write the counts to this file, which audit reads in place of the table. See: evenhand cube
    """
    check_printed(output, csv=csv)
    check_others(others, compare, metric)
    check_files(table, reading, output, ("--cube", cube), others=others)
    if share and judge is not None and suppress_below is None:
        raise InputError(
            f"--share hides groups below {SHARED} units, and beside --judge counts of labels and of all rows would "
            "give them away.  Leave one of them out."
        )
    hidden = (SHARED if share else 0) if suppress_below is None else suppress_below
    if compare:
        metrics = metric if others else compare
        _check_compared(() if others else metric, versus, interval, cube, stratum, label, judge)
        asked = Asked(
            table=table,
            others=others,
            metrics=metrics,
            by=by,
            unit=unit,
            hidden=hidden,
            share=share,
            csv=csv,
        )
        return compare_services(asked, reading, comparing, confidence, output)
    if output.figure is not None and len(metric) > 1:
        raise InputError(
            "--figure draws one metric.  Ask for one, or take --html, which shows all of them."
        )
    edition = output.edition(share=share)
    with counting_bar("scoring") as advance:
        found = audit_metrics(
            reading.table(table),
            metric,
            by,
            labels=label,
            unit=unit,
            stratum=stratum,
            judge=judge,
            versus=versus,
            interval=interval,
            suppress_below=hidden,
            cube=None if cube is None else str(cube),
            command=written_command(),
            progress=advance,
            **reading.given(),
            **comparing.given(),
            **confidence.given(),
        )
    audits = [given_away(one, edition) for one in found]
    edition = fit(edition, audits)
    page = (
        None
        if output.html is None
        else Audit.drawn_by("figures").render_html(*audits, edition=edition)
    )
    write_files(audits[0], page, output, edition)
    if csv:
        for one in audits:
            print(one.to_csv(), end="")
    else:
        show(audits, output, opening=side_by_side(audits))
    return EXIT_REFUSED if all(map(_refused, audits)) else 0


def _check_compared(
    metric: Sequence[str],
    versus: str,
    interval: str,
    cube: Path | None,
    stratum: str | None,
    label: Sequence[str],
    judge: str | None,
) -> None:
    """Refuse options that say nothing of services beside each other."""
    others = {
        "--metric": bool(metric),
        "--versus": versus != "rest",
        "--interval": interval != "wilson",
        "--cube": cube is not None,
        "--stratum": stratum is not None,
        "--label": bool(label),
        "--judge": judge is not None,
    }
    for option, given in others.items():
        if given:
            raise InputError(
                f"{option} is for the audit of one service, and --compare names several.  Leave one of them out."
            )


def _refused(found: Audit) -> bool:
    return all(group.estimate.low is None for group in found.groups)
