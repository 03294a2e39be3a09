"""Lines of the terminal: what is said as it is, and the command as it was typed.

Apart from `output`, so that a verb that only says something loads no question.
"""

import shlex
import shutil
import sys
from pathlib import Path

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


def ready(command: str) -> str:
    """A command as it can be pasted here: by the path of this program, where its name alone finds another or none.

    Examples
    --------
    >>> ready("evenhand doctor").endswith(" doctor")
    True
    """
    program, _, rest = command.partition(" ")
    found = shutil.which(program)
    started = Path(sys.argv[0])
    if started.name != program or (found and Path(found).resolve() == started.resolve()):
        return command
    return f"{shlex.quote(sys.argv[0])} {rest}"
