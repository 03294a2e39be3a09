"""Hidden cells stay hidden: an attacker with linear programming learns no hidden number."""

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from evenhand.audits.judge import judge
from evenhand.audits.rules import Rules
from evenhand.cubes import Cube
from evenhand.groups import Attribute, Partition
from evenhand.stats.forms import Ratio
from evenhand.stats.suppression import recoverable, suppress

MINIMUM = 5


def two_way(table):
    """Cells, row margins, column margins of a table; its published equations."""
    rows, columns = table.shape
    cell = np.arange(rows * columns).reshape(rows, columns)
    row, column = rows * columns + np.arange(rows), rows * columns + rows + np.arange(columns)
    counts = np.concatenate([table.ravel(), table.sum(1), table.sum(0)])
    totals = [(int(row[i]), cell[i].tolist()) for i in range(rows)]
    totals += [(int(column[j]), cell[:, j].tolist()) for j in range(columns)]
    totals += [(None, row.tolist()), (None, column.tolist())]
    return counts, totals


def ranges(counts, hidden, totals, lower, upper):
    """Least and most that each hidden cell can be, given all that is published."""
    unknown = np.flatnonzero(hidden)
    rows, sides = [], []
    for total, parts in totals:
        signed = [(part, 1) for part in parts] + ([(total, -1)] if total is not None else [])
        truth = sum(sign * counts[cell] for cell, sign in signed)
        known = sum(sign * counts[cell] for cell, sign in signed if not hidden[cell])
        row = np.zeros(len(unknown))
        for cell, sign in signed:
            if hidden[cell]:
                row[np.searchsorted(unknown, cell)] += sign
        rows.append(row)
        sides.append(truth - known)
    out = []
    for place in range(len(unknown)):
        ends = []
        for sign in (1, -1):
            goal = np.zeros(len(unknown))
            goal[place] = sign
            found = linprog(
                goal,
                A_eq=np.array(rows),
                b_eq=np.array(sides),
                bounds=list(zip(lower[unknown], upper[unknown], strict=True)),
                method="highs",
            )
            assert found.status in (0, 3), found.message
            ends.append(sign * found.fun if found.status == 0 else sign * -np.inf)
        out.append(ends)
    return unknown, np.array(out)


def tables(number, seed, mean=6):
    rng = np.random.default_rng(seed)
    for _ in range(number):
        shape = rng.integers(2, 5, 2)
        yield rng.negative_binomial(1, 1 / (1 + mean), shape)


def test_no_hidden_cell_is_determined_by_the_published_ones():
    """Each hidden count has a range of feasible values, counts being at least 0."""
    seen = 0
    for table in tables(15, 1):
        counts, totals = two_way(table)
        hidden = suppress(counts, counts < MINIMUM, totals)
        if not hidden.any():
            continue
        unknown, bounds = ranges(
            counts, hidden, totals, np.zeros(len(counts)), np.full(len(counts), np.inf)
        )
        people = counts[unknown] > 0  # that a cell is empty is no secret
        assert (bounds[people, 1] - bounds[people, 0] > 0.5).all(), table
        seen += people.sum()
    assert seen > 60


def test_knowing_that_no_hidden_cell_is_empty_gives_none_away():
    """Empty cells are not hidden, so the attacker knows that every hidden one holds at least 1."""
    seen = 0
    for table in tables(15, 2):
        counts, totals = two_way(table)
        hidden = suppress(counts, counts < MINIMUM, totals)
        if not hidden.any():
            continue
        unknown, bounds = ranges(
            counts, hidden, totals, np.ones(len(counts)), np.full(len(counts), np.inf)
        )
        assert (bounds[:, 1] - bounds[:, 0] > 0.5).all(), table
        seen += len(unknown)
    assert seen > 60


def test_every_small_cell_is_hidden():
    for table in tables(20, 3):
        counts, totals = two_way(table)
        hidden = suppress(counts, counts < MINIMUM, totals)
        assert hidden[(counts > 0) & (counts < MINIMUM)].all()
        assert not hidden[counts == 0].any()


def test_nothing_is_hidden_where_nothing_is_small():
    counts, totals = two_way(np.array([[10, 20], [30, 40]]))
    assert not suppress(counts, counts < MINIMUM, totals).any()


def test_a_small_cell_alone_in_its_row_takes_others_with_it():
    counts, totals = two_way(np.array([[3, 20, 30], [40, 50, 60], [70, 80, 90]]))
    assert suppress(counts, counts < MINIMUM, totals).sum() >= 4  # a rectangle, at least


def test_recoverable_finds_what_each_equation_alone_would_miss():
    """Rows leak nothing, columns leak nothing; their difference gives the cell in the corner."""
    hidden = np.array([True, True, True, True, True, False])
    # a + b, b + c, c + a are published: a follows though two cells of each equation are hidden.
    totals = [(None, [0, 1]), (None, [1, 2]), (None, [2, 0]), (None, [3, 4])]
    np.testing.assert_array_equal(
        recoverable(hidden, np.full(6, 9), totals), [True, True, True, False, False, False]
    )


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
        keys=tuple((f"k{i}",) for i in range(len(trials))),
        n_rows=trials,
        n_defined=trials,
        sums=sums,
        comoments=comoments,
        level=np.zeros(len(trials), np.int64),
        indicators=True,
    )
    rules = Rules(**({"draws": 200, "low": 0.0, "high": 1.0, "suppress_below": 10} | options))
    form = Ratio(numerator=(1, 0), denominator=(1, 1))
    return judge(
        cube, form, [Attribute(name="k")], [Partition(names=("k",))], rules, proportion=True
    )


def test_a_hidden_group_shows_no_number():
    result = judged([1, 2, 20, 30], [7, 12, 200, 300])
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
    trials, wrong = 19, 4
    truth = getattr(judged([1, 3, 20], [7, 12, 200]).gaps[0], number)
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


def test_the_shrunk_values_of_visible_groups_do_not_give_hidden_ones_away():
    def shown(x):
        result = judged([x, 4 - x, 20, 60, 10], [7, 12, 200, 300, 150])
        return [group.shrunk for group in result.groups if not group.suppressed]

    assert shown(0) == shown(1) == shown(3)
