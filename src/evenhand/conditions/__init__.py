"""Conditions: circumstances applied to samples, seeded, their parameters in physical units."""

from evenhand.conditions.catalogue import DEFINITIONS, FAMILIES, find_definition, parse_condition
from evenhand.conditions.condition import (
    Condition,
    ConditionDefinition,
    Kind,
    Parameter,
    ParameterKind,
    Value,
)

__all__ = [
    "DEFINITIONS",
    "FAMILIES",
    "Condition",
    "ConditionDefinition",
    "Kind",
    "Parameter",
    "ParameterKind",
    "Value",
    "find_definition",
    "parse_condition",
]
