"""How far the groups of a partition differ as a whole."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.audits.result import Gap
from evenhand.comparisons.comparison import Pools, compare, moderated
from evenhand.comparisons.rates import bounds_of
from evenhand.groups import Partition
from evenhand.stats import contrasts, simultaneous, spread
from evenhand.stats.forms import Ratio
from evenhand.stats.intervals import z_of

Integers = npt.NDArray[np.int64]
#: Draws beyond a quantile, below which the draws do not know where it lies.
FEWEST_BEYOND = 10


def gaps_of(evidence: GroupEvidence, hidden: frozenset[int]) -> tuple[Gap, ...]:
    """Gap of each partition; their lower bounds hold together."""
    number = max(len(evidence.partitions), 1)
    level = 1 - (1 - evidence.rules.joint_level) / number
    return tuple(
        _gap(evidence, partition, evidence.group_index[members], hidden, level)
        for partition, members in evidence.partitions
    )


def _gap(
    evidence: GroupEvidence,
    partition: Partition,
    groups: Integers,
    hidden: frozenset[int],
    level: float,
) -> Gap:
    index = np.array([g for g in groups if evidence.able(g)], int)
    reason = None
    if hidden.intersection(groups.tolist()):
        # Whatever is computed from hidden groups could give them away.
        reason = "suppressed"
    elif len(index) < 2:
        reason = "too_few_units" if len(groups) > 1 else "no_reference"
    if reason:
        return Gap(
            by=partition.names,
            largest=None,
            lower_bound=None,
            between_group_sd=None,
            homogeneity_p=None,
            smallest_ratio=None,
            reason=reason,
        )
    values = evidence.estimates.values[index]
    shares = evidence.rules.low == 0 and values.max() > 0
    return Gap(
        by=partition.names,
        largest=float(np.ptp(values)),
        lower_bound=gap_at_least(evidence, index, level),
        between_group_sd=spread.between_group_sd(
            values,
            evidence.covariance_of(index) if evidence.full else evidence.estimates.variances[index],
        ),
        homogeneity_p=_homogeneity(evidence, index),
        homogeneity_p_floor=_floor(evidence, index),
        smallest_ratio=float(values.min() / values.max()) if shares else None,
    )


def gap_at_least(evidence: GroupEvidence, index: Integers, level: float) -> float | None:
    """Lower bound of the widest difference of some sets, all pairs bounded at once."""
    estimates, rules = evidence.estimates, evidence.rules
    if not evidence.full:
        z = float(z_of(1 - (1 - level) / len(index)))
        wide = replace(rules, level=contrasts.level_of_z(z))
        low, high, _ = bounds_of(estimates, evidence.form, wide, binomial=evidence.shares)
        return max(float(np.nanmax(low[index]) - np.nanmin(high[index])), 0.0)
    covariance = evidence.covariance_of(index).copy()
    flat = estimates.variances[index] == 0
    if flat.any():
        ((steady, _),) = moderated(estimates, Pools.one(index, len(index)), index)
        # Where no unit differs anywhere, pairs are bounded by the values' bounds, as if independent.
        covariance[flat, flat] = np.where(steady[flat] > 0, steady[flat], 1.0)
    draws = simultaneous.draw_normal(covariance, rules.draws, evidence.rng)
    first, second = np.triu_indices(len(index), 1)
    z = (
        spread.largest_pair_quantile(covariance, draws, level)
        if (1 - level) * len(draws) >= FEWEST_BEYOND
        else simultaneous.bonferroni_quantile(len(first), level)
    )
    pairs = compare(
        estimates,
        evidence.form,
        index[first],
        index[second],
        proportion=evidence.binomial,
        exact=rules.family > 1 or len(evidence.partitions) > 1 or len(index) > 2,
        pools=Pools.one(index, len(first)),
        bounds=evidence.compared.bounds,
        seen=evidence.compared.seen,
    )
    low, high = pairs.interval(z)
    if np.isnan(low).all():
        return 0.0 if np.ptp(estimates.values[index]) == 0 else None
    return max(float(np.nanmax(np.concatenate([low, -high, [0.0]]))), 0.0)


def _floor(evidence: GroupEvidence, index: Integers) -> float | None:
    """The least that the p-value can be, where it is simulated."""
    if not (evidence.binomial and isinstance(evidence.form, Ratio)):
        return None
    above, below = evidence.form.split(evidence.estimates.sums)
    return spread.chi_square_floor(above[index], below[index])


def _homogeneity(evidence: GroupEvidence, index: Integers) -> float | None:
    """p-value of all groups being equal, by the test that fits."""
    estimates = evidence.estimates
    if evidence.binomial and isinstance(evidence.form, Ratio):
        above, below = evidence.form.split(estimates.sums)
        return spread.chi_square_p(above[index], below[index], evidence.rng)
    values = estimates.values[index]
    # Few skewed units underrate their own variance, whether the others vary alike or not.
    ((steady, df),) = moderated(estimates, Pools.one(index, len(index)), index)
    if evidence.full:
        shared = estimates.shared[np.ix_(index, index)].copy()
        np.fill_diagonal(shared, 0)
        if shared.any():
            covariance = evidence.covariance_of(index).copy()
            own = np.diag(covariance).copy()
            covariance[np.diag_indices_from(covariance)] = np.maximum(own, steady)
            units = int(np.floor(estimates.n_effective[index].min()))
            return spread.wald_p(values, covariance, units)
    elif evidence.cube.units is not None:
        return None  # whether units are shared is not known of so many pairs
    own = np.nan_to_num(estimates.variances[index])
    larger = own > steady
    df = np.where(larger, np.maximum(estimates.n_effective[index] - 1, 1), df)
    return spread.welch_p(values, np.maximum(own, steady), df)
