"""One rate at a time: the interval that fits it, or the reason why there is none."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import Estimates
from evenhand.results.estimate import Estimate
from evenhand.stats import intervals
from evenhand.stats.assisted import LABELLED, AssistedRatio, AssistedShare
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.scales import scale_of, scaled

Floats = npt.NDArray[np.float64]


def bounds_of(
    estimates: Estimates, form: Form, rules: VerdictRules, *, binomial: bool
) -> tuple[Floats, Floats, list[str]]:
    """Interval of each set's value and the name of its method; NaN where there is none.

    Proportions of independent rows get Wilson's or Clopper-Pearson's interval, those of weighted rows
    the same on as many trials as the rows are worth; other ratios the linearised t, bent by the skewness
    of the units where that is known; all else the linearised t on the scale that the metric's range
    gives it.  Where every unit gave the same value of a metric with known bounds, the
    linearised variance of 0 is replaced by the limits that hold.  Few labels beside a judge's many have those of
    their form: see `evenhand.stats.assisted`.
    """
    if binomial and isinstance(form, Ratio):
        if estimates.sample_size is not None:
            return _weighted_bounds(estimates, rules)
        above, below = form.split(estimates.sums)
        if rules.interval == "clopper-pearson":
            low, high = intervals.clopper_pearson(above, below, rules.level)
        else:
            low, high = intervals.wilson(above, below, intervals.z_of(rules.level))
        return low, high, [rules.interval] * len(low)
    if isinstance(form, AssistedShare):
        exact = rules.interval == "clopper-pearson"
        low, high = form.limits(estimates.sums, intervals.z_of(rules.level), exact=exact)
        return low, high, ["post-stratified"] * len(low)
    n, flat = estimates.n_effective, estimates.variances == 0
    if isinstance(form, Ratio):
        low, high, methods = _ratio_bounds(estimates, rules)
    elif isinstance(form, AssistedRatio):
        low, high, _ = _ratio_bounds(estimates, rules)
        methods = ["assisted-t"] * len(low)
    else:
        scale = scale_of(rules.low, rules.high)
        low, high = scaled(estimates.values, estimates.variances, n, rules.level, scale)
        methods = [f"{scale}-t"] * len(low)
    low, high = np.where(flat, np.nan, low), np.where(flat, np.nan, high)
    if rules.low is not None and rules.high is not None and isinstance(form, Ratio):
        here = flat & (estimates.n_units >= 1)
        ends = intervals.constant_limits(
            estimates.values, estimates.n_whole, (1 - rules.level) / 2, rules.low, rules.high
        )
        low, high = (np.where(here, e, t) for e, t in zip(ends, (low, high), strict=True))
        methods = ["all-units-equal" if h else m for h, m in zip(here, methods, strict=True)]
    low = low if rules.low is None else np.maximum(low, rules.low)
    high = high if rules.high is None else np.minimum(high, rules.high)
    return low, high, methods


def _weighted_bounds(estimates: Estimates, rules: VerdictRules) -> tuple[Floats, Floats, list[str]]:
    """Intervals of proportions of weighted rows, on as many trials as they are worth; within 0 and 1.

    Student's t takes the normal quantile's place, since the variance was estimated: in Wilson's interval as its
    quantile, in Clopper and Pearson's by fewer trials (Korn & Graubard 1998, Survey Methodology 24(2)).  In
    72 simulated worlds (30 to 400 rows, rates of 2 to 50 %, weights with a coefficient of variation of up to 1.3
    that rates depend on or not) 95 % covered at least 93.3 %, where the linearised t covered as little as 85.2 %.
    """
    n, values = estimates.n_effective, estimates.values
    variances = np.nan_to_num(estimates.variances)
    if rules.interval == "clopper-pearson":
        low, high = intervals.korn_graubard(values, variances, n, rules.level)
        return low, high, ["korn-graubard"] * len(low)
    trials = intervals.effective_trials(values, variances, n)
    low, high = intervals.wilson(
        values * trials, trials, intervals.t_of(rules.level, np.maximum(n - 1, 1))
    )
    return low, high, ["wilson-effective"] * len(low)


def _ratio_bounds(estimates: Estimates, rules: VerdictRules) -> tuple[Floats, Floats, list[str]]:
    """Linearised t of ratios, bent by the skewness of units where it is known."""
    n, skewness = estimates.n_effective, estimates.skewness
    known = np.isfinite(skewness)
    low, high = intervals.skewed(
        estimates.values, estimates.variances, np.where(known, skewness, 0.0), n, rules.level
    )
    return low, high, ["cluster-t-skew" if bent else "cluster-t" for bent in known]


def rates_of(
    estimates: Estimates, form: Form, parts: Sequence[str], rules: VerdictRules, *, binomial: bool
) -> list[Estimate]:
    """Estimate of each set."""
    low, high, methods = bounds_of(estimates, form, rules, binomial=binomial)
    sides: tuple[Floats, Floats] | None = (
        form.split(estimates.sums) if isinstance(form, Ratio) else None
    )
    return [
        _rate(estimates, form, i, (low[i], high[i], methods[i]), sides, parts, rules)
        for i in range(len(estimates.values))
    ]


def _rate(
    estimates: Estimates,
    form: Form,
    i: int,
    bounds: tuple[float, float, str],
    sides: tuple[Floats, Floats] | None,
    parts: Sequence[str],
    rules: VerdictRules,
) -> Estimate:
    value, n = estimates.values[i], int(estimates.n_units[i])
    if isinstance(form, AssistedRatio | AssistedShare):
        # What the judge takes off may be more than there is.
        value = np.clip(value, rules.low, rules.high)
    low, high, method = bounds
    reason = None
    if not np.isfinite(value) and isinstance(form, AssistedRatio | AssistedShare):
        reason = "no_denominator" if estimates.sums[i, 0, LABELLED] else "no_label"
    elif not np.isfinite(value):
        absent = sides is None and estimates.sums[i].any()
        reason = "class_absent" if absent else "no_denominator"
    elif n < rules.min_units:
        reason = "too_few_units"
    elif not (np.isfinite(low) and np.isfinite(high)):
        reason = "no_variation"
    counts = estimates.sums[i, 0] if estimates.sums.shape[1] == 1 else estimates.sums[i].sum(axis=0)
    by_design = estimates.design_variances
    variances = estimates.variances if by_design is None else by_design
    error = np.sqrt(variances[i]) if reason is None else np.nan
    return Estimate(
        value=float(value) if np.isfinite(value) else None,
        low=float(low) if reason is None else None,
        high=float(high) if reason is None else None,
        standard_error=float(error) if np.isfinite(error) else None,
        n_rows=int(estimates.n_rows[i]),
        n_units=n,
        numerator=_whole(sides[0][i]) if sides else None,
        denominator=_whole(sides[1][i]) if sides else None,
        counts={name: _whole(count) for name, count in zip(parts, counts, strict=True)},
        method=method if reason is None else None,
        reason=reason,
        effective_sample_size=None
        if estimates.sample_size is None
        else float(estimates.sample_size[i]),
    )


def _whole(value: float) -> float:
    """Counts stay whole numbers in JSON."""
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(value)
