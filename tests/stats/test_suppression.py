"""Hidden sets stay hidden: who has linear programming and all visible numbers is left with a wide range."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from evenhand.audits.judge import judge
from evenhand.comparisons.rules import VerdictRules
from evenhand.cubes import CellKeys, Cube
from evenhand.groups import Attribute, Partition
from evenhand.stats.forms import Ratio
from evenhand.stats.suppression import Quantity, suppress

MINIMUM = 5


def two_way(table):
    """Inner cells, row and column margins and the total of a table, as sets of its cells."""
    rows, columns = table.shape
    cell = np.arange(rows * columns).reshape(rows, columns)
    inner = np.eye(rows * columns, dtype=bool)[table.ravel() > 0]
    margins = [np.isin(cell.ravel(), line) for line in (*cell, *cell.T)]
    margins = [line for line in margins if table.ravel()[line].any()]
    sets = np.unique(np.array([*inner, *margins]), axis=0)
    total = np.ones((1, rows * columns), bool)
    sets = np.concatenate([total, sets[~sets.all(axis=1)]])
    return table.ravel().astype(float), sets


def hide(amounts, sets, width=MINIMUM, amounts_too=()):
    counts = sets @ amounts
    fixed = np.arange(len(sets)) == 0
    quantities = [
        Quantity(
            amounts=one,
            sets=sets,
            apart=np.zeros((0, sets.shape[1]), bool),
            width=width,
            needed_apart=np.zeros(0),
            least=float(place == 0),
            fixed=fixed,
        )
        for place, one in enumerate([amounts, *amounts_too])
    ]
    small = (counts > 0) & (counts < MINIMUM) & ~fixed
    found = suppress(quantities, small, ~fixed, np.maximum(counts, 1) + 1e6 * fixed)
    return small, found


def ranges(amounts, sets, hidden, least=0.0):
    """Least and most that each hidden set can be, given all that is published."""
    visible, out = sets[~hidden].astype(float), []
    for goal in sets[hidden].astype(float):
        ends = [
            linprog(
                sign * goal,
                A_eq=visible,
                b_eq=visible @ amounts,
                A_ub=-sets[hidden].astype(float),
                b_ub=np.full(hidden.sum(), -least),
                bounds=(0, None),
            )
            for sign in (1, -1)
        ]
        assert all(end.status == 0 for end in ends), ends
        out.append([ends[0].fun, -ends[1].fun])
    return np.array(out).reshape(-1, 2)


def tables(number, seed, mean=9):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        shape = rng.integers(2, 5, 2)
        yield rng.negative_binomial(1, 1 / (1 + mean), shape)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_hidden_set_keeps_the_range_that_was_asked(seed):
    """Also for who knows that no hidden set is empty."""
    seen = 0
    for table in tables(12, seed):
        amounts, sets = two_way(table)
        _, found = hide(amounts, sets)
        if found.protects and found.hidden.any():
            bounds = ranges(amounts, sets, found.hidden, least=1.0)
            assert (bounds[:, 1] - bounds[:, 0] >= MINIMUM - 1e-4).all(), table
            seen += len(bounds)
    assert seen > 30


def test_every_small_set_is_hidden():
    for table in tables(20, 3):
        amounts, sets = two_way(table)
        small, found = hide(amounts, sets)
        assert found.hidden[small].all()
        assert not found.hidden[0]


def test_where_the_total_alone_tells_too_much_it_is_said():
    amounts, sets = two_way(np.array([[1, 1], [1, 2]]))
    assert not hide(amounts, sets)[1].protects


def test_nothing_is_hidden_where_nothing_is_small():
    amounts, sets = two_way(np.array([[10, 20], [30, 40]]))
    assert not hide(amounts, sets)[1].hidden.any()


def test_a_small_cell_alone_in_its_row_takes_a_rectangle_with_it():
    amounts, sets = two_way(np.array([[3, 20, 30], [40, 50, 60], [70, 80, 90]]))
    _, found = hide(amounts, sets)
    assert found.hidden.sum() == 4 or found.hidden[1:].sum() == 3  # or a margin and a cell


def test_the_smallest_that_does_is_hidden_with_it():
    amounts = np.array([3.0, 200, 12, 90])
    sets = np.concatenate([np.ones((1, 4), bool), np.eye(4, dtype=bool)])
    assert hide(amounts, sets)[1].hidden.tolist() == [False, True, False, True, False]


def test_one_and_two_people_do_not_hide_each_other():
    amounts = np.array([1.0, 2, 40, 90])
    sets = np.concatenate([np.ones((1, 4), bool), np.eye(4, dtype=bool)])
    assert hide(amounts, sets)[1].hidden.tolist() == [False, True, True, True, False]


def test_each_published_sum_keeps_its_range():
    """All of the third have failed and none of the second: the rate of the first would follow."""
    amounts = np.array([3.0, 20, 20, 90])
    failed = np.array([3.0, 0, 20, 40])
    sets = np.concatenate([np.ones((1, 4), bool), np.eye(4, dtype=bool)])
    _, found = hide(amounts, sets, amounts_too=[failed, amounts - failed])
    for one in (failed, amounts - failed):
        bounds = ranges(one, sets, found.hidden)
        assert (bounds[:, 1] - bounds[:, 0] >= MINIMUM - 1e-4).all()


def test_who_knows_more_equations_than_one_finds_what_each_alone_would_miss():
    """Rows leak nothing, columns leak nothing; their difference gives the cell in the corner."""
    amounts = np.array([3.0, 30, 30])
    pairs = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]], bool)
    sets = np.concatenate([np.ones((1, 3), bool), pairs, np.eye(3, dtype=bool)[:1]])
    _, found = hide(amounts, sets)
    assert found.hidden[4]
    assert found.hidden[1:4].any()
    bounds = ranges(amounts, sets, found.hidden, least=1.0)
    assert (bounds[:, 1] - bounds[:, 0] >= MINIMUM - 1e-4).all()


def judged(wrong, trials, **options):
    wrong, trials = np.array(wrong), np.array(trials)
    sums = np.stack([wrong, trials - wrong], axis=1).astype(float)
    comoments = (
        np.einsum("cp,pq->cpq", sums, np.eye(2))
        - sums[:, :, None] * sums[:, None, :] / trials[:, None, None]
    )
    cube = Cube(
        attributes=("k",),
        parts=("wrong", "right"),
        keys=CellKeys.of([(f"k{i}",) for i in range(len(trials))]),
        n_rows=trials,
        n_defined=trials,
        sums=sums,
        comoments=comoments,
        level=np.zeros(len(trials), np.int64),
        indicators=True,
    )
    rules = VerdictRules(
        **({"draws": 200, "low": 0.0, "high": 1.0, "suppress_below": 10} | options)
    )
    form = Ratio(numerator=(1, 0), denominator=(1, 1))
    return judge(
        cube, form, [Attribute(name="k")], [Partition(names=("k",))], rules, proportion=True
    )


def test_a_hidden_group_shows_no_number():
    result = judged([1, 14, 20, 30], [7, 42, 200, 300])
    hidden = [group for group in result.groups if group.suppressed]
    assert [group.group["k"] for group in hidden] == ["k0", "k1"]
    for group in hidden:
        assert {
            group.estimate.value,
            group.estimate.n_units,
            group.estimate.numerator,
            group.shrunk,
            group.versus,
        } == {None}
        assert group.estimate.reason == "suppressed"
        assert group.verdict == "insufficient evidence"


@pytest.mark.parametrize(
    "number", ["between_group_sd", "homogeneity_p", "lower_bound", "smallest_ratio", "largest"]
)
def test_the_gap_of_a_partition_does_not_give_its_hidden_groups_away(number):
    """Two hidden groups, their sum known: the attacker tries all counts that fit the sum.

    A published number that differs between the candidates singles the true one out.
    """
    trials, wrong = 49, 15
    truth = getattr(judged([1, 14, 20], [7, 42, 200]).gaps[0], number)
    others = [
        getattr(judged([x, wrong - x, 20], [n, trials - n, 200]).gaps[0], number)
        for n, x in itertools.product([7, 6, 8], range(4))
        if (n, x) != (7, 1)
    ]
    fitting = 1 + sum(
        other == truth or (None not in (other, truth) and abs(other - truth) < 1e-6)
        for other in others
    )
    assert fitting > 1


@pytest.mark.parametrize("versus", ["rest", "overall", "best"])
def test_nothing_that_is_shown_depends_on_how_the_hidden_share_their_sum(versus):
    """Hidden are 49 people with 15 errors: whichever way, the publication is the same to the last digit."""

    def shown(trials, wrong):
        found = judged(
            [wrong, 15 - wrong, 20, 60, 10],
            [trials, 49 - trials, 200, 300, 150],
            versus=versus,
        )
        assert [group.suppressed for group in found.groups] == [True, True, False, False, False]
        return found

    first = shown(7, 1)
    assert all(shown(*other) == first for other in [(2, 0), (2, 2), (5, 1), (9, 3)])
