"""The last mile: what a customer who runs somebody else's service collects next."""

from evenhand.lastmile.coverage import Coverage, coverage
from evenhand.lastmile.planning import plan
from evenhand.lastmile.result import LabelPlan, PlannedCell, RuleOutcome, WorstPair

__all__ = ["Coverage", "LabelPlan", "PlannedCell", "RuleOutcome", "WorstPair", "coverage", "plan"]
