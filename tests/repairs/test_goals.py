"""The choice for each group is the one that looking at all of them would make."""

import itertools

import numpy as np
import pytest

from evenhand.repairs.goals import RepairGoal, choose, choose_alike


def worlds():
    rng = np.random.default_rng(0)
    for _ in range(40):
        groups = rng.integers(1, 4)
        sizes = rng.integers(1, 6, groups)
        values = [rng.integers(0, 11, size) / 10 for size in sizes]
        yield values, [rng.integers(0, 30, size).astype(float) for size in sizes]


def least(values, errors, cost):
    """The lowest cost of any choice."""
    places = itertools.product(*(range(len(v)) for v in values))
    return min(
        cost(
            np.array([v[i] for v, i in zip(values, one, strict=True)]),
            sum(e[i] for e, i in zip(errors, one, strict=True)),
        )
        for one in places
    )


def found(values, errors, goal, budget=0.0):
    places = choose(values, errors, goal, budget)
    told = np.array([v[i] for v, i in zip(values, places, strict=True)])
    return told, sum(e[i] for e, i in zip(errors, places, strict=True))


@pytest.mark.parametrize("width", [0.0, 0.2, 0.5])
def test_no_choice_within_the_difference_has_fewer_errors(width):
    goal = RepairGoal(kind="maximum difference", limit=width, higher_is_worse=True)

    def cost(told, wrong):
        return wrong if np.ptp(told) <= width + 1e-9 else np.inf

    met = 0
    for values, errors in worlds():
        best = least(values, errors, cost)
        told, wrong = found(values, errors, goal)
        if np.isfinite(best):
            met += 1
            assert (np.ptp(told) <= width + 1e-9, wrong) == (True, best)
    assert met > 5


@pytest.mark.parametrize("higher", [True, False])
def test_no_choice_within_the_budget_has_a_better_worst_group(higher):
    goal = RepairGoal(kind="worst group", limit=None, higher_is_worse=higher)
    sign = 1 if higher else -1
    for values, errors in worlds():
        budget = sum(map(np.median, errors))

        def cost(told, wrong, budget=budget):
            return (sign * told).max() if wrong <= budget else np.inf

        told, wrong = found(values, errors, goal, budget)
        assert wrong <= budget
        assert (sign * told).max() == least(values, errors, cost)


@pytest.mark.parametrize("kind", ["maximum", "minimum"])
def test_no_choice_within_a_limit_has_fewer_errors(kind):
    goal = RepairGoal(kind=kind, limit=0.5, higher_is_worse=True)

    def met(told):
        return bool((told <= 0.5).all() if kind == "maximum" else (told >= 0.5).all())

    for values, errors in worlds():
        best = least(values, errors, lambda told, wrong: wrong if met(told) else np.inf)
        told, wrong = found(values, errors, goal)
        if np.isfinite(best):
            assert (met(told), wrong) == (True, best)


def test_a_group_without_a_value_breaks_no_rule():
    goal = RepairGoal(kind="maximum", limit=0.1, higher_is_worse=True)
    told = choose([np.array([np.nan, np.nan])], [np.array([3.0, 1.0])], goal, 0.0)
    assert told == [1]
    assert np.isnan(goal.statistic(np.array([np.nan])))
    assert goal.statistic(np.array([np.nan, 0.2])) == 0.2


@pytest.mark.parametrize(
    ("kind", "limit", "wanted"),
    [
        ("maximum", 0.2, (0.15, 0.12, 0.08)),
        ("minimum", 0.9, (0.925, 0.94, 0.96)),
        ("maximum difference", 0.1, (0.05, 0.025)),
        ("minimum", 1.25, ()),
        ("maximum difference", 0.0, ()),
    ],
)
def test_stricter_limits_are_on_the_right_side(kind, limit, wanted):
    found = RepairGoal(kind=kind, limit=limit, higher_is_worse=True).stricter()
    assert found == pytest.approx(wanted)


def test_all_rows_together_are_put_where_the_groups_are():
    values, errors = np.array([0.0, 0.1, 0.2, 0.3, 0.4]), np.array([9.0, 7.0, 5.0, 3.0, 1.0])
    chosen = np.array([0.15, 0.3, np.nan])

    def place(kind, limit=None, higher=True):
        goal = RepairGoal(kind=kind, limit=limit, higher_is_worse=higher)
        return choose_alike(values, errors, chosen, goal)

    # Of those between .15 and .3 the cheapest; under a limit the cheapest that keeps it.
    assert place("maximum difference", 0.5) == 3
    assert place("maximum", 0.1) == 1
    assert place("minimum", 0.2) == 4
    assert place("worst group") == 3
    assert place("worst group", higher=False) == 4
    nothing = RepairGoal(kind="worst group", limit=None, higher_is_worse=True)
    assert choose_alike(values, errors, np.array([]), nothing) == 4
