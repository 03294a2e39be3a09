"""Gates: rules that a release must keep, asked with bounds that all hold at once."""

from evenhand.gates.asserting import assert_even
from evenhand.gates.gate import check
from evenhand.gates.policy import read_policy
from evenhand.gates.result import Gate, RuleAnswer, RuleCheck

__all__ = ["Gate", "RuleAnswer", "RuleCheck", "assert_even", "check", "read_policy"]
