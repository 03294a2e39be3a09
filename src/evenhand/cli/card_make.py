"""``evenhand card make``: from a card.toml and results to a card."""

from pathlib import Path

from evenhand.cards import Card, make_card
from evenhand.cards.given import result_files
from evenhand.cards.markdown import render_markdown
from evenhand.cards.reading import read_request
from evenhand.cli.kinds import Flag
from evenhand.cli.labels import fit
from evenhand.cli.options import Output
from evenhand.cli.output import check_written, show, write_files
from evenhand.records.output import write_text


def make(
    request: Path,
    /,
    *results: str,
    out: Path | None = None,
    markdown: Path | None = None,
    key: Path | None = None,
    checklist: Flag = False,
    output: Output = Output(),
) -> int:
    """Make a card from a card.toml and the results that it names.

    Parameters
    ----------
    request
        The card.toml: what people write, and the files of results beside it. See: evenhand card new
    out
        Write the card to this file as JSON, which is what holds.
    markdown
        Write it as Markdown too.
    results
        More files of results, or globs, beside those that the card.toml names.
    key
        PEM file of an Ed25519 private key that signs the card; nobody else may have the right to read it.
    checklist
        Show on the page, and in Markdown, which part answers what laws and standards ask.
    """
    files = result_files(read_request(request).results, request.parent, results)
    read = [path for path in (request, key, *files) if path is not None]
    check_written(read, output, ("--out", out), ("--markdown", markdown))
    found = make_card(request, results, key=key)
    edition = fit(output.edition(), [*found.audits, *found.effects, *found.switches])
    if out is not None:
        write_text(out, found.to_json() + "\n")
    if markdown is not None:
        write_text(markdown, render_markdown(found, edition, checklist=checklist))
    page = None
    if output.html is not None:
        page = Card.drawn_by("figures").render_html(found, edition=edition, checklist=checklist)
    write_files(found, page, output, edition)
    show([found], output)
    return 0
