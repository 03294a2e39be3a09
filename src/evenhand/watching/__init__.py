"""Watching: rows as they come, an alarm when a group fares worse; however often one looks."""

from evenhand.watching.asking import tables_of, watch
from evenhand.watching.merging import merge_watches
from evenhand.watching.result import Watch, WatchAlarm, WatchedGroup

__all__ = ["Watch", "WatchAlarm", "WatchedGroup", "merge_watches", "tables_of", "watch"]
