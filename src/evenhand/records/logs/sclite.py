"""sclite: alignments of transcripts as SGML (``-o sgml``) and as text (``-o pralign``).

Facts of version 2.10 (sctk 2.4.10): utterances that the hypothesis lacks are not scored and not named; `word_cnt`
counts aligned pairs, insertions too, so words are counted from the path; labels of STM are groups by their place;
pralign writes what is wrong in capitals, so only its counts are read.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.records.encodings import open_text
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.labels import LabelNames
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow

_TAG = re.compile(r"<(/?)(SYSTEM|SPEAKER|PATH|LABEL|CATEGORY)\b(.*)>\s*\Z")
_ATTRIBUTE = re.compile(r'(\w+)="([^"]*)"')
_STEP = re.compile(r'([CSDI]),("[^"]*")?(?:,("[^"]*")?([^:]*))?(?::|\Z)')
_SCORES = re.compile(r"Scores: \(#C #S #D #I\)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)")
_SPEAKER = re.compile(r"Speaker sentences\s+\d+:\s+(\S+)")
_DUMP = "DUMP OF SYSTEM ALIGNMENT STRUCTURE"


class _ScliteLog(RowLog):
    """One alignment of a reference and a hypothesis."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._written = False

    def rows(self) -> Iterator[LogRow]:
        self._written = _DUMP in Glimpse(self.path).text
        return self._of_text() if self._written else self._of_sgml()

    def _of_sgml(self) -> Iterator[LogRow]:
        names, speaker, about, steps = LabelNames(), "", dict[str, str](), list[str]()
        with open_text(self.path) as file:
            for number, line in enumerate(file, 1):
                tag = _TAG.match(line.strip())
                if tag is None:
                    steps.append(line.strip("\r\n"))
                    continue
                given = dict(_ATTRIBUTE.findall(tag[3]))
                if tag[2] in ("LABEL", "CATEGORY") and not tag[1]:
                    names.add(tag[2], given.get("id", ""), given.get("title", ""))
                elif tag[2] == "SPEAKER" and not tag[1]:
                    speaker = given.get("id", "")
                elif tag[2] == "PATH" and not tag[1]:
                    about, steps = given, []
                elif tag[2] == "PATH":
                    yield self._row(about, speaker, "".join(steps), names, number)

    def _row(
        self, about: dict[str, str], speaker: str, path: str, names: LabelNames, number: int
    ) -> LogRow:
        steps = [step for step in _STEP.finditer(path.strip()) if step[0]]
        if str(len(steps)) != about.get("word_cnt") or sum(len(s[0]) for s in steps) != len(path.strip()):  # fmt: skip
            raise InputError(
                f"{self.path} line {number}: the path of {about.get('id')} has {len(steps)} steps that can be read "
                f"and should have {about.get('word_cnt')}.  Write the file again (sclite -o sgml)."
            )
        counts = Counter(step[1] for step in steps)
        own: dict[str, Any] = {
            "id": about.get("id", "").strip("()"),
            "speaker": speaker,
            "outcome": "answered",
            "reference": _words(step[2] for step in steps),
            "hypothesis": _words(step[3] for step in steps),
        }
        for name, column in (("file", "file"), ("channel", "channel"), ("R_T1", "start"), ("R_T2", "end")):  # fmt: skip
            if name in about:
                own[column] = float(about[name]) if name.startswith("R_") else about[name]
        labels = names.columns(about["labels"]) if "labels" in about else {}
        return LogRow(own, _counted(counts), labels, len(path) + 100)

    def _of_text(self) -> Iterator[LogRow]:
        speaker = id_ = ""
        with open_text(self.path) as file:
            for line in file:
                if found := _SPEAKER.match(line):
                    speaker = found[1]
                elif line.startswith("id: "):
                    id_ = line[4:].strip().strip("()")
                elif found := _SCORES.match(line):
                    counts = dict(zip("CSDI", map(int, found.groups()), strict=True))
                    own = {"id": id_, "speaker": speaker, "outcome": "answered"}
                    yield LogRow(own, _counted(counts), {}, 200)

    def notes(self) -> Iterator[str]:
        yield (
            "sclite leaves out utterances that the hypothesis lacks, and does not say which: compare the number of "
            "rows with that of the reference."
        )
        if self._written:
            yield "pralign writes what is wrong in capitals, so its counts are read and its words are not."


def _words(found: Iterator[str | None]) -> str:
    return " ".join(html.unescape(word[1:-1]) for word in found if word and len(word) > 2)


def _counted(steps: Any) -> dict[str, int]:
    right, wrong, lost, new = (int(steps.get(step, 0)) for step in "CSDI")
    return {
        "words": right + wrong + lost,
        "errors": wrong + lost + new,
        "correct": right,
        "substitutions": wrong,
        "deletions": lost,
        "insertions": new,
    }


def _recognises(glimpse: Glimpse) -> bool:
    text = glimpse.text.lstrip()
    return (text.startswith("<SYSTEM ") and "hyp_fname=" in text[:2000]) or _DUMP in text[:2000]


READER = LogReader(name="sclite", title="sclite", recognises=_recognises, open=_ScliteLog)
