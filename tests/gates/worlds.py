"""Policies of sixty rules over simulated rows, each at the very edge of what it allows."""

import numpy as np
from tests.audits.test_coverage import RATE, SHARE, binary_cube, unit_cube

from evenhand.audits.evidence import GroupEvidence
from evenhand.comparisons.rules import VerdictRules
from evenhand.gates.baseline import Baseline
from evenhand.gates.evidence import RuleEvidence
from evenhand.gates.judging import judge_rule
from evenhand.gates.rules import Rule
from evenhand.groups import Attribute, Partition
from evenhand.results.estimate import Estimate
from evenhand.results.origin import MetricNote, Source

NOTE = MetricNote(
    name="error_rate", expression="", definition="", higher_is_worse=True, source="", in_points=True
)
#: What a rule demands, and rates of groups that keep it exactly.
EDGES = {
    "maximum": ({"maximum": 0.2}, (0.2, 0.2, 0.2)),
    "rare": ({"maximum": 0.02}, (0.02, 0.02, 0.02)),
    "minimum": ({"minimum": 0.8}, (0.8, 0.8, 0.8)),
    "maximum_difference": ({"maximum_difference": 0.1}, (0.2, 0.3, 0.3)),
    "minimum_ratio": ({"minimum_ratio": 0.8}, (0.4, 0.5, 0.5)),
    "not_worse_than": ({"not_worse_than": "last.json", "tolerance": 0.02}, (0.22, 0.22, 0.22)),
}
BEFORE = 0.2


def evidence_of(cube, form, *, proportion, **range_):
    units = () if cube.units is None else ("unit",)
    given = {"low": 0.0, "high": 1.0} | range_
    rules = VerdictRules(adjust="holm", family=2, units=units, **given)
    about = ((Attribute(name="k"),), (Partition(names=("k",)),))
    groups = GroupEvidence(cube, form, *about, rules, proportion=proportion)
    return RuleEvidence(
        metric=NOTE,
        source=Source(name="", rows=0, sha256=None),
        unit=None,
        by=("k",),
        where=None,
        bins={},
        groups=groups,
        chosen=tuple(groups.group_index.tolist()),
        definition=None,
        notes=(),
    )


def rows_of(rates, chance, number):
    """Groups of independent rows."""
    trials = np.array([number, number // 2, number * 2])
    wrong = chance.binomial(trials, rates)
    return evidence_of(binary_cube(wrong, trials), SHARE, proportion=True)


def units_of(rates, chance, number):
    """Groups of units that differ, of unequal sizes."""
    cell = np.repeat(np.arange(len(rates)), number)
    mean = np.asarray(rates)[cell]
    own = chance.beta(mean * 8, (1 - mean) * 8)
    size = chance.integers(4, 16, len(cell))
    wrong = chance.binomial(size, own)
    cube = unit_cube(cell, np.arange(len(cell)), wrong.astype(float), size.astype(float))
    return evidence_of(cube, RATE, proportion=True)


def speakers_of(kind, chance, number):
    """Word errors of three groups of few speakers who differ much, at a rate of .2: a metric without an upper end."""
    cell = np.repeat(np.arange(3), number)
    if kind == "few are bad":
        own = chance.gamma(0.5, 0.4, len(cell))
    else:
        own = 0.2 * (1 - 0.9 * (chance.random(len(cell)) < 0.1)) / 0.91
    words = chance.integers(60, 140, len(cell))
    wrong = chance.poisson(own * words)
    cube = unit_cube(cell, np.arange(len(cell)), wrong.astype(float), words.astype(float))
    return evidence_of(cube, RATE, proportion=False, high=None, ceiling=1.0)


def last_release(rates, chance, number):
    """Rates of other rows, measured before."""
    labelled = {}
    for place, rate in enumerate(rates):
        wrong = int(chance.binomial(number, rate))
        predicate = f"k = 'k{place:02}'"
        told = Estimate(
            value=wrong / number,
            low=0.0,
            high=1.0,
            standard_error=0.0,
            n_rows=number,
            n_units=number,
            numerator=wrong,
            denominator=number,
            counts=None,
            method="wilson",
            reason=None,
        )
        labelled[predicate] = (("k",), {"k": f"k{place:02}"}, told)
    return Baseline(labelled=labelled)


def release_of(found):
    """What was found as the audit of a last release tells it."""
    groups = found.groups
    cells = zip(groups.cells, groups.group_index, strict=True)
    return Baseline(
        labelled={cell.predicate: (("k",), cell.group, groups.rates[one]) for cell, one in cells}
    )


def world(seed, *, number=120, level=0.95, rules=60, units=True):
    """Checks of a policy in one world, each with its kind."""
    chance = np.random.default_rng(seed)
    kinds = list(EDGES)
    for place in range(rules):
        kind = kinds[place % len(kinds)]
        given, rates = EDGES[kind]
        in_units = units and place // len(kinds) % 2 and kind != "not_worse_than"
        made = units_of if in_units else rows_of
        found = made(rates, chance, 40 if in_units else number)
        before = None
        if kind == "not_worse_than":
            before = last_release([BEFORE] * len(rates), chance, number)
        rule = Rule(number=place, name=str(place), given=given)
        for check in judge_rule(rule, found, (1 - level) / rules, before):
            yield kind, check
