"""What a search says: values that go to JSON and back unchanged."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from evenhand.errors import Note
from evenhand.results.estimate import Missing

SCHEMA = "evenhand.slices/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A found slice.

    Attributes
    ----------
    predicate : str
        As `audit --by` and SQL engines take it.
    literals, contributions
        Its conditions, and the Shapley contribution of each.
    n_rows, n_units, support
        Rows, independent units, and share of the rows.
    value, rest, difference : float, optional
        The metric in the slice, outside it, and the first less the second; from held-out data where
        the confirmation holds some out.
    value_low, value_high : float, optional
        Bounds of the value itself, at the confidence of `low` and `high`.
    low, high : float, optional
        Bounds of the difference; each holds at the confidence for all slices searched at once.
    p_value, p_adjusted : float, optional
        One-sided evidence that it is worse than the rest; alone, and after all that was searched.
    confirmed : bool
        Whether it is proven worse; else it is a *lead*.
    score : float
        What slices are ordered by; on the data searched.
    overall_without : float, optional
        The overall metric if this slice were as good as the rest.
    folded : tuple of str
        Slices that say the same, told with this one.
    overlaps : tuple of float
        Shared rows over rows of either, with each slice of the list (1 with itself).
    reason : str, optional
        Why a number is missing.
    """

    predicate: str
    literals: tuple[str, ...]
    contributions: tuple[float | None, ...]
    n_rows: int
    n_units: int
    support: float
    numerator: float | None
    denominator: float | None
    value: float | None
    value_low: float | None
    value_high: float | None
    rest: float | None
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_adjusted: float | None
    confirmed: bool
    score: float
    overall_without: float | None
    folded: tuple[str, ...]
    overlaps: tuple[float, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How much was looked at.

    `admissible` is the number of slices with enough support (an upper limit where `counted` is false;
    `None` where it was not needed); `bound` is the score that none of the others exceeds.
    """

    candidates: int
    evaluated: int
    depth: int
    literals: int
    features: tuple[str, ...]
    min_rows: int
    admissible: int | None
    counted: bool | None
    bound: float | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """How slices were confirmed; `sentence` says it to a person.

    `p_floor` is the least that an adjusted p-value can be, where it is simulated.
    """

    method: str
    family: int | None
    critical_z: float | None
    held_out_rows: int | None
    sentence: str
    p_floor: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """The metric searched; `baseline` where slices are those in which it is worse than another."""

    name: str
    expression: str
    definition: str
    higher_is_worse: bool
    in_points: bool
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overall:
    """The metric on all rows."""

    value: float | None
    n_rows: int
    n_units: int
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything a search found; `evenhand.Slices` adds the ways to show it.

    `elsewhere` has proven slices that the score does not list, where it lists no proven one.
    """

    exact: bool
    metric: Metric
    level: float
    unit: str | None
    source: str
    sha256: str | None
    overall: Overall
    score: str
    searched: Searched
    confirmation: Confirmation
    slices: tuple[Slice, ...]
    left_out: dict[str, str]
    notes: tuple[Note, ...]
    command: str
    settings: dict[str, Any] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()
    elsewhere: tuple[Slice, ...] = ()

    @property
    def confirmed(self) -> tuple[Slice, ...]:
        """Slices proven worse than their rest."""
        return tuple(found for found in self.slices if found.confirmed)

    @property
    def leads(self) -> tuple[Slice, ...]:
        """Slices that look worse but are not proven."""
        return tuple(found for found in self.slices if not found.confirmed)

    def to_dict(self) -> dict[str, Any]:
        """Plain values under the schema ``evenhand.slices/1``."""
        return {"schema": SCHEMA, **json.loads(json.dumps(asdict(self)))}

    def to_json(self, indent: int | None = 2) -> str:
        """JSON text of `to_dict`; no NaN and no infinity."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Result from what `to_dict` gave."""
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema is {data.get('schema')!r}, not {SCHEMA!r}")
        own = {key: value for key, value in data.items() if key != "schema"}
        searched = data["searched"]
        own |= {
            "metric": Metric(**data["metric"]),
            "overall": Overall(**data["overall"]),
            "searched": Searched(**{**searched, "features": tuple(searched["features"])}),
            "confirmation": Confirmation(**data["confirmation"]),
            "slices": tuple(map(_slice, data["slices"])),
            "elsewhere": tuple(map(_slice, data.get("elsewhere", ()))),
            "notes": tuple(Note(**note) for note in data["notes"]),
            "missing": tuple(Missing(**item) for item in data.get("missing", ())),
        }
        return cls(**own)


def _slice(data: dict[str, Any]) -> Slice:
    lists = ("literals", "contributions", "folded", "overlaps")
    return Slice(**{**data, **{name: tuple(data[name]) for name in lists}})
