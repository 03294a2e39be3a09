"""Outputs that were collected before: a file is a service, without a key and without a call."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlglot import exp

from evenhand.errors import InputError, near, unknown_name
from evenhand.records import open_records
from evenhand.services.service import Answer, Outcome, Request, ServiceError, plain_answer

_OUTCOMES: tuple[Outcome, ...] = ("answered", "refused", "empty", "cut_off", "failed")
_OPTIONAL = ("condition", "repeat", "outcome", "reason", "seconds", "cost")


@dataclass(slots=True, kw_only=True)
class ReplayService:
    """Answers from a CSV, Parquet, JSON lines or Arrow file.

    Attributes
    ----------
    name : str
    file : Path
        One row an output.  Columns ``condition``, ``repeat``, ``outcome``, ``reason``, ``seconds``
        and ``cost`` are read where they are there; without ``condition`` the rows are the outputs
        on clean samples, and other conditions are not answered.
    id : str
        Column of the sample's id.
    output : str
        Column of the output.
    """

    name: str
    file: Path
    id: str = "id"
    output: str = "output"
    version: str = field(init=False)
    uses: tuple[str, ...] = field(default=("sample_id", "condition"), init=False)
    _found: dict[tuple[str, str, int], dict[str, Any]] = field(init=False, repr=False)
    _conditioned: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        records = open_records(self.file)
        try:
            names = [column.name for column in records.columns]
            for wanted in (self.id, self.output):
                if wanted not in names:
                    raise InputError(f"{self.file}: " + unknown_name("column", wanted, names))
            present = [name for name in _OPTIONAL if name in names and name != self.output]
            listed = ", ".join(_quoted(name) for name in (self.id, self.output, *present))
            rows = records.engine.query(f"SELECT {listed} FROM {records.source}").to_pylist()
            self.version = f"{self.id},{self.output} of {records.sha256()}"
        finally:
            records.close()
        self._conditioned = "condition" in present
        self._found = {}
        doubled = []
        for row in rows:
            key = (str(row[self.id]), str(row.get("condition") or "clean"), row.get("repeat") or 0)
            if key in self._found and self._found[key] != row:
                doubled.append(key)
            self._found[key] = row
        if doubled:
            raise InputError(
                f"{self.file}: {len(doubled)} outputs stand twice and differ, first that of sample "
                f"{doubled[0][0]!r} under {doubled[0][1]!r}.  Add a column 'condition' or 'repeat'."
            )

    async def answer(self, request: Request) -> Answer:
        """Look the output up."""
        row = self._found.get((request.sample_id, request.condition, request.repeat))
        if row is None:
            raise ServiceError("not_collected", self._missing(request))
        outcome = row.get("outcome") or "answered"
        if outcome not in _OUTCOMES:
            hint = near(str(outcome), _OUTCOMES)
            raise ServiceError("bad_outcome", f"{outcome!r} is no outcome.{hint}")
        more: dict[str, Any] = {"seconds": row.get("seconds") or 0.0, "cost": row.get("cost")}
        if outcome == "answered":
            return plain_answer(row[self.output], **more)
        return Answer(output=row[self.output], outcome=outcome, reason=row.get("reason"), **more)

    def _missing(self, request: Request) -> str:
        under = (
            f" under {request.condition!r}"
            if self._conditioned
            else " (the file tells clean ones only)"
        )
        return f"the file has no output of sample {request.sample_id!r}{under}"

    async def close(self) -> None:
        """Nothing is held."""


def _quoted(name: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql("duckdb"))
