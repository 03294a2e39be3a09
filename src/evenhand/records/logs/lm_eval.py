"""lm-evaluation-harness: ``samples_TASK_TIME.jsonl``, one line for each document and filter.

Facts of version 0.4.13: numbers in `resps` are texts; `doc_id` begins anew in each file; what `metrics` names is a
metric, and nothing else; perplexities are pairs of a log-likelihood and what it is divided by; of repeats the first
is scored; numbers of the run stand in ``results_TIME.json`` beside it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from evenhand.deferred import duckdb
from evenhand.errors import InputError
from evenhand.records.column_types import quoted, text_literal
from evenhand.records.delimited import listed
from evenhand.records.engines.duckdb import DuckDBEngine
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_columns import JsonColumns, one_text
from evenhand.records.logs.json_text import lines, parsed
from evenhand.records.logs.reader import LogReader, OwnNumber, TableLog
from evenhand.records.logs.spool import ATTRIBUTE, OWN, LogPart

_NAME = re.compile(
    r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl(?:\.gz)?\Z"
)
_FIELDS = ("doc_id", "doc", "target", "resps")
#: What lines of before 0.4.4, which do not say what is a metric, hold besides metrics.
_OTHERS = {
    *_FIELDS, "arguments", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash",
    "schema_id",
}  # fmt: skip
#: Bytes of a line: the engine holds twice as many for each processor, so more only where a line is longer.
_USUAL, _LONGEST = 16 * 2**20, 256 * 2**20


class _LmEvalLog(TableLog):
    """The samples of one task."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        named = _NAME.search(path.name)
        self._task = named["task"] if named else path.name.split(".")[0]
        self._time = named["time"] if named else None
        self._asked, self._documents = 1, 0

    def part(self, engine: DuckDBEngine, folder: Path) -> LogPart:
        first = self._first()
        answers = first["resps"]
        if answers and isinstance(answers[0], list) and not isinstance(answers[0][0], list):
            self._asked = len(answers[0])
        metrics = first.get("metrics")
        metrics = [n for n in first if n not in _OTHERS] if metrics is None else list(metrics)
        rows = self._laid_down(engine, folder, metrics)
        others = engine.query(
            f"SELECT DISTINCT unnest(metrics) AS name FROM {rows} WHERE metrics IS NOT NULL"
        )["name"].to_pylist()
        if not set(others) <= set(metrics):
            metrics = list(dict.fromkeys([*metrics, *sorted(others)]))
            rows = self._laid_down(engine, folder, metrics)
        found = engine.query(
            "SELECT COUNT(DISTINCT doc_id) AS n, COUNT(*) FILTER (doc_id IS NULL OR doc IS NULL) AS lost, "
            f"COUNT(*) = COUNT(doc_hash) AS hashed FROM {rows}"
        ).to_pylist()[0]
        if found["lost"]:
            raise self._fault()
        self._documents = found["n"]
        columns = JsonColumns(engine, rows)
        columns.text(f"{OWN}id", "doc_id")
        scored = [columns.score(name, f"metric{place}") for place, name in enumerate(metrics)]
        some = " OR ".join(f"{name} IS NOT NULL" for name in scored) or "FALSE"
        columns.add(f"{OWN}outcome", f"CASE WHEN {some} THEN 'answered' ELSE 'unscored' END")
        columns.add(f"{OWN}filter", "COALESCE(filter, 'none')")
        columns.add(f"{OWN}task", text_literal(self._task))
        columns.text(f"{OWN}target", "target")
        if found["hashed"]:
            # Two runs may number other documents alike.
            columns.add(f"{OWN}doc_hash", "doc_hash")
        # Of several choices the place of the most likely, else the answer.
        likely = "TRY_CAST(json_extract_string(filtered_resps, '$[*][0]') AS DOUBLE[])"
        columns.add(
            f"{OWN}output",
            f"COALESCE(CAST(list_position({likely}, list_max({likely})) - 1 AS VARCHAR), {one_text('filtered_resps')})",
        )
        columns.members(ATTRIBUTE, "doc")
        return columns.part()

    def _first(self) -> Mapping[str, Any]:
        for _, text in lines(self.path):
            found = parsed(text, f"{self.path} line 1")
            if not isinstance(found, dict) or not all(name in found for name in _FIELDS):
                raise self._fault()
            return found
        raise InputError(f"{self.path} is empty: lm-eval wrote no sample into it.")

    def _laid_down(self, engine: DuckDBEngine, folder: Path, metrics: Sequence[str]) -> str:
        """What is read of the lines, without their prompts, as Parquet."""
        out = folder / "rows.parquet"
        fields = dict.fromkeys(("doc_id", "doc", "target", "filtered_resps"), "JSON")
        fields |= {"filter": "VARCHAR", "doc_hash": "VARCHAR", "metrics": "VARCHAR[]"}
        asked = [*fields, *(f"{quoted(n)} AS metric{i}" for i, n in enumerate(metrics))]
        fields |= dict.fromkeys(metrics, "JSON")
        columns = ", ".join(f"{text_literal(n)}: {text_literal(t)}" for n, t in fields.items())
        for longest in (_USUAL, _LONGEST):
            try:
                engine.execute(
                    f"COPY (SELECT {', '.join(asked)} FROM read_json({listed([self.path])}, "
                    f"format = 'newline_delimited', maximum_object_size = {longest}, columns = {{{columns}}})) "
                    f"TO {text_literal(str(out))} (FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 16384)"
                )
                break
            except duckdb.Error as error:
                if longest == _LONGEST or "maximum_object_size" not in str(error):
                    raise self._fault(error) from error
        return f"read_parquet({listed([out])})"

    def _fault(self, error: Exception | None = None) -> InputError:
        """What is wrong with the first line that is no sample."""
        for number, text in lines(self.path):
            found = parsed(text, f"{self.path} line {number}")
            if not isinstance(found, dict) or not all(name in found for name in _FIELDS):
                return InputError(
                    f"{self.path} line {number} lacks one of {', '.join(_FIELDS)}, so it is no sample of lm-eval.  "
                    "Write the file again (lm_eval run --log_samples)."
                )
        return InputError(f"{self.path} cannot be read: {str(error).splitlines()[0]}")

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
        if isinstance(whole, int) and self._documents < whole:
            yield (
                f"{self._documents:,} of the {whole:,} documents of {self._task} were asked (--limit): the first "
                "ones, which need not be like the others."
            )


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.has(*_FIELDS)


READER = LogReader(
    name="lm-eval",
    title="lm-eval",
    recognises=_recognises,
    open=_LmEvalLog,
    choice=("filter",),
)
