"""Worlds in which no group differs raise an alarm at most as often as the level allows.

Every world goes through `judge`, as cubes made directly of drawn counts.  One false alarm anywhere
in an audit of 18 groups counts; slack is 3 binomial standard errors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from scipy import stats
from threadpoolctl import threadpool_limits

from evenhand.audits.judge import Judgement, judge
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes.cube import Cube, Units, cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.groups import Attribute, Partition
from evenhand.stats.forms import Ratio

GROUPS = 18
NAMES = tuple((f"g{i:02}",) for i in range(GROUPS))
LEVEL = 0.95


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Small matrices: threads cost more than they save."""
    with threadpool_limits(1):
        yield


def allowed(probability: float, worlds: int) -> float:
    return probability + 3 * np.sqrt(probability * (1 - probability) / worlds)


def binary_cube(successes, trials, keys=NAMES) -> Cube:
    """Rows that are their own units: `successes` of `trials` rows are wrong."""
    sums = np.stack([successes, trials - successes], axis=1).astype(float)
    outer = sums[:, :, None] * sums[:, None, :] / trials[:, None, None]
    return Cube(
        attributes=("group",),
        parts=("wrong", "right"),
        keys=CellKeys.of(keys),
        n_rows=trials,
        n_defined=trials,
        sums=sums,
        comoments=np.einsum("cp,pq->cpq", sums, np.eye(2)) - outer,
        level=np.zeros(len(keys), np.int64),
        indicators=True,
    )


def unit_cube(cell, unit, numerator, denominator, keys=NAMES) -> Cube:
    """Units with a numerator and a denominator each."""
    rows = np.bincount(cell, minlength=len(keys))
    return cube_of_units(
        keys=CellKeys.of(keys),
        attributes=("group",),
        parts=("above", "below"),
        n_rows=rows,
        n_defined=rows,
        units=Units(
            cell=cell,
            unit=unit,
            sums=np.stack([numerator, denominator], axis=1).astype(float),
            names=tuple(map(str, range(unit.max() + 1))),
        ),
    )


def verdict_of(cube: Cube, seed: int, versus: str = "rest", **options) -> Judgement:
    binary = cube.units is None
    form = Ratio(numerator=(1, 0), denominator=(1, 1) if binary else (0, 1))
    rules = VerdictRules(
        **{
            "versus": versus,
            "seed": seed,
            "draws": 1000,
            "low": 0.0,
            "high": 1.0 if binary else None,
        }
        | options
    )
    return judge(
        cube,
        form,
        [Attribute(name="group")],
        [Partition(names=("group",))],
        rules,
        proportion=binary,
    )


# -- worlds without a difference -------------------------------------------------------------


def binary_world(rng) -> Cube:
    trials = rng.integers(60, 600, GROUPS)
    return binary_cube(rng.binomial(trials, 0.15), trials)


def rare_binary_world(rng) -> Cube:
    """Two large groups and sixteen small ones: 1 % wrong, so that most small groups have none."""
    trials = np.concatenate([[2000, 1000], rng.integers(5, 40, GROUPS - 2)])
    return binary_cube(rng.binomial(trials, 0.01), trials)


def speakers(rng, sizes, rate=0.15, shape=2.0) -> Cube:
    """Word errors of speakers: skewed between speakers, Poisson within."""
    cell = np.repeat(np.arange(len(sizes)), sizes)
    words = rng.integers(100, 400, len(cell))
    own = rng.gamma(shape, np.broadcast_to(rate, len(sizes))[cell] / shape)
    return unit_cube(cell, np.arange(len(cell)), rng.poisson(words * own), words)


def clustered_world(rng) -> Cube:
    return speakers(rng, rng.integers(20, 60, GROUPS))


def few_speakers_world(rng) -> Cube:
    return speakers(rng, rng.integers(5, 16, GROUPS), shape=1.0)


def rare_unit_world(rng) -> Cube:
    """Each unit is one person, with or without the harm: named units of a rare binary rate."""
    sizes = np.concatenate([[600, 300], rng.integers(5, 40, GROUPS - 2)])
    cell = np.repeat(np.arange(GROUPS), sizes)
    return unit_cube(cell, np.arange(len(cell)), rng.random(len(cell)) < 0.05, np.ones(len(cell)))


def paired_world(rng) -> Cube:
    """60 units, each of them under all 18 conditions."""
    units = 60
    own = rng.gamma(2.0, 0.075, units)
    cell, unit = (
        axis.ravel() for axis in np.meshgrid(np.arange(GROUPS), np.arange(units), indexing="ij")
    )
    words = rng.integers(20, 60, len(cell))
    return unit_cube(cell, unit, rng.poisson(words * own[unit]), words)


@dataclass(frozen=True)
class Alarms:
    """Share of worlds with a false alarm, by kind."""

    worse: float
    interval: float
    p_adjusted: float
    gap: float
    homogeneity: np.ndarray
    worlds: int

    @property
    def allowed(self) -> float:
        return allowed(0.05, self.worlds)


@cache
def alarms(world: Callable[..., Cube], versus: str, adjust: str = "max-t") -> Alarms:
    worlds = 150 if versus == "rest" else 80
    rng = np.random.default_rng(20261122)
    seen = []
    for seed in range(worlds):
        judged = verdict_of(world(rng), seed, versus, adjust=adjust)
        tested = [
            g.versus for g in judged.groups if g.versus is not None and g.versus.p_value is not None
        ]
        gap = judged.gaps[0]
        seen.append(
            (
                any(g.verdict == "worse" for g in judged.groups),
                any(c.low > 0 or c.high < 0 for c in tested),
                any(c.p_adjusted < 1 - LEVEL for c in tested),
                gap.lower_bound is not None and gap.lower_bound > 0,
                np.nan if gap.homogeneity_p is None else gap.homogeneity_p,
            )
        )
    worse, interval, adjusted, bound, homogeneity = zip(*seen, strict=True)
    found = Alarms(
        worse=float(np.mean(worse)),
        interval=float(np.mean(interval)),
        p_adjusted=float(np.mean(adjusted)),
        gap=float(np.mean(bound)),
        homogeneity=np.array(homogeneity),
        worlds=worlds,
    )
    print(
        f"{world.__name__} versus {versus}, {adjust}: worse {found.worse:.3f},"
        f" interval {found.interval:.3f}, p {found.p_adjusted:.3f}, gap {found.gap:.3f},"
        f" homogeneity {np.nanmean(found.homogeneity < 0.05):.3f}"
    )
    return found


WORLDS = (
    binary_world,
    clustered_world,
    paired_world,
    rare_binary_world,
    rare_unit_world,
    few_speakers_world,
)
CASES = [
    *((world, "rest") for world in WORLDS),
    (binary_world, "best"),
    (paired_world, "best"),
    (rare_unit_world, "best"),
    (few_speakers_world, "best"),
]
ALL = [pytest.param(*case, id=f"{case[0].__name__}-{case[1]}") for case in CASES]
ONCE = [pytest.param(world, id=world.__name__) for world in WORLDS]


@pytest.mark.parametrize(("world", "versus"), ALL)
def test_no_group_is_called_worse_where_none_differs(world, versus):
    found = alarms(world, versus)
    assert found.worse <= found.allowed


@pytest.mark.parametrize(("world", "versus"), ALL)
def test_all_intervals_hold_no_difference_at_once(world, versus):
    found = alarms(world, versus)
    assert found.interval <= found.allowed


@pytest.mark.parametrize(("world", "versus"), ALL)
def test_adjusted_p_values_raise_no_false_alarm(world, versus):
    found = alarms(world, versus)
    assert found.p_adjusted <= found.allowed


@pytest.mark.parametrize("world", ONCE)
def test_lower_bound_of_the_gap_stays_at_zero_where_there_is_no_gap(world):
    found = alarms(world, "rest")
    assert found.gap <= found.allowed


@pytest.mark.parametrize("world", ONCE)
def test_homogeneity_is_rejected_no_more_often_than_the_level(world):
    p = alarms(world, "rest").homogeneity
    p = p[np.isfinite(p)]
    assert np.mean(p < 0.05) <= allowed(0.05, len(p))
    assert np.mean(p < 0.5) <= allowed(0.5, len(p))


@pytest.mark.parametrize("adjust", ["max-t", "holm", "bh"])
def test_adjusted_p_values_pay_for_choosing_the_best_group(adjust):
    """One lucky group does not make seventeen others worse: any of 153 pairs might have been it."""
    trials = np.full(GROUPS, 200)
    successes = np.where(np.arange(GROUPS) == 4, 22, 40)
    judged = verdict_of(binary_cube(successes, trials), 0, "best", adjust=adjust)
    contrasts = [group.versus for group in judged.groups if group.versus is not None]
    assert len(contrasts) == GROUPS - 1
    for contrast in contrasts:
        assert contrast.p_value < 0.05
        assert contrast.p_adjusted >= 0.05


@pytest.mark.parametrize("world", [binary_world, clustered_world, paired_world])
def test_versus_overall_gives_the_verdicts_of_versus_rest(world):
    """Difference to all = (1 - share) x difference to the rest: of the same sign."""
    rng = np.random.default_rng(2)
    for seed in range(5):
        cube = world(rng)
        rest, overall = (verdict_of(cube, seed, versus) for versus in ("rest", "overall"))
        assert [g.verdict for g in rest.groups] == [g.verdict for g in overall.groups]
        for one, two in zip(rest.groups, overall.groups, strict=True):
            assert one.versus.p_adjusted == two.versus.p_adjusted
            assert abs(two.versus.difference - (two.estimate.value - overall.overall.value)) < 1e-12
            assert 0 < two.versus.difference / one.versus.difference < 1


def test_homogeneity_p_of_large_binary_groups_is_uniform():
    rng = np.random.default_rng(3)
    p = []
    for seed in range(100):
        trials = rng.integers(300, 900, GROUPS)
        cube = binary_cube(rng.binomial(trials, 0.3), trials)
        p.append(verdict_of(cube, seed, draws=100).gaps[0].homogeneity_p)
    assert stats.kstest(p, "uniform").pvalue > 0.001


# -- what must not be lost: a planted difference is found -------------------------------------


@pytest.mark.parametrize("versus", ["rest", "best", "overall"])
def test_planted_difference_is_found_in_binary_rows(versus):
    rng = np.random.default_rng(5)
    found = []
    for seed in range(30):
        trials = np.full(GROUPS, 500)
        rate = np.where(np.arange(GROUPS) == 7, 0.30, 0.15)
        judged = verdict_of(binary_cube(rng.binomial(trials, rate), trials), seed, versus)
        found.append({g.label for g in judged.groups if g.verdict == "worse"})
    assert np.mean(["g07" in names for names in found]) > 0.9
    assert np.mean([bool(names - {"g07"}) for names in found]) <= allowed(0.05, 30)


def test_planted_difference_is_found_between_speakers():
    rng = np.random.default_rng(6)
    rates = np.where(np.arange(GROUPS) == 3, 0.45, 0.15)
    found = []
    for seed in range(30):
        judged = verdict_of(speakers(rng, np.full(GROUPS, 40), rates), seed)
        found.append(
            (
                {g.label for g in judged.groups if g.verdict == "worse"},
                judged.gaps[0].lower_bound,
                judged.gaps[0].homogeneity_p,
            )
        )
    assert np.mean([names == {"g03"} for names, _, _ in found]) > 0.7
    assert np.mean([bound > 0 for _, bound, _ in found]) > 0.8
    assert np.mean([p < 0.05 for _, _, p in found]) > 0.8


def test_pairing_finds_what_independent_groups_could_not():
    """A condition adds a fifth to each unit's errors; units differ far more than that."""
    rng = np.random.default_rng(8)
    units = 80
    cell, unit = (
        axis.ravel() for axis in np.meshgrid(np.arange(4), np.arange(units), indexing="ij")
    )
    words = np.full(len(cell), 400)
    paired, apart = [], []
    for seed in range(20):
        own = rng.gamma(2.0, 0.075, units)
        errors = rng.poisson(words * own[unit] * np.where(cell == 2, 1.2, 1.0))
        for same, verdicts in ((unit, paired), (np.arange(len(cell)), apart)):
            judged = verdict_of(unit_cube(cell, same, errors, words, NAMES[:4]), seed)
            verdicts.append(next(g.verdict for g in judged.groups if g.label == "g02") == "worse")
    assert np.mean(paired) > 0.9
    assert np.mean(apart) < 0.4


def test_difference_within_the_tolerance_is_not_worse_and_beyond_it_is():
    trials = np.full(GROUPS, 20_000)
    successes = np.where(np.arange(GROUPS) == 0, 4000, 3000)
    near = verdict_of(binary_cube(successes, trials), 0, tolerance=0.08)
    far = verdict_of(binary_cube(successes, trials), 0, tolerance=0.02)
    assert {g.verdict for g in near.groups} == {"not worse"}
    assert [g.label for g in far.groups if g.verdict == "worse"] == ["g00"]


def test_missing_evidence_is_never_not_worse():
    trials = np.full(GROUPS, 12)
    judged = verdict_of(binary_cube(np.full(GROUPS, 2), trials), 0)
    assert {g.verdict for g in judged.groups} == {"insufficient evidence"}
