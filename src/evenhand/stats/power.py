"""What the data could have found: minimum detectable difference, and how much more is needed."""

import numpy as np
import numpy.typing as npt

from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
#: Units of pooled variance that a small group borrows.  Chosen by simulation: with 10 a family of
#: 18 skewed clustered groups raised false alarms in 8 % of null worlds, with 20 in under 5 %.
PRIOR_UNITS = 20.0


def minimum_detectable_difference(
    standard_error: npt.ArrayLike, z: float, power: float = 0.8
) -> Floats:
    """Smallest true difference that a two-sided comparison at quantile `z` finds with this power.

    Normal approximation: ``(z + z_power) · standard error``; the probability of a significant
    difference in the wrong direction is left out, as is usual.  Cohen (1988), section 2.

    Examples
    --------
    >>> round(float(minimum_detectable_difference(0.02, 1.96)), 3)
    0.056
    """
    return np.asarray((z + z_of(2 * power - 1)) * np.asarray(standard_error, float), float)


def steadied_variance(variance: Floats, n_units: Floats, prior_units: float = 4.0) -> Floats:
    """Sampling variances of groups, each drawn towards the pooled variance of one unit.

    A small group's own variance may be 0 by luck.  `prior_units` units of the pooled variance are
    added to its own ``n - 1``, as an inverse-gamma prior would (Smyth 2004,
    doi:10.2202/1544-6115.1027).  Used where a variance of 0 must not mean certainty: shrinkage and
    power, never for intervals.
    """
    own = np.maximum(n_units - 1, 0.0)
    per_unit = variance * n_units
    usable = own > 0
    if not usable.any():
        return variance
    pooled = float((per_unit[usable] * own[usable]).sum() / own[usable].sum())
    return np.asarray(
        (per_unit * own + pooled * prior_units) / (own + prior_units) / np.maximum(n_units, 1),
        float,
    )


def floored_variances(
    variance1: Floats, n1: Floats, variance2: Floats, n2: Floats
) -> tuple[Floats, Floats]:
    """Sampling variances of two independent groups, not below what both together suggest.

    Few skewed units have a variance that is too small by luck, down to 0 where none had an event;
    a comparison would then be as sure as the other group alone.  Each variance is drawn towards
    the pooled variance of one unit with `PRIOR_UNITS` units, and only ever enlarged (the moderation
    of Smyth 2004, doi:10.2202/1544-6115.1027, from one side).
    """
    own1, own2 = np.maximum(n1 - 1, 0.0), np.maximum(n2 - 1, 0.0)
    pooled = (variance1 * n1 * own1 + variance2 * n2 * own2) / np.maximum(own1 + own2, 1.0)

    def floored(variance: Floats, n: Floats, own: Floats) -> Floats:
        drawn = (variance * n * own + PRIOR_UNITS * pooled) / (own + PRIOR_UNITS)
        return np.asarray(np.maximum(variance, drawn / np.maximum(n, 1.0)), float)

    return floored(variance1, n1, own1), floored(variance2, n2, own2)
