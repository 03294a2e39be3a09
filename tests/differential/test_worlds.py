"""Drawn worlds, by unit: where all pay the same nobody may be accused, and intervals hold the truth.

Seeded; the bars have three binomial standard errors of the number of worlds as slack.
"""

import numpy as np
import pytest

from evenhand.comparisons.rules import VerdictRules
from evenhand.comparisons.sets import cells_of
from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.differential.evidence import ConditionEvidence
from evenhand.groups import Attribute, Partition
from evenhand.stats.forms import Ratio

WORLDS = 80
WORDS = 8


def unit_cube(group, condition, unit, errors, words) -> Cube:
    """Rows as a cube by unit; all arguments are arrays of whole numbers, one value a row."""
    rows = np.stack([group, condition], axis=1)
    keys, cell = np.unique(rows, axis=0, return_inverse=True)
    pairs, place = np.unique(np.stack([cell, unit], axis=1), axis=0, return_inverse=True)
    sums = np.zeros((len(pairs), 2))
    np.add.at(sums, place, np.stack([errors, words], axis=1))
    counts = np.bincount(cell, minlength=len(keys))
    return cube_of_units(
        keys=CellKeys.of([(f"g{g}", f"c{c}") for g, c in keys]),
        attributes=("group", "condition"),
        parts=("errors", "words"),
        n_rows=counts,
        n_defined=counts,
        units=Units(
            cell=pairs[:, 0],
            unit=pairs[:, 1],
            sums=sums,
            names=tuple(map(str, range(int(unit.max()) + 1))),
        ),
    )


def row_cube(wrong, trials) -> Cube:
    """Rows that are their own units; arrays of shape (groups, conditions)."""
    keys = tuple((f"g{g}", f"c{c}") for g, c in np.ndindex(wrong.shape))
    n = trials.ravel()
    sums = np.stack([wrong.ravel(), n - wrong.ravel()], axis=1).astype(float)
    outer = sums[:, :, None] * sums[:, None, :] / n[:, None, None]
    return Cube(
        attributes=("group", "condition"),
        parts=("wrong", "right"),
        keys=CellKeys.of(keys),
        n_rows=n,
        n_defined=n,
        sums=sums,
        comoments=np.einsum("cp,pq->cpq", sums, np.eye(2)) - outer,
        level=np.zeros(len(keys), np.int64),
        indicators=True,
    )


def sentences(rng, values, units=40, dropped=0.0) -> Cube:
    """Every group reads all sentences under all conditions; a sentence is hard for everybody.

    `values` are the expected error rates, shape (groups, conditions).
    """
    groups, conditions = values.shape
    group, condition, unit = (
        a.ravel() for a in np.meshgrid(*map(np.arange, (groups, conditions, units)), indexing="ij")
    )
    hard = rng.gamma(0.7, 1 / 0.7, units)
    hard /= hard.mean()
    p = np.clip(values[group, condition] * hard[unit], 0.0, 1.0)
    # Clipping would move the rates; the excess is rare at the rates that the tests use.
    p = rng.beta(2 * p + 1e-9, 2 * (1 - p) + 1e-9)
    kept = rng.random(len(p)) >= dropped
    errors = rng.binomial(WORDS, p)
    return unit_cube(*(a[kept] for a in (group, condition, unit, errors, np.full(len(p), WORDS))))


def speakers(rng, sizes, conditions=4, rows=5) -> Cube:
    """Speakers of one group each, under all conditions, some of them much worse heard than others."""
    of_group = np.repeat(np.arange(len(sizes)), sizes)
    skill = rng.beta(0.6, 6, len(of_group))
    unit, condition, _ = (
        a.ravel()
        for a in np.meshgrid(*map(np.arange, (len(of_group), conditions, rows)), indexing="ij")
    )
    errors = rng.binomial(WORDS, np.minimum(skill[unit] * (1 + 0.5 * condition), 1.0))
    return unit_cube(of_group[unit], condition, unit, errors, np.full(len(unit), WORDS))


def evidence_of(cube: Cube, seed: int, **options) -> ConditionEvidence:
    """All comparisons with the first condition."""
    binary = cube.units is None
    form = Ratio(numerator=(1, 0), denominator=(1, 1) if binary else (0, 1))
    partition = Partition(names=("group",))
    cells = cells_of(cube, partition, [Attribute(name="group")])
    names = sorted({key[1] for key in cube.keys})
    members = np.array([[key[1] == name for key in cube.keys] for name in names])
    rules = VerdictRules(**{"seed": seed, "draws": 500, "low": 0.0} | options)
    return ConditionEvidence(cube, form, cells, members, rules, proportion=binary)


# -- nobody pays more ----------------------------------------------------------------------

MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / WORLDS)
#: Four voices that differ from the start, and conditions that cost them all the same.
FAIR = np.array([[0.0], [0.02], [0.04], [0.06]]) + np.array([[0.02, 0.04, 0.06, 0.08]])


def every_voice(rng):
    return sentences(rng, FAIR)


def some_lost(rng):
    return sentences(rng, FAIR, dropped=0.05)


def own_speakers(rng):
    return speakers(rng, [60, 20, 12, 8])


def independent_rows(rng):
    trials = np.array([400, 150, 60, 40])[:, None].repeat(4, axis=1)
    return row_cube(rng.binomial(trials, 0.05 * np.arange(1, 5)), trials)


def rare_rows(rng):
    trials = np.array([2000, 400, 100, 40])[:, None].repeat(3, axis=1)
    return row_cube(rng.binomial(trials, 0.01), trials)


WORLD = pytest.mark.parametrize(
    "world", [every_voice, some_lost, own_speakers, independent_rows, rare_rows]
)


def alarms(judged):
    proven = judged.tested & ((judged.low > 0) | (judged.high < 0))
    return bool(proven.any()), bool((judged.p_adjusted[judged.tested] <= 0.05).any())


@WORLD
def test_no_group_pays_more_where_all_pay_the_same(world):
    found = []
    for seed in range(WORLDS):
        evidence = evidence_of(world(np.random.default_rng([41, seed])), seed)
        found.append((*alarms(evidence.beyond), *alarms(evidence.pairs)))
    assert (np.mean(found, axis=0) <= MOST).all()


@WORLD
def test_no_condition_costs_anything_where_it_changes_nothing(world):
    """The same world, its conditions dealt out anew: costs to everybody and to groups are chance."""
    found = []
    for seed in range(WORLDS):
        rng = np.random.default_rng([43, seed])
        cube = _idle(world, rng)
        evidence = evidence_of(cube, seed)
        found.append((*alarms(evidence.overall), *alarms(evidence.paid)))
    assert (np.mean(found, axis=0) <= MOST).all()


def _idle(world, rng):
    if world in (every_voice, some_lost):
        values = FAIR[:, [1, 1, 1, 1]]
        return sentences(rng, values, dropped=0.05 * (world is some_lost))
    if world is own_speakers:
        of_group = np.repeat(np.arange(4), [60, 20, 12, 8])
        skill = rng.beta(0.6, 6, len(of_group))
        unit, condition, _ = (
            a.ravel() for a in np.meshgrid(*map(np.arange, (100, 4, 5)), indexing="ij")
        )
        errors = rng.binomial(WORDS, skill[unit])
        words = np.full(len(unit), WORDS)
        return unit_cube(of_group[unit], condition, unit, errors, words)
    trials = np.array([400, 150, 60, 40])[:, None].repeat(4, axis=1)
    rate = 0.05 if world is independent_rows else 0.01
    return row_cube(rng.binomial(trials, rate), trials)


def test_without_correction_the_same_worlds_alarm():
    """The test of the test."""
    found = []
    for seed in range(60):
        evidence = evidence_of(every_voice(np.random.default_rng([41, seed])), seed)
        found.append(bool((evidence.beyond.p < 0.05).any()))
    assert np.mean(found) > 0.2


# -- some pay more -------------------------------------------------------------------------

LEAST = 0.95 - 3 * np.sqrt(0.05 * 0.95 / WORLDS)
#: Expected error rates of voices (rows) under conditions.
UNFAIR = np.array([[0.02, 0.04, 0.16], [0.04, 0.06, 0.08], [0.06, 0.06, 0.10], [0.03, 0.06, 0.12]])


def truth(values):
    """Differential effects of each group and condition, as the definition has it."""
    costs = values[:, 1:] - values[:, :1]
    others = (costs.sum(axis=0) - costs) / (len(costs) - 1)
    return (costs - others).ravel()


def covered(judged, wanted):
    kept = judged.tested
    return bool(((judged.low <= wanted) & (wanted <= judged.high))[kept].all())


@pytest.mark.parametrize("dropped", [0.0, 0.1], ids=["balanced", "a tenth of the rows lost"])
def test_all_intervals_hold_the_truth_at_once(dropped):
    hits, powers = [], []
    costs = (UNFAIR[:, 1:] - UNFAIR[:, :1]).ravel()
    for seed in range(WORLDS):
        cube = sentences(np.random.default_rng([47, seed]), UNFAIR, 60, dropped)
        evidence = evidence_of(cube, seed)
        hits.append((covered(evidence.beyond, truth(UNFAIR)), covered(evidence.paid, costs)))
        powers.append(evidence.beyond.low[1] > 0)
    assert (np.mean(hits, axis=0) >= LEAST).all()
    assert np.mean(powers) > (0.05 if dropped else 0.3)


def test_independent_rows():
    trials = np.array([500, 300, 200, 100])[:, None].repeat(3, axis=1)
    # The rest of a group weighs its groups by their rows.
    costs = UNFAIR[:, 1:] - UNFAIR[:, :1]
    weighed = costs * trials[:, 1:]
    others = (weighed.sum(axis=0) - weighed) / (trials.sum(axis=0) - trials)[:, 1:]
    wanted = (costs - others).ravel()
    hits = []
    for seed in range(WORLDS):
        rng = np.random.default_rng([53, seed])
        evidence = evidence_of(row_cube(rng.binomial(trials, UNFAIR), trials), seed)
        hits.append((covered(evidence.beyond, wanted), covered(evidence.paid, costs.ravel())))
    assert (np.mean(hits, axis=0) >= LEAST).all()
