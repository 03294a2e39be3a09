"""Many comparisons judged together: the quantile at which all hold at once, and corrected p-values."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.comparisons.rules import VerdictRules
from evenhand.stats import contrasts, simultaneous
from evenhand.stats.intervals import z_of

Floats = npt.NDArray[np.float64]
#: With more sets than this, covariances of all pairs cost too much: Holm and Bonferroni instead.
MAX_T_SETS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedFamily:
    """Comparisons, judged together.

    Attributes
    ----------
    joint_z : float
        Normal quantile at which all hold at once.
    p_adjusted : array
        One for each comparison.
    adjust : str
        The correction that was used.
    """

    joint_z: float
    p_adjusted: Floats
    adjust: str


def judge_family(
    z: Floats,
    rules: VerdictRules,
    rng: np.random.Generator,
    covariance: Callable[[], Floats] | None,
    *,
    among: float = 1.0,
    chosen: bool = False,
) -> JudgedFamily:
    """Correct comparisons for each other, as the rules ask.

    Parameters
    ----------
    z : array
        The comparisons on the normal scale; none may be missing.
    rules : VerdictRules
        Correction, confidence, number of metrics, draws.
    rng : Generator
        Of the multiplier bootstrap.
    covariance : callable, optional
        Gives that of the comparisons; without it Holm stands in for max-t.
    among : float
        How many times as many comparisons might have been made, where these were chosen.
    chosen : bool
        Whether these were chosen by the data, so that `covariance` is that of all that might have been.

    Notes
    -----
    Max-t by the multiplier bootstrap: Hothorn, Bretz & Westfall (2008), doi:10.1002/bimj.200810425; step-down p-values,
    single-step ones where comparisons were chosen.
    """
    adjust = rules.adjust if covariance is not None or rules.adjust != "max-t" else "holm"
    if not len(z):
        return JudgedFamily(joint_z=float(z_of(rules.joint_level)), p_adjusted=z, adjust=adjust)
    joint = simultaneous.bonferroni_quantile(int(np.ceil(len(z) * among)), rules.joint_level)
    p = contrasts.p_of_z(z)
    # One comparison needs no draws: its quantile is exact.
    if adjust == "max-t" and covariance is not None and (len(z) > 1 or chosen):
        whole = covariance()
        kept, place = simultaneous.distinct(whole)
        draws = simultaneous.draw_normal(whole[np.ix_(kept, kept)], rules.draws, rng)
        joint = simultaneous.max_t_quantile(draws, rules.joint_level)
        adjusted = (
            simultaneous.single_step(z, draws)
            if chosen
            else simultaneous.step_down(z[kept], draws)[place]
        )
    elif adjust == "holm":
        adjusted = simultaneous.holm(p) * among
    else:
        adjusted = simultaneous.benjamini_hochberg(p) * among
    capped = np.minimum(adjusted * rules.family, 1.0)
    return JudgedFamily(joint_z=joint, p_adjusted=capped, adjust=adjust)
