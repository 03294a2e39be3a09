"""Every Eval Ever: JSON lines of its schema of instances (0.3.0), one for each sample and evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from evenhand.errors import InputError
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import lines, parsed
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow, flattened, plain_text

_FIELDS = ("sample_id", "evaluation", "evaluation_name")


class _EveryEvalEverLog(RowLog):
    """Instances of one or several evaluations."""

    def rows(self) -> Iterator[LogRow]:
        for number, line in lines(self.path):
            found = parsed(line, f"{self.path} line {number}")
            if not isinstance(found, dict) or not all(field in found for field in _FIELDS):
                raise InputError(
                    f"{self.path} line {number} lacks one of {', '.join(_FIELDS)}, so it is no instance of Every Eval "
                    "Ever."
                )
            yield _row(found, len(line))


def _row(found: Mapping[str, Any], size: int) -> LogRow:
    given, answered = found.get("input") or {}, found.get("output") or {}
    judged = found["evaluation"] or {}
    error = found.get("error")
    scored = judged.get("score") is not None
    own = {
        "id": str(found["sample_id"]),
        "outcome": "errored" if error else "answered" if scored else "unscored",
        "evaluation": found.get("evaluation_result_id") or found["evaluation_name"],
        "model": found.get("model_id"),
        "task": found["evaluation_name"],
        "input": plain_text(given.get("raw")),
        "target": plain_text(given.get("reference")),
        "output": plain_text(answered.get("raw")),
    }
    if error:
        own["error"] = str(error)[:500]
    right = judged.get("is_correct")
    scores = {"score": judged.get("score"), "is_correct": None if right is None else int(right)}
    return LogRow(own, {} if error else scores, flattened(found.get("metadata")), size)


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.has(*_FIELDS) and isinstance(glimpse.json["evaluation"], dict)


READER = LogReader(
    name="every-eval-ever",
    title="Every Eval Ever",
    recognises=_recognises,
    open=_EveryEvalEverLog,
    choice=("model", "evaluation"),
)
