"""The operators that a bounty runs, as `operators.toml` lists them, and the rule of each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evenhand.bounty.strangers import arrangements, elementwise, learned, products, reductions
from evenhand.bounty.strangers.graph import GraphNode
from evenhand.bounty.strangers.refusals import SubmissionError
from evenhand.bounty.strangers.tensor import Rule

_RULES = {
    **vars(arrangements),
    **vars(elementwise),
    **vars(learned),
    **vars(products),
    **vars(reductions),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator: its rule, and the operator sets whose form the rule reads."""

    rule: Rule
    since: int
    newest: int


@cache
def read_operators() -> Mapping[tuple[str, str], Operator]:
    """All operators by domain and name; the domain of ONNX itself has no name."""
    text = Path(__file__).with_name("operators.toml").read_text(encoding="utf-8")
    listed = tomllib.loads(text)
    return {
        ("" if domain == "ai.onnx" else domain, name): Operator(
            rule=_RULES[given["rule"]], since=given["since"], newest=newest
        )
        for domain, newest in listed["newest"].items()
        for name, given in listed[domain].items()
    }


def rule_of(node: GraphNode, versions: Mapping[str, int]) -> Rule:
    """The rule of a node, or a refusal where its operator set is not one that the rule reads.

    A file that names no version of a domain is read by the newest one that others know.
    """
    found = read_operators()[node.domain, node.operator]
    version = versions.get(node.domain, found.newest)
    if not found.since <= version <= found.newest:
        raise SubmissionError(
            "operator_not_allowed",
            f"the operator {node.operator!r} is of operator set {version}.  "
            f"Allowed: {found.since} to {found.newest}.",
        )
    return found.rule
