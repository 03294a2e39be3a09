"""``evenhand bounty service``: let submissions name services, which the host alone asks."""

from pathlib import Path

from evenhand.bounty.desk import register_services
from evenhand.bounty.telling.answers import Services
from evenhand.cli.bounty.models import services_of
from evenhand.cli.bounty.output import show_json
from evenhand.cli.bounty.terms import Waiting
from evenhand.cli.lines import say
from evenhand.cli.options import Printing


def service(
    folder: Path, file: Path, /, *, waiting: Waiting = Waiting(), output: Printing = Printing()
) -> int:
    """Let submissions name more services, which the host alone asks.

    Parameters
    ----------
    folder
        The bounty.
    file
        A TOML file with [[services]] as a trial has them, each with a name.
    """
    with waiting.opened(folder) as opened:
        register_services(opened, services_of(file), file.parent)
        known = tuple(sorted(opened.state.roster.services))
    if output.json:
        show_json(Services(services=known))
    else:
        say(f"Submissions may name: {', '.join(known)}.")
    return 0
