"""NeMo: manifests of JSON lines, with what was heard as `pred_text` where a recogniser ran."""

from collections.abc import Iterator
from typing import Any

from evenhand.errors import InputError
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import lines, parsed
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow, flattened

_AUDIO, _OWN = "audio_filepath", ("text", "pred_text", "duration", "offset")


class _NemoLog(RowLog):
    """One manifest."""

    def rows(self) -> Iterator[LogRow]:
        for number, line in lines(self.path):
            found = parsed(line, f"{self.path} line {number}")
            if not isinstance(found, dict) or _AUDIO not in found:
                raise InputError(
                    f"{self.path} line {number} lacks {_AUDIO}, so it is no entry of a NeMo manifest."
                )
            part = f"#{_plain(found['offset'])}" if found.get("offset") else ""
            own = {"id": f"{found[_AUDIO]}{part}"} | {n: found[n] for n in _OWN if n in found}
            about = {name: v for name, v in found.items() if name not in (_AUDIO, *_OWN)}
            yield LogRow(own, {}, flattened(about), len(line))


def _plain(offset: Any) -> str:
    """A time as it is written, without digits that say nothing."""
    return f"{offset:.15g}" if isinstance(offset, int | float) else str(offset)


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.has(_AUDIO, "duration") and (glimpse.has("text") or glimpse.has("pred_text"))


READER = LogReader(name="nemo", title="NeMo", recognises=_recognises, open=_NemoLog)
