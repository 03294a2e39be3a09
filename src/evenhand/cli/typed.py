"""The command as it was typed."""

import shlex
import sys

from evenhand.records import public_name


def written_command() -> str:
    """The command as it was typed, without passwords."""
    return shlex.join(["evenhand", *map(public_name, sys.argv[1:])])
