"""What two audits of one name asked otherwise, and which of it leaves nothing to compare."""

import re
from collections.abc import Callable, Iterator

from evenhand.audits.result import Audit
from evenhand.cards.changes.result import TextChange
from evenhand.errors import InputError
from evenhand.metrics import find_definition
from evenhand.pages.numbers import listed
from evenhand.switching.services import is_given

#: What an audit may measure otherwise, and what that is called.
_ASKED: dict[str, Callable[[Audit], str]] = {
    "unit": lambda audit: audit.unit or "each row",
    "where": lambda audit: audit.settings.where or "all rows",
    "tolerance": lambda audit: f"{audit.settings.tolerance:g}",
    "weight": lambda audit: audit.weight or "none",
    "stratum": lambda audit: audit.stratum or "none",
    "judge": lambda audit: "none" if audit.judge is None else audit.judge.expression,
    "level": lambda audit: f"{audit.level:g}",
    "definition": lambda audit: audit.metric.definition,
    "expression": lambda audit: audit.metric.expression,
    "what is worse": lambda audit: "higher" if audit.metric.higher_is_worse else "lower",
    "missing values": lambda audit: listed([repr(one) for one in audit.settings.missing_values]),
}
#: Arguments that are what is measured, rather than a service's answer to it.
_QUANTITIES = frozenset({"value", "numerator", "denominator", "first", "second"})
#: The value of an argument: up to the comma that ends it.
_VALUE = r"""((?:'[^']*'|"[^"]*"|\[[^\]]*\]|\([^()]*\)|[^,()])*)"""


def asked_otherwise(name: str, before: Audit, after: Audit) -> Iterator[TextChange]:
    """What of a metric was asked otherwise."""
    for what, told in _ASKED.items():
        if told(before) == told(after):
            continue
        was, now = told(before), told(after)
        if what == "missing values":
            old, new = before.settings.missing_values, after.settings.missing_values
            was = listed([repr(one) for one in old if one not in new]) or "none that is gone"
            now = listed([repr(one) for one in new if one not in old]) or "none that is new"
        yield TextChange(place=f"{name}: {what}", before=was, after=now)


def counted_otherwise(before: Audit, after: Audit) -> bool:
    """Whether two audits of one question may have counted its rows otherwise."""
    counting = ("unit", "weight", "stratum", "judge", "missing values")
    return any(_ASKED[what](before) != _ASKED[what](after) for what in counting)


def incomparable(before: Audit, after: Audit) -> str | None:
    """Why values of two audits cannot be subtracted; `None` where they can."""
    if before.metric.higher_is_worse != after.metric.higher_is_worse:
        return "other_direction"
    if before.metric.name != after.metric.name:
        return "other_quantity"
    if before.metric.expression == after.metric.expression:
        return None
    if before.metric.definition != after.metric.definition:
        return "other_quantity"
    try:
        arguments = find_definition(after.metric.name).arguments
    except InputError:
        return "other_quantity"
    kept = [one.name for one in arguments if is_given(one) or one.name in _QUANTITIES]
    told = [[_argument(one.metric.expression, name) for name in kept] for one in (before, after)]
    return None if told[0] == told[1] else "other_quantity"


def _argument(expression: str, name: str) -> str | None:
    found = re.search(rf"[(,]\s*{re.escape(name)}={_VALUE}", expression)
    return found.group(1).strip() if found else None


def unpairable(before: Audit, after: Audit) -> str | None:
    """Why rows of two audits cannot be put beside themselves as the audits counted them; `None` where they can."""
    sides = (before, after)
    if any(one.weight for one in sides):
        return "not_paired_weight"
    if any(one.stratum for one in sides):
        return "not_paired_stratum"
    if any(one.judge is not None for one in sides):
        return "not_paired_judge"
    hidden = any(one.suppressed for side in sides for one in side.groups)
    if hidden or any(one.settings.suppress_below for one in sides):
        return "not_paired_hidden"
    return None
