"""Exact tests of two proportions."""

import numpy as np
import numpy.typing as npt

from evenhand.deferred import special

Floats = npt.NDArray[np.float64]


def hypergeometric_tail(successes: int, trials: int, all_successes: int, all_trials: int) -> float:
    """Probability of at least so many successes among some trials, given all successes.

    Fisher's exact test, one-sided: trials are exchangeable and `trials` of them were picked without
    looking.  Exact for any size; conservative, since counts are discrete.  Fisher (1935),
    doi:10.2307/2342435.

    Parameters
    ----------
    successes, trials : int
        Of the group.
    all_successes, all_trials : int
        Of the group and the rest together.

    Returns
    -------
    float
        p-value of *the group's rate is not higher than the rest's*.

    Examples
    --------
    >>> round(hypergeometric_tail(3, 4, 4, 8), 4)
    0.2429
    """
    least, most = max(0, trials + all_successes - all_trials), min(trials, all_successes)
    if successes <= least:
        return 1.0
    x = np.arange(successes, most + 1, dtype=float)
    log = (
        _log_choose(all_successes, x)
        + _log_choose(all_trials - all_successes, trials - x)
        - _log_choose(all_trials, np.asarray(float(trials)))
    )
    return float(min(1.0, np.exp(special.logsumexp(log))))


def _log_choose(n: float, k: Floats) -> Floats:
    return np.asarray(
        special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1), float
    )


def calibrated_e_value(p: float) -> float:
    """E-value of a p-value: ``1 / (2 sqrt(p))``.

    Its mean is at most 1 where the p-value is valid, so averages of e-values are e-values.
    Vovk & Wang (2021), doi:10.1214/20-AOS2020, with kappa = 1/2.

    Examples
    --------
    >>> calibrated_e_value(0.0001)
    50.0
    """
    return float(0.5 / np.sqrt(max(p, 1e-300)))
