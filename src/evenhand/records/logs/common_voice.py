"""Common Voice: tables of clips, whose speakers said of themselves what they wished to."""

import csv
from collections.abc import Iterator

from evenhand.errors import InputError
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_SPEAKER, _TEXTS = "client_id", ("sentence", "transcription")
_CLIPS = ("path", "audio_file")
_OWN = ("sentence_id", "sentence", "transcription", "prompt", "prompt_id", "audio_id")
_COUNTS = ("up_votes", "down_votes", "votes", "duration_ms")


class _CommonVoiceLog(RowLog):
    """One table of clips."""

    def rows(self) -> Iterator[LogRow]:
        with open_text(self.path) as file:
            reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            names = next(reader)
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise InputError(
                    f"{self.path}: several columns are called {', '.join(twice)}.  Rename them."
                )
            clip = next(name for name in _CLIPS if name in names)
            for fields in reader:
                if not any(fields):
                    continue
                if len(fields) != len(names):
                    raise InputError(
                        f"{self.path} line {reader.line_num}: {len(fields)} fields, but the header has {len(names)}."
                    )
                found = {name: value for name, value in zip(names, fields, strict=True) if value}
                own = {"id": found.get(clip), _SPEAKER: found.get(_SPEAKER)}
                own |= {name: found[name] for name in _OWN if name in found}
                about = {
                    name: int(value) if name in _COUNTS and value.isdecimal() else value
                    for name, value in found.items()
                    if name not in (clip, _SPEAKER, *_OWN)
                }
                yield LogRow(own, {}, about, sum(map(len, fields)))

    def notes(self) -> Iterator[str]:
        yield "Speakers of Common Voice say of themselves what they wish: an empty age, gender or accent was not given."


def _recognises(glimpse: Glimpse) -> bool:
    names = glimpse.first_line.split("\t")
    return (
        _SPEAKER in names
        and any(name in names for name in _TEXTS)
        and any(name in names for name in _CLIPS)
    )


READER = LogReader(
    name="common-voice",
    title="Common Voice",
    recognises=_recognises,
    open=_CommonVoiceLog,
    unit=_SPEAKER,
    renamed=dict.fromkeys(_CLIPS, "id"),
)
