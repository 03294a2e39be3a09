"""Audits: estimates, gaps and verdicts about groups."""

from evenhand.audits.audit import audit, audit_metrics
from evenhand.audits.counting import count_cube, merge_cubes, update_cube
from evenhand.audits.cube_summary import CubeSummary
from evenhand.audits.disparities import conditional_demographic_disparity, equalized_odds
from evenhand.audits.judge import Judgement, judge
from evenhand.audits.result import Audit, Contrast, Gap, Group, Refused
from evenhand.comparisons.rules import VerdictRules
from evenhand.results.estimate import Estimate, Missing

__all__ = [
    "Audit",
    "Contrast",
    "CubeSummary",
    "Estimate",
    "Gap",
    "Group",
    "Judgement",
    "Missing",
    "Refused",
    "VerdictRules",
    "audit",
    "audit_metrics",
    "conditional_demographic_disparity",
    "count_cube",
    "equalized_odds",
    "judge",
    "merge_cubes",
    "update_cube",
]
