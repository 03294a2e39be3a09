"""``evenhand effects``: from the records of a trial to what each condition costs whom."""

from evenhand.cli.kinds import Flag, Needed, Several
from evenhand.cli.labels import fit
from evenhand.cli.lines import written_command
from evenhand.cli.options import SHARED, Comparing, Confidence, Output, Reading
from evenhand.cli.output import check_files, show, write_files
from evenhand.cli.progress import counting_bar
from evenhand.cli.strangers import given_away
from evenhand.differential import effects as find_effects
from evenhand.differential.question import USUAL_REFERENCE
from evenhand.differential.sharing import check_shared
from evenhand.errors import EXIT_REFUSED


def effects(
    table: str,
    /,
    *,
    metric: str,
    by: Needed,
    condition: str = "condition",
    reference: str = USUAL_REFERENCE,
    only: Several = (),
    unit: Several = (),
    stratum: str | None = None,
    dose: str | None = None,
    share: Flag = False,
    reading: Reading = Reading(),
    comparing: Comparing = Comparing(),
    confidence: Confidence = Confidence(),
    output: Output = Output(),
) -> int:
    """Say what each condition costs each group beyond what it costs the others.

    To see what a repair gains, take the condition without it for the reference:
    --reference tone --only tone_notch.

    Parameters
    ----------
    table
        Path, glob, duckdb:///file.db?table=t, postgresql://…?table=t or sc://host:port?table=t of a trial's records.
    metric
        For example 'wer(reference=text, hypothesis=output)'. See: evenhand metrics
    by
        Groups: a column, columns a,b (their crossing and each alone) or a predicate; may be repeated.
    condition
        Column that names the condition of each row.
    reference
        The condition that all others are compared with.
    only
        Compare only this condition with the reference; may be repeated.
    unit
        Column that names what is independent: sentence, speaker.  Twice where rows that share either are dependent.
    stratum
        Column that tells apart the strata within which units were drawn, as a survey has them.
    dose
        Numeric column to follow the metric along, for example tone_level.
    share
        The answer is for strangers: leave folders out, and refuse where a group has fewer than 10 units.
    """
    check_files(table, reading, output)
    edition = output.edition(share=share)
    with counting_bar("scoring") as advance:
        found = find_effects(
            reading.table(table),
            metric,
            by,
            condition=condition,
            reference=reference,
            only=only,
            unit=unit,
            stratum=stratum,
            dose=dose,
            command=written_command(),
            progress=advance,
            **reading.given(),
            **comparing.given(),
            **confidence.given(),
        )
    if share:
        check_shared(found, SHARED)
    found = given_away(found, edition)
    edition = fit(edition, [found])
    page = None if output.html is None else found.to_html(edition)
    write_files(found, page, output, edition)
    show([found], output)
    judged = (one.differential for one in found.groups if one.differential is not None)
    return EXIT_REFUSED if all(one.low is None for one in judged) else 0
