"""Conditions: circumstances applied to samples, seeded, their parameters in physical units."""

from evenhand.conditions.condition import Condition, Definition, Kind, Parameter, Takes, Value
from evenhand.conditions.expression import read_condition

__all__ = ["Condition", "Definition", "Kind", "Parameter", "Takes", "Value", "read_condition"]
