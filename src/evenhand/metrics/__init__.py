"""Metrics: each maps a row to counts; its value is a function of their sums."""

from evenhand.metrics.catalogue import DEFINITIONS, FAMILIES, find_definition
from evenhand.metrics.definition import Argument, Definition, Example, Metric, MetricPlan, Takes
from evenhand.metrics.expression import parse_metric

__all__ = [
    "DEFINITIONS",
    "FAMILIES",
    "Argument",
    "Definition",
    "Example",
    "Metric",
    "MetricPlan",
    "Takes",
    "find_definition",
    "parse_metric",
]
