"""The last mile: what a customer who runs somebody else's service collects next."""

from evenhand.lastmile.planning import plan
from evenhand.lastmile.result import LabelPlan, PlannedCell, RuleOutcome, WorstPair

__all__ = ["LabelPlan", "PlannedCell", "RuleOutcome", "WorstPair", "plan"]
