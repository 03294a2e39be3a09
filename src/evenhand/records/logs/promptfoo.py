"""promptfoo: the JSON that ``promptfoo eval -o out.json`` writes.

Facts of version 0.123.1: `error` is filled on ordinary failures, only `failureReason` separates (1 wrong, 2 broken); a
test without checks is a success of score 1; repeats leave no field and `testIdx` is new for each, so what a test gives
to the prompt (`vars`) tells which are one; named scores skip broken answers, pass rates count them.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import elements, written
from evenhand.records.logs.reader import LogReader, OwnNumber, RowLog
from evenhand.records.logs.row import LogRow, flattened, plain_text

_BROKEN = 2


class _PromptfooLog(RowLog):
    """One evaluation."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen, self._outcomes = Counter[tuple[str, ...]](), Counter[str]()
        self._passed = Counter[bool]()

    def rows(self) -> Iterator[LogRow]:
        for found, size in elements(self.path, "results", "results"):
            if not isinstance(found, dict) or "success" not in found:
                raise InputError(
                    f"{self.path}: result {sum(self._seen.values()) + 1} has no field 'success', so it is no result "
                    "of promptfoo.  Write it again (promptfoo eval -o out.json)."
                )
            yield self._row(found, size)

    def _row(self, found: Mapping[str, Any], size: int) -> LogRow:
        test, grading = found.get("testCase") or {}, found.get("gradingResult") or {}
        given = found.get("vars") or test.get("vars") or {}
        provider, prompt = (
            _structure(found.get("provider"), "id"),
            _structure(found.get("prompt"), "label"),
        )
        response = _structure(found.get("response"), "output")
        named = hashlib.sha256(written(dict(sorted(given.items()))).encode()).hexdigest()[:12]
        key = (named, str(provider.get("id")), str(found.get("promptIdx")))
        self._seen[key] += 1
        broken = found.get("failureReason") == _BROKEN
        checked = bool(test.get("assert") or grading.get("componentResults"))
        outcome = "errored" if broken else "answered" if checked else "unscored"
        self._outcomes[outcome] += 1
        self._passed[bool(found["success"])] += 1
        own = {
            "id": named,
            "repeat": self._seen[key],
            "outcome": outcome,
            "provider": provider.get("label") or provider.get("id"),
            "prompt": prompt.get("label"),
            "description": test.get("description"),
            "output": plain_text(response.get("output")),
            "latencyMs": found.get("latencyMs"),
        }
        if broken:
            own["error"] = str(found.get("error", ""))[:500]
        scores: dict[str, Any] = {}
        if outcome == "answered":
            scores = {"score": found.get("score"), "success": int(bool(found["success"]))}
            scores |= flattened(found.get("namedScores") or {})
        about = {k: v for k, v in (test.get("metadata") or {}).items() if not k.startswith("_")}
        return LogRow(own, scores, flattened(about) | flattened(given), size)

    def own_numbers(self) -> Iterator[OwnNumber]:
        count = sum(self._passed.values())
        if count:
            why = "it counts answers without a check as successes and broken calls as failures"
            yield OwnNumber("success", "a pass rate of", self._passed[True] / count, why)

    def notes(self) -> Iterator[str]:
        if self._outcomes["unscored"]:
            yield (
                f"{plural(self._outcomes['unscored'], 'answer')} without a check: promptfoo gives such score 1, and "
                "here they have none (outcome 'unscored')."
            )


def _structure(found: Any, name: str) -> Mapping[str, Any]:
    """A structure; what older versions write as its text is the part of this name."""
    return found if isinstance(found, Mapping) else {} if found is None else {name: found}


def _recognises(glimpse: Glimpse) -> bool:
    return glimpse.has("evalId", "results") and isinstance(glimpse.json["results"], dict)


READER = LogReader(
    name="promptfoo",
    title="promptfoo",
    recognises=_recognises,
    open=_PromptfooLog,
    choice=("provider",),
)
