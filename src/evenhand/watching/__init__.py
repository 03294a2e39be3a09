"""Watching: rows as they come, an alarm when a group fares worse; however often one looks."""

from evenhand.watching.asking import tables_of, watch
from evenhand.watching.result import Watch, WatchAlarm, WatchedGroup

__all__ = ["Watch", "WatchAlarm", "WatchedGroup", "tables_of", "watch"]
