"""Switches as comma-separated values: one row a group and service."""

import csv
import io
from dataclasses import fields

from evenhand.audits.csv import ESTIMATE
from evenhand.differential.result import Effect
from evenhand.pages.spreadsheet import inert_cell
from evenhand.switching.result import Switches

_EFFECT = tuple(field.name for field in fields(Effect))


def render_csv(found: Switches) -> str:
    """Rows of all groups under all services; numbers that cannot be given are empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    change = [f"change_{name}" for name in _EFFECT]
    gap_change = [f"gap_change_{name}" for name in _EFFECT]
    writer.writerow(
        [
            *("by", "group", "predicate", "service"),
            *ESTIMATE,
            *change,
            *("verdict", "gap"),
            *gap_change,
            *("gap_verdict", "tolerance"),
        ]
    )
    for one in found.groups:
        names = [",".join(one.by), one.label, one.predicate, one.service]
        told = [getattr(one.estimate, name) for name in ESTIMATE]
        changes = [
            [getattr(effect, name) if effect else None for name in _EFFECT]
            for effect in (one.change, one.gap_change)
        ]
        writer.writerow(
            [
                *map(inert_cell, names),
                *told,
                *changes[0],
                *(one.verdict, one.gap),
                *changes[1],
                *(one.gap_verdict, found.settings.tolerance),
            ]
        )
    return out.getvalue()
