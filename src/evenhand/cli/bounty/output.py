"""What the verbs of a bounty share: JSON, own files, a spent ledger."""

from collections.abc import Iterable
from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.telling import words
from evenhand.bounty.telling.outcome import refused
from evenhand.bounty.telling.standing import stand
from evenhand.cli.lines import say
from evenhand.errors import EXIT_REFUSED, InputError
from evenhand.results.protocol import Result


def show_json(told: Result) -> None:
    """Print an answer for programs."""
    print(told.to_json(indent=1))


def tell_standing(opened: Bounty, done: str, *, json: bool) -> int:
    """Say what was done, and where the bounty stands by it."""
    told = stand(opened)
    if json:
        show_json(told)
    else:
        say(f"{done}  {words.standing(told)}")
    return 0


def own_files(folder: Path) -> list[Path]:
    """Files of a bounty, which no output replaces."""
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def spent(opened: Bounty, error: SubmissionError, *, json: bool) -> int:
    """A ledger that is spent refuses; all else is an error to be mended."""
    if error.reason != "budget_spent":
        raise error
    told = refused(opened, error.reason)
    if json:
        show_json(told)
    else:
        say(str(error), words.ledger(told.ledger))
    return EXIT_REFUSED


def full_key(keys: Iterable[str], beginning: str, what: str) -> str:
    """The one hash that begins so."""
    found = [key for key in keys if key.startswith(beginning.lower())]
    if not beginning or len(found) != 1:
        number = "No" if not found else "More than one"
        raise InputError(
            f"{number} {what} has a hash that begins with {beginning[:80]!r}.  "
            "See: evenhand bounty status --json"
        )
    return found[0]
