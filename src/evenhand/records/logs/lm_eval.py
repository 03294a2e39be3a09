"""lm-evaluation-harness: ``samples_TASK_TIME.jsonl``, one line for each document and filter.

Facts of version 0.4.13: numbers in `resps` are texts; `doc_id` begins anew in each file; what `metrics` names is a
metric, and nothing else; perplexities are pairs of a log-likelihood and what it is divided by; of repeats the first
is scored; numbers of the run stand in ``results_TIME.json`` beside it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import lines, parsed, written
from evenhand.records.logs.reader import Log, LogReader, OwnNumber
from evenhand.records.logs.row import Row, flattened, plain_text

_NAME = re.compile(
    r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl(?:\.gz)?\Z"
)
_FIELDS = ("doc_id", "doc", "target", "resps")
#: What lines of before 0.4.4, which do not say what is a metric, hold besides metrics.
_OTHERS = {
    *_FIELDS, "arguments", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash",
    "schema_id",
}  # fmt: skip


class _LmEvalLog(Log):
    """The samples of one task."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        named = _NAME.search(path.name)
        self._task = named["task"] if named else path.name.split(".")[0]
        self._time = named["time"] if named else None
        self._asked, self._documents = 1, set[Any]()

    def rows(self) -> Iterator[Row]:
        for number, line in lines(self.path):
            found = parsed(line, f"{self.path} line {number}")
            if not isinstance(found, dict) or not all(field in found for field in _FIELDS):
                raise InputError(
                    f"{self.path} line {number} lacks one of {', '.join(_FIELDS)}, so it is no sample of "
                    "lm-eval.  Write the file again (lm_eval run --log_samples)."
                )
            yield self._row(found, len(line))

    def _row(self, found: Mapping[str, Any], size: int) -> Row:
        metrics = found.get("metrics")
        if metrics is None:
            metrics = [name for name in found if name not in _OTHERS]
        scores: dict[str, Any] = {}
        for name in metrics:
            scores |= _score(name, found.get(name))
        self._documents.add(found["doc_id"])
        answers = found["resps"]
        if answers and isinstance(answers[0], list) and not isinstance(answers[0][0], list):
            self._asked = max(self._asked, len(answers[0]))
        own = {
            "id": str(found["doc_id"]),
            "outcome": "answered" if scores else "unscored",
            "filter": found.get("filter", "none"),
            "task": self._task,
            "target": plain_text(found["target"]),
            "output": _output(found.get("filtered_resps")),
        }
        doc = found["doc"]
        return Row(own, scores, flattened(doc) if isinstance(doc, dict) else {"doc": written(doc)}, size)  # fmt: skip

    @cached_property
    def _results(self) -> Mapping[str, Any]:
        """What the run wrote of the whole task, where it lies beside the samples."""
        beside = sorted(self.path.parent.glob("results*.json"))
        named = [path for path in beside if self._time and self._time in path.name]
        for path in named or (beside if len(beside) == 1 else []):
            try:
                found = parsed(path.read_bytes(), str(path))
            except (InputError, OSError):
                continue
            if isinstance(found, dict):
                return found
        return {}

    def own_numbers(self) -> Iterator[OwnNumber]:
        numbers = (self._results.get("results") or {}).get(self._task) or {}
        for key, value in numbers.items():
            metric, _, chosen = key.partition(",")
            if chosen and not metric.endswith("_stderr") and isinstance(value, float | int):
                why = f"it does not take the mean of {metric} over documents"
                where = {"filter": chosen, "task": self._task}
                yield OwnNumber(metric, metric, float(value), why, where)

    def notes(self) -> Iterator[str]:
        if self._asked > 1:
            yield (
                f"Each document of {self._task} was asked {self._asked} times; lm-eval scores the first answer (or "
                "what its filter makes of them), so there is one row a document."
            )
        asked = (self._results.get("n-samples") or {}).get(self._task) or {}
        whole = asked.get("original")
        if isinstance(whole, int) and len(self._documents) < whole:
            yield (
                f"{len(self._documents):,} of the {whole:,} documents of {self._task} were asked (--limit): the first "
                "ones, which need not be like the others."
            )


def _score(name: str, value: Any) -> dict[str, Any]:
    """A metric's value; a log-likelihood comes with what it is divided by."""
    if isinstance(value, list):
        numbers = [part for part in value if isinstance(part, int | float)]
        if len(value) == len(numbers) == 2:
            return {f"{name}_loglikelihood": float(value[0]), f"{name}_weight": value[1]}
        return {name: written(value)}
    if isinstance(value, bool):
        return {name: float(value)}
    return {name: plain_text(value) if isinstance(value, dict) else value}


def _output(answers: Any) -> str | None:
    """What was answered; of several choices the place of the most likely."""
    if not isinstance(answers, list) or not answers:
        return plain_text(answers)
    if all(isinstance(part, list) and len(part) == 2 for part in answers):
        try:
            likely = [float(part[0]) for part in answers]
        except (TypeError, ValueError):
            return written(answers)
        return str(likely.index(max(likely)))
    return plain_text(answers)


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.has(*_FIELDS)


READER = LogReader(
    name="lm-eval",
    title="lm-eval",
    recognises=_recognises,
    open=_LmEvalLog,
    choice=("filter",),
)
