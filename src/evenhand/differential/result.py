"""What differential effects say: values that go to JSON and back unchanged."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from evenhand.errors import Note
from evenhand.groups.partition import Key
from evenhand.results.estimate import Estimate, Missing
from evenhand.results.origin import MetricNote, Source

SCHEMA = "evenhand.effects/1"
Paid = Literal["worse", "better", "not worse", "insufficient evidence"]
Verdict = Literal["costs more", "not more", "insufficient evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A cost, or a difference of two costs, with its interval.

    Positive is harm, whichever way the metric runs: for an accuracy it is what is lost.  `low`,
    `high` and `p_adjusted` hold for all numbers of its kind at once (see `Result`);
    `minimum_detectable` is the smallest that would have been found in four trials of five.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    p_value: float | None
    p_adjusted: float | None
    minimum_detectable: float | None
    method: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """Everybody under one condition; `cost` is `None` for the reference."""

    condition: str
    estimate: Estimate
    cost: Effect | None
    verdict: Paid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffect:
    """One group under one condition.

    `cost` is what the condition costs the group, `differential` what it costs the group beyond what
    it costs the others; both are `None` for the reference.  `paid` is the verdict on the first and
    `verdict` that on the second.
    """

    by: tuple[str, ...]
    group: dict[str, Key]
    predicate: str
    condition: str
    estimate: Estimate
    cost: Effect | None
    paid: Paid | None
    differential: Effect | None
    verdict: Verdict | None

    @property
    def label(self) -> str:
        """Short name: the attribute values, or the predicate."""
        if self.group == {self.predicate: True}:
            return self.predicate
        return " · ".join(str(value) for value in self.group.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two groups under one condition: what it costs the first beyond what it costs the second."""

    by: tuple[str, ...]
    condition: str
    first: str
    second: str
    differential: Effect
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Dose:
    """A group at one dose; `predicate` is `None` for everybody, `dose` for the reference."""

    by: tuple[str, ...]
    predicate: str | None
    label: str
    dose: float | None
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A group under a condition about which the statistics will not say."""

    by: tuple[str, ...]
    predicate: str
    condition: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options that decided, so that anyone can ask again."""

    by: tuple[str, ...]
    only: tuple[str, ...]
    where: str | None
    dose: str | None
    tolerance: float
    min_units: int
    adjust: str
    comparisons: int
    seed: int
    missing_values: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    command: str
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What conditions cost whom, as data; `evenhand.Effects` adds the ways to show it.

    Four kinds of numbers, each with simultaneous confidence within itself: costs to everybody, costs
    to groups, differential effects (group against the rest), and pairs of groups.  Pairs are told
    of one condition per partition, `worst`; their confidence covers those of all conditions.
    """

    metric: MetricNote
    level: float
    unit: str | None
    source: Source
    condition: str
    reference: str
    conditions: tuple[str, ...]
    overall: tuple[Overall, ...]
    groups: tuple[GroupEffect, ...]
    pairs: tuple[Pair, ...]
    doses: tuple[Dose, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Missing, ...]
    notes: tuple[Note, ...]
    settings: Settings

    @property
    def costs_more(self) -> tuple[GroupEffect, ...]:
        """Groups that a condition is proven to cost more than the others, the most first."""
        found = (one for one in self.groups if one.verdict == "costs more")
        return tuple(sorted(found, key=lambda one: -(_value(one.differential) or 0.0)))

    @property
    def by(self) -> tuple[tuple[str, ...], ...]:
        """The partitions."""
        return tuple(dict.fromkeys(one.by for one in self.groups))

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the schema ``evenhand.effects/1``."""
        return {"schema": SCHEMA, **json.loads(json.dumps(asdict(self)))}

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text of `to_dict`; no NaN and no infinity."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Result from what `to_dict` gave."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema is {data.get('schema')!r}, not {SCHEMA!r}")
        own = {name: value for name, value in data.items() if name != "schema"}
        kinds: dict[str, Callable[..., Any]] = {
            "overall": Overall,
            "groups": GroupEffect,
            "pairs": Pair,
            "doses": Dose,
            "refused": Refused,
            "missing": Missing,
        }
        own |= {
            name: tuple(kind(**_fields(item)) for item in data[name])
            for name, kind in kinds.items()
        }
        settings = data["settings"]
        lists = {name: tuple(settings[name]) for name in ("by", "only", "missing_values")}
        bins = {name: tuple(edges) for name, edges in settings["bins"].items()}
        own |= {
            "metric": MetricNote(**data["metric"]),
            "source": Source(**data["source"]),
            "conditions": tuple(data["conditions"]),
            "notes": tuple(Note(**note) for note in data["notes"]),
            "settings": Settings(**{**settings, **lists, "bins": bins}),
        }
        return cls(**own)


def _fields(data: dict[str, Any]) -> dict[str, Any]:
    """Fields of an item, with what is nested in it."""
    out = dict(data)
    for name in out.keys() & {"cost", "differential"}:
        out[name] = Effect(**out[name]) if out[name] else None
    if out.get("estimate"):
        out["estimate"] = Estimate(**out["estimate"])
    if "by" in out:
        out["by"] = tuple(out["by"])
    return out


def _value(effect: Effect | None) -> float | None:
    return None if effect is None else effect.value
