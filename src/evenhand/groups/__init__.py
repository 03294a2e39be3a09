"""The group language: predicates on attributes, and partitions of the records by them."""

from evenhand.groups.parser import parse_predicate
from evenhand.groups.partition import Attribute, Partition, parse_partitions
from evenhand.groups.predicate import (
    And,
    Between,
    ColumnComparison,
    In,
    IsNull,
    Not,
    Or,
    Predicate,
    Value,
    columns_of,
    equals,
    to_expression,
    to_text,
    where_clause,
)

__all__ = [
    "And",
    "Attribute",
    "Between",
    "ColumnComparison",
    "In",
    "IsNull",
    "Not",
    "Or",
    "Partition",
    "Predicate",
    "Value",
    "columns_of",
    "equals",
    "parse_partitions",
    "parse_predicate",
    "to_expression",
    "to_text",
    "where_clause",
]
