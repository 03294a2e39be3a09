"""``evenhand bounty status``: what was accepted, and what the ledger has left."""

from pathlib import Path

from evenhand.bounty.bounty import Bounty
from evenhand.bounty.telling import kept, words
from evenhand.bounty.telling.report import read_report
from evenhand.bounty.telling.standing import Standing, stand
from evenhand.cli.bounty.output import own_files, show_json
from evenhand.cli.drawing import check_figure, write_figure
from evenhand.cli.lines import say, written_command
from evenhand.cli.options import Writing
from evenhand.deferred import Deferred
from evenhand.pages.marks import MARKS
from evenhand.records.output import check_outputs, write_bytes

#: A page and a drawing, which most runs do without.
_FIGURES = Deferred("evenhand.bounty.telling.figures")
_PICTURE = Deferred("evenhand.bounty.telling.picture")


def status(
    folder: Path,
    /,
    *,
    html: Path | None = None,
    figure: Path | None = None,
    output: Writing = Writing(),
) -> int:
    """Show what was accepted, what it is worth, and what the ledger has left.

    Parameters
    ----------
    folder
        The bounty.
    html
        Write a report to this file.
    figure
        Write the errors of the groups, version by version, to this file: .svg, or .png with the extra png.
    """
    check_outputs([("--html", html), ("--figure", figure)], own_files(folder), force=output.force)
    check_figure(figure)
    with Bounty(folder) as opened:
        told = stand(opened)
        if html is not None or figure is not None:
            report = read_report(opened, told, command=written_command())
            if html is not None:
                write_bytes(html, _FIGURES.render_html(report).encode())
            if figure is not None:
                write_figure(figure, _PICTURE.draw_figure(report))
    if output.json:
        show_json(told)
        return 0
    _tell(folder, told)
    for name, path in (("Report", html), ("Figure", figure)):
        if path is not None:
            say(f"{name}: {path}")
    return 0


def _tell(folder: Path, told: Standing) -> None:
    say(f"{folder}: {told.label}, {told.loss}; {words.standing(told)}")
    say(*(words.team(team) for team in told.leaderboard))
    for found in told.findings:
        say(*words.finding(found, told.loss))
    for one in told.accepted:
        say(
            f"{MARKS['fine'].sign} version {one.version}  {one.team}: {one.group}",
            f"  {words.worth(one)}",
        )
    say(words.ledger(told.ledger), *kept.keeping(told.keeping, told.head))
