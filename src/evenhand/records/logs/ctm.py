"""CTM, what was heard in a recording: one line a word, with its time.  Joined to STM, segments get their words."""

import re
from collections.abc import Iterator

from evenhand.errors import InputError
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_TIME = r"(?:\d+\.?\d*|\.\d+)"
_LINE = re.compile(
    rf"(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<start>{_TIME})\s+(?P<seconds>{_TIME})\s+(?P<word>\S+)"
    rf"(?:\s+(?P<confidence>[+-]?{_TIME}(?:[eE][+-]?\d+)?|NA|-))?(?:\s.*)?\Z"
)
_ALTERNATIVES = re.compile(r"<ALT", re.IGNORECASE)


class _CtmLog(RowLog):
    """Words of recordings."""

    def rows(self) -> Iterator[LogRow]:
        with open_text(self.path) as file:
            for number, line in enumerate(file, 1):
                if not line.strip() or line.startswith(";;"):
                    continue
                found = _LINE.match(line.strip())
                if found is None or _ALTERNATIVES.match(found["word"]):
                    raise InputError(
                        f"{self.path} line {number}: {line.strip()[:60]!r} is no word of CTM: file channel start "
                        "seconds word confidence.  (Alternatives are not read: keep one.)"
                    )
                sure = found["confidence"]
                own = {
                    "id": f"{found['file']}-{found['channel']}",
                    "file": found["file"],
                    "channel": found["channel"],
                    "start": float(found["start"]),
                    "seconds": float(found["seconds"]),
                    "word": found["word"],
                    "confidence": None if sure in (None, "NA", "-") else float(sure),
                }
                yield LogRow(own, {}, {}, len(line))


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.is_lines(".ctm", _LINE)


READER = LogReader(name="ctm", title="CTM words", recognises=_recognises, open=_CtmLog)
