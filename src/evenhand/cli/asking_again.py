"""Commands that a card tells, asked again of a table that somebody has: read by the parser, never by a shell."""

import contextlib
import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from cyclopts import App, CycloptsError

from evenhand.cards.given import KINDS
from evenhand.cli.options import Output
from evenhand.errors import InputError
from evenhand.pages.numbers import listed

#: Verbs that only read one table.
VERBS = ("audit", "effects", "fix", "slices")
#: Options that would read other files, run programs, or change what is answered.
_OTHERS = ("others", "compare", "train", "condition")

_app = App(name="evenhand", help_flags=[], version_flags=[])
for _verb in VERBS:
    # Of fix only the command itself: what applies a repair writes.
    _app.command(f"evenhand.cli.{_verb}:{'mend' if _verb == 'fix' else _verb}", name=_verb)


def ask_again(command: str, table: Path, others: Sequence[Path] = ()) -> Sequence[Any]:
    """What a command says of a table.

    The words go to the parser of the command line, which knows four verbs here; the table is the one given, files
    that are joined to it are those of `others` with their names, and nothing else is read or written.

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
    if any(given.get(name) for name in _OTHERS):
        raise InputError("its command reads other files than the table, or runs programs.")
    if reading is not None and reading.with_:
        given["reading"] = replace(reading, with_=_joined(reading.with_, others))
    output = given.get("output", Output())
    given["table"] = str(table)
    given["output"] = replace(
        output, json=True, html=None, figure=None, title=None, note=None, labels=None
    )
    for name, nothing in (("csv", False), ("cube", None), ("keep", None)):
        if name in given:
            given[name] = nothing
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        verb(*bound.args, **bound.kwargs)
    found = json.loads(said.getvalue())
    by_schema = {kind.SCHEMA: kind for kind in KINDS.values()}
    answers = found if isinstance(found, list) else [found]
    return [by_schema[one["schema"]].from_dict(one) for one in answers]


def _joined(names: Sequence[str], others: Sequence[Path]) -> tuple[str, ...]:
    """Files at hand in place of those that a command joins."""
    there = {path.name: str(path) for path in others}
    lacking = [PurePath(name).name for name in names if PurePath(name).name not in there]
    if lacking:
        raise InputError(f"its command joins {listed(lacking)}: give that with --data, too.")
    return tuple(there[PurePath(name).name] for name in names)
