"""Differences as estimates: comparing two of them is a contrast of four sets."""

import numpy as np
import pytest

from evenhand.comparisons.comparison import compare, differences
from evenhand.cubes import estimate
from evenhand.cubes.cube import Units, cube_of_units
from evenhand.cubes.keys import CellKeys
from evenhand.stats.forms import Ratio

FORM = Ratio(numerator=(1, 0), denominator=(0, 1))


def estimates_of(above, below):
    """Each column of the arrays (units, sets) is a set; NaN where a unit is not in it."""
    present = ~np.isnan(above)
    unit, cell = np.nonzero(present)
    rows = present.sum(axis=0)
    cube = cube_of_units(
        keys=CellKeys.of([(f"c{i}",) for i in range(above.shape[1])]),
        attributes=("set",),
        parts=("above", "below"),
        n_rows=rows,
        n_defined=rows,
        units=Units(
            cell=cell,
            unit=unit,
            sums=np.stack([above[present], below[present]], axis=1),
            names=tuple(map(str, range(len(above)))),
        ),
    )
    return estimate(cube, FORM, np.eye(above.shape[1], dtype=bool))


def four_sets(estimates):
    """(first - second) - (third - fourth)."""
    two = differences(estimates, FORM, np.array([0, 2]), np.array([1, 3]))
    return compare(two, FORM, np.array([0]), np.array([1]), proportion=False)


@pytest.fixture
def matched():
    rng = np.random.default_rng(0)
    below = rng.integers(3, 9, (25, 4)).astype(float)
    return rng.binomial(below.astype(int), 0.3).astype(float), below


def test_matched_units_give_the_variance_of_their_own_contrasts(matched):
    above, below = matched
    found = four_sets(estimates_of(above, below))
    share = below / below.sum(0)
    influence = (above - above.sum(0) / below.sum(0) * below) / below.sum(0)
    influence /= np.sqrt(1 - 2 * share + (share**2).sum(0))
    contrast = influence @ [1, -1, -1, 1]
    assert found.variance[0] == pytest.approx((contrast**2).sum(), rel=1e-9)
    assert found.df[0] == pytest.approx((1 / (share**2).sum(0)).min() - 1, rel=1e-9)
    assert 20 < found.df[0] < 24
    rates = above.sum(0) / below.sum(0)
    assert found.difference[0] == pytest.approx(rates @ [1, -1, -1, 1], rel=1e-12)


def test_units_of_two_groups_add_their_variances(matched):
    """Each unit in two sets: the two differences are paired within, and apart from each other."""
    above, below = (np.concatenate([a, a[::-1]]) for a in matched)
    above[:25, 2:], above[25:, :2] = np.nan, np.nan
    estimates = estimates_of(above, below)
    found = four_sets(estimates)
    covariance = estimates.covariance
    assert (covariance[:2, 2:] == 0).all()
    own = [
        compare(estimates, FORM, np.array([a]), np.array([a + 1]), proportion=False).variance[0]
        for a in (0, 2)
    ]
    assert found.variance[0] >= sum(own)
    assert found.variance[0] <= 2 * max(own)
    few = estimates.n_effective.min() - 1
    # Two groups that vary alike lend each other degrees of freedom; no more than they have.
    assert few <= found.df[0] <= 2 * 48


def test_a_unit_lost_in_one_set_never_makes_it_surer(matched):
    above, below = matched
    whole = four_sets(estimates_of(above, below)).variance[0]
    lost = above.copy()
    lost[3, 1] = np.nan
    assert four_sets(estimates_of(lost, below)).variance[0] > 0.9 * whole
