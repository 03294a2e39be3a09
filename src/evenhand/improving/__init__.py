"""What to collect for training: where more data help a group, and where they no longer do."""

from evenhand.improving.improving import improve
from evenhand.improving.result import GroupOutlook, ImprovementPlan, TrainingRun

__all__ = ["GroupOutlook", "ImprovementPlan", "TrainingRun", "improve"]
