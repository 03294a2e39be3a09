"""``evenhand audit --compare``: services beside each other on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evenhand.cli.labels import fit
from evenhand.cli.lines import written_command
from evenhand.cli.options import Comparing, Confidence, Output, Reading
from evenhand.cli.output import show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.cli.strangers import given_away
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.metrics import Metric
from evenhand.questions.question import bound_metric
from evenhand.records import Records, join_records, joined_names, open_records
from evenhand.switching import GroupSwitch, compare
from evenhand.switching.sharing import check_small
from evenhand.switching.switches import metric_beside

#: What ``--compare`` holds where no metric follows it.
BETWEEN_LOGS = ("",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for on the command line, besides the options that commands share."""

    table: str
    others: Sequence[str]
    metrics: Sequence[str]
    by: Sequence[str]
    unit: Sequence[str]
    hidden: int
    share: bool
    csv: bool


def check_others(others: Sequence[str], compare: Sequence[str], metric: Sequence[str]) -> None:
    """Refuse files that nothing is done with, and a comparison of which it is not said of what."""
    between = compare == BETWEEN_LOGS
    if others and not between:
        left = ", ".join(map(repr, others))
        raise InputError(
            f"evenhand audit does not take {left} besides what it was given.  Quote a text with spaces, and a glob of "
            "files that are read as one ('day-*.csv').  To compare logs of services: evenhand audit A B --compare.  "
            "What it takes: evenhand audit --help"
        )
    if between and not others:
        raise InputError(
            "--compare names no services.  Name the metric of each (--compare 'wer(text, amazon)' "
            "'wer(text, google)'), or the log of each: evenhand audit A B --compare --metric 'mean(right)'."
        )
    if between and len(metric) != 1:
        raise InputError(
            f"Logs of services are compared by one metric, and --metric names {len(metric)}.  Name one, for example "
            "--metric 'mean(right)'."
        )


def compare_services(
    asked: Asked, reading: Reading, comparing: Comparing, confidence: Confidence, output: Output
) -> int:
    """Compare services, print and write the answer, and say by the exit code whether there is one."""
    if not asked.by:
        raise InputError(
            "Say with --by for which groups the services are compared, for example --by accent."
        )
    given = reading.given()
    if given.pop("weight") is not None:
        raise InputError(
            "--compare takes no --weight: rows of services are paired, and each counts once."
        )
    table: Any = reading.table(asked.table)
    metrics: Sequence[str | Metric] = asked.metrics
    if asked.others:
        table, metrics = _beside(table, asked, reading)
        given["columns"] = None
    edition = output.edition(share=asked.share)
    with counting_bar("scoring") as advance:
        found = compare(
            table,
            metrics,
            asked.by,
            unit=asked.unit,
            command=written_command(),
            progress=advance,
            **given,
            **comparing.given(),
            **confidence.given(),
        )
    if asked.hidden:
        check_small(found, asked.hidden, option="--share" if asked.share else "--suppress-below")
    found = given_away(found, edition)
    edition = fit(edition, [found])
    page = None if output.html is None else found.to_html(edition)
    write_files(found, page, output, edition)
    if asked.csv:
        print(found.to_csv(), end="")
    else:
        show([found], output)
    return EXIT_REFUSED if all(map(_refused, found.groups)) else 0


def _beside(table: Any, asked: Asked, reading: Reading) -> tuple[Records, list[str | Metric]]:
    """Logs of several services as one table, and the metric of each."""
    records = open_records(table, columns=reading.given()["columns"], read=reading.read)
    first = bound_metric(asked.metrics[0], records)
    metrics: list[str | Metric] = [first]
    for name in asked.others:
        other = open_records(
            name, columns=reading.columns, missing_values=reading.missing, read=reading.read
        )
        metrics.append(metric_beside(first, joined_names(records, other)))
        records = join_records(records, other, reading.on if not reading.with_ else ())
    return records, metrics


def _refused(group: GroupSwitch) -> bool:
    return group.change is None or group.change.low is None
