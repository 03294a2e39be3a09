"""A decision tree as a group: any of its paths."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.submission.values import finite
from evenhand.bounty.task.membership import AllOf, AnyOf, Formula, MembershipLiteral
from evenhand.bounty.task.task import Task

MAX_TREE_DEPTH = 12
#: Values of one condition of a tree.
MAX_AMONG = 20_000


def read_tree(given: Any, task: Task, depth: int) -> Formula:
    """A decision tree as "any of its paths"; each node asks about one feature.

    ``{"feature": name, "at_most": t, "yes": node, "no": node, "missing": "yes"|"no"}``, or
    ``"among": [texts]`` in place of ``at_most``; a leaf is true or false.
    """
    if isinstance(given, bool):
        return AllOf(()) if given else AnyOf(())
    if depth > MAX_TREE_DEPTH or not isinstance(given, dict):
        raise SubmissionError("wrong_group", f"a tree is at most {MAX_TREE_DEPTH} levels of nodes.")
    if not {"feature", "yes", "no"} <= set(given) <= {
        *("feature", "at_most", "among", "yes", "no", "missing")
    } or ("at_most" in given) == ("among" in given):
        raise SubmissionError(
            "wrong_group", "a node has feature, at_most or among, yes, no, missing."
        )
    column = task.index_of(str(given["feature"]))
    yes, no = _tests(given, column, task)
    if given.get("missing", "no") not in ("yes", "no"):
        raise SubmissionError("wrong_group", "missing is 'yes' or 'no'.")
    nothing = MembershipLiteral(column, "null")
    if given.get("missing", "no") == "yes":
        yes = AnyOf((yes, nothing))
    else:
        no = AnyOf((no, nothing))
    left, right = read_tree(given["yes"], task, depth + 1), read_tree(given["no"], task, depth + 1)
    return AnyOf((AllOf((yes, left)), AllOf((no, right))))


def _tests(given: Mapping[str, Any], column: int, task: Task) -> tuple[Formula, Formula]:
    feature = task.features[column]
    if "at_most" in given:
        if feature.kind == "text":
            raise SubmissionError("wrong_group", f"{feature.name!r} holds text: ask with 'among'.")
        bound = float(np.float32(finite(given["at_most"])))
        return MembershipLiteral(column, "<=", (bound,)), MembershipLiteral(column, ">", (bound,))
    among = given["among"]
    if not isinstance(among, list) or len(among) > MAX_AMONG:
        raise SubmissionError("wrong_group", f"among is a list of up to {MAX_AMONG:,} values.")
    listed = {text: float(place) for place, text in enumerate(feature.categories)}
    codes = tuple(sorted({code_of(column, value, task, listed) for value in among}))
    return MembershipLiteral(column, "in", codes), MembershipLiteral(column, "not in", codes)


def code_of(column: int, value: Any, task: Task, listed: Mapping[str, float]) -> float:
    """A value as the matrix holds it: a text by its place, a number as float32."""
    feature = task.features[column]
    if feature.kind != "text":
        return float(np.float32(finite(value)))
    if not isinstance(value, str) or value not in listed:
        raise SubmissionError("wrong_group", f"{feature.name!r} never holds {str(value)[:40]!r}.")
    return listed[value]
