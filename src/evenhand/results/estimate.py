"""A rate with its interval, and rows that are not in one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate with its interval; a number that cannot be given is `None`, with the reason.

    `low` and `high` hold for this rate alone at the audit's level; `method` names the interval.
    `counts` are the sums behind the rate.
    """

    value: float | None
    low: float | None
    high: float | None
    standard_error: float | None
    n_rows: int | None
    n_units: int | None
    numerator: float | None
    denominator: float | None
    counts: dict[str, float] | None
    method: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Rows that lack a column's value.

    `reason` says what they are: ``missing_attribute`` (shown, not judged), or out of the numbers as
    ``missing_input`` (the metric reads it), ``missing_unit`` or ``missing_condition``.
    """

    attribute: str
    n_rows: int | None
    estimate: Estimate | None = None
    reason: str = "missing_input"
