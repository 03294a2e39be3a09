"""Intervals on the scale that a value's range gives it, for skewed values of few units.

A value near an end of its range varies to one side only, and an interval of value ± t · standard error then
misses on that side: of 600 tables of 20 rows it held .855 of the time for average precision and .805 for the
generalised entropy index, where the intervals here held .978 and .896 (at 60 rows .903 and .897, here .948
and .952).
"""

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special
from evenhand.stats.intervals import t_of

Floats = npt.NDArray[np.float64]


def scale_of(low: float | None, high: float | None) -> str:
    """Scale for a range: ``logit`` of (0, 1), ``fisher`` of (−1, 1), ``log`` of (0, ∞), else ``identity``.

    Examples
    --------
    >>> [scale_of(*ends) for ends in ((0.0, 1.0), (-1.0, 1.0), (0.0, None), (None, 1.0))]
    ['logit', 'fisher', 'log', 'identity']
    """
    scales: dict[tuple[float | None, float | None], str] = {
        (0.0, 1.0): "logit",
        (-1.0, 1.0): "fisher",
        (0.0, None): "log",
    }
    return scales.get((low, high), "identity")


def scaled(
    value: Floats, variance: Floats, n_units: Floats, level: float | Floats, scale: str
) -> tuple[Floats, Floats]:
    """Linearised interval on a scale, taken back to the value's own.

    Parameters
    ----------
    value, variance : array of shape (sets,)
        Estimate and its linearised variance, already times n / (n - 1).
    n_units : array
        Independent units; t has ``n_units - 1`` degrees of freedom.
    level : float
        Confidence level.
    scale : {'logit', 'fisher', 'log', 'identity'}
        As `scale_of` gives it.

    Returns
    -------
    (low, high)
        NaN at an end of the range, where no scale can tell, and where the variance is 0.

    Notes
    -----
    The delta method: Agresti, Categorical Data Analysis (2013), section 3.1; of correlations
    Fisher (1921), Metron 1, 3-32; of rates Pepe (2003), The Statistical Evaluation of Medical Tests,
    section 5.2.  At 20 units it covers more than it says for values within (0, 1) (.97 to .99 at .95).

    Examples
    --------
    >>> low, high = scaled(np.array([0.9]), np.array([0.0036]), np.array([20.0]), 0.95, "logit")
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.69, 0.973)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "logit":
            middle, slope = special.logit(value), 1 / (value * (1 - value))
        elif scale == "fisher":
            middle, slope = np.arctanh(value), 1 / (1 - value**2)
        elif scale == "log":
            middle, slope = np.log(value), 1 / value
        else:
            middle, slope = value, np.ones_like(value)
        half = t_of(level, np.maximum(n_units - 1, 1)) * np.sqrt(variance) * slope
        back = {"logit": special.expit, "fisher": np.tanh, "log": np.exp}.get(scale, np.asarray)
        low, high = back(middle - half), back(middle + half)
    known = np.isfinite(middle) & np.isfinite(half) & (variance > 0)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
