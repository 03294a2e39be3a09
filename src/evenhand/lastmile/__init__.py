"""The last mile: what a customer who runs somebody else's service collects next."""

from evenhand.lastmile.coverage import Coverage, coverage
from evenhand.lastmile.next_labels import LabelDraw, next_labels
from evenhand.lastmile.planning import plan
from evenhand.lastmile.result import LabelPlan, PlannedCell, RuleOutcome, WorstPair

__all__ = [
    "Coverage",
    "LabelDraw",
    "LabelPlan",
    "PlannedCell",
    "RuleOutcome",
    "WorstPair",
    "coverage",
    "next_labels",
    "plan",
]
