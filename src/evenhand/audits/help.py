"""What a judge's labels of all rows add to people's of some: the form that fits, what is gained, what is to be told."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evenhand.audits.evidence import GroupEvidence
from evenhand.audits.result import Helped
from evenhand.comparisons.rates import bounds_of
from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import cells_of
from evenhand.cubes import Cube, estimate
from evenhand.deferred import special
from evenhand.errors import Note
from evenhand.metrics import MetricPlan
from evenhand.pages import numbers
from evenhand.pages.nouns import count_units
from evenhand.pages.numbers import listed, rate
from evenhand.questions.question import Question
from evenhand.results.estimate import finite
from evenhand.stats import contrasts, intervals
from evenhand.stats.assisted import (
    ABOVE,
    BELOW,
    CHOOSING,
    JUDGED,
    LABELLED,
    LEAST_ROWS,
    LEAST_UNITS,
    Assisted,
    AssistedRatio,
    AssistedShare,
    LabelledApart,
    judge_alone,
    labels_alone,
    pooled_weight,
)

Floats = npt.NDArray[np.float64]
#: Probability with which labels that are at random are told not to be, of all groups together.
_ALARM = 0.01
#: How many times as much of a group must be labelled as of all, to be told.
_UNEVEN = 1.25
#: Of a judge that is not weak the labels' variance is as many times as large as with it.
_WEAK = 1.5
#: Groups told by name.
_TOLD = 3


def assisted_form(plan: MetricPlan, cube: Cube, question: Question) -> Assisted:
    """How people's labels and the judge's make one rate, in this table.

    Shares of independent rows are told apart by the judge's answer; all else takes one weight for all groups.
    """
    everything = cube.sums.sum(axis=0)
    of_rows = everything[BELOW] == everything[LABELLED] and everything[JUDGED] == cube.n_rows.sum()
    if plan.proportion and cube.units is None and of_rows:
        return AssistedShare()
    sets = [
        cell.members
        for partition in question.partitions
        for cell in cells_of(cube, partition, question.attributes)
        if not cell.missing
    ]
    stacked = np.array(sets or [np.ones(len(cube.keys), bool)])
    none = np.zeros((0, 2), np.int64)
    steps = [
        estimate(cube, AssistedRatio(weight=w, as_seen=True), stacked, none)
        for w in (0.0, 0.5, 1.0)
    ]
    variances = (steps[0].variances, steps[1].variances, steps[2].variances)
    # Groups of several partitions are the same labels, which count once.
    units = steps[0].n_effective / max(len(question.partitions), 1)
    return AssistedRatio(weight=pooled_weight(variances, units))


def with_least(rules: VerdictRules, cube: Cube) -> VerdictRules:
    """The rules with the fewest labels of which anything is said."""
    least = LEAST_ROWS if cube.units is None else LEAST_UNITS
    return replace(rules, min_units=max(rules.min_units, least))


def helped_sets(evidence: GroupEvidence) -> tuple[Helped, ...]:
    """Everybody, then each group; nothing without a judge."""
    form = evidence.form
    if not isinstance(form, Assisted):
        return ()
    sums = evidence.estimates.sums
    alone, judge = labels_alone(sums), judge_alone(sums)
    low, high = _alone(evidence)
    here_low, here_high, _ = bounds_of(evidence.estimates, form, evidence.rules, binomial=False)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = ((high - low) / (here_high - here_low)) ** 2
    sets = [0, *(int(i) for i in evidence.group_index)]
    return tuple(
        Helped(
            by=() if i == 0 else evidence.cell_of(i).partition.names,
            predicate=None if i == 0 else evidence.cell_of(i).predicate,
            labels=round(float(sums[i, 0, LABELLED])),
            alone=finite(alone[i]),
            alone_low=finite(low[i]),
            alone_high=finite(high[i]),
            judge_alone=finite(judge[i]),
            effective_labels=None
            if evidence.rates[i].low is None
            else finite(gain[i] * sums[i, 0, LABELLED]),
        )
        for i in sets
    )


def _alone(evidence: GroupEvidence) -> tuple[Floats, Floats]:
    """Intervals of the labels alone, as an audit of them has."""
    rules, cube = evidence.rules, evidence.cube
    if isinstance(evidence.form, AssistedShare):
        flat = evidence.estimates.sums[:, 0, :]
        if rules.interval == "clopper-pearson":
            return intervals.clopper_pearson(flat[:, ABOVE], flat[:, BELOW], rules.level)
        return intervals.wilson(flat[:, ABOVE], flat[:, BELOW], intervals.z_of(rules.level))
    form = AssistedRatio(weight=0.0)
    none = np.zeros((0, 2), np.int64)
    found = estimate(cube, form, evidence.sets, none)
    low, high, _ = bounds_of(found, form, rules, binomial=False)
    return low, high


def notes_of_help(evidence: GroupEvidence, helped: Sequence[Helped]) -> Iterator[Note]:
    """What is taken for granted of the labels, and where the table speaks against it."""
    if not isinstance(evidence.form, Assisted):
        return
    sums = evidence.estimates.sums
    if sums[0, 0, JUDGED] == sums[0, 0, LABELLED] or not np.isfinite(labels_alone(sums)[0]):
        return
    yield from _labels_chosen(evidence)
    yield from _labels_uneven(evidence)
    yield from _no_help(helped[0])
    yield from _weak_judge(evidence)
    yield Note(
        code="labels_at_random",
        text="That the rows which people labelled are drawn at random within each group is taken for granted; what "
        "differs between them and the others is looked for in the judge's labels, and nowhere else.",
    )


def _labels_chosen(evidence: GroupEvidence) -> Iterator[Note]:
    """Groups in which the judge's rate of labelled rows is another than of the others, beyond chance."""
    index = np.concatenate([[0], evidence.group_index]).astype(np.int64)
    sets = evidence.sets[index]
    found = estimate(evidence.cube, LabelledApart(), sets, np.zeros((0, 2), np.int64))
    units, sums = found.n_effective, found.sums
    z = contrasts.t_test_z(found.values, found.variances, np.maximum(units - 1, 1))
    p = np.where(np.isfinite(z) & (found.n_units >= 2), contrasts.p_of_z(np.nan_to_num(z)), 1.0)
    apart = [i for i in np.argsort(p, kind="stable") if p[i] * len(p) < _ALARM]
    if not apart:
        return
    told = []
    for i in apart[:_TOLD]:
        where = "everybody" if index[i] == 0 else evidence.cell_of(int(index[i])).predicate
        everyone = judge_alone(sums)[i]
        told.append(f"{rate(everyone + found.values[i])}, not {rate(everyone)}, of {where}")
    more = len(apart) - len(told)
    text = (
        "Rows that people labelled are not as the others, by more than chance: the judge finds another rate among them "
        f"than among all: {listed(told)}{f', and {more} groups more' if more else ''}.  Where rows were chosen to be "
        "labelled, and not drawn, the estimates are wrong by what the choice has to do with people's labels beyond the "
        "judge's."
    )
    yield Note(code="labels_chosen", text=text)


def _labels_uneven(evidence: GroupEvidence) -> Iterator[Note]:
    """Groups of which more was labelled than of others: everybody and the rest are mixed as they were labelled."""
    rows = evidence.cube.n_rows.astype(float)
    labelled = evidence.estimates.sums[:, 0, LABELLED]
    for _, members in evidence.partitions:
        index = evidence.group_index[members]
        n, all_rows = labelled[index], evidence.sets[index] @ rows
        if len(index) < 2 or not 0 < n.sum() < all_rows.sum():
            continue
        share = n / all_rows
        mean = n.sum() / all_rows.sum()
        squared = ((n - all_rows * mean) ** 2 / (all_rows * mean * (1 - mean))).sum()
        if special.chdtrc(len(index) - 1, squared) >= _ALARM or share.max() < _UNEVEN * mean:
            continue
        most, least = (
            evidence.cell_of(int(index[i])) for i in (np.argmax(share), np.argmin(share))
        )
        text = (
            f"People labelled {numbers.share(float(share.max()))} of {most.predicate} and "
            f"{numbers.share(float(share.min()))} of {least.predicate}.  Each group's own rate is none the worse, but "
            "those of everybody and of the rest are of groups mixed as they were labelled.  --versus best compares "
            "groups by themselves."
        )
        yield Note(code="labels_uneven", text=text)
        return


def _no_help(overall: Helped) -> Iterator[Note]:
    worth = overall.effective_labels
    if worth is not None and worth < overall.labels:
        text = (
            f"The judge does not help: with it the {overall.labels:,} labels know as much as {worth:,.0f} alone.  "
            "Leave it out, or take one that is right more often."
        )
        yield Note(code="judge_no_help", text=text)


def _weak_judge(evidence: GroupEvidence) -> Iterator[Note]:
    """A judge that explains little of how few units differ: rare ones that nobody labelled are in no interval."""
    form = evidence.form
    if not isinstance(form, AssistedRatio) or evidence.cube.units is None:
        return
    none, everybody = np.zeros((0, 2), np.int64), evidence.sets[:1]
    alone, here = (
        estimate(evidence.cube, AssistedRatio(weight=w, as_seen=True), everybody, none)
        for w in (0.0, form.weight)
    )
    few = alone.n_effective[0] < CHOOSING
    if few and 0 < alone.variances[0] < _WEAK * here.variances[0]:
        units = count_units(int(alone.n_units[0]), evidence.rules.unit)
        text = (
            f"The judge tells little of how {units} with labels differ.  Where a few that nobody labelled have nearly "
            "all errors, intervals of so few with so weak a judge held in 85 to 93 of 100 simulations, not in 95."
        )
        yield Note(code="judge_weak", text=text)
