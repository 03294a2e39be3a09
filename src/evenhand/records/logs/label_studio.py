"""Label Studio: the full JSON of an export, one row for each annotation.

Facts of label-studio-sdk 2.1.2: JSON_MIN overwrites a field that bears a label's name, CSV renames it and both lose
skipped annotations, so the full JSON is read; one choice is a text, several are a list.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.pages.numbers import plural
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import elements, written
from evenhand.records.logs.reader import LogReader, RowLog
from evenhand.records.logs.row import LogRow, flattened

#: Under which name a control holds its value, where it is not that of its type.
_HELD = {"textarea": "text", "pairwise": "selected"}


class _LabelStudioLog(RowLog):
    """One export."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._skipped, self._bare = 0, 0
        self._unread = Counter[str]()

    def rows(self) -> Iterator[LogRow]:
        for task, size in elements(self.path):
            about = flattened(task.get("data"))
            predicted = {
                f"prediction_{name}": value
                for prediction in (task.get("predictions") or ())[:1]
                for name, value in _labels(prediction).items()
            }
            annotations = task.get("annotations") or ()
            self._bare += not annotations
            for annotation in annotations:
                skipped = bool(annotation.get("was_cancelled"))
                self._skipped += skipped
                own = {
                    "id": str(task.get("id")),
                    "annotation": annotation.get("id"),
                    "annotator": _annotator(annotation.get("completed_by")),
                    "outcome": "skipped" if skipped else "answered",
                    "ground_truth": int(bool(annotation.get("ground_truth"))),
                    "lead_time": annotation.get("lead_time"),
                }
                labels = {} if skipped else _labels(annotation, self._unread)
                yield LogRow(own, labels | predicted, about, size // max(len(annotations), 1))

    def notes(self) -> Iterator[str]:
        if self._skipped:
            yield f"{plural(self._skipped, 'annotation')} skipped: without labels here (outcome 'skipped')."
        if self._bare:
            yield f"{plural(self._bare, 'task')} without an annotation: no row here."
        for kind, count in self._unread.items():
            yield f"{plural(count, 'result')} of type {kind!r}: not read here."


def _annotator(found: Any) -> str | None:
    """Number of an annotator, never an address."""
    number = found.get("id") if isinstance(found, dict) else found
    return None if number is None else str(number)


def _labels(annotation: Mapping[str, Any], unread: Counter[str] | None = None) -> dict[str, Any]:
    """What was labelled, by the control's name; types that are not known are counted."""
    out: dict[str, list[Any]] = {}
    for part in annotation.get("result") or ():
        value = part.get("value") or {}
        kind = str(part.get("type"))
        held = _HELD.get(kind, kind)
        if held in value:
            found = value[held]
            out.setdefault(part.get("from_name") or kind, []).extend(
                found if isinstance(found, list) else [found]
            )
        elif unread is not None:
            unread[kind] += 1
    return {name: found[0] if len(found) == 1 else written(found) for name, found in out.items()}


def _recognises(glimpse: Glimpse) -> bool:
    first = glimpse.first()
    return isinstance(first, dict) and first.keys() >= {"id", "data"} and "annotations" in first


READER = LogReader(
    name="label-studio", title="Label Studio", recognises=_recognises, open=_LabelStudioLog
)
