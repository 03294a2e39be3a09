"""Evenhand finds whom an AI service fails, proves it, and lets the people outside help fix it.

Importing this package costs nothing: each name below is loaded when it is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evenhand.audits import (
        Audit,
        audit,
        audit_metrics,
        conditional_demographic_disparity,
        count_cube,
        equalized_odds,
        merge_cubes,
        update_cube,
    )
    from evenhand.cards import Card, compare_cards, make_card
    from evenhand.conditions import Condition, parse_condition
    from evenhand.cubes import CellKeys, CountedRecords, Cube, read_cube, write_cube
    from evenhand.differential import Effects, effects
    from evenhand.gates import Gate, assert_even, check
    from evenhand.improving import ImprovementPlan, improve
    from evenhand.lastmile import Coverage, LabelPlan, coverage, next_labels, plan
    from evenhand.metrics import DEFINITIONS, Definition
    from evenhand.metrics.laws import check_metric
    from evenhand.metrics.speech.pairs import confusion_pairs
    from evenhand.overviews import Overview, look
    from evenhand.pages.edition import Edition
    from evenhand.pooling import Pooled, pool, share_cube
    from evenhand.questions.origins import with_origin
    from evenhand.records import (
        MISSING_VALUES,
        join_records,
        open_connection,
        open_records,
        unfold_counts,
    )
    from evenhand.repairs import RepairTrial, apply_repair, fix
    from evenhand.samples import Sample, read_audio, read_image
    from evenhand.slicing import Slices, slices, slices_of_cube
    from evenhand.switching import Switches, compare
    from evenhand.trials import Plan, Trial, make_plan, read_plan, run_trial
    from evenhand.watching import Watch, merge_watches, settle_watch, watch

_HOMES = {
    "Audit": "evenhand.audits",
    "audit": "evenhand.audits",
    "audit_metrics": "evenhand.audits",
    "conditional_demographic_disparity": "evenhand.audits",
    "equalized_odds": "evenhand.audits",
    "Card": "evenhand.cards",
    "compare_cards": "evenhand.cards",
    "make_card": "evenhand.cards",
    "Condition": "evenhand.conditions",
    "parse_condition": "evenhand.conditions",
    "count_cube": "evenhand.audits",
    "merge_cubes": "evenhand.audits",
    "next_labels": "evenhand.lastmile",
    "update_cube": "evenhand.audits",
    "CountedRecords": "evenhand.cubes",
    "CellKeys": "evenhand.cubes",
    "Cube": "evenhand.cubes",
    "read_cube": "evenhand.cubes",
    "write_cube": "evenhand.cubes",
    "Edition": "evenhand.pages.edition",
    "Effects": "evenhand.differential",
    "effects": "evenhand.differential",
    "Gate": "evenhand.gates",
    "assert_even": "evenhand.gates",
    "check": "evenhand.gates",
    "ImprovementPlan": "evenhand.improving",
    "improve": "evenhand.improving",
    "Pooled": "evenhand.pooling",
    "pool": "evenhand.pooling",
    "share_cube": "evenhand.pooling",
    "Coverage": "evenhand.lastmile",
    "LabelPlan": "evenhand.lastmile",
    "coverage": "evenhand.lastmile",
    "plan": "evenhand.lastmile",
    "DEFINITIONS": "evenhand.metrics",
    "Definition": "evenhand.metrics",
    "check_metric": "evenhand.metrics.laws",
    "confusion_pairs": "evenhand.metrics.speech.pairs",
    "Overview": "evenhand.overviews",
    "look": "evenhand.overviews",
    "MISSING_VALUES": "evenhand.records",
    "join_records": "evenhand.records",
    "open_connection": "evenhand.records",
    "open_records": "evenhand.records",
    "unfold_counts": "evenhand.records",
    "with_origin": "evenhand.questions.origins",
    "RepairTrial": "evenhand.repairs",
    "apply_repair": "evenhand.repairs",
    "fix": "evenhand.repairs",
    "Sample": "evenhand.samples",
    "read_audio": "evenhand.samples",
    "read_image": "evenhand.samples",
    "Slices": "evenhand.slicing",
    "slices": "evenhand.slicing",
    "slices_of_cube": "evenhand.slicing",
    "Switches": "evenhand.switching",
    "compare": "evenhand.switching",
    "Plan": "evenhand.trials",
    "Trial": "evenhand.trials",
    "make_plan": "evenhand.trials",
    "read_plan": "evenhand.trials",
    "run_trial": "evenhand.trials",
    "Watch": "evenhand.watching",
    "merge_watches": "evenhand.watching",
    "settle_watch": "evenhand.watching",
    "watch": "evenhand.watching",
}
__version__ = "0.1.0"
__all__ = [
    "DEFINITIONS",
    "MISSING_VALUES",
    "Audit",
    "Card",
    "CellKeys",
    "Condition",
    "CountedRecords",
    "Coverage",
    "Cube",
    "Definition",
    "Edition",
    "Effects",
    "Gate",
    "ImprovementPlan",
    "LabelPlan",
    "Overview",
    "Plan",
    "Pooled",
    "RepairTrial",
    "Sample",
    "Slices",
    "Switches",
    "Trial",
    "Watch",
    "apply_repair",
    "assert_even",
    "audit",
    "audit_metrics",
    "check",
    "check_metric",
    "compare",
    "compare_cards",
    "conditional_demographic_disparity",
    "confusion_pairs",
    "count_cube",
    "coverage",
    "effects",
    "equalized_odds",
    "fix",
    "improve",
    "join_records",
    "look",
    "make_card",
    "make_plan",
    "merge_cubes",
    "merge_watches",
    "next_labels",
    "open_connection",
    "open_records",
    "parse_condition",
    "plan",
    "pool",
    "read_audio",
    "read_cube",
    "read_image",
    "read_plan",
    "run_trial",
    "settle_watch",
    "share_cube",
    "slices",
    "slices_of_cube",
    "unfold_counts",
    "update_cube",
    "watch",
    "with_origin",
    "write_cube",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'evenhand' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
