"""What an audit says: values that go to JSON and back unchanged."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source

SCHEMA = "evenhand.audit/1"
Verdict = Literal["worse", "not worse", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A group's difference to its reference.

    `low` and `high` hold for all comparisons of the audit at once; `p_adjusted`, `ratio_low` and
    `ratio_high` likewise.  `ratio_high` is `None` where the reference's rate may be 0.
    `harm_limit` is what the harm may be at most whatever the distribution of bounded units, where the
    interval alone would say *not worse*; `units_needed` would bring it within the tolerance.
    """

    reference: str
    difference: float | None
    low: float | None
    high: float | None
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    p_value: float | None
    p_adjusted: float | None
    method: str | None
    reason: str | None
    harm_limit: float | None = None
    units_needed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group of one partition, with its verdict; `None` where it is the reference itself."""

    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    estimate: Estimate
    shrunk: float | None
    versus: Contrast | None
    minimum_detectable_difference: float | None
    verdict: Verdict | None
    suppressed: bool = False

    @property
    def label(self) -> str:
        """Short name: the attribute values, or the predicate."""
        if self.group == {self.predicate: True}:
            return self.predicate
        return " · ".join(str(value) for value in self.group.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far the groups of one partition differ as a whole.

    `largest` is the raw difference of the extreme groups, which is biased upwards; `lower_bound`
    holds whichever pair is the widest; `between_group_sd` has sampling noise taken off.
    `homogeneity_p_floor` is the least that `homogeneity_p` can be, where it is simulated.
    """

    by: tuple[str, ...]
    largest: float | None
    lower_bound: float | None
    between_group_sd: float | None
    homogeneity_p: float | None
    smallest_ratio: float | None
    reason: str | None = None
    homogeneity_p_floor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A group about which the statistics will not say, and what would do."""

    by: tuple[str, ...]
    predicate: str
    reason: str
    n_units: int | None
    needed: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options that decided, so that anyone can run the audit again."""

    by: tuple[str, ...]
    where: str | None
    versus: str
    tolerance: float
    min_units: int
    adjust: str
    comparisons: int
    metrics_in_family: int
    suppress_below: int
    seed: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything an audit found about the groups of a table under one metric, as data.

    `evenhand.Audit` adds the ways to show it.
    """

    metric: MetricNote
    level: float
    unit: str | None
    source: Source
    overall: Estimate
    groups: tuple[Group, ...]
    gap: Gap | None
    gaps: tuple[Gap, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Missing, ...]
    settings: Settings
    notes: tuple[Note, ...] = ()

    @property
    def worse(self) -> tuple[Group, ...]:
        """Groups with the verdict *worse*."""
        return tuple(group for group in self.groups if group.verdict == "worse")

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the schema ``evenhand.audit/1``."""
        return {"schema": SCHEMA, **json.loads(json.dumps(asdict(self)))}

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text of `to_dict`; no NaN and no infinity."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Result from what `to_dict` gave."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema is {data.get('schema')!r}, not {SCHEMA!r}")
        return cls(
            metric=MetricNote(**data["metric"]),
            level=data["level"],
            unit=data["unit"],
            source=Source(**data["source"]),
            overall=Estimate(**data["overall"]),
            groups=tuple(map(_group, data["groups"])),
            gap=_gap(data["gap"]) if data["gap"] else None,
            gaps=tuple(map(_gap, data["gaps"])),
            refused=tuple(Refused(**{**item, "by": tuple(item["by"])}) for item in data["refused"]),
            missing=tuple(_missing(item) for item in data["missing"]),
            settings=_settings(data["settings"]),
            notes=tuple(Note(**note) for note in data.get("notes", ())),
        )


def _group(data: dict[str, Any]) -> Group:
    versus = data["versus"]
    nested = {
        "by": tuple(data["by"]),
        "estimate": Estimate(**data["estimate"]),
        "versus": Contrast(**versus) if versus else None,
    }
    return Group(**{**data, **nested})


def _gap(data: dict[str, Any]) -> Gap:
    return Gap(**{**data, "by": tuple(data["by"])})


def _missing(data: dict[str, Any]) -> Missing:
    estimate = data["estimate"]
    return Missing(**{**data, "estimate": Estimate(**estimate) if estimate else None})


def _settings(data: dict[str, Any]) -> Settings:
    bins = {name: tuple(edges) for name, edges in data["bins"].items()}
    lists = {name: tuple(data[name]) for name in ("by", "missing_values")}
    return Settings(**{**data, **lists, "bins": bins})
