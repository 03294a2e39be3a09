"""Audits: estimates, gaps and verdicts about groups."""

from evenhand.audits.audit import audit, audit_metrics
from evenhand.audits.disparities import conditional_demographic_disparity, equalized_odds
from evenhand.audits.judge import Judgement, judge
from evenhand.audits.report import Audit
from evenhand.audits.result import (
    Contrast,
    Estimate,
    Gap,
    Group,
    Missing,
    Refused,
)
from evenhand.audits.rules import Rules

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
