"""``evenhand bounty close``: open a sealed block and test what was submitted."""

from pathlib import Path

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.telling import words
from evenhand.bounty.telling.outcome import closed
from evenhand.cli.bounty.output import show_json, spent
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.cli.progress import progress_bar
from evenhand.errors import EXIT_REFUSED


def close(folder: Path, /, *, waiting: Waiting = Waiting(), output: Printing = Printing()) -> int:
    """Close the epoch: open one sealed block and test all that was submitted.

    Parameters
    ----------
    folder
        The bounty.
    """
    with waiting.opened(folder) as opened, progress_bar("testing") as report:
        try:
            verdicts = opened.close_epoch(progress=report)
        except SubmissionError as error:
            return spent(opened, error, json=output.json)
        told = closed(opened, verdicts)
    accepted = sum(bool(one.accepted) for one in told.verdicts)
    if output.json:
        show_json(told)
    else:
        say(f"Block {told.block + 1} opened: {accepted} of {len(verdicts)} accepted.")
        for one in told.verdicts:
            say(*words.verdict(one, opened.task.loss.text))
        say(*words.served(told))
        for fresh in told.confirmed:
            say(words.confirmed(opened.load(fresh.key).team, fresh))
        say(*words.waiting(opened.status()))
        say(words.ledger(told.ledger))
    return 0 if accepted else EXIT_REFUSED
