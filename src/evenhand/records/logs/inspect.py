"""inspect_ai: archives (``.eval``) and JSON documents of samples, each in several epochs.

Facts of version 0.3.285: members are packed by Zstandard and named by ids that are not escaped, so `id` and `epoch` are
read inside; a sample that was errored has no score and its epoch leaves the mean; a limit is scored all the same;
`Score.unscored` is NaN; `reductions` hold letters or numbers by reducer and are not read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from evenhand.errors import InputError
from evenhand.records.logs.archive import Archive, opened_archive
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import elements, members, parsed
from evenhand.records.logs.reader import LogReader, OwnNumber, RowLog
from evenhand.records.logs.row import LogRow, flattened, plain_text

#: What inspect's `value_to_float` makes of texts.
_LETTERS = {"C": 1, "P": 0.5, "I": 0, "N": 0, "yes": 1, "true": 1, "no": 0, "false": 0}
_HEADER, _START, _SAMPLES = "header.json", "_journal/start.json", "samples/"
#: Versions of the format that are known.
_VERSIONS = (1, 2, 3)
#: Numbers that are means of the scores, as inspect calls them.
_MEANS = ("accuracy", "mean")


class _Score(Struct):
    value: Any = None
    answer: Any = None


class _Failure(Struct):
    message: str = ""


class _Limit(Struct):
    type: str = ""


class _ModelOutput(Struct):
    completion: str | None = None


class _InspectSample(Struct):
    """What is read of a sample; its messages and events are passed over."""

    id: str | int
    epoch: int = 1
    input: Any = None
    target: Any = None
    output: _ModelOutput | None = None
    scores: dict[str, _Score] | None = None
    metadata: dict[str, Any] | None = None
    error: _Failure | None = None
    limit: _Limit | None = None
    total_time: float | None = None


class _InspectLog(RowLog):
    """One run of one task."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._header = dict[str, Any]()
        self._count = 0

    def rows(self) -> Iterator[LogRow]:
        if self.path.name.lower().endswith((".json", ".json.gz")):
            self._header = members(self.path, until="samples")
            self._check()
            for sample, size in elements(self.path, "samples", type_=_InspectSample):
                yield self._row(sample, size)
            return
        with opened_archive(self.path) as archive:
            self._header = self._read_header(archive)
            self._check()
            for name in archive.names:
                if name.startswith(_SAMPLES) and name.endswith(".json"):
                    text = archive.read(name)
                    where = f"{self.path}, member {name!r}"
                    yield self._row(parsed(text, where, _InspectSample), len(text))

    def _read_header(self, archive: Archive) -> dict[str, Any]:
        name = next((n for n in (_HEADER, _START) if n in archive.names), None)
        if name is None:
            raise InputError(
                f"{self.path} lacks its member {_HEADER!r}, so it is no whole log of inspect.  Copy it again."
            )
        header = parsed(archive.read(name), f"{self.path}, member {name!r}")
        if not isinstance(header, dict):
            raise InputError(f"{self.path}: its member {name!r} is no JSON object.")
        return header

    def _check(self) -> None:
        version = self._header.get("version")
        if version is not None and version not in _VERSIONS:
            raise InputError(
                f"{self.path} is a log of format {version!r}; those of inspect up to format {_VERSIONS[-1]} are known "
                f"here.  Convert it (inspect log convert), or ask for a newer Evenhand."
            )

    @property
    def _task(self) -> Mapping[str, Any]:
        found = self._header.get("eval")
        return found if isinstance(found, dict) else {}

    def _row(self, sample: "_InspectSample", size: int) -> LogRow:
        self._count += 1
        scores = dict[str, Any]()
        own: dict[str, Any] = {
            "id": str(sample.id),
            "epoch": sample.epoch,
            "outcome": "answered",
            "task": self._task.get("task"),
            "model": self._task.get("model"),
        }
        for scorer, score in (sample.scores or {}).items():
            scores |= _values(scorer, score.value)
            if score.answer is not None:
                own[f"{scorer}_answer"] = plain_text(score.answer)
        if sample.error is not None:
            own |= {"outcome": "errored", "error": sample.error.message[:500]}
        elif sample.limit is not None:
            own |= {"outcome": "limited", "limit": sample.limit.type}
        elif all(v is None or v != v for v in scores.values()):  # noqa: PLR0124 - NaN is not itself
            own["outcome"] = "unscored"
        own |= {
            "input": _said(sample.input),
            "target": plain_text(sample.target),
            "output": None if sample.output is None else sample.output.completion,
            "total_time": sample.total_time,
        }
        return LogRow(own, scores, flattened(sample.metadata), size)

    def own_numbers(self) -> Iterator[OwnNumber]:
        for score in (self._header.get("results") or {}).get("scores") or ():
            scorer, name = str(score.get("scorer", "")), str(score.get("name", ""))
            column = scorer if name == scorer else f"{scorer}_{name}"
            reducer = score.get("reducer") or "mean"
            for metric in (score.get("metrics") or {}).values():
                if metric.get("name") not in _MEANS or not isinstance(metric.get("value"), float | int):  # fmt: skip
                    continue
                why = (
                    "it takes the mean of each sample over its epochs first, so an epoch without a score leaves the "
                    "mean and the others of its sample weigh more"
                    if reducer == "mean"
                    else f"it reduces the epochs of each sample by {reducer!r} first"
                )
                yield OwnNumber(column, metric["name"], float(metric["value"]), why)

    def notes(self) -> Iterator[str]:
        status = self._header.get("status")
        asked = (self._task.get("dataset") or {}).get("samples")
        epochs = (self._task.get("config") or {}).get("epochs") or 1
        if status not in (None, "success"):
            planned = f" of {asked * epochs:,} planned" if isinstance(asked, int) else ""
            yield (
                f"The run of {self.path.name} did not end ({status}): {self._count:,} answers{planned} are there.  "
                "What came last is missing, so groups that came last are."
            )
        if self._header.get("invalidated"):
            yield f"{self.path.name} was invalidated by its owner: inspect does not count it."


def _values(scorer: str, value: Any) -> dict[str, Any]:
    """One score, or one a key of a structure."""
    if isinstance(value, dict):
        return {f"{scorer}_{key}": _number(part) for key, part in value.items()}
    return {scorer: _number(value)}


def _number(value: Any) -> Any:
    """Truth as a number, lists as text."""
    if isinstance(value, bool):
        return float(value)
    return plain_text(value) if isinstance(value, list | dict) else value


def _said(messages: Any) -> str | None:
    """The texts of an input, which may be a conversation."""
    if not isinstance(messages, list):
        return plain_text(messages)
    parts = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else message
        if isinstance(content, list):
            content = "\n".join(str(part.get("text", f"({part.get('type')})")) for part in content)
        parts.append(str(content))
    return "\n".join(parts)


def _recognises(glimpse: Glimpse) -> bool:
    if glimpse.start.startswith(b"PK\3\4"):
        return bool(glimpse.names & {_HEADER, _START, "summaries.json"})
    return glimpse.has("version", "eval") and isinstance(glimpse.json["eval"], dict)


READER = LogReader(
    name="inspect",
    title="inspect_ai",
    recognises=_recognises,
    open=_InspectLog,
    letters=_LETTERS,
    choice=("model",),
)
