"""``evenhand card export``: a card in the formats of others."""

import sys
from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenhand.cards.exporters.catalogue import FORMATS, ExportOptions, export_card, left_out
from evenhand.cards.exporters.local_law_144 import LawfulColumns
from evenhand.cards.verification import read_sealed
from evenhand.cli.kinds import Flag
from evenhand.cli.lines import say
from evenhand.errors import InputError
from evenhand.pages.numbers import listed
from evenhand.records.output import check_outputs, write_text

_LISTED = "; ".join(f"{name} ({one.about})" for name, one in FORMATS.items())


def export(
    card: Path,
    /,
    *,
    to: Annotated[str, Parameter(help=f"Format: {_LISTED}.")],
    out: Path | None = None,
    force: Flag = False,
    table: str | None = None,
    benchmark: str | None = None,
    sex: str | None = None,
    race: str | None = None,
    audited: str | None = None,
    distributed: str | None = None,
) -> int:
    """Write a card in a format of others; nothing is computed, and what is hidden stays so.

    Parameters
    ----------
    card
        The card's JSON.
    out
        Write to this file; else it is printed.
    force
        Replace a file that this program did not make.
    table
        For croissant: the table that is described, where the card rests on several.
    benchmark
        For eval-results: the benchmark, as cais/hle/default.
    sex
        For local-law-144: the attribute that is sex, where it is not called so.
    race
        For local-law-144: the attribute that is race or ethnicity, where it is not called so.
    audited
        For local-law-144: the day of the bias audit, as 2026-11-29.
    distributed
        For local-law-144: the day on which the tool was first used.
    """
    check_outputs([("--out", out)], [card], force=force)
    found = read_sealed(card)
    for option, given, form in (
        ("--table", table, "croissant"),
        ("--benchmark", benchmark, "eval-results"),
        ("--sex", sex, "local-law-144"),
        ("--race", race, "local-law-144"),
        ("--audited", audited, "local-law-144"),
        ("--distributed", distributed, "local-law-144"),
    ):
        if given is not None and to in FORMATS and to != form:
            raise InputError(f"{option} is for --to {form}, and this is {to}.  Leave it out.")
    options = ExportOptions(
        table=table or "",
        benchmark=benchmark or "",
        law=LawfulColumns(
            sex=sex or "",
            race=race or "",
            audited=_day("--audited", audited),
            distributed=_day("--distributed", distributed),
        ),
    )
    text = export_card(found, to, options)
    if lacking := left_out(found, to):
        print(
            f"{to} has no place for the numbers of {listed(lacking)}: they are not in it.",
            file=sys.stderr,
        )
    if out is None:
        print(text, end="" if text.endswith("\n") else "\n")
    else:
        write_text(out, text if text.endswith("\n") else text + "\n")
        say(f"{to}: {out}")
    return 0


def _day(option: str, given: str | None) -> str:
    """A day as the law's tables tell it."""
    try:
        return date.fromisoformat(given).isoformat() if given else ""
    except ValueError as error:
        raise InputError(f"{option} is {given!r}, but must be a day as 2026-11-29.") from error
