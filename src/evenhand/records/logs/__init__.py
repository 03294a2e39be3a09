"""What other tools write, read as tables: one file a tool."""

from evenhand.records.logs.catalogue import reader_called, reader_names, reader_of
from evenhand.records.logs.finding import find_logs
from evenhand.records.logs.loading import LoadedLogs, load_logs
from evenhand.records.logs.reader import LogReader, OwnNumber, RowLog, TableLog
from evenhand.records.logs.row import LogRow
from evenhand.records.logs.spool import LogPart

__all__ = [
    "LoadedLogs",
    "LogPart",
    "LogReader",
    "LogRow",
    "OwnNumber",
    "RowLog",
    "TableLog",
    "find_logs",
    "load_logs",
    "reader_called",
    "reader_names",
    "reader_of",
]
