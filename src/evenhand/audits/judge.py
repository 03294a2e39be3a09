"""Cube to verdicts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.bounded import HarmLimit, harm_limit, holds_for_wrong_units
from evenhand.audits.disclosure.hiding import Hidden, hidden_sets, rounded
from evenhand.audits.evidence import NONE, GroupEvidence
from evenhand.audits.gaps import gaps_of
from evenhand.audits.help import helped_sets, notes_of_help
from evenhand.audits.result import Contrast, Gap, Group, Helped, Refused, Verdict
from evenhand.comparisons.comparison import ON_UNITS, Pools, moderated
from evenhand.comparisons.limits import interval_alone
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sizes import lonely_units, unequal_units
from evenhand.cubes import Cube
from evenhand.errors import REASONS, Note
from evenhand.groups import Attribute, Partition
from evenhand.metrics.weights import Weighting
from evenhand.pages.nouns import unit_noun
from evenhand.questions.absent import missing_rows
from evenhand.results.estimate import Estimate, Missing, finite
from evenhand.stats.assisted import Assisted
from evenhand.stats.forms import Form, Ratio
from evenhand.stats.power import (
    detectable_proportion,
    minimum_detectable_difference,
    variance_growth,
)
from evenhand.stats.shrinkage import shrink

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What `judge` finds; the parts of an audit that follow from the cube."""

    overall: Estimate
    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    helped: tuple[Helped, ...]
    refused: tuple[Refused, ...]
    missing: tuple[Missing, ...]
    comparisons: int
    adjust: str
    notes: tuple[Note, ...]


def judge(
    cube: Cube,
    form: Form,
    attributes: Sequence[Attribute],
    partitions: Sequence[Partition],
    rules: VerdictRules,
    *,
    proportion: bool = False,
    shown_without: Hidden | None = None,
) -> Judgement:
    """Estimate every group, compare it with its reference and give a verdict.

    Parameters
    ----------
    cube : Cube
        Counts by the attributes.
    form : Form
        How the metric's value follows from them.
    attributes, partitions
        What the groups are.
    rules : VerdictRules
        How to judge.
    proportion : bool
        Whether the metric is a proportion of rows; with rows as their own units it gets
        binomial intervals.
    shown_without : Hidden, optional
        What is not shown, where it was decided for several metrics at once.
    """
    without = shown_without
    if without is None:
        without = hidden_sets([cube], [form], attributes, partitions, rules)
    evidence = GroupEvidence(
        cube, form, attributes, partitions, rules, proportion=proportion, hidden=without
    )
    hidden = evidence.hidden
    shrunk, sensitivity = _shrunk(evidence, hidden), _sensitivity(evidence)
    numbers = range(len(evidence.cells))
    groups = tuple(_group(evidence, i, hidden, shrunk[i], sensitivity[i]) for i in numbers)
    helped = helped_sets(evidence)
    judgement = Judgement(
        overall=_hide_rate(evidence.rates[0]) if without.overall else evidence.rates[0],
        groups=groups,
        gaps=gaps_of(evidence, hidden),
        helped=helped,
        refused=tuple(
            _refused(evidence, i, hidden)
            for i in numbers
            if not evidence.able(evidence.group_index[i]) or evidence.group_index[i] in hidden
        ),
        missing=_missing(evidence, hidden),
        comparisons=len(evidence.tested),
        adjust=evidence.adjust,
        notes=(
            *_notes(evidence, hidden),
            *_alone(evidence, groups),
            *notes_of_help(evidence, helped),
        ),
    )
    return rounded(judgement) if rules.suppress_below else judgement


def _notes(evidence: GroupEvidence, hidden: frozenset[int]) -> tuple[Note, ...]:
    """What is told of the units of those who are shown."""
    shown = [i for i in evidence.group_index if int(i) not in hidden]
    names = [None, *(evidence.cell_of(int(i)).predicate for i in shown)]
    number = np.array([0, *shown], np.int64)
    rules = evidence.rules
    sets = (evidence.sets, number, names)
    unequal = unequal_units(evidence.cube, evidence.form, evidence.estimates, sets, rules)
    return (*unequal, *lonely_units(evidence.cube, rules))


def _alone(evidence: GroupEvidence, groups: Sequence[Group]) -> Iterator[Note]:
    """What is told where *not worse* has no limit beside its interval."""
    units = [
        group.estimate.n_units or 0
        for i, group in enumerate(groups)
        if group.verdict == "not worse"
        and group.versus is not None
        and group.versus.harm_limit is None
        and group.versus.method == ON_UNITS
        and not holds_for_wrong_units(evidence, i)
    ]
    if units:
        rules = evidence.rules
        counted = not rules.suppress_below
        yield from interval_alone(min(units), rules.unit, "not worse", counted=counted)


def _group(
    evidence: GroupEvidence,
    i: int,
    hidden: frozenset[int],
    shrunk: float | None,
    sensitivity: float | None,
) -> Group:
    cell, index = evidence.cells[i], int(evidence.group_index[i])
    limit = harm_limit(evidence, i) if _seems_not_worse(evidence, i) else None
    group = Group(
        by=cell.partition.names,
        group=cell.group,
        predicate=cell.predicate,
        estimate=evidence.rates[index],
        shrunk=shrunk,
        versus=None if evidence.reference_index[i] in hidden else _contrast(evidence, i, limit),
        minimum_detectable_difference=sensitivity,
        verdict=_verdict(evidence, i, limit),
    )
    if index not in hidden:
        return group
    return replace(
        group,
        estimate=_hide(group.estimate),
        shrunk=None,
        versus=None,
        minimum_detectable_difference=None,
        verdict="insufficient evidence",
        suppressed=True,
    )


def _contrast(evidence: GroupEvidence, i: int, limit: HarmLimit | None) -> Contrast | None:
    if evidence.reference_index[i] == NONE:
        return None
    tested = bool(evidence.is_tested[i])
    ratio, ratio_low, ratio_high = _ratio(evidence, i) if tested else (None, None, None)
    return Contrast(
        reference=_reference_name(evidence, i),
        difference=float(evidence.compared.difference[i] * evidence.scale[i]) if tested else None,
        low=float(evidence.low[i]) if tested else None,
        high=float(evidence.high[i]) if tested else None,
        ratio=ratio,
        ratio_low=ratio_low,
        ratio_high=ratio_high,
        p_value=float(evidence.p_value[i]) if tested else None,
        p_adjusted=float(evidence.p_adjusted[i]) if tested else None,
        method=evidence.compared.method(i) if tested else None,
        reason=None if tested else _untested_reason(evidence, i),
        harm_limit=limit.limit if limit else None,
        units_needed=limit.units_needed if limit else None,
    )


def _reference_name(evidence: GroupEvidence, i: int) -> str:
    versus = evidence.rules.versus
    return evidence.cell_of(evidence.reference_index[i]).predicate if versus == "best" else versus


def _untested_reason(evidence: GroupEvidence, i: int) -> str:
    group, reference = evidence.group_index[i], evidence.reference_index[i]
    if not np.isfinite(evidence.estimates.values[group]):
        return "no_label" if evidence.rates[group].reason == "no_label" else "no_denominator"
    if evidence.estimates.n_units[group] < evidence.rules.min_units:
        return "too_few_units"
    return "no_variation" if evidence.able(reference) else "no_reference"


def _ratio(evidence: GroupEvidence, i: int) -> tuple[float | None, float | None, float | None]:
    """Ratio of two rates with its interval, for rates that have a meaningful zero."""
    overall = evidence.rules.versus == "overall"
    first = int(evidence.group_index[i])
    second = 0 if overall else int(evidence.reference_index[i])
    v1, v2 = evidence.estimates.values[first], evidence.estimates.values[second]
    if evidence.rules.low != 0 or not v2 > 0:
        return None, None, None
    if overall or not evidence.full:
        return float(v1 / v2), None, None
    low, high = (float(end[i]) for end in evidence.ratio_bounds)
    # Of two equal rates the difference is 0 and the ratio 1: no ratio is surer of that than the difference,
    # whose variances are moderated.
    if evidence.low[i] <= 0 <= evidence.high[i]:
        low, high = min(low, 1.0), max(high, 1.0)
    return float(v1 / v2), finite(low), finite(high)


def _verdict(evidence: GroupEvidence, i: int, limit: HarmLimit | None) -> Verdict | None:
    """Let the whole interval decide, never the point."""
    if evidence.reference_index[i] == NONE and _has_reference(evidence, i):
        return None
    if not evidence.is_tested[i]:
        return "insufficient evidence"
    tolerance = evidence.rules.tolerance
    if _harm_ends(evidence, i)[0] > tolerance:
        return "worse"
    if _seems_not_worse(evidence, i) and (limit is None or limit.limit <= tolerance):
        return "not worse"
    return "insufficient evidence"


def _harm_ends(evidence: GroupEvidence, i: int) -> tuple[float, float]:
    """Interval of the harm."""
    low, high = float(evidence.low[i]), float(evidence.high[i])
    return (low, high) if evidence.rules.higher_is_worse else (-high, -low)


def _seems_not_worse(evidence: GroupEvidence, i: int) -> bool:
    """Whether the interval alone would say *not worse*."""
    compared = evidence.compared
    # Bounds that were only seen exclude nothing that was not.
    guessed = compared.seen and compared.flat[i]
    within = _harm_ends(evidence, i)[1] <= evidence.rules.tolerance
    return bool(evidence.is_tested[i] and within and not guessed)


def _has_reference(evidence: GroupEvidence, i: int) -> bool:
    """Whether the other groups of its partition are compared with something, so with this one."""
    members = next(m for p, m in evidence.partitions if p == evidence.cells[i].partition)
    return bool((evidence.reference_index[members] != NONE).any())


def _refused(evidence: GroupEvidence, i: int, hidden: frozenset[int]) -> Refused:
    cell, index = evidence.cells[i], int(evidence.group_index[i])
    n, needed = int(evidence.estimates.n_units[index]), evidence.rules.min_units
    if index in hidden:
        return Refused(
            by=cell.partition.names,
            predicate=cell.predicate,
            reason="suppressed",
            n_units=None,
            needed=None,
            message=f"Refused [suppressed]: group {cell.predicate} is {REASONS['suppressed']}.",
        )
    reason = "too_few_units" if n and n < needed else evidence.rates[index].reason
    reason = reason or "no_denominator"
    units = unit_noun(evidence.rules.unit, n)
    has: int | None = n
    if reason == "too_few_units" and n < evidence.rows_of_classes(index):
        has = None if evidence.rules.suppress_below else n
        units = f"{units if has is not None else 'rows'} of its scarcer class"
    elif evidence.cube.units is None and n < (evidence.rates[index].n_rows or 0):
        # Beside it stands how many rows are scored: of a true positive rate negatives are, and count for nothing.
        units += " that counts" if n == 1 else " that count"
    if isinstance(evidence.form, Assisted):
        units = f"labelled {units}"
    told = (
        f"; this interval needs at least {needed}"
        if reason == "too_few_units"
        else f": {REASONS[reason]}"
    )
    return Refused(
        by=cell.partition.names,
        predicate=cell.predicate,
        reason=reason,
        n_units=has,
        needed=needed,
        message=f"Refused [{reason}]: group {cell.predicate} has {'few' if has is None else n} {units}{told}.",
    )


def _missing(evidence: GroupEvidence, hidden: frozenset[int]) -> tuple[Missing, ...]:
    """Rows without an attribute, with their rate; and rows that the metric cannot use."""
    shown = []
    for cell, index in zip(evidence.absent, evidence.absent_index, strict=True):
        rate = evidence.rates[index]
        rate = _hide(rate) if index in hidden else rate
        name = cell.partition.names[0]
        shown.append(
            Missing(attribute=name, n_rows=rate.n_rows, estimate=rate, reason="missing_attribute")
        )
    few = evidence.rules.suppress_below
    weighting = Weighting(weight=evidence.rules.weight, stratum=evidence.rules.stratum)
    return (*shown, *missing_rows(evidence.cube, evidence.rules.units, few, weighting))


def _shrunk(evidence: GroupEvidence, hidden: frozenset[int]) -> list[float | None]:
    """Shrunk rate of each visible group, from the visible groups of its partition."""
    out: list[float | None] = [None] * len(evidence.cells)
    estimates = evidence.estimates
    for _, everyone in evidence.partitions:
        index = evidence.group_index[everyone]
        # What one unit alone says of chance is nothing.
        usable = np.isfinite(estimates.values[index]) & np.isfinite(estimates.variances[index])
        usable &= (estimates.n_units[index] > 0) & ~np.isin(index, list(hidden))
        members, index = everyone[usable], index[usable]
        if len(members) < 3:
            continue
        variances = np.nan_to_num(estimates.variances[index])
        if not (variances > 0).all():
            # A variance of 0 must not mean certainty.
            ((steady, _),) = moderated(estimates, Pools.one(index, len(index)), index)
            variances = np.where(variances > 0, variances, steady)
        if not (variances > 0).all():
            continue
        covariance = variances
        if evidence.full:
            covariance = evidence.covariance_of(index).copy()
            covariance[np.diag_indices_from(covariance)] = variances
        codes = np.array([evidence.cells[i].codes for i in members]).T
        values = shrink(estimates.values[index], covariance, list(codes))
        for i, value in zip(members, values, strict=True):
            out[i] = float(value)
    return out


def _sensitivity(evidence: GroupEvidence) -> list[float | None]:
    """Minimum detectable difference of each comparison, the tolerance included."""
    out: list[float | None] = [None] * len(evidence.cells)
    tested, compared, rules = evidence.tested, evidence.compared, evidence.rules
    if not len(tested):
        return out
    scale = evidence.scale[tested]
    with np.errstate(divide="ignore"):
        tolerance = np.where(scale > 0, rules.tolerance / scale, 0.0)
    found = np.full(len(tested), np.nan)
    score = compared.score[tested] & (compared.trials is not None)
    if not score.all():
        error, df = np.sqrt(compared.power_variance[tested]), compared.df[tested]
        found = minimum_detectable_difference(
            error, evidence.joint_z, df, tolerance=tolerance, growth=_growth(evidence)
        )
    if compared.trials is not None:
        one, two, three, four = (side[tested] for side in compared.trials)
        exact = detectable_proportion(
            (one, two),
            (three, four),
            evidence.joint_z,
            exact=compared.exact,
            tolerance=tolerance,
            higher_is_worse=rules.higher_is_worse,
        )
        found = np.where(score, exact, found)
    found = np.where(found <= _room(evidence), found, np.nan)
    for i, value in zip(tested, found * scale, strict=True):
        out[i] = float(value) if value > 0 and np.isfinite(value) else None
    return out


def _room(evidence: GroupEvidence) -> Floats:
    """How much worse than its reference each tested group could be at most."""
    rules, tested = evidence.rules, evidence.tested
    other = evidence.estimates.values[evidence.reference_index[tested]]
    if rules.higher_is_worse:
        most = rules.high if rules.high is not None else rules.ceiling
        return np.full(len(tested), np.inf) if most is None else most - other
    return np.full(len(tested), np.inf) if rules.low is None else other - rules.low


def _growth(evidence: GroupEvidence) -> Callable[[Floats], Floats] | None:
    """By how much differences vary more where a group is worse by as much; `None` where it is not known."""
    rules, estimates, tested = evidence.rules, evidence.estimates, evidence.tested
    if rules.low is None or not isinstance(evidence.form, Ratio):
        return None
    group, reference = evidence.group_index[tested], evidence.reference_index[tested]
    own, other = np.nan_to_num(estimates.variances[group]), estimates.variances[reference]
    share = np.divide(own, own + np.nan_to_num(other), out=np.zeros_like(own), where=own > 0)
    start = estimates.values[reference]
    return variance_growth(
        start,
        # A group without any event says nothing of how it would vary with some.
        np.where(own > 0, estimates.values[group], start),
        share,
        low=rules.low,
        high=rules.high,
        higher_is_worse=rules.higher_is_worse,
    )


def _hide(rate: Estimate) -> Estimate:
    return replace(_hide_rate(rate), n_rows=None, n_units=None, effective_sample_size=None)


def _hide_rate(rate: Estimate) -> Estimate:
    return replace(
        rate,
        value=None,
        low=None,
        high=None,
        standard_error=None,
        numerator=None,
        denominator=None,
        counts=None,
        method=None,
        reason="suppressed",
    )
