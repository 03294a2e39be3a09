"""Commands that a card tells, asked again of a table that somebody has: read by the parser, never by a shell."""

import contextlib
import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError

from evenhand.cards.given import KINDS
from evenhand.cli.options import Output
from evenhand.errors import InputError
from evenhand.pages.numbers import listed

#: Verbs that only read one table.
VERBS = ("audit", "effects", "slices")
#: Options that would read or write other files, or change what is answered.
_OTHERS = ("others", "compare")

_app = App(name="evenhand", help_flags=[], version_flags=[])
for _verb in VERBS:
    _app.command(f"evenhand.cli.{_verb}:{_verb}", name=_verb)


def ask_again(command: str, table: Path) -> Sequence[Any]:
    """What a command says of a table.

    The words go to the parser of the command line, which knows three verbs here; the table is the one given, and
    nothing else is read or written.

    Raises
    ------
    InputError
        Where the command is no such verb, or would read or write other files.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"its command cannot be read: {error}.") from error
    if len(words) < 3 or words[0] != "evenhand" or words[1] not in VERBS:
        raise InputError(f"only commands of {listed(VERBS)} are asked again.")
    try:
        verb, bound, _ = _app.parse_args(words[1:], print_error=False, exit_on_error=False)
    except CycloptsError as error:
        raise InputError(f"its command is not understood: {error}") from error
    except TypeError as error:
        raise InputError(f"its command is not understood: {error}") from error
    given = bound.arguments
    reading = given.get("reading")
    if any(given.get(name) for name in _OTHERS) or (reading is not None and reading.with_):
        raise InputError("its command reads or writes other files than the table.")
    output = given.get("output", Output())
    given["table"] = str(table)
    given["output"] = replace(
        output, json=True, html=None, figure=None, title=None, note=None, labels=None
    )
    for name, nothing in (("csv", False), ("cube", None)):
        if name in given:
            given[name] = nothing
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        verb(*bound.args, **bound.kwargs)
    found = json.loads(said.getvalue())
    by_schema = {kind.SCHEMA: kind for kind in KINDS.values()}
    answers = found if isinstance(found, list) else [found]
    return [by_schema[one["schema"]].from_dict(one) for one in answers]
