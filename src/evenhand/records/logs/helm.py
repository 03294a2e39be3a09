"""HELM: the folder of a run, whose statistics of each instance are joined with what was asked and answered.

Facts of version 0.5.16: `stats.json` counts trials, not instances, and holds "worst" of perturbations that never ran,
so only `per_instance_stats.json` is read; a statistic's value is its sum by its count, and none where it counts
nothing; references that are right bear the tag ``correct``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evenhand.errors import InputError
from evenhand.pages.numbers import plural
from evenhand.records.logs.glimpse import Glimpse
from evenhand.records.logs.json_text import elements, members, parsed
from evenhand.records.logs.reader import LogReader, OwnNumber, RowLog
from evenhand.records.logs.row import LogRow, flattened

_STATS, _STATE = "per_instance_stats.json", "scenario_state.json"
_KNOWN = {"input", "references", "split", "sub_split", "id", "perturbation"}
_NOTHING = float("nan")
_Key = tuple[str, int, str]


class _HelmLog(RowLog):
    """One run."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._folder = path if path.is_dir() else path.parent
        self._names: dict[str, int] = {}
        self._unasked = 0

    def rows(self) -> Iterator[LogRow]:
        for name in (_STATS, _STATE):
            if not (self._folder / name).is_file():
                where = self.path if self.path.is_dir() else f"The folder of {self.path}"
                raise InputError(
                    f"{where} lacks {name}, so it is no whole run of HELM.  Name the folder of one run, which "
                    f"helm-run wrote ({_STATS} and {_STATE} lie in it)."
                )
        stats = self._stats()
        header = members(self._folder / _STATE, until="request_states")
        model = (header.get("adapter_spec") or {}).get("model")
        for state, size in elements(self._folder / _STATE, "request_states"):
            yield self._row(state, stats, model, size)
        self._unasked = len(stats)

    def _stats(self) -> dict[_Key, array[float]]:
        """Statistics of each instance, trial and perturbation; the columns are those of `_names`."""
        out: dict[_Key, array[float]] = {}
        for found, _ in elements(self._folder / _STATS):
            key = (
                str(found.get("instance_id")),
                int(found.get("train_trial_index") or 0),
                _perturbed(found.get("perturbation")),
            )
            values = out.setdefault(key, array("d"))
            for stat in found.get("stats") or ():
                name = stat["name"]
                told = name["name"] + (f"_{name['sub_split']}" if name.get("sub_split") else "")
                place = self._names.setdefault(told, len(self._names))
                values.extend([_NOTHING] * (place + 1 - len(values)))
                if stat.get("count"):
                    values[place] = stat["sum"] / stat["count"]
        return out

    def _row(
        self, state: Mapping[str, Any], stats: dict[_Key, array[float]], model: Any, size: int
    ) -> LogRow:
        instance, result = state.get("instance") or {}, state.get("result") or {}
        perturbation = _perturbed(instance.get("perturbation"))
        key = (str(instance.get("id")), int(state.get("train_trial_index") or 0), perturbation)
        values = stats.pop(key, array("d"))
        scores = {
            name: values[place]
            for name, place in self._names.items()
            if place < len(values) and values[place] == values[place]
        }
        failed = result.get("success") is False
        right = [
            (reference.get("output") or {}).get("text")
            for reference in instance.get("references") or ()
            if "correct" in (reference.get("tags") or ())
        ]
        answers = result.get("completions") or ()
        own = {
            "id": key[0],
            "repeat": key[1],
            "outcome": "errored" if failed else "answered" if scores else "unscored",
            "perturbation": perturbation,
            "task": self._folder.name,
            "model": model,
            "split": instance.get("split"),
            "input": (instance.get("input") or {}).get("text"),
            "target": right[0] if right else None,
            "output": answers[0].get("text") if answers else None,
        }
        if failed:
            own["error"] = str(result.get("error", ""))[:500]
        others = {name: value for name, value in instance.items() if name not in _KNOWN}
        return LogRow(own, {} if failed else scores, flattened(others), size)

    def own_numbers(self) -> Iterator[OwnNumber]:
        path = self._folder / "stats.json"
        if not path.is_file():
            return
        for stat in parsed(path.read_bytes(), str(path)):
            name = stat.get("name") or {}
            if (
                stat.get("count")
                and not name.get("perturbation")
                and name.get("name") in self._names
            ):
                where = {"perturbation": "none", "task": self._folder.name}
                if name.get("split"):
                    where["split"] = name["split"]
                why = "it takes the mean of each trial first"
                yield OwnNumber(name["name"], name["name"], stat["sum"] / stat["count"], why, where)

    def notes(self) -> Iterator[str]:
        if self._unasked:
            yield (
                f"{plural(self._unasked, 'instance')} of {_STATS} in no request of {_STATE}, left out: "
                "the two files are not of one run."
            )


def _perturbed(found: Any) -> str:
    """Name of a perturbation, with what tells it from others of its name."""
    if not isinstance(found, dict):
        return "none"
    others = [
        str(value)
        for key, value in sorted(found.items())
        if key not in ("name", "robustness", "fairness", "computed_on")
    ]
    return ":".join([str(found.get("name")), *others])


def _recognises(glimpse: Glimpse) -> bool:
    if glimpse.path.is_dir():
        return glimpse.names >= {_STATS, _STATE}
    if glimpse.has("adapter_spec", "request_states"):
        return True
    first = glimpse.first()
    return isinstance(first, dict) and first.keys() >= {"instance_id", "stats"}


READER = LogReader(
    name="helm",
    title="HELM",
    recognises=_recognises,
    open=_HelmLog,
    choice=("perturbation", "model"),
)
