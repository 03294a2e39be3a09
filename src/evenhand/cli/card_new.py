"""``evenhand card new``: a card.toml to fill in."""

from pathlib import Path

from evenhand.cards.reading import starter_text
from evenhand.cli.kinds import Flag
from evenhand.cli.lines import say
from evenhand.errors import InputError
from evenhand.records.output import check_outputs, write_text


def new(request: Path = Path("card.toml"), /, *, force: Flag = False) -> int:
    """Write a card.toml to fill in, with comments that say what each line is for.

    Parameters
    ----------
    request
        The file to write.
    force
        Replace it where it is there.
    """
    if request.is_file() and not force:
        raise InputError(
            f"{request} is there, and may hold what you wrote.  Name another file, or add --force."
        )
    check_outputs([("the card.toml", request)], [], force=force)
    write_text(request, starter_text())
    say(
        f"Written: {request}",
        f"Fill it in, and then: evenhand card make {request} --out card.json --html card.html",
    )
    return 0
