"""Watching: rows as they come, an alarm when a group fares worse; however often one looks."""

from evenhand.watching.asking import tables_of, watch
from evenhand.watching.merging import merge_watches
from evenhand.watching.result import SettledAlarm, Watch, WatchAlarm, WatchedGroup
from evenhand.watching.settling import settle_watch
from evenhand.watching.taking import StreamPart

__all__ = [
    "SettledAlarm",
    "StreamPart",
    "Watch",
    "WatchAlarm",
    "WatchedGroup",
    "merge_watches",
    "settle_watch",
    "tables_of",
    "watch",
]
