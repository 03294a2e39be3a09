"""An assertion for tests: it says the sentence, not the number."""

from pathlib import Path
from typing import Any

from evenhand.errors import InputError, unknown_name
from evenhand.gates.gate import check
from evenhand.gates.keys import RULE
from evenhand.gates.result import Gate, decisive
from evenhand.pages.caveats import before_numbers
from evenhand.questions.question import By


def assert_even(
    table: Any,
    metric: str,
    by: By,
    *,
    level: float = 0.95,
    allow_insufficient: bool = False,
    **demands: Any,
) -> Gate:
    """Fail a test where groups are treated unevenly, or where nobody can tell.

    Parameters
    ----------
    table : str, Path or data frame
        As in `evenhand.audit`.
    metric, by
        As in `evenhand.audit`.
    level : float
        With this confidence neither the failure nor its absence is wrong.
    allow_insufficient : bool
        Whether a test may pass where the evidence is not enough.
    **demands
        Keys of a rule: `maximum`, `minimum`, `maximum_difference`, `maximum_ratio`, `minimum_ratio`, `not_worse_than`
        with `tolerance`, `unit`, `where`, `min_units`, `small_groups` and so on.

    Returns
    -------
    Gate

    Raises
    ------
    AssertionError
        With what is broken, or open, in a sentence a group.
    InputError
        For anything that must be changed first.

    Examples
    --------
    >>> import pyarrow as pa, evenhand
    >>> table = pa.table({"site": ["a"] * 400 + ["b"] * 400, "wrong": [0, 1] * 200 + [0, 1, 1, 1] * 100})
    >>> try:
    ...     evenhand.assert_even(table, "mean(wrong)", "site", maximum=0.6)
    ... except AssertionError as error:
    ...     print(error)
    mean of b is .750 (300 of 400), at least .705; at most .600 is allowed.
    """
    for name in demands:
        if name not in RULE:
            raise InputError(f"assert_even: {unknown_name('demand', name, list(RULE))}")
    rule = {"name": metric, "table": table, "metric": metric, "by": by, **demands}
    rule["table"] = str(Path(table)) if isinstance(table, Path) else table
    found = check({"level": level, "rule": [rule]})
    allowed = ("pass", "insufficient evidence") if allow_insufficient else ("pass",)
    if found.answer not in allowed:
        raise AssertionError(told(found))
    return found


def told(found: Gate) -> str:
    """What keeps a gate from passing, a sentence a line, and what must be known of its numbers."""
    lines = [
        check.sentence for rule in found.rules for check in decisive(found.answer, rule.checks)
    ]
    if found.answer == "insufficient evidence":
        lines = ["The evidence is not enough.", *lines]
    notes = before_numbers([note for rule in found.rules for note in rule.notes])
    return "\n".join([*(lines or ["There was nothing to judge."]), *notes])
