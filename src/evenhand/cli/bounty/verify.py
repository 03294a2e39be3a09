"""``evenhand bounty verify``: prove the model and the leaderboard from the log."""

import re
from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.custody import Custody, read_custody
from evenhand.bounty.keys import check_public
from evenhand.bounty.log import EventLog
from evenhand.bounty.telling import kept
from evenhand.bounty.verification import verify as verify_log
from evenhand.cli.bounty.output import show_json
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.cli.progress import progress_bar
from evenhand.errors import InputError, inert_text
from evenhand.pages.numbers import plural

EXIT_NOT_PROVEN = 1


def verify(
    folder: Path,
    /,
    *,
    head: str | None = None,
    host: str | None = None,
    output: Printing = Printing(),
) -> int:
    """Re-play the whole log and prove the current model and leaderboard from it.

    Parameters
    ----------
    folder
        The bounty; or its log.jsonl alone, of which signatures, keys, phases and quotas are checked.
    head
        Hash of an event that you were told: the log must still hold it, or was cut or written anew; it vouches
        for that event and those before it.
    host
        The host's public key, as you were told it elsewhere: the log must name it.
    """
    if head is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", head):
        raise InputError(
            f"--head is {head!r}, but must be the whole hash of an event: 64 hexadecimal digits, as "
            "`evenhand bounty status` shows them."
        )
    told = None if head is None else head.lower()
    key = None if host is None else check_public(host)
    if folder.is_file():
        return _log_alone(folder, told, key, json=output.json)
    with Bounty(folder) as opened, progress_bar("re-playing") as report:
        found = verify_log(opened, head=told, host=key, progress=report)
    if output.json:
        show_json(found)
    elif found.proven:
        say(
            f"Proven: {plural(found.events, 'event')}, {plural(found.verdicts, 'verdict')} "
            f"and {plural(found.updates, 'update')} follow from the submissions and the blocks.",
            *kept.custody(found.custody),
        )
    else:
        _wrong("proven", found.problems, found.custody)
    return 0 if found.proven else EXIT_NOT_PROVEN


def _log_alone(path: Path, head: str | None, host: str | None, *, json: bool) -> int:
    """What an outsider finds who has the log and nothing else."""
    events = EventLog(path).read()
    if not events:
        raise InputError(
            f"{path} holds no whole event of a bounty: it is empty, or was cut in its first line."
        )
    found = read_custody(events, head=head, host=host)
    if json:
        show_json(found)
    elif found.whole:
        say(
            f"Whole: {plural(found.keeping.events, 'event')} in one chain; signatures, keys, phases and quotas hold.",
            *kept.custody(found),
        )
    else:
        _wrong("whole", found.problems, found)
    return 0 if found.whole else EXIT_NOT_PROVEN


def _wrong(what: str, problems: tuple[str, ...], custody: Custody) -> None:
    differ = plural(len(problems), "thing differs", "things differ")
    say(f"NOT {what}: {differ}.", *(f"  {inert_text(problem)}" for problem in problems))
    say(*kept.custody(custody))
