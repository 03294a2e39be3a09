"""Lines of the terminal: what is said as it is, and the command as it was typed.

Apart from `output`, so that a verb that only says something loads no question.
"""

import shlex
import sys

from rich.console import Console

from evenhand.records import public_name


def say(*lines: str) -> None:
    """Lines as they are: a group's text is never markup."""
    console = Console(highlight=False)
    for line in lines:
        console.print(line, markup=False)


def written_command() -> str:
    """The command as it was typed, without passwords."""
    return shlex.join(["evenhand", *map(public_name, sys.argv[1:])])
