"""Slices of equal means are not confirmed, however their losses vary; worse ones are.

Every world has the same true rate in all slices and breaks exchangeability in its own way: spread,
skewness, or the size of units depends on a feature.  Seeded; the bar is .05 plus three binomial
standard errors of the number of worlds.
"""

import numpy as np
import pytest
from scipy import stats

from evenhand.slicing.hunt import SearchOptions
from evenhand.slicing.maximum import permutation_maximum
from evenhand.slicing.studentised import Contrasts, sample_of
from evenhand.slicing.verdicts import family_of

from .searches import confirmed, fewer_draws, hunt_of

WORLDS = 30
BAR = 0.05 + 3 * np.sqrt(0.05 * 0.95 / WORLDS)


@pytest.fixture(autouse=True, scope="module")
def _fewer_draws():
    with fewer_draws():
        yield


def noise(rng, rows, number=5):
    return [rng.integers(0, 3, rows) for _ in range(number)]


def recordings(rng, sign=1):
    """Word errors; one recording in ten is long."""
    long = rng.random(2000) < 0.1
    words = np.where(long, rng.poisson(80, 2000), rng.poisson(6, 2000)) + 1
    errors = rng.binomial(words, rng.beta(1, 9, 2000))
    return sign * errors, words, [long, *noise(rng, 2000)], None


def unequal_spread(rng, sign=1):
    """Means of 1, and a tenth of the rows far more skewed."""
    old = rng.random(1500) < 0.1
    loss = np.where(old, rng.gamma(0.15, 1 / 0.15, 1500), rng.gamma(4, 1 / 4, 1500))
    return sign * loss, np.ones(1500), [old, *noise(rng, 1500)], None


def noisier_change(rng):
    """Changes between two conditions, more of both kinds in one slice."""
    noisy = rng.random(600) < 0.1
    share = np.where(noisy, 0.5, 0.1)
    change = (rng.random(600) < share).astype(int) - (rng.random(600) < share)
    return change, np.ones(600), [noisy, *noise(rng, 600)], None


def heavy_users(rng):
    """Units; one in ten says twenty times as much."""
    size = np.where(rng.random(160) < 0.1, 200, 8)
    errors = rng.binomial(size, rng.beta(1, 9, 160))
    return errors, size, [size > 100, *noise(rng, 160)], None


def all_or_nothing(rng):
    """Units of mean .9: steady, or wholly right or wrong."""
    group = rng.random(300) < 0.15
    rate = np.where(group, rng.random(300) < 0.9, rng.beta(90, 10, 300))
    return rng.binomial(10, rate), np.full(300, 10), [group, *noise(rng, 300)], None


def rare(rng):
    """Errors of one in a hundred, in units of few rows."""
    size = rng.integers(3, 20, 200)
    return rng.binomial(size, rng.beta(0.2, 19.8, 200)), size, noise(rng, 200), None


def tiny_slices(rng, sign=1):
    """Slices of five rows, skewed unequally."""
    group = rng.random(120) < 0.15
    loss = np.where(group, rng.gamma(0.2, 5, 120), rng.gamma(4, 0.25, 120))
    return sign * loss, np.ones(120), [group, *noise(rng, 120)], None


def few_voices(rng):
    """Twelve voices with rates of their own, under conditions that vary within."""
    unit = np.repeat(np.arange(12), 60)
    wrong = rng.random(len(unit)) < rng.beta(3, 12, 12)[unit]
    features = [rng.integers(0, 2, 12)[unit], *noise(rng, len(unit), 4)]
    return wrong, np.ones(len(unit)), features, unit


def noisy_condition(rng):
    """150 users; under one condition errors are rarer and cost more."""
    unit = np.repeat(np.arange(150), 12)
    noisy, rate = rng.random(len(unit)) < 0.15, rng.beta(5, 20, 150)[unit]
    wrong = rng.random(len(unit)) < np.where(noisy, rate / 4, rate)
    features = [noisy, rng.integers(0, 3, 150)[unit], *noise(rng, len(unit), 3)]
    return wrong * np.where(noisy, 4, 1), np.ones(len(unit)), features, unit


NULL = {
    "recordings": recordings,
    "recordings, lower is worse": lambda rng: recordings(rng, -1),
    "unequal spread": unequal_spread,
    "unequal spread, lower is worse": lambda rng: unequal_spread(rng, -1),
    "noisier change": noisier_change,
    "heavy users": heavy_users,
    "all or nothing": all_or_nothing,
    "rare": rare,
    "tiny slices": tiny_slices,
    "tiny slices, lower is worse": lambda rng: tiny_slices(rng, -1),
    "few voices": few_voices,
    "noisy condition": noisy_condition,
}


@pytest.mark.parametrize("name", NULL)
def test_slices_of_equal_means_are_not_confirmed(name):
    alarms, methods = 0, set()
    for seed in range(WORLDS):
        found, method = confirmed(NULL[name](np.random.default_rng([41, seed])), seed)
        alarms += bool(found)
        methods.add(method)
    assert methods == {"bootstrap"}
    assert alarms / WORLDS <= BAR


@pytest.mark.parametrize("name", ["recordings", "unequal spread", "noisier change"])
def test_a_common_spread_takes_noisy_slices_for_bad_ones(name, monkeypatch):
    """The test of the test: a permutation with one spread for all, as it once was the default."""

    def common(contrasts, value, variance):
        del variance
        size = contrasts.smaller
        return value / np.sqrt(np.maximum(size * (1 - size / contrasts.units), 1))[:, None]

    monkeypatch.setattr(Contrasts, "_t", common)
    alarms = 0
    for seed in range(15):
        rng = np.random.default_rng([41, seed])
        hunt = hunt_of(NULL[name](rng), SearchOptions(depth=2, min_support=0.01))
        sample = sample_of(hunt.cells, hunt.losses)
        maximum = permutation_maximum(sample, family_of(hunt), rng)
        alarms += maximum.best[0][1] > maximum.quantile(0.95)
    assert alarms >= 4


def planted_units(rng):
    """Eighteen of 160 units are worse by 12 points in two conditions."""
    features = noise(rng, 160)
    bad = (features[0] == 0) & (features[1] == 0)
    rate = np.clip(rng.beta(4, 36, 160) + 0.12 * bad, 0, 1)
    return (rng.binomial(15, rate), np.full(160, 15), features, None), bad


def planted_recordings(rng):
    features = noise(rng, 1500)
    bad = (features[0] == 0) & (features[1] == 0)
    words = rng.poisson(12, 1500) + 1
    rate = np.clip(rng.beta(1, 9, 1500) * np.where(bad, 1.5, 1), 0, 1)
    return (rng.binomial(words, rate), words, features, None), bad


def planted_among_noise(rng):
    """A slice that is worse by a third, beside a noisy one that is not."""
    above, below, features, _ = unequal_spread(rng)
    bad = (features[1] == 0) & (features[2] == 0)
    return (above * np.where(bad, 1.4, 1), below, features, None), bad


def planted_within_voices(rng):
    """Thirty voices; one condition in six costs each of them ten points more."""
    unit = np.repeat(np.arange(30), 40)
    features = [rng.integers(0, 6, len(unit)), *noise(rng, len(unit), 3)]
    bad = features[0] == 3
    rate = np.clip(rng.beta(3, 12, 30)[unit] + 0.15 * bad, 0, 1)
    return (rng.random(len(unit)) < rate, np.ones(len(unit)), features, unit), bad


@pytest.mark.parametrize(
    "plant", [planted_units, planted_recordings, planted_among_noise, planted_within_voices]
)
def test_a_planted_slice_is_found_at_least_as_often_as_by_bonferroni(plant):
    """Welch's t of the planted slice alone, corrected for the 105 slices of two conditions."""
    ours = theirs = 0
    for seed in range(20):
        world, bad = plant(np.random.default_rng([43, seed]))
        found, _ = confirmed(world, seed)
        ours += any(np.array_equal(mask, bad) for _, mask in found)
        above, below, _, unit = world
        psi = above - above.sum() / below.sum() * below
        if unit is None:
            p = stats.ttest_ind(psi[bad], psi[~bad], equal_var=False, alternative="greater").pvalue
        else:
            inside, outside = (
                np.bincount(unit[side], np.asarray(above, float)[side]) / np.bincount(unit[side])
                for side in (bad, ~bad)
            )
            p = stats.ttest_rel(inside, outside, alternative="greater").pvalue
        theirs += p * 105 < 0.05
    assert ours >= theirs - 1
    assert ours >= 8


@pytest.mark.parametrize("method", ["bootstrap", "permutation", "split"])
@pytest.mark.parametrize("spoilt", [0, 1])
def test_a_total_disparity_is_proven(method, spoilt):
    """61 of 61 units harmed against none, or all but one against one."""
    harmed = np.repeat([1, 0], 61)
    harmed[:spoilt], harmed[61 : 61 + spoilt] = 0, 1
    features = [np.repeat([1, 0], 61), *noise(np.random.default_rng(1), 122, 3)]
    world = (harmed, np.ones(122), features, np.arange(122))
    found, _ = confirmed(world, 0, method, min_units=5)
    assert any(np.array_equal(mask, features[0] == 1) for _, mask in found)
