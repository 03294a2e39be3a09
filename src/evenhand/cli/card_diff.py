"""``evenhand card diff``: what changed from one card to the next."""

from pathlib import Path

from evenhand.cards.changes.comparing import compare_cards
from evenhand.cards.verification import read_sealed
from evenhand.cli.kinds import Files, Several
from evenhand.cli.options import Output
from evenhand.cli.output import check_written, show, write_files
from evenhand.errors import InputError


def diff(
    before: Path,
    after: Path,
    /,
    *,
    level: float = 0.95,
    data: Files = (),
    on: Several = (),
    output: Output = Output(),
) -> int:
    """Say what changed from one card to the next: by group beyond noise, and in words.

    Parameters
    ----------
    before
        The older card's JSON.
    after
        The newer one's.
    level
        Confidence of everything that is said, taken together.
    data
        Tables of the cards: where both rest on the same rows, each row is compared with itself; two tables need --on.
    on
        Column that tells which rows of two tables belong together, such as id; may be repeated.
    """
    for path in data:
        if not path.is_file():
            raise InputError(f"--data {path} is no file.  Name the table of a card.")
    if on and len(data) < 2:
        raise InputError(
            "--on says which rows of two tables belong together.  Name both: --data OLD NEW"
        )
    check_written([before, after, *data], output)
    found = compare_cards(read_sealed(before), read_sealed(after), level=level, data=data, on=on)
    edition = output.edition()
    write_files(found, None if output.html is None else found.to_html(edition), output, edition)
    show([found], output)
    return 0
