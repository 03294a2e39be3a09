"""STM, the reference of a recording: one line a segment, with its speaker, its time and labels.

Facts of sclite 2.10: ``IGNORE_TIME_SEGMENT_IN_SCORING`` and gaps between segments are not scored; labels are groups by
their place.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.labels import LabelNames
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow
from evenhand.records.logs.trn import has_alternatives, readings, told_alternatives

_TIME = r"(?:\d+\.?\d*|\.\d+)"
_LINE = re.compile(
    rf"(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<speaker>\S+)\s+(?P<start>{_TIME})\s+(?P<end>{_TIME})"
    r"(?:\s+(?P<labels><[^>]*>))?(?:\s+(?P<text>.*))?\Z"
)
_HEAD = re.compile(r';;\s*(LABEL|CATEGORY)\s+"([^"]*)"\s+"([^"]*)"')
_IGNORED, _GAP = "IGNORE_TIME_SEGMENT_IN_SCORING", "inter_segment_gap"


class _StmLog(RowLog):
    """Segments of recordings."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._ignored, self._alternatives = 0, False

    def rows(self) -> Iterator[LogRow]:
        self._alternatives = has_alternatives(self.path)
        names = LabelNames()
        with open_text(self.path) as file:
            for number, line in enumerate(file, 1):
                if head := _HEAD.match(line):
                    names.add(*head.groups())
                elif line.strip() and not line.startswith(";;"):
                    yield self._row(line.strip(), names, number)

    def _row(self, line: str, names: LabelNames, number: int) -> LogRow:
        found = _LINE.match(line)
        if found is None:
            raise InputError(
                f"{self.path} line {number}: {line[:60]!r} is no segment of STM: file channel speaker start end "
                "<labels> words"
            )
        text = (found["text"] or "").strip()
        ignored = text.casefold() == _IGNORED.casefold() or found["speaker"] == _GAP
        self._ignored += ignored
        made: Any = None if ignored else text
        if self._alternatives and not ignored:
            made = readings(text, f"{self.path} line {number}")
        own = {
            "id": f"{found['file']}-{found['channel']}-{found['start']}",
            "file": found["file"],
            "channel": found["channel"],
            "speaker": found["speaker"],
            "start": float(found["start"]),
            "end": float(found["end"]),
            "outcome": "ignored" if ignored else "answered",
            "text": made,
        }
        return LogRow(own, {}, names.columns(found["labels"]) if found["labels"] else {}, len(line))

    def notes(self) -> Iterator[str]:
        if self._ignored:
            yield f"{plural(self._ignored, 'segment')} to be ignored, as {self.path.name} says: without text here."
        if self._alternatives:
            yield told_alternatives(self.path)


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.is_lines(".stm", _LINE)


READER = LogReader(name="stm", title="STM segments", recognises=_recognises, open=_StmLog)
