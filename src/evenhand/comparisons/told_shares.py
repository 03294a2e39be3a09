"""Limits of shares that another answer told, from what it told of them."""

import math

import numpy as np

from evenhand.results.estimate import Estimate
from evenhand.stats.intervals import clopper_pearson, effective_trials, t_of, z_of

#: Intervals of rows that are proportions, whose limits follow from counts alone.
_COUNTED = ("wilson", "clopper-pearson")
#: Those of weighted rows that are proportions.
_WEIGHTED = ("wilson-effective", "korn-graubard")


def is_counted(told: Estimate) -> bool:
    """Whether a rate's counts are of independent rows, so that its limits follow from them alone."""
    above, below = told.numerator, told.denominator
    if told.method not in _COUNTED or above is None or not below or told.value is None:
        return False
    whole = not above % 1 and not below % 1 and below == told.n_units
    return whole and math.isclose(told.value, above / below, rel_tol=1e-9, abs_tol=1e-12)


def told_share_limits(told: Estimate, level: float) -> tuple[float, float] | None:
    """Clopper and Pearson's limits of a share that was told, by its counts or its effective trials.

    Parameters
    ----------
    told : Estimate
    level : float
        Confidence of both limits together.

    Returns
    -------
    (low, high) or None
        `None` for a rate that is no share of independent rows: then its standard error says how sure it is.

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24, 193-201 (weighted rows).

    Examples
    --------
    >>> known = {"low": None, "high": None, "standard_error": None, "counts": None, "reason": None}
    >>> rows = {"n_rows": 400, "n_units": 400, "numerator": 40.0, "denominator": 400.0}
    >>> rate = Estimate(value=0.1, method="wilson", **rows, **known)
    >>> tuple(round(end, 4) for end in told_share_limits(rate, 0.95))
    (0.0724, 0.1337)
    """
    if is_counted(told):
        low, high = clopper_pearson(np.asarray(told.numerator), np.asarray(told.denominator), level)
        return float(low), float(high)
    if told.method not in _WEIGHTED or told.value is None or not told.standard_error:
        return None
    value, units = told.value, told.effective_sample_size or told.n_units or 1.0
    trials = effective_trials(
        np.asarray(value), np.asarray(told.standard_error**2), np.asarray(units)
    )
    trials = trials * (z_of(level) / t_of(level, np.asarray(max(units - 1, 1)))) ** 2
    low, high = clopper_pearson(value * trials, trials, level)
    return float(low), float(high)
