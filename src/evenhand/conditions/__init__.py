"""Conditions: circumstances applied to samples, seeded, their parameters in physical units."""

from evenhand.conditions.catalogue import DEFINITIONS, FAMILIES, find_definition, parse_condition
from evenhand.conditions.condition import Condition, Definition, Kind, Parameter, Takes, Value

__all__ = [
    "DEFINITIONS",
    "FAMILIES",
    "Condition",
    "Definition",
    "Kind",
    "Parameter",
    "Takes",
    "Value",
    "find_definition",
    "parse_condition",
]
