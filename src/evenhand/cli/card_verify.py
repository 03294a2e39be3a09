"""``evenhand card verify``: whether a card is what it claims to be."""

from pathlib import Path

from evenhand.cards.checks import CardVerification
from evenhand.cards.sealing import read_public_key
from evenhand.cards.verification import verify_card
from evenhand.cli.asking_again import ask_again
from evenhand.cli.kinds import Files
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.errors import InputError, inert_text
from evenhand.pages.numbers import plural

EXIT_WRONG, EXIT_OPEN = 1, 3
#: Places told one by one; --json has all.
TOLD = 20
_SIGNS = {"holds": "✓", "fails": "✗", "not checked": "–"}


def verify(
    card: Path,
    /,
    *,
    public_key: Path | None = None,
    data: Files = (),
    printing: Printing = Printing(),
) -> int:
    """Check a card: its seal, the results beside it, and with the data its numbers.

    Exits 0 where nothing that could be checked is wrong, 1 where something is, and 3 where tables were given and the
    numbers of some result were not computed again, or some table belongs to no result.

    Parameters
    ----------
    card
        The card's JSON; files of results are looked for beside it.
    public_key
        The provider's key: a PEM file, or a file of 64 hexadecimal digits.
    data
        Tables that results rest on, and files that are joined to them: the commands of audits, slices, effects and
        fixes are asked again of them.
    """
    for path in data:
        if not path.is_file():
            raise InputError(f"--data {path} is no file.  Name the table that a result rests on.")
    key = None if public_key is None else read_public_key(public_key)
    found = verify_card(card, public_key=key, data=data, ask=ask_again)
    if printing.json:
        print(found.to_json())
    else:
        say(*map(inert_text, _lines(found)))
    if not found.holds:
        return EXIT_WRONG
    return EXIT_OPEN if found.unasked or found.strangers else 0


def _headline(found: CardVerification) -> str:
    if not found.holds:
        return "this card is NOT what it claims to be."
    if found.unasked:
        results = plural(found.unasked, "result")
        return (
            f"nothing that was checked is wrong, but numbers of {results} were NOT computed again."
        )
    if found.strangers:
        files = plural(
            found.strangers, "file that was given belongs", "files that were given belong"
        )
        return f"nothing that was checked is wrong, but {files} to no result, and nothing was computed from there."
    if not found.vouched:
        return (
            "it agrees with itself, but that proves nothing of its numbers: anybody can write such a card.  Ask them "
            "of the tables with --data, or name whose it is with --public-key."
        )
    return "nothing that could be checked is wrong."


def _lines(found: CardVerification) -> list[str]:
    lines = [f"{found.service}: {_headline(found)}"]
    lines += [f"{_SIGNS[check.state]} {check.sentence}" for check in found.checks]
    for one in found.discrepancies[:TOLD]:
        lines.append(f"  {one.place} is {one.stands}; by {one.says} it is {one.should}.")
    more = len(found.discrepancies) - TOLD
    if more > 0:
        lines.append(f"  … and {plural(more, 'more place')}, in --json.")
    return lines
