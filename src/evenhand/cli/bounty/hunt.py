"""``evenhand bounty hunt``: let automatic hunters submit."""

from pathlib import Path

from evenhand.bounty.hunting.catalogue import choose
from evenhand.bounty.hunting.round import HuntStep
from evenhand.bounty.hunting.rounds import hunt as run_hunt
from evenhand.bounty.telling import words
from evenhand.bounty.telling.hunted import Hunted
from evenhand.cli.bounty.output import show_json
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.kinds import Several
from evenhand.cli.lines import say
from evenhand.cli.options import Printing
from evenhand.cli.progress import progress_bar
from evenhand.errors import EXIT_REFUSED


def hunt(
    folder: Path,
    /,
    *,
    hunter: Several = ("all",),
    rounds: int = 1,
    passes: int = 3,
    group: Several = (),
    close: bool = True,
    seed: int = 0,
    waiting: Waiting = Waiting(),
    output: Printing = Printing(),
) -> int:
    """Let automatic hunters submit, and close the epoch, until none is accepted.

    Parameters
    ----------
    folder
        The bounty.
    hunter
        slices, alternating, ternary, prepend or all; may be repeated.
    rounds
        At most so many; each opens one sealed block.
    passes
        How often hunters look again within a round, after their own promising finds.
    group
        Groups of the prepend hunter, as predicates; each value of each text where not given.
    close
        Close the epoch after each round; --no-close only submits.
    seed
        Of the alternating hunter's starts.
    """
    hunters = choose(hunter, groups=group or None, seed=seed)
    with waiting.opened(folder) as opened, progress_bar("hunting") as report:
        done = run_hunt(
            opened,
            hunters,
            rounds=rounds,
            passes=passes,
            close=close,
            progress=lambda step: report(step.sent + step.refused, None, _step(step)),
        )
        told = Hunted(rounds=done, ledger=opened.account())
    accepted = any(one.accepted for one in done)
    if output.json:
        show_json(told)
    else:
        for one in done:
            say(*words.hunted(one, closed=close))
        say(words.ledger(told.ledger))
    return 0 if accepted or (done and not close) else EXIT_REFUSED


def _step(step: HuntStep) -> str:
    doing = step.hunter or "closing the epoch"
    return f"round {step.round}, {doing}: {step.sent} sent, {step.refused} refused"
