"""Transcripts that a service wrote into a file each: Amazon Transcribe, and Whisper as three programs write it.

The row's `id` is the file's name without its ending, by which a manifest's rows are joined to it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.records.encodings import open_bytes
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import parsed
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_SOUND = re.compile(
    r"\.(wav|mp3|mp4|m4a|flac|ogg|oga|opus|webm|amr|aac|wma|aiff?|mpga|mpeg|mkv|mov)\Z",
    re.IGNORECASE,
)


class _TranscriptFile(RowLog):
    """One file."""

    def rows(self) -> Iterator[LogRow]:
        with open_bytes(self.path) as file:
            text = file.read()
        found = parsed(text, str(self.path))
        own = {"id": _id(self.path), "file": self.path.name, "outcome": "answered"}
        if not isinstance(found, dict):
            raise InputError(f"{self.path} is no JSON object, so it is no transcript.")
        read = _of_transcribe(found) or _of_whisper_cpp(found) or _of_whisper(found)
        if read is None:
            raise InputError(
                f"{self.path} is no transcript that is known: Amazon Transcribe, openai-whisper, faster-whisper or "
                "whisper.cpp write one."
            )
        yield LogRow(own | read, {}, {}, len(text))


def _id(path: Path) -> str:
    """A file's name without the endings that programs give it: ``.json``, and that of the sound before it."""
    name = path.name.removesuffix(".json")
    return _SOUND.sub("", name)


def _structures(found: Any) -> list[Mapping[str, Any]]:
    """The structures of a list; what is none says nothing."""
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _of_transcribe(found: Mapping[str, Any]) -> dict[str, Any] | None:
    results = found.get("results")
    if not isinstance(results, dict) or "transcripts" not in results:
        return None
    texts = [str(part.get("transcript") or "") for part in _structures(results["transcripts"])]
    own: dict[str, Any] = {"text": " ".join(texts), "job": found.get("jobName")}
    if results.get("language_code"):
        own["language"] = results["language_code"]
    sure = [
        float(best["confidence"])
        for item in _structures(results.get("items"))
        if item.get("type") == "pronunciation"
        for best in _structures(item.get("alternatives"))[:1]
        if best.get("confidence") is not None
    ]
    if sure:
        own["confidence"] = sum(sure) / len(sure)
    if str(found.get("status", "COMPLETED")) != "COMPLETED":
        own["outcome"] = "errored"
    return own


def _of_whisper_cpp(found: Mapping[str, Any]) -> dict[str, Any] | None:
    parts = found.get("transcription")
    if not isinstance(parts, list):
        return None
    text = "".join(str(part.get("text") or "") for part in _structures(parts)).strip()
    return {"text": text, "language": (found.get("result") or {}).get("language")}


def _of_whisper(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """openai-whisper, faster-whisper and servers with ``verbose_json``."""
    parts = found.get("segments")
    if not isinstance(parts, list):
        return None
    text = found.get("text")
    if text is None:
        text = "".join(str(part.get("text") or "") for part in _structures(parts))
    own: dict[str, Any] = {"text": str(text).strip(), "language": found.get("language")}
    for name, choose in (("avg_logprob", min), ("no_speech_prob", max), ("compression_ratio", max)):
        values = [
            part[name] for part in _structures(parts) if isinstance(part.get(name), int | float)
        ]
        if values:
            own[name] = float(choose(values))
    return own


def _of_amazon(glimpse: Glimpse) -> bool:
    results = glimpse.json.get("results") if isinstance(glimpse.json, dict) else None
    return isinstance(results, dict) and "transcripts" in results


def _of_whispers(glimpse: Glimpse) -> bool:
    return (glimpse.has("segments") and (glimpse.has("text") or glimpse.has("language"))) or (
        glimpse.has("transcription") and (glimpse.has("result") or glimpse.has("systeminfo"))
    )


READERS = (
    LogReader(
        name="transcribe", title="Amazon Transcribe", recognises=_of_amazon, open=_TranscriptFile
    ),
    LogReader(name="whisper", title="Whisper", recognises=_of_whispers, open=_TranscriptFile),
)
