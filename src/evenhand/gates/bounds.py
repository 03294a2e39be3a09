"""How large and how small rates, gaps and ratios of groups can be: bounds that may each be wrong with a given chance.

An upper and a lower bound are two claims, of which at most one is about a limit that is kept (or broken), so that each
has the whole chance.  The widest gap lies between two groups that nobody knows: a lower bound must hold for all pairs
at once, while for an upper one it is enough that each pair's holds by itself, since the widest pair is one of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.audits.gaps import gap_at_least
from evenhand.comparisons.comparison import Pools, compare
from evenhand.comparisons.limits import contrast_limit, row_limits
from evenhand.comparisons.rates import bounds_of
from evenhand.cubes import Estimates, estimate, unit_values
from evenhand.deferred import special
from evenhand.pages.edition import PLAIN
from evenhand.stats import contrasts
from evenhand.stats.forms import Ratio

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
#: Groups of which all pairs are compared; pairs that share units of which each is looked at by its units.
MOST_PAIRED, MOST_SHARED = 150, 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What was seen, and between which bounds it lies; NaN where nothing is known."""

    value: float
    low: float
    high: float
    pair: tuple[int, int] | None = None


def rate_bounds(evidence: GroupEvidence, tail: float) -> tuple[Floats, Floats]:
    """Bounds of every set's own value; each is wrong with at most this chance.

    Of proportions of rows Clopper and Pearson's.  Of units within known bounds the wider of the interval and of
    what bounded units allow: eight speakers of whom none failed do not prove that none does.
    """
    rules = replace(evidence.rules, level=1 - 2 * tail, interval="clopper-pearson")
    form, estimates = evidence.form, evidence.estimates
    low, high, _ = bounds_of(estimates, form, rules, binomial=evidence.shares)
    bounds = unit_range(evidence)
    if bounds is None or estimates.design_variances is not None:
        return low, high
    assert isinstance(form, Ratio)
    for index in evidence.group_index:
        exact = estimates.variances[index] == 0 and np.isfinite(high[index])
        if not evidence.able(index) or exact:
            continue
        if evidence.cube.units is None:
            ends = row_limits(estimates, np.array([index]), bounds, tail)
            least, most = (float(side[0]) for side in ends)
        else:
            sets = evidence.sets[[index]]
            most = contrast_limit(evidence.cube, form, sets, np.ones(1), bounds, tail)
            least = -contrast_limit(evidence.cube, form, sets, -np.ones(1), bounds, tail)
        low[index], high[index] = np.fmin(low[index], least), np.fmax(high[index], most)
    return low, high


def unit_range(evidence: GroupEvidence) -> tuple[float, float] | None:
    """Between which values of units lie; `None` where limits are exact without, or nothing tells.

    Where the metric's range has no upper end (words can be wrong more than once) no unit is taken to be more than
    wholly wrong, or worse than the worst that was seen.
    """
    rules, compared = evidence.rules, evidence.compared
    if evidence.shares or not isinstance(evidence.form, Ratio):
        return None
    if compared.bounds is not None and not compared.seen:
        return compared.bounds
    if evidence.cube.units is None or rules.low is None or rules.ceiling is None:
        return None
    everything = np.ones(len(evidence.cube.keys), bool)
    values, _ = unit_values(evidence.cube, evidence.form, everything)
    return rules.low, float(values.max(initial=rules.ceiling))


def gap_bounds(evidence: GroupEvidence, index: Integers, chance: float) -> Bound:
    """Bounds of the widest difference between any two of some sets."""
    values = evidence.estimates.values[index]
    order = np.argsort(-values, kind="stable")
    pair = (int(index[order[0]]), int(index[order[-1]]))
    if len(index) > MOST_PAIRED:
        return _gap_of_many(evidence, index, chance, pair)
    first, second = _pairs(index)
    pairs = compare(
        _of_pairs(evidence, first, second),
        evidence.form,
        first,
        second,
        proportion=evidence.binomial,
        exact=True,
        pools=Pools.one(index, len(first)),
        bounds=evidence.compared.bounds,
        seen=evidence.compared.seen,
    )
    low, high = pairs.interval(float(-special.ndtri(chance)))
    most = np.fmax(high, -low)
    found = gap_at_least(evidence, index, 1 - chance)
    at_least = np.nan if found is None else found
    at_most = float(most.max())
    if _needs_guard(evidence):
        at_most = max(at_most, float(_guarded(evidence, first, second, chance).max()))
        # A lower bound is of all pairs at once, each of which may differ in either direction.
        near = -_guarded(evidence, first, second, chance / (2 * len(first)))
        at_least = min(at_least, max(float(near.max()), 0.0))
    return Bound(
        value=float(np.ptp(values)),
        low=at_least,
        high=at_most,
        pair=pair,
    )


def _gap_of_many(
    evidence: GroupEvidence, index: Integers, chance: float, pair: tuple[int, int]
) -> Bound:
    """The same from bounds of each set alone: of a thousand groups there are half a million pairs."""
    # Two sets are the widest pair: each of their two bounds has half of the chance.
    low, high = (side[index] for side in rate_bounds(evidence, chance / 2))
    wide = [side[index] for side in rate_bounds(evidence, chance / (2 * len(index)))]
    known = np.isfinite(wide).any()
    return Bound(
        value=float(np.ptp(evidence.estimates.values[index])),
        low=max(float(np.nanmax(wide[0]) - np.nanmin(wide[1])), 0.0) if known else np.nan,
        high=float(high.max() - low.min()),
        pair=pair,
    )


def ratio_bounds(evidence: GroupEvidence, index: Integers, chance: float) -> Bound:
    """Bounds of the highest value over the lowest, of values that are at least 0."""
    values = evidence.estimates.values
    first, second = _pairs(index)
    turned = values[first] < values[second]
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(values[second] > 0, values[first] / values[second], np.inf)
        ratios = np.where(values[first] == values[second], 1.0, ratios)
    # Each pair may be the widest in either direction.
    least, _ = _ratios(evidence, first, second, chance / max(2 * len(first), 1))
    below, above = _ratios(evidence, first, second, chance)
    with np.errstate(divide="ignore"):
        above = np.maximum(above, np.where(below > 0, 1 / below, np.inf))
    widest = int(np.argmax(ratios))
    return Bound(
        value=float(ratios[widest]),
        low=max(float(np.nanmax(least, initial=1.0)), 1.0) if not np.isnan(least).all() else np.nan,
        high=float(above.max()) if not np.isnan(above).any() else np.nan,
        pair=(int(first[widest]), int(second[widest])),
    )


def harm_bounds(
    now: tuple[float, float, float], before: tuple[float, float, float], *, higher_is_worse: bool
) -> Bound:
    """Bounds of how much worse a value is than one of other rows, from value, low and high of each (MOVER).

    The two are taken for independent.  Where both are of the same people they vary together, and the bounds are wider
    than they need be.
    """
    sides = [tuple(np.asarray(one) for one in side) for side in (now, before)]
    if not higher_is_worse:
        sides.reverse()
    (value1, low1, high1), (value2, low2, high2) = sides
    low, high = contrasts.square_and_add((value1, low1, high1), (value2, low2, high2))
    return Bound(value=float(value1 - value2), low=float(low), high=float(high))


def _needs_guard(evidence: GroupEvidence) -> bool:
    """Whether more is known of a difference than Student's t says: of units within bounds, and of weighted shares."""
    return unit_range(evidence) is not None or (evidence.shares and not evidence.binomial)


def _guarded(evidence: GroupEvidence, first: Integers, second: Integers, chance: float) -> Floats:
    """How much larger each of a pair is than the other at most, whatever units within their range are like.

    Each limit is wrong with at most this chance.  Limits of independent sides add as variances do (Zou & Donner 2008,
    doi:10.1002/sim.3095).  Of pairs that share units those of each unit's own difference are taken, as far as pairs
    are few; else the sides' as they are.
    """
    (low, high), values = rate_bounds(evidence, chance), evidence.estimates.values
    apart = _apart(evidence, first, second)
    if not apart.all() and len(first) <= MOST_SHARED:
        pairs = [*zip(first, second, apart, strict=True), *zip(second, first, apart, strict=True)]
        own = [_own(evidence, one, other, chance) for one, other, alone in pairs if not alone]
        first, second = first[apart], second[apart]
        apart = apart[apart]
    else:
        own = []

    def most(one: Integers, other: Integers) -> Floats:
        above, below = high[one] - values[one], values[other] - low[other]
        return values[one] - values[other] + np.where(apart, np.hypot(above, below), above + below)

    return np.concatenate([np.array(own, float), most(first, second), most(second, first)])


def _apart(evidence: GroupEvidence, first: Integers, second: Integers) -> npt.NDArray[np.bool_]:
    """Which pairs share no unit."""
    if evidence.cube.units is None:
        return np.ones(len(first), bool)
    if evidence.full:
        return np.asarray(evidence.estimates.shared[first, second] == 0)
    return np.zeros(len(first), bool)


def _own(evidence: GroupEvidence, one: int, other: int, tail: float) -> float:
    """How much larger a set's value is than another's at most, by the differences of their units."""
    bounds, form = unit_range(evidence), evidence.form
    assert bounds is not None
    assert isinstance(form, Ratio)
    sets, signs = evidence.sets[[one, other]], np.array([1.0, -1.0])
    return contrast_limit(evidence.cube, form, sets, signs, bounds, tail)


def _pairs(index: Integers) -> tuple[Integers, Integers]:
    """Every pair."""
    first, second = np.triu_indices(len(index), 1)
    return index[first], index[second]


def _of_pairs(evidence: GroupEvidence, first: Integers, second: Integers) -> Estimates:
    """Estimates with the covariances of these pairs."""
    if evidence.full:
        return evidence.estimates
    return estimate(evidence.cube, evidence.form, evidence.sets, np.stack([first, second], axis=1))


def _ratios(
    evidence: GroupEvidence, first: Integers, second: Integers, tail: float
) -> tuple[Floats, Floats]:
    """Bounds of the ratio of each pair, each wrong with at most this chance."""
    estimates = evidence.estimates
    if not evidence.full and evidence.cube.units is not None:
        # Which units are shared is not known of so many pairs: one bound of each, whatever they share.
        low, high = rate_bounds(evidence, tail / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.maximum(low[first], 0) / high[second], high[first] / np.maximum(
                low[second], 0
            )
    low, high = rate_bounds(evidence, tail)
    sides = [[of[s] for of in (estimates.values, low, high)] for s in (first, second)]
    least, most = contrasts.mover_ratio(*sides[0], *sides[1])
    if not evidence.full:
        return least, most
    bounded = unit_range(evidence) is not None
    if bounded:
        # Of units that are shared nothing is said of how both sides vary together: each has half of the chance.
        near, far = rate_bounds(evidence, tail / 2)
        with np.errstate(divide="ignore", invalid="ignore"):
            widest = (
                np.maximum(near[first], 0) / far[second],
                far[first] / np.maximum(near[second], 0),
            )
    for i in np.flatnonzero(estimates.shared[first, second] > 0):
        if bounded:
            least[i], most[i] = widest[0][i], widest[1][i]
        pair = np.array([first[i], second[i]])
        v1, v2 = estimates.values[pair]
        if v1 > 0 and v2 > 0:
            scale = np.array([1 / v1, -1 / v2])
            variance = np.asarray(scale @ evidence.covariance_of(pair) @ scale)
            df = np.asarray(max(min(estimates.n_effective[pair]) - 1, 1), float)
            found = contrasts.log_ratio(np.asarray(v1), np.asarray(v2), variance, df, 1 - 2 * tail)
            below, above = (float(end) for end in found)
            # (Without bounds of units nothing but the logarithm's interval is known.)
            least[i] = np.fmin(least[i], below) if bounded else below
            most[i] = np.fmax(most[i], above) if bounded else above
    return least, most


def labels_of(evidence: GroupEvidence, pair: Sequence[int] | None) -> tuple[str, ...]:
    """What two groups are called."""
    cells = () if pair is None else (evidence.cell_of(one) for one in pair)
    return tuple(PLAIN.named(cell.group) for cell in cells)
