"""Studentised contrasts equal plain loops over units; their scale is the normal one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evenhand.cubes import Cells
from evenhand.slicing import maximum
from evenhand.slicing.losses import losses_of
from evenhand.slicing.maximum import bootstrap_of, observed
from evenhand.slicing.studentised import normal, sample_of, student
from evenhand.stats.forms import Ratio

FORM = Ratio(numerator=(1.0, 0.0), denominator=(0.0, 1.0))


def sample(above, below, unit=None):
    cells = Cells(
        attributes=(),
        codes=(),
        keys=(),
        parts=("above", "below"),
        n_rows=np.ones(len(above), np.int64),
        sums=np.stack([above, below], axis=1).astype(float),
        unit=unit,
    )
    losses = losses_of(cells, FORM, higher_is_worse=True, proportion=False)
    return sample_of(cells, losses)


def some(seed, *, units):
    """Counts, denominators of which some are 0, units of several cells, and masks of slices."""
    rng = np.random.default_rng(seed)
    below = rng.integers(0, 9, 60)
    above = rng.binomial(below, 0.3)
    unit = rng.integers(0, 15, 60) if units else None
    if units:
        unit = np.unique(unit, return_inverse=True)[1]
    masks = rng.random((5, 60)) < rng.uniform(0.1, 0.9, (5, 1))
    return above, below, unit, masks


def by_hand(above, below, unit, mask, drawn=None):
    """Value and variance of one contrast; `drawn` says how often each unit counts."""
    psi = above - above.sum() / below.sum() * below
    told = (above != 0) | (below != 0)
    unit = np.arange(len(above)) if unit is None else unit
    names = [name for name in np.unique(unit) if told[unit == name].any()]
    scale = np.sqrt(np.mean([psi[unit == name].sum() ** 2 for name in names]))
    share = below[mask].sum() / below.sum()
    inside, outside = [], []
    for name in names:
        for side, where in ((inside, mask), (outside, ~mask)):
            chosen = (unit == name) & where & told
            side.append(psi[chosen].sum() / scale if chosen.any() else None)
    means = [np.mean([x for x in side if x is not None] or [0]) for side in (inside, outside)]
    change = np.array(
        [
            (1 - share) * (0 if x is None else x - means[0])
            - share * (0 if y is None else y - means[1])
            for x, y in zip(inside, outside, strict=True)
        ]
    )
    smaller = min(sum(x is not None for x in side) for side in (inside, outside))
    typical = share * (1 - share) * ((psi[told] / scale) ** 2).sum()
    if drawn is None:
        value = sum(x or 0 for x in inside) * (1 - share) - share * sum(y or 0 for y in outside)
        return value, (change**2).sum(), smaller, typical
    value = (drawn * change).sum()
    return value, (drawn * change**2).sum() - value**2 / max(smaller, 1), smaller, typical


def z_by_hand(value, variance, smaller, typical):
    df = max(smaller - 1, 1)
    spread = max(variance, 0, (max(variance, 0) + typical / smaller) * df / (df + 1))
    t = value / np.sqrt(spread * (df + 1) / df)
    return float(normal(np.array(t), np.array(float(df))))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), units=st.booleans())
def test_contrasts_are_those_of_loops_over_units(seed, units):
    above, below, unit, masks = some(seed, units=units)
    contrasts = observed(sample(above, below, unit), masks)
    for number, mask in enumerate(masks):
        value, variance, smaller, typical = by_hand(above, below, unit, mask)
        assert contrasts.smaller[number] == smaller
        assert contrasts.value[number] == pytest.approx(value, abs=1e-9)
        assert contrasts.variance[number] == pytest.approx(variance, abs=1e-9)
        if smaller >= 2:
            expected = z_by_hand(value, variance, smaller, typical)
            assert contrasts.z[number] == pytest.approx(expected, abs=1e-9)
        else:
            assert contrasts.z[number] == -np.inf


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), units=st.booleans())
def test_draws_of_units_are_those_of_loops(seed, units):
    above, below, unit, masks = some(seed, units=units)
    one = sample(above, below, unit)
    contrasts = observed(one, masks)
    drawn = np.random.default_rng(seed).poisson(1.0, (one.units, 3)).astype(float)
    psi = one.psi_of_units
    totals = np.stack([np.ones_like(psi), psi, psi**2]) @ drawn
    first, second = contrasts.changes()
    found = iter(contrasts.drawn(first @ drawn, second @ drawn, totals))
    for mask, usable in zip(masks, contrasts.usable, strict=True):
        if usable:
            expected = [
                z_by_hand(*by_hand(above, below, unit, mask, drawn[:, draw])) for draw in range(3)
            ]
            # Changes are kept in single precision.
            assert next(found) == pytest.approx(expected, abs=2e-3)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_losses_as_they_are_dealt_out_as_they_are_give_the_data(seed):
    above, below, _, masks = some(seed, units=False)
    one = sample(above, below)
    contrasts = observed(one, masks)
    psi = one.psi_of_units[:, None]
    ones = contrasts.members()
    dealt = contrasts.dealt(ones @ psi, ones @ psi**2)[:, 0]
    assert dealt == pytest.approx(contrasts.z[contrasts.usable], abs=1e-7)


def test_of_two_samples_of_one_size_each_the_statistic_is_welch_s():
    """But for the steadying, which nothing needs where spreads are alike."""
    rng = np.random.default_rng(3)
    values = rng.normal(5, 1, 400)
    mask = np.arange(400) < 200
    contrasts = observed(sample(values, np.ones(400)), mask[None])
    expected = stats.ttest_ind(values[mask], values[~mask], equal_var=False).statistic
    assert contrasts.t[0] == pytest.approx(expected, rel=0.01)


def test_units_that_are_all_alike_have_a_finite_statistic():
    harmed = np.repeat([1, 0], 61)
    contrasts = observed(sample(harmed, np.ones(122)), (harmed == 1)[None])
    assert contrasts.variance[0] == pytest.approx(0, abs=1e-12)
    assert 10 < contrasts.z[0] < 20


@pytest.mark.parametrize("df", [1, 2, 4, 8, 30, 200])
def test_the_scale_is_the_normal_one(df):
    quantiles = np.array([1.0, 2.0, 3.0, 4.0])
    t = stats.t.isf(stats.norm.sf(quantiles), df)
    slack = {1: 0.65, 2: 0.22, 4: 0.07}.get(df, 0.02)
    assert normal(t, np.array(float(df))) == pytest.approx(quantiles, abs=slack)
    for z in quantiles:
        assert normal(student(z, np.array(float(df))), np.array(float(df))) == pytest.approx(z)


def test_how_often_a_unit_is_drawn_follows_poisson_s_distribution():
    counts = np.bincount(maximum._POISSON.astype(int)) / len(maximum._POISSON)
    assert counts == pytest.approx(stats.poisson.pmf(np.arange(len(counts)), 1), abs=2e-5)


def test_one_slice_alone_has_the_p_value_of_its_t_test():
    """Of 400 normal rows; by draws as by permutation."""
    rng = np.random.default_rng(8)
    values, mask = rng.normal(0, 1, 400), np.arange(400) < 90
    values[mask] += 0.2
    one = sample(values, np.ones(400))
    z = observed(one, mask[None]).z
    expected = stats.ttest_ind(values[mask], values[~mask], equal_var=False, alternative="greater")
    p = bootstrap_of(one, mask[None], np.random.default_rng(1)).p(z)[0]
    assert p == pytest.approx(expected.pvalue, abs=0.02)


def test_blocks_of_draws_are_put_together(monkeypatch):
    """Where not all draws fit in memory at once."""
    rng = np.random.default_rng(8)
    one, mask = sample(rng.normal(0, 1, 200), np.ones(200)), np.arange(200) < 50
    whole = bootstrap_of(one, mask[None], np.random.default_rng(1))
    monkeypatch.setattr(maximum, "DRAWN_NUMBERS", 200 * 100)
    parts = bootstrap_of(one, mask[None], np.random.default_rng(1))
    assert len(whole.draws) == len(parts.draws) == maximum.DRAWS
    assert parts.best == whole.best
    assert parts.quantile(0.95) == pytest.approx(whole.quantile(0.95), abs=0.25)
