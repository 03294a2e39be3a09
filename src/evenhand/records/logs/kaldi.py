"""Kaldi: a data folder (`text`, `utt2spk`, `spk2gender` …), or one file of transcripts, ``utterance words`` a line."""

from collections.abc import Iterator
from pathlib import Path

from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_TEXT, _SPEAKERS = "text", "utt2spk"
#: Maps that say where data lie, which is nobody's attribute.
_PLACES = ("utt2num_frames",)


class _KaldiLog(RowLog):
    """A data folder, or one file of transcripts."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._strangers = 0

    def rows(self) -> Iterator[LogRow]:
        if self.path.is_file():
            for id_, text in _pairs(self.path):
                yield LogRow({"id": id_, "text": text}, {}, {}, len(text))
            return
        speakers = dict(_pairs(self.path / _SPEAKERS))
        of_utterances, of_speakers = self._maps("utt2"), self._maps("spk2")
        for id_, text in _pairs(self.path / _TEXT):
            speaker = speakers.get(id_)
            self._strangers += speaker is None
            about = {name: found[id_] for name, found in of_utterances.items() if id_ in found}
            about |= {name: found[speaker] for name, found in of_speakers.items() if speaker in found}  # fmt: skip
            yield LogRow({"id": id_, "speaker": speaker, "text": text}, {}, about, len(text) + 100)

    def _maps(self, prefix: str) -> dict[str, dict[str | None, str]]:
        """What the folder's maps of two columns say, by what they are called."""
        out: dict[str, dict[str | None, str]] = {}
        for path in sorted(self.path.glob(f"{prefix}*")):
            if path.name not in (_SPEAKERS, "spk2utt", *_PLACES) and path.is_file():
                out[path.name.removeprefix(prefix)] = dict(_pairs(path))
        return out

    def notes(self) -> Iterator[str]:
        if self._strangers:
            yield f"{plural(self._strangers, 'utterance')} of {_TEXT} without a speaker in {_SPEAKERS}."


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """First word of each line, and the rest."""
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            if line[0].isspace():
                raise InputError(
                    f"{path} line {number}: {line.strip()[:60]!r} does not begin with an utterance's id, as lines of "
                    "Kaldi do: utterance words"
                )
            id_, *rest = line.split(maxsplit=1)
            yield id_, "".join(rest).strip()


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.path.is_dir() and glimpse.names >= {_TEXT, _SPEAKERS}


READER = LogReader(name="kaldi", title="Kaldi transcripts", recognises=_recognises, open=_KaldiLog)
