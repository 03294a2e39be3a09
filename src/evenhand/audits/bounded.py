"""What a group's harm may be at most, whatever the distribution of its bounded units."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.comparisons.limits import Limits, row_limits
from evenhand.cubes import unit_values
from evenhand.deferred import special
from evenhand.stats.bounded_means import gaffke_upper
from evenhand.stats.forms import Ratio

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: How many times the units at hand are tried before none is said to do.
MOST_TIMES = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HarmLimit:
    """Upper limit of a group's harm, in the metric's units and in the direction of harm.

    `units_needed` is how many units like those seen would bring it within the tolerance; `None` where
    they do already, or no number would.
    """

    limit: float
    units_needed: int | None


def harm_limit(evidence: GroupEvidence, i: int, bounds: Limits | None = None) -> HarmLimit | None:
    """The limit on which *not worse* stands; `None` where the interval itself holds for any units.

    `bounds` are those that units are taken to have, where the metric sets none.

    Student's interval is right where units are many or alike.  Of eight speakers of whom one in ten
    fails, none may have been met: their variance is small and the interval tight around a value that
    is wrong.  For metrics whose units lie within known bounds, limits of bounded means say what
    cannot be excluded.  Proportions of independent rows have exact limits already.
    """
    compared, rules = evidence.compared, evidence.rules
    bounds = compared.bounds if bounds is None and not compared.seen else bounds
    exact = compared.score[i] or compared.flat[i]
    if bounds is None or exact or not isinstance(evidence.form, Ratio):
        return None
    tail = float(special.ndtr(-evidence.joint_z))
    limit_of = _limit_of_set if evidence.cube.units is None else _limit_of_units
    group, reference = int(evidence.group_index[i]), int(evidence.reference_index[i])
    # Of the group only the end of more harm counts, of its reference the other.
    worse = rules.higher_is_worse
    other = limit_of(evidence, reference, tail, bounds, upper=not worse)(1.0)
    own = limit_of(evidence, group, tail, bounds, upper=worse)
    shared = _share_units(evidence, i)
    scale = float(evidence.scale[i])

    def at(times: float) -> float:
        return scale * _harm(evidence, (group, own(times)), (reference, other), apart=not shared)

    limit = at(1.0)
    needed = None
    if limit > rules.tolerance and at(MOST_TIMES) <= rules.tolerance:
        needed = int(np.ceil(_least(at, rules.tolerance) * evidence.estimates.n_units[group]))
    return HarmLimit(limit=limit, units_needed=needed)


def holds_for_wrong_units(evidence: GroupEvidence, i: int) -> bool:
    """Whether *not worse* would hold if no unit were more than wholly wrong, or worse than the worst seen."""
    low, ceiling = evidence.rules.low, evidence.rules.ceiling
    if low is None or ceiling is None or evidence.cube.units is None:
        return False
    assert isinstance(evidence.form, Ratio)
    everything = np.ones(len(evidence.cube.keys), bool)
    worst = float(unit_values(evidence.cube, evidence.form, everything)[0].max(initial=ceiling))
    limit = harm_limit(evidence, i, (low, worst))
    return limit is not None and limit.limit <= evidence.rules.tolerance


def _harm(
    evidence: GroupEvidence, one: tuple[int, float], two: tuple[int, float], *, apart: bool
) -> float:
    """Upper limit of the first set's value above the second's, or below it where lower is worse."""
    (first, limit1), (second, limit2) = one, two
    v1, v2 = evidence.estimates.values[[first, second]]
    if evidence.rules.higher_is_worse:
        difference, above, below = v1 - v2, limit1 - v1, v2 - limit2
    else:
        difference, above, below = v2 - v1, v1 - limit1, limit2 - v2
    # Limits of two sides add as variances do where the sides are independent, and else as they are.
    return float(difference + (np.hypot(above, below) if apart else above + below))


def _least(at: Callable[[float], float], tolerance: float) -> float:
    """Smallest multiple of the units at which the limit is within the tolerance."""
    few, many = 1.0, MOST_TIMES
    for _ in range(12):
        middle = float(np.sqrt(few * many))
        few, many = (few, middle) if at(middle) <= tolerance else (middle, many)
    return many


def _share_units(evidence: GroupEvidence, i: int) -> bool:
    estimates = evidence.estimates
    if not evidence.full:
        return bool(estimates.shared[i])
    return bool(estimates.shared[evidence.group_index[i], evidence.reference_index[i]])


def _limit_of_units(
    evidence: GroupEvidence, index: int, tail: float, bounds: Limits, *, upper: bool
) -> Callable[[float], float]:
    """One limit of a set's value whose units were each seen so many times."""
    assert isinstance(evidence.form, Ratio)
    low, high = bounds
    values, sizes = unit_values(evidence.cube, evidence.form, evidence.sets[index])
    if upper:
        return lambda times: gaffke_upper(values, tail, low, high, sizes=sizes, times=times)
    return lambda times: -gaffke_upper(-values, tail, -high, -low, sizes=sizes, times=times)


def _limit_of_set(
    evidence: GroupEvidence, index: int, tail: float, bounds: Limits, *, upper: bool
) -> Callable[[float], float]:
    """The same, of rows that are their own units."""

    def limit(times: float) -> float:
        ends = row_limits(evidence.estimates, np.array([index]), bounds, tail, times)
        return float(ends[upper][0])

    return limit
