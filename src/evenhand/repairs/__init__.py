"""Repairs: decisions mended for the groups that they fail, proven on held-out rows, with everyone who pays named."""

from evenhand.repairs.apply import AppliedRepair, apply_repair
from evenhand.repairs.fix import fix
from evenhand.repairs.result import RepairTrial

__all__ = ["AppliedRepair", "RepairTrial", "apply_repair", "fix"]
