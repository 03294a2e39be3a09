"""deepeval: the test run that it writes as JSON.

Facts of version 4.3.1: a metric that was errored has no score and `success` false; it counts among the failed tests,
not in the mean of the scores.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.pages.numbers import plural
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import elements
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow, flattened, plain_text


class _DeepevalLog(RowLog):
    """One test run."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._errored = 0

    def rows(self) -> Iterator[LogRow]:
        for kind in ("testCases", "conversationalTestCases"):
            for found, size in elements(self.path, kind):
                yield self._row(found, size)

    def _row(self, found: Mapping[str, Any], size: int) -> LogRow:
        scores: dict[str, Any] = {}
        errors = []
        for metric in found.get("metricsData") or ():
            name = metric["name"]
            if metric.get("error"):
                errors.append(str(metric["error"]))
            else:
                scores[name] = metric.get("score")
                scores[f"{name}_success"] = int(bool(metric.get("success")))
        own = {
            "id": str(found.get("name")),
            "outcome": "errored" if errors else "answered" if scores else "unscored",
            "input": plain_text(found.get("input")),
            "target": plain_text(found.get("expectedOutput")),
            "output": plain_text(found.get("actualOutput")),
            "runDuration": found.get("runDuration"),
        }
        if errors:
            own["error"] = errors[0][:500]
            self._errored += 1
        return LogRow(own, scores, flattened(found.get("metadata")), size)

    def notes(self) -> Iterator[str]:
        if self._errored:
            yield (
                f"{plural(self._errored, 'case')} with a metric that was errored: deepeval counts such among the "
                "failed tests, and here there is no score of it (outcome 'errored')."
            )


def _recognises(glimpse: Glimpse) -> bool:
    cases = glimpse.json.get("testCases") if isinstance(glimpse.json, dict) else None
    return isinstance(cases, list) and (not cases or "metricsData" in (cases[0] or {}))


READER = LogReader(name="deepeval", title="deepeval", recognises=_recognises, open=_DeepevalLog)
