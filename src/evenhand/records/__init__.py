"""The record table: one row per evaluated example, wherever it lies."""

from evenhand.records.column_types import suggestions
from evenhand.records.connected import open_connection
from evenhand.records.contingency import count_columns, unfold_counts
from evenhand.records.dialect import dialect_of
from evenhand.records.engine import Engine, MappingEngine
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.engines.postgres import PostgresEngine
from evenhand.records.file_faults import lines_of
from evenhand.records.files import find_files, fingerprint, holds_counts
from evenhand.records.joining import join_files, join_records, joined_names
from evenhand.records.label_origin import ORIGINS, LabelOrigin, Origin
from evenhand.records.missing import MISSING_VALUES
from evenhand.records.schema import Column, Kind, check_key, find_column
from evenhand.records.table import Records, open_records, public_name

__all__ = [
    "MISSING_VALUES",
    "ORIGINS",
    "Column",
    "DuckDBEngine",
    "Engine",
    "Kind",
    "LabelOrigin",
    "MappingEngine",
    "Origin",
    "PostgresEngine",
    "Records",
    "check_key",
    "count_columns",
    "dialect_of",
    "find_column",
    "find_files",
    "fingerprint",
    "holds_counts",
    "join_files",
    "join_records",
    "joined_names",
    "lines_of",
    "open_connection",
    "open_records",
    "public_name",
    "suggestions",
    "unfold_counts",
]
