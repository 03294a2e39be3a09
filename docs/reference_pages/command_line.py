"""Every command's help, as a process prints it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from evenhand.cli import app
from reference_pages.page import page


def command_line_page() -> str:
    """Write the help text of every command."""
    parts = [
        "# Command line",
        (
            "Exit codes: `0` done · `1` a bounty's log does not prove its model, a rule is broken or proven not to be "
            "reached, or a card is not what it claims to be · `2` you must change something (the message "
            "says what) · `3` refused: no group could be given an interval, no slice is worse, a rule is open, "
            "nothing submitted was proven, or the ledger is spent · `130` interrupted."
        ),
        f"```text\n{help_text()}\n```",
    ]
    for name in commands():
        parts += [f"## evenhand {name}", f"```text\n{help_text(*name.split())}\n```"]
    return page(*parts)


def commands() -> list[str]:
    """All commands, sorted; those of a bounty and of a repair follow it."""
    out = []
    for name in sorted(name for name in app if not name.startswith("-")):
        inner = app[name] if name in ("bounty", "fix") else ()
        out += [name, *(f"{name} {verb}" for verb in inner if not verb.startswith("-"))]
    return out


def help_text(*command: str) -> str:
    """Return what ``evenhand COMMAND --help`` prints: 100 columns wide, no colour."""
    surroundings = {
        **os.environ,
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    printed = started([*command, "--help"], surroundings)
    return "\n".join(line.rstrip() for line in printed.strip("\n").splitlines())


def started(words: Sequence[str], surroundings: Mapping[str, str]) -> str:
    """Return what a command prints, as a process that loads the package anew."""
    command = [sys.executable, "-c", "from evenhand.cli import main; main()", *words]
    done = subprocess.run(
        command, env=surroundings, check=True, capture_output=True, encoding="utf-8"
    )
    return done.stdout
