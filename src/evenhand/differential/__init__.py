"""Differential effects: what a condition costs each group beyond what it costs the others.

The room is not called ``effects``, since `evenhand.effects` is the function.
"""

from evenhand.differential.effects import effects
from evenhand.differential.report import Effects
from evenhand.differential.result import Effect, GroupEffect, Overall, Pair

__all__ = ["Effect", "Effects", "GroupEffect", "Overall", "Pair", "effects"]
