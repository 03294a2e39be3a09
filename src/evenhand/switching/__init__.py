"""Switching: what taking one service in place of another would change for whom, on the same rows."""

from evenhand.switching.result import (
    ComparedService,
    EverybodySwitch,
    GroupSwitch,
    Switches,
    UnpairedRows,
)
from evenhand.switching.switches import compare, compare_records

__all__ = [
    "ComparedService",
    "EverybodySwitch",
    "GroupSwitch",
    "Switches",
    "UnpairedRows",
    "compare",
    "compare_records",
]
