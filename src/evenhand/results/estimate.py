"""A rate with its interval, and rows that are not in one."""

import math
from dataclasses import dataclass


def finite(value: float) -> float | None:
    """A number as results hold it: `None` where it is none."""
    return float(value) if math.isfinite(value) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate with its interval; a number that cannot be given is `None`, with the reason.

    `low` and `high` hold for this rate alone at the audit's level; `method` names the interval.
    `counts` are the sums behind the rate.

    Attributes
    ----------
    value : float or None
        The metric over the rows of this group.
    low : float or None
        Lower end of the interval of this rate alone.
    high : float or None
        Upper end of it.
    standard_error : float or None
        Standard error over independent units; `None` where there is no interval.  Of weighted rows that of
        the sample's design, as survey software gives it; intervals add what small samples lack.
    n_rows : int or None
        Rows scored.
    n_units : int or None
        Independent units that say something about the metric: for a true positive rate, those
        with a positive.
    numerator : float or None
        Sum above the line; `None` for metrics that are not a ratio of sums.
    denominator : float or None
        Sum below the line; `None` likewise.
    counts : dict or None
        The sums behind the value, by name.  `None` where anything of the audit is suppressed.
    method : str or None
        How the interval was made: `wilson`, `clopper-pearson`, of weighted rows `wilson-effective` or
        `korn-graubard`, else `cluster-t-skew`, `cluster-t`,
        `logit-t` and its like, or `all-units-equal`.
    reason : str or None
        Why there is no value or no interval; `None` where there are both.
    effective_sample_size : float or None
        Of weighted rows that say something about the metric: how many of one weight would know as much,
        ``(sum of weights)² / sum of squared weights``; `None` without weights.
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
    effective_sample_size: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Rows that lack a column's value.

    `reason` says what they are: ``missing_attribute`` (shown, not judged), or out of the numbers as
    ``missing_input`` (the metric reads it), ``missing_unit``, ``missing_condition``, ``missing_weight`` or
    ``zero_weight`` (of which `attribute` says that the weight is 0).

    Attributes
    ----------
    attribute : str
        The attribute, or the column that the metric or the unit needs.
    n_rows : int or None
        Rows that lack it; `None` where suppressed.
    estimate : Estimate or None
        For an attribute: the metric over the rows that lack it, shown and not judged.  `None`
        for a column of the metric or the unit, whose rows are not in the numbers.
    reason : str
        What the rows are: `missing_attribute` (shown, not judged), or out of the numbers as
        `missing_input` (the metric reads it), `missing_unit`, `missing_condition`, `missing_weight`
        or `zero_weight`.
    """

    attribute: str
    n_rows: int | None
    estimate: Estimate | None = None
    reason: str = "missing_input"
