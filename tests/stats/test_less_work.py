"""What is computed in a shorter way gives the very numbers of the long one."""

from collections.abc import Callable

import numpy as np
import pytest

from evenhand.stats import bounded_means, contrasts, simultaneous, spread
from evenhand.stats.bounded_means import gaffke_limits, gaffke_upper, gaffke_within

Floats = np.ndarray


def bisected(difference: Floats, interval: Callable[..., tuple[Floats, Floats]]) -> Floats:
    """The quantile at which intervals touch 0, found by 28 halvings of 0 to 37."""
    sign, everywhere = np.sign(difference), np.ones(difference.shape, bool)
    small, large = np.zeros(difference.shape), np.full(difference.shape, 37.0)
    for _ in range(28):
        middle = (small + large) / 2
        low, high = interval(middle, everywhere)
        out = np.where(sign > 0, low > 0, high < 0)
        small, large = np.where(out, middle, small), np.where(out, large, middle)
    return np.where(sign == 0, 0.0, small)


@pytest.mark.parametrize("exact", [False, True])
def test_the_touching_quantile_is_that_of_plain_halving(
    monkeypatch: pytest.MonkeyPatch, exact: bool
):
    rng = np.random.default_rng(8)
    for world in range(60):
        n1, n2 = (rng.integers(0, 10 ** rng.integers(1, 7), 30).astype(float) for _ in range(2))
        rates = rng.random(2) ** 3
        x1 = rng.binomial(n1.astype(int), rates[0]).astype(float)
        x2 = rng.binomial(n2.astype(int), rates[world % 2]).astype(float)
        if world % 5 == 0:  # few events, none, or all
            x1, x2 = np.minimum(x1, world % 3), n2.copy() if world % 2 else x2
        found = contrasts.newcombe_z(x1, n1, x2, n2, exact=exact)
        with monkeypatch.context() as plain:
            plain.setattr(contrasts, "touching_z", bisected)
            expected = contrasts.newcombe_z(x1, n1, x2, n2, exact=exact)
        np.testing.assert_array_equal(found, expected)


def test_the_touching_quantile_takes_few_looks():
    looks = []

    def interval(z: Floats, at: Floats) -> tuple[Floats, Floats]:
        looks.append(int(at.sum()))
        return 0.3 - 0.1 * z, 0.3 + 0.1 * z

    assert contrasts.touching_z(np.full(1, 0.3), interval) == pytest.approx([3.0], abs=2e-7)
    assert len(looks) <= 8


@pytest.mark.parametrize("groups", [2, 3, 6, 18, 40])
def test_the_quantile_of_the_largest_pair_is_that_of_all_draws(groups: int):
    rng = np.random.default_rng(groups)
    for level in (0.5, 0.95, 0.9967, 0.9999):
        mixed = rng.normal(size=(groups, groups + 2)) * rng.random((groups, 1))
        covariance = mixed @ mixed.T
        draws = simultaneous.draw_normal(covariance, 2000, rng)
        error = np.sqrt(
            np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
        )
        scaled = draws * np.sqrt(np.diag(covariance))
        first, second = np.triu_indices(groups, 1)
        largest = np.abs(scaled[:, first] - scaled[:, second]) / error[first, second]
        expected = np.quantile(largest.max(axis=1), level, method="higher")
        assert spread.largest_pair_quantile(covariance, draws, level) == expected


def test_the_quantile_of_the_largest_pair_stands_where_a_variance_came_out_below_0():
    # Of two columns of units: such a group has no draws of its own, and its pairs are bounded too.
    draws = np.random.default_rng(0).standard_normal((2000, 3))
    below, at_0 = (np.diag([variance, 4e-4, 3e-4]) for variance in (-1e-12, 0.0))
    found, expected = (spread.largest_pair_quantile(c, draws, 0.95) for c in (below, at_0))
    assert found == pytest.approx(expected)


def test_draws_of_one_seed_are_the_generators_own_and_leave_it_where_it_would_be():
    covariance = np.diag([1.0, 2.0, 3.0])
    own, other = np.random.default_rng(5), np.random.default_rng(5)
    for generator in (own, other):
        generator.integers(0, 9, 3, np.int32)  # leaves half of a 64-bit number over
    plain = np.random.default_rng(5)
    plain.integers(0, 9, 3, np.int32)
    expected = plain.standard_normal((100, 3)) * np.sqrt(1 + 1e-9)
    for generator in (own, other):
        np.testing.assert_array_equal(
            simultaneous.draw_normal(covariance, 100, generator), expected
        )
        assert generator.bit_generator.state == plain.bit_generator.state


def test_other_generators_draw_for_themselves():
    source = np.random.Generator(np.random.Philox(3))
    drawn = simultaneous.draw_normal(np.eye(2), 50, source)
    expected = np.random.Generator(np.random.Philox(3)).standard_normal((50, 2))
    np.testing.assert_allclose(drawn, expected, rtol=1e-8)


def test_each_limit_of_gaffke_can_be_had_alone():
    rng = np.random.default_rng(2)
    for values in (rng.random(30) ** 3, np.zeros(12), np.ones(5), rng.integers(0, 2, 40) * 1.0):
        sizes = rng.integers(1, 9, len(values))
        low, high = gaffke_limits(values, 0.02, 0.0, 1.0, sizes=sizes)
        assert gaffke_upper(values, 0.02, 0.0, 1.0, sizes=sizes) == high
        assert -gaffke_upper(-values, 0.02, -1.0, 0.0, sizes=sizes) == low


@pytest.mark.parametrize("kind", ["spread", "rare", "alike", "sized"])
def test_whether_a_limit_of_bounded_values_is_within_another_is_what_the_limit_says(kind: str):
    rng = np.random.default_rng(11)
    for units in (1, 2, 9, 60):
        values = {
            "spread": rng.random(units),
            "rare": (rng.random(units) < 0.1).astype(float),
            "alike": np.full(units, 0.25),
            "sized": rng.random(units),
        }[kind]
        sizes = rng.integers(0, 40, units) if kind == "sized" else None
        for tail in (0.1, 0.025, 1e-6):
            for times in (1.0, 3.7, 1000.0):
                told = {"sizes": sizes, "times": times}
                limit = gaffke_upper(values, tail, -0.5, 1.5, **told)
                # The limit itself is found to a ten-millionth of the range.
                for least, expected in ((limit + 1e-6, True), (limit - 1e-6, False), (2, True)):
                    assert gaffke_within(values, tail, least, -0.5, 1.5, **told) is expected
                assert not gaffke_within(values, tail, -0.6, -0.5, 1.5, **told)


@pytest.mark.parametrize("width", [2, 5, 27])
def test_the_quantile_of_all_at_once_counts_every_draw(width: int):
    """Of each draw, how many exceed z beyond the first."""
    rng = np.random.default_rng(width)
    mixed = rng.normal(size=(width, 3))
    draws = simultaneous.draw_normal(mixed @ mixed.T + np.eye(width), 3000, rng)
    for level in (0.5, 0.95, 0.999):
        z = simultaneous.max_t_quantile(draws, level)
        beyond = np.maximum((np.abs(draws) > z).sum(axis=1) - 1, 0).mean()
        exceeded = width * contrasts.p_of_z(np.array([z]))[0] - beyond
        assert exceeded == pytest.approx(1 - level, abs=1e-3 / 3)


@pytest.mark.parametrize("times", [1.0, 2.5])
def test_units_that_are_alike_are_told_once_without_another_limit(
    times: float, monkeypatch: pytest.MonkeyPatch
):
    rng = np.random.default_rng(9)
    sizes = rng.integers(1, 12, 3_000).astype(float)
    values = rng.binomial(sizes.astype(int), 0.1) / sizes
    found = []
    for many in (1, 10**9):
        monkeypatch.setattr(bounded_means, "_MANY_UNITS", many)
        limits = gaffke_limits(values, 0.025, sizes=sizes, times=times)
        within = gaffke_within(values, 0.025, limits[1], sizes=sizes, times=times)
        found.append((*limits, within))
    assert found[0] == pytest.approx(found[1], rel=1e-6)
