"""Groups of which hardly anyone is decided one way any more: a rule can be kept by deciding nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import GroupSet
from evenhand.errors import InputError, Note
from evenhand.metrics import Metric
from evenhand.pages.edition import PLAIN
from evenhand.pages.numbers import listed, plural
from evenhand.repairs.copied import MANY_COPIED
from evenhand.repairs.goals import RepairGoal
from evenhand.repairs.judge import GoalEvidence
from evenhand.repairs.rows import ConfusionMetric, DecidedLabel, RepairRows

Floats = npt.NDArray[np.float64]
#: Left of those who were decided so, or of all, below which they are hardly any.
#: (Half of those before is no such fall, however few they were.)
_LEFT_OF_BEFORE, _LEFT_OF_ALL = 0.1, 0.01
#: Rows decided so before, below which that none is left says nothing.
_LEAST = 5
#: Notes that are said before the answer: with them a rule that is kept is no success yet.
HARDLY_ANYONE, UNSEEN_GROUPS = "hardly_anyone", "unseen_groups"
FIRST = (MANY_COPIED, HARDLY_ANYONE, UNSEEN_GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtremeGroup:
    """A group of which hardly anyone is decided one way any more.

    Attributes
    ----------
    name : str
        What the group is called.
    positive : bool
        Which way.
    before, after : int
        Rows decided so.
    rows : int
        Rows that are decided.
    """

    name: str
    positive: bool
    before: int
    after: int
    rows: int


def extreme_groups(rows: RepairRows, decisions: Floats) -> Iterator[ExtremeGroup]:
    """Groups whose share of either decision falls under a tenth of what it was, or under 1 %; and rows in no group."""
    names = [PLAIN.group(cell.group, cell.predicate) for cell in rows.cells]
    for number, name in (*enumerate(names), (-1, "rows in no group")):
        own = (rows.group == number) & np.isfinite(rows.now) & np.isfinite(decisions)
        for positive in (True, False):
            before = int((rows.now[own] == positive).sum())
            after = int((decisions[own] == positive).sum())
            few = after < _LEFT_OF_BEFORE * before or after < _LEFT_OF_ALL * own.sum()
            if before >= _LEAST and after < before / 2 and few:
                yield ExtremeGroup(
                    name=name, positive=positive, before=before, after=after, rows=int(own.sum())
                )


def extreme_notes(found: Sequence[ExtremeGroup], label: DecidedLabel) -> Iterator[Note]:
    """Those groups in words."""
    for positive, value in ((True, label.positive), (False, label.negative)):
        told = [
            f"{one.name} {one.after:,} of {one.rows:,}, {one.before:,} before"
            for one in found
            if one.positive == positive
        ]
        if told:
            yield Note(
                code=HARDLY_ANYONE,
                text=f"Hardly anyone is decided {value!r} any more: {'; '.join(told)}.  Look at what is lost by it "
                "before this counts as a repair.",
            )


def unseen_notes(
    cells: Sequence[GroupSet], evidence: GoalEvidence, metric: Metric, rules: VerdictRules
) -> Iterator[Note]:
    """Groups of which the test saw too little to prove anything, by why.

    Parameters
    ----------
    cells : sequence of GroupSet
        All groups.
    evidence : GoalEvidence
        Of the held-out rows.
    metric : Metric
    rules : VerdictRules
        What an interval needs.
    """
    rates = {cell.predicate: one for cell, one in zip(evidence.cells, evidence.rates, strict=True)}
    of = f" of {rules.units_name}" if rules.units else ""
    noun, nouns = ("held-out unit" + of, "held-out units" + of) if of else ("held-out row", "")
    why: dict[str, list[str]] = {}
    for cell in cells:
        one = rates.get(cell.predicate)
        if one is not None and one.low is not None:
            continue
        told = (
            "no held-out row has a label"
            if one is None
            else f"no held-out row counts in {metric.name}"
            if one.value is None
            else f"{plural(one.n_units or 0, noun, nouns)} counted in {metric.name}, {rules.min_units} are needed"
            if (one.n_units or 0) < rules.min_units
            else "all held out are alike"
        )
        why.setdefault(told, []).append(PLAIN.group(cell.group, cell.predicate))
    if why:
        named = "; ".join(f"{listed(names)} ({told})" for told, names in why.items())
        yield Note(
            code=UNSEEN_GROUPS,
            text=f"Not proven for {named}: the test says nothing there.  Label more rows of them, or leave them out "
            "by --where and say so.",
        )


def check_two_sided(goal: RepairGoal, confusion: ConfusionMetric, metric: Metric) -> None:
    """Refuse to better, without a limit, what deciding nobody or everybody makes perfect or undefined.

    Raises
    ------
    InputError
        With what to ask for.
    """
    if goal.limit is not None:
        return
    # Thirty with the positive label and seventy without: all decided rightly, nobody positive, everybody.
    right, nobody, everybody = confusion.values(
        np.array([[30, 0, 0, 70], [0, 0, 30, 70], [30, 70, 0, 0]], float)
    )
    ways = {"nobody": nobody, "everybody": everybody}
    # The error rate takes a column of decisions, and no predicate.
    column = isinstance(metric.given.get("prediction"), str)
    both = "error_rate or balanced_accuracy" if column else "balanced_accuracy"
    for told, value in ways.items():
        if not np.isfinite(value) or abs(value - right) < 1e-12:
            how = "perfect" if np.isfinite(value) else "undefined"
            raise InputError(
                f"{metric.name} is {how} where {told} is decided positive, so without a limit the best repair would "
                "be to decide so.  Name a limit (--maximum, --minimum or --maximum-difference), or a metric that "
                f"counts errors of both kinds, such as {both}."
            )
