"""What a group's harm may be at most, whatever the distribution of its bounded units."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.comparisons.limits import Limits, row_limits
from evenhand.cubes import unit_values
from evenhand.deferred import special
from evenhand.stats.bounded_means import gaffke_upper, gaffke_within
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
    limit_of = _SetLimit if evidence.cube.units is None else _UnitLimit
    group, reference = int(evidence.group_index[i]), int(evidence.reference_index[i])
    # Of the group only the end of more harm counts, of its reference the other.
    worse = rules.higher_is_worse
    own = limit_of(evidence, group, tail, bounds, upper=worse)
    other = limit_of(evidence, reference, tail, bounds, upper=not worse)
    harm = _Harm(
        values=(
            float(evidence.estimates.values[group]),
            float(evidence.estimates.values[reference]),
        ),
        other=other.at(1.0),
        scale=float(evidence.scale[i]),
        higher_is_worse=worse,
        apart=not _share_units(evidence, i),
    )
    limit = harm.at(own.at(1.0))
    needed = None
    if limit > rules.tolerance and (most := harm.most(rules.tolerance)) is not None:
        times = _least(own, most)
        if times is not None:
            needed = int(np.ceil(times * evidence.estimates.n_units[group]))
    return HarmLimit(limit=limit, units_needed=needed)


def holds_for_wrong_units(evidence: GroupEvidence, i: int) -> bool:
    """Whether *not worse* would hold if no unit were more than wholly wrong, or worse than the worst seen."""
    low, ceiling = evidence.rules.low, evidence.rules.ceiling
    if low is None or ceiling is None or evidence.cube.units is None:
        return False
    if not isinstance(evidence.form, Ratio):
        return False
    everything = np.ones(len(evidence.cube.keys), bool)
    worst = float(unit_values(evidence.cube, evidence.form, everything)[0].max(initial=ceiling))
    limit = harm_limit(evidence, i, (low, worst))
    return limit is not None and limit.limit <= evidence.rules.tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Harm:
    """How much worse the first of two values may be, by one limit of each."""

    values: tuple[float, float]
    other: float
    scale: float
    higher_is_worse: bool
    apart: bool

    @property
    def _sign(self) -> int:
        return 1 if self.higher_is_worse else -1

    @property
    def _seen(self) -> tuple[float, float]:
        """Harm that was seen, and how far the second value may be on the other side."""
        first, second = self.values
        return self._sign * (first - second), self._sign * (second - self.other)

    def at(self, limit: float) -> float:
        """Upper limit of the harm, where `limit` is that of the first value."""
        (seen, below), above = self._seen, self._sign * (limit - self.values[0])
        # Limits of two sides add as variances do where the sides are independent, and else as they are.
        return self.scale * float(seen + (np.hypot(above, below) if self.apart else above + below))

    def most(self, tolerance: float) -> float | None:
        """Limit of the first value with which the harm's is the tolerance; `None` where none would do."""
        seen, below = self._seen
        room = (tolerance / self.scale if self.scale > 0 else np.inf) - seen
        if room < below:
            return None
        above = np.sqrt(room**2 - below**2) if self.apart else room - below
        return float(self.values[0] + self._sign * above)


def _least(own: "_UnitLimit | _SetLimit", most: float) -> float | None:
    """Smallest multiple of the units at which their limit is within another; `None` where none is."""
    few, many = 1.0, MOST_TIMES
    if not own.within(many, most):
        return None
    for _ in range(12):
        middle = float(np.sqrt(few * many))
        few, many = (few, middle) if own.within(middle, most) else (middle, many)
    return many


def _share_units(evidence: GroupEvidence, i: int) -> bool:
    estimates = evidence.estimates
    if not evidence.full:
        return bool(estimates.shared[i])
    return bool(estimates.shared[evidence.group_index[i], evidence.reference_index[i]])


class _UnitLimit:
    """One limit of a set's value, whose units were each seen so many times."""

    def __init__(
        self, evidence: GroupEvidence, index: int, tail: float, bounds: Limits, *, upper: bool
    ) -> None:
        assert isinstance(evidence.form, Ratio)
        values, self._sizes = unit_values(evidence.cube, evidence.form, evidence.sets[index])
        # The lower limit is the upper one of values and bounds with their signs turned.
        self._sign = 1 if upper else -1
        self._values, self._tail = self._sign * values, tail
        self._low, self._high = bounds if upper else (-bounds[1], -bounds[0])

    def at(self, times: float) -> float:
        """The limit."""
        return self._sign * gaffke_upper(
            self._values, self._tail, self._low, self._high, sizes=self._sizes, times=times
        )

    def within(self, times: float, most: float) -> bool:
        """Whether the limit is at most another, or for a lower one at least."""
        limit = self._sign * most
        return gaffke_within(
            self._values, self._tail, limit, self._low, self._high, sizes=self._sizes, times=times
        )


class _SetLimit:
    """The same, of rows that are their own units."""

    def __init__(
        self, evidence: GroupEvidence, index: int, tail: float, bounds: Limits, *, upper: bool
    ) -> None:
        self._asked = evidence.estimates, np.array([index]), bounds, tail
        self._upper = upper

    def at(self, times: float) -> float:
        """The limit."""
        return float(row_limits(*self._asked, times)[self._upper][0])

    def within(self, times: float, most: float) -> bool:
        """Whether the limit is at most another, or for a lower one at least."""
        limit = self.at(times)
        return limit <= most if self._upper else limit >= most
