"""``evenhand audit --compare``: services beside each other on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from evenhand.cli.labels import fit
from evenhand.cli.lines import written_command
from evenhand.cli.options import Comparing, Confidence, Output, Reading
from evenhand.cli.output import show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.cli.strangers import given_away
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.switching import GroupSwitch, compare
from evenhand.switching.sharing import check_small


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for on the command line, besides the options that commands share."""

    table: str
    metrics: Sequence[str]
    by: Sequence[str]
    unit: Sequence[str]
    hidden: int
    share: bool
    csv: bool


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
    edition = output.edition(share=asked.share)
    with counting_bar("scoring") as advance:
        found = compare(
            reading.table(asked.table),
            asked.metrics,
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


def _refused(group: GroupSwitch) -> bool:
    return group.change is None or group.change.low is None
