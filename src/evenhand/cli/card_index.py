"""``evenhand card index``: many cards side by side."""

from pathlib import Path

from evenhand.cards.shelf.shelving import beside, find_cards, shelve
from evenhand.cli.kinds import Flag
from evenhand.cli.options import Output
from evenhand.cli.output import check_written, show, write_files
from evenhand.errors import EXIT_REFUSED, InputError


def index(
    *cards: str,
    html: Path | None = None,
    title: str | None = None,
    note: str | None = None,
    json: Flag = False,
    force: Flag = False,
) -> int:
    """List many cards: services and versions, the worst group of each.

    Exits 3 where some file cannot be read as a card; it is told with the reason, and the others are listed.

    Parameters
    ----------
    cards
        Cards' JSON, folders that hold some, or globs.
    html
        Write a page to this file; cards with a page of the same name beside them are linked.
    title
        Heading of the page.
    note
        What its readers should know first.
    json
        Print JSON instead of a table.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    """
    if not cards:
        raise InputError(
            "Name cards, a folder of them, or a glob: evenhand card index 'cards/*.json'"
        )
    output = Output(json=json, html=html, title=title, note=note, force=force)
    paths = find_cards(cards)
    check_written(paths, output)
    found = shelve(paths)
    edition = output.edition()
    page = None if html is None else beside(found, html.parent).to_html(edition)
    write_files(found, page, output, edition)
    show([found], output)
    return EXIT_REFUSED if found.unreadable else 0
