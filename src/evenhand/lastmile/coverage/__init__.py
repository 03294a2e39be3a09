"""Coverage: which cells of groups and conditions a table tells of, and what is missing."""

from evenhand.lastmile.coverage.coverage import coverage
from evenhand.lastmile.coverage.result import Coverage, CoveredCell

__all__ = ["Coverage", "CoveredCell", "coverage"]
