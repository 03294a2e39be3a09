"""Differential effects: what a condition costs each group beyond what it costs the others.

The room is not called ``effects``, since `evenhand.effects` is the function.
"""

from evenhand.differential.effects import effects
from evenhand.differential.result import ConditionOverall, Effect, Effects, GroupEffect, Pair

__all__ = ["ConditionOverall", "Effect", "Effects", "GroupEffect", "Pair", "effects"]
