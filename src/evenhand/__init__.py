"""Evenhand finds whom an AI service fails, proves it, and lets the people outside help fix it.

Importing this package costs nothing: each name below is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.audits import Audit, audit, audit_metrics
    from evenhand.cubes import Cube
    from evenhand.metrics import DEFINITIONS, Definition
    from evenhand.metrics.laws import check_metric
    from evenhand.records import open_records
    from evenhand.slicing import Slices, slices, slices_of_cube

_HOMES = {
    "Audit": "evenhand.audits",
    "audit": "evenhand.audits",
    "audit_metrics": "evenhand.audits",
    "Cube": "evenhand.cubes",
    "DEFINITIONS": "evenhand.metrics",
    "Definition": "evenhand.metrics",
    "check_metric": "evenhand.metrics.laws",
    "open_records": "evenhand.records",
    "Slices": "evenhand.slicing",
    "slices": "evenhand.slicing",
    "slices_of_cube": "evenhand.slicing",
}
__version__ = "0.1.0"
__all__ = [
    "DEFINITIONS",
    "Audit",
    "Cube",
    "Definition",
    "Slices",
    "audit",
    "audit_metrics",
    "check_metric",
    "open_records",
    "slices",
    "slices_of_cube",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evenhand' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
