"""Levels near 1: what no draw and no digit can reach is said, or bounded by what can."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

import evenhand
from evenhand.errors import InputError

RNG = np.random.default_rng(2)
SITE = np.repeat(["a", "b", "c"], 800)
TABLE = pa.table(
    {"site": SITE, "wrong": (RNG.random(2400) < np.where(SITE == "a", 0.4, 0.2)).astype(int)}
)


def gap(level):
    return evenhand.audit(TABLE, "mean(wrong)", by="site", level=level).gap.lower_bound


def test_a_surer_gap_is_a_smaller_one():
    """With 10,000 draws the quantile stood still beyond .9999."""
    bounds = [gap(level) for level in (0.95, 0.99, 0.999, 0.9999, 0.99999, 0.999999)]
    assert all(sure < less for less, sure in pairwise(bounds))
    assert bounds[-1] > 0


@pytest.mark.parametrize("level", [0.9999999, 0.9999999999999999, 1, 95])
@pytest.mark.parametrize("ask", [evenhand.audit, evenhand.effects])
def test_no_level_is_nearer_to_1_than_intervals_are_known_to_hold(ask, level):
    with pytest.raises(InputError, match=r"must be a confidence from 0\.5 to 0\.999999"):
        ask(TABLE, "mean(wrong)", by="site", level=level)


def test_a_search_says_which_level_its_draws_cannot_reach():
    table = pa.table({"site": SITE, "minutes": RNG.random(2400), "u": np.arange(2400) % 300})
    with pytest.raises(InputError, match=r"999 draws know no p-value below 0\.001.*up to 0\.999"):
        evenhand.slices(
            table, "mean(minutes)", worse="higher", unit="u", level=0.9999, confirm="bootstrap"
        )
    assert evenhand.slices(table, "mean(minutes)", worse="higher", unit="u", level=0.999).exact
