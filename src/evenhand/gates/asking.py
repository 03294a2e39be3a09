"""The command that shows all that a rule is about: every group, or every slice, with intervals."""

from typing import Any

from evenhand.audits import audit
from evenhand.gates.rules import Rule
from evenhand.metrics import find_definition
from evenhand.questions.command import write_command
from evenhand.results.origin import MetricNote
from evenhand.slicing import slices

#: Keys of a rule that are options of a command by the same name.
_SHARED = (
    "unit",
    "weight",
    "stratum",
    "where",
    "bins",
    "columns",
    "missing",
    "origin",
    "min_units",
)


def asking_again(rule: Rule, place: Any, metric: MetricNote | None) -> str | None:
    """Command that asks about the rows of a rule; `None` where they are no file, or nothing was measured.

    Parameters
    ----------
    rule : Rule
    place : any
        Its table, where it is a path.
    metric : MetricNote or None
        What was measured.
    """
    if not isinstance(place, str) or metric is None:
        return None
    given: dict[str, Any] = {"metric": rule.get("metric")}
    if rule.searches:
        given |= {"features": ",".join(rule.texts("features")) or None, "depth": rule.get("depth")}
    else:
        given["by"] = _by(rule)
    given |= {key: rule.get(key) for key in _SHARED}
    silent = find_definition(rule.metric_name).higher_is_worse is None
    if silent or "worse" in rule.given:
        given["worse"] = "higher" if metric.higher_is_worse else "lower"
    if rule.get("suppress_below"):
        given["suppress_below"] = rule.get("suppress_below")
    return write_command(slices if rule.searches else audit, place, given)


def _by(rule: Rule) -> list[str]:
    """The groups, under each condition where there is one."""
    by, condition = rule.get("by"), rule.get("condition")
    named = [by] if isinstance(by, str) else by or []
    texts = [one if isinstance(one, str) else ",".join(one) for one in named]
    return [text if condition is None else f"{text},{condition}" for text in texts]
