"""What changed in a group: the answers it gets, or who it is made of."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from evenhand.watching.reading import ScoredRows
from evenhand.watching.result import Diagnosis, WatchPart

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: Cells told.
SHOWN = 6


def diagnose(
    rows: ScoredRows,
    members: Bools,
    since: Bools,
    names: Sequence[str],
    others: Sequence[int],
    *,
    higher_is_worse: bool,
    against: Literal["before", "others"] = "before",
    this_run: bool = False,
) -> Diagnosis | None:
    """Decompose the change of a group's rate by another attribute, the one whose cell explains most.

    Parameters
    ----------
    rows : ScoredRows
    members : array of bool
        Rows of the group.
    since : array of bool
        Rows since the change.
    names : sequence of str
        Names of the attributes.
    others : sequence of int
        Attributes that do not make the group.
    higher_is_worse : bool
    against : {'before', 'others'}
        What the rows of `members` that are not `since` are.
    this_run : bool
        Whether the rows are those of this run only.

    Notes
    -----
    With shares p and rates r of the cells, the change is ``sum (r1 - r0)(p0 + p1)/2``, the answers, and
    ``sum (p1 - p0)(r0 + r1)/2``, the case mix: Kitagawa (1955), doi:10.1080/01621459.1955.10501299.  A cell without
    rows in one period has no rate there: its part is case mix.
    """
    found = [_by(rows, members, since, names[place], place) for place in others]
    sign = 1 if higher_is_worse else -1
    told = [one for one in found if one is not None and len(one[1]) > 1]
    if not told:
        return None
    best = max(told, key=lambda one: max(sign * part.effect for part in one[1]))
    name, parts, answers, mix = best
    # A share that shrinks tells of others that grow: those are named first.
    ordered = sorted(parts, key=lambda part: -sign * (part.effect if _grew(part) else part.answers))
    return Diagnosis(
        against=against,
        by=name,
        change=answers + mix,
        answers=answers,
        case_mix=mix,
        this_run=this_run,
        parts=tuple(ordered[:SHOWN]),
    )


def _grew(part: WatchPart) -> bool:
    return part.share_since > part.share_before


def _by(
    rows: ScoredRows, members: Bools, since: Bools, name: str, place: int
) -> tuple[str, list[WatchPart], float, float] | None:
    values, codes = rows.values[place], rows.codes[place]
    before, after = members & ~since, members & since
    size = len(values)
    sums = [
        np.bincount(codes[chosen], column[chosen], size)
        for chosen in (before, after)
        for column in (rows.a, rows.b)
    ]
    a0, b0, a1, b1 = sums
    if not b0.sum() or not b1.sum():
        return None
    share0, share1 = b0 / b0.sum(), b1 / b1.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        rate0, rate1 = a0 / b0, a1 / b1
    first = np.where(b0 > 0, rate0, np.nan_to_num(rate1))
    then = np.where(b1 > 0, rate1, np.nan_to_num(rate0))
    answers = (then - first) * (share0 + share1) / 2
    usual = (a0.sum() / b0.sum() + a1.sum() / b1.sum()) / 2
    mix = (share1 - share0) * ((first + then) / 2 - usual)
    n_rows = np.bincount(codes[after], minlength=size)
    parts = [
        WatchPart(
            group={name: "missing" if value is None else value},
            rows=int(n_rows[i]),
            before=float(rate0[i]) if b0[i] else None,
            since=float(rate1[i]) if b1[i] else None,
            share_before=float(share0[i]),
            share_since=float(share1[i]),
            answers=float(answers[i]),
            effect=float(answers[i] + mix[i]),
        )
        for i, value in enumerate(values)
        if b0[i] or b1[i]
    ]
    return name, parts, float(answers.sum()), float(mix.sum())
