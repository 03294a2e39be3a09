"""No row on both sides: of the seal, of training and practice, and of what confirms and what was known before."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenhand.bounty.folder import Data
from evenhand.bounty.proof.ledger import Ledger
from evenhand.bounty.task.task import Labels, Task
from evenhand.bounty.task.twins import Twins, find_twins
from evenhand.errors import InputError
from evenhand.pages.numbers import plural


def check_fresh(task: Task, data: list[Data]) -> Twins:
    """Refuse rows that stand in two tables more often than independent draws would."""
    train, practice, sealed = data
    _refuse_copies(
        _twins(task, [("train", train)], practice),
        ("practice", "train table"),
        "A model that learnt a practice row is not tried by it, and its score there decides when it is tested.",
    )
    twins = _twins(task, [("train", train), ("practice", practice)], sealed)
    _refuse_copies(
        twins,
        ("sealed", "train or practice table"),
        "Whoever knows a sealed label needs no test.",
    )
    return twins


def check_confirming(known: Sequence[tuple[str, Data]], ledger: Ledger, fresh: Data) -> None:
    """Refuse rows that should confirm and were known before, or that would disclose what is still sealed.

    Features alone are compared: the labels of sealed blocks are not read for it.
    """
    before = [(name, _features(data)) for name, data in known]
    before += [
        (
            f"block {block + 1}",
            ledger.features(block) if fresh.asked is None else ledger.asked(block)[:, None],
        )
        for block in range(ledger.rules.blocks)
    ]
    twins = find_twins(
        [(name, rows, np.zeros(len(rows))) for name, rows in before],
        (_features(fresh), np.zeros(len(fresh.labels))),
    )
    _refuse_copies(
        twins,
        ("fresh", "bounty's own tables or blocks"),
        "Rows that somebody learnt from confirm nothing, and sealed ones would be disclosed.",
    )


def _features(data: Data) -> npt.NDArray[Any]:
    return data.matrix if data.asked is None else data.asked[:, None]


def _twins(task: Task, public: list[tuple[str, Data]], other: Data) -> Twins:
    """Copies: of whole rows, and of the first row of each unit in part, since units are drawn and not their rows."""
    tables = [*public, ("", other)]
    told = [(name, *_told(one)) for name, one in tables]
    whole = find_twins(told[:-1], told[-1][1:])
    if whole.excess:
        return whole
    firsts = [np.unique(one.unit_of, return_index=True)[1] for _, one in tables]
    parts = [
        (name, matrix[rows], labels[rows])
        for (name, matrix, labels), rows in zip(told, firsts, strict=True)
    ]
    names = [feature.name for feature in task.features] if other.asked is None else [str(task.asks)]
    part = find_twins(parts[:-1], parts[-1][1:], names)
    if not part.excess:
        return whole
    place = {name: rows for (name, _), rows in zip(tables, firsts, strict=True)}
    return replace(
        part,
        places=tuple(
            (name, int(place[name][row - 1]) + 1, int(place[""][mine - 1]) + 1)
            for name, row, mine in part.places
        ),
    )


def _refuse_copies(twins: Twins, between: tuple[str, str], why: str) -> None:
    if not twins.excess:
        return
    mine, others = between
    shown = "; ".join(f"{name} row {row} is {mine} row {own}" for name, row, own in twins.places)
    raise InputError(
        f"{plural(twins.rows, f'{mine} row')} {'stands' if twins.rows == 1 else 'stand'} in the {others} too"
        f"{f' (alike {twins.alike})' if twins.alike else ''}: "
        f"{twins.different:,} different ones, where independent draws would have about {twins.expected:,.0f} by "
        f"chance.  {shown}{', …' if twins.different > len(twins.places) else ''}.  "
        f"Take them out of one of the tables.  {why}"
    )


def _told(data: Data) -> tuple[npt.NDArray[Any], Labels]:
    """What tells a row: its features, or what services are asked, and its label."""
    return _features(data), data.labels
