"""Audits: estimates, gaps and verdicts about groups."""

from evenhand.audits.audit import audit, audit_metrics
from evenhand.audits.disparities import conditional_demographic_disparity, equalized_odds
from evenhand.audits.judge import Judgement, judge
from evenhand.audits.report import Audit
from evenhand.audits.result import Contrast, Gap, Group, Refused
from evenhand.comparisons.rules import Rules
from evenhand.results.estimate import Estimate, Missing

__all__ = [
    "Audit",
    "Contrast",
    "Estimate",
    "Gap",
    "Group",
    "Judgement",
    "Missing",
    "Refused",
    "Rules",
    "audit",
    "audit_metrics",
    "conditional_demographic_disparity",
    "equalized_odds",
    "judge",
]
