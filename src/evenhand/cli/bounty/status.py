"""``evenhand bounty status``: what was accepted, and what the ledger has left."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.telling import words
from evenhand.bounty.telling.figures import render_html
from evenhand.bounty.telling.report import read_report
from evenhand.bounty.telling.standing import Standing, stand
from evenhand.cli.bounty.output import own_files, show_json
from evenhand.cli.kinds import Flag
from evenhand.cli.lines import say, written_command
from evenhand.pages.marks import MARKS
from evenhand.pages.numbers import significant
from evenhand.records.output import check_outputs, write_bytes


def status(
    folder: Path,
    /,
    *,
    html: Path | None = None,
    force: Flag = False,
    json: Flag = False,
) -> int:
    """Show what was accepted, what it is worth, and what the ledger has left.

    Parameters
    ----------
    folder
        The bounty.
    html
        Write a report to this file.
    force
        Replace output files that Evenhand did not make; never one that this run reads.
    json
        Print JSON.
    """
    check_outputs([("--html", html)], own_files(folder), force=force)
    with Bounty(folder) as opened:
        told = stand(opened)
        if html is not None:
            report = read_report(opened, told, command=written_command())
            write_bytes(html, render_html(report).encode())
    if json:
        show_json(told)
        return 0
    _tell(folder, told)
    if html is not None:
        say(f"Report: {html}")
    return 0


def _tell(folder: Path, told: Standing) -> None:
    say(f"{folder}: {told.label}, {told.loss}; {words.standing(told)}")
    for team in told.leaderboard:
        say(
            f"  {team.team}: {team.accepted} of {team.submitted} accepted, "
            f"at least {significant(team.lower_bound)} better a row"
        )
    for one in told.accepted:
        say(
            f"{MARKS['fine'].sign} version {one.version}  {one.team}: {one.group}",
            f"  {words.worth(one)}",
        )
    say(words.ledger(told.ledger))
