"""The search equals brute force: plain loops over rows, with formulas of their own.

Nothing of evenhand computes a sum or a score here.  What is expected follows from the documentation:
which literals a feature offers, which slices are admissible, and the four scores.
"""

import itertools
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st

import evenhand
from evenhand.cubes import Cells, build_cube
from evenhand.errors import InputError
from evenhand.groups import Attribute
from evenhand.metrics import parse_metric
from evenhand.records import open_records
from evenhand.slicing import search, slices_of_cube
from evenhand.slicing.hunt import Hunt, SearchOptions, prepare
from evenhand.slicing.judging import Aim
from evenhand.slicing.scores import SCORES, SliceScore
from evenhand.stats.forms import Ratio

CALM = {
    "deadline": None,
    "derandomize": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much],
}
#: Whole searches are too slow to look for the smallest failing table.
ONCE = {**CALM, "phases": [Phase.explicit, Phase.generate]}
REFUSED = (
    "Every (row|unit) has the same loss|No attribute has a value|The minimum support is|"
    "nothing to divide by|nothing to measure|nothing to search"
)
#: Real losses are searched in steps of 2⁻³⁰ of the largest.
CLOSE = 1e-6


# -- brute force ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """A row, or rows of one unit that agree in all features; `above` such that higher is worse."""

    rows: int
    above: float
    below: float
    unit: str | None = None


@dataclass(frozen=True)
class Told:
    """A slice: what it is made of, which cells are in it, and its score."""

    literals: frozenset[Any]
    members: frozenset[int]
    score: float


@dataclass(frozen=True)
class Rules:
    """What is admissible."""

    score: str
    depth: int
    rows: int
    denominator: float = 0.0
    units: int = 1
    alpha: float = 0.95
    binary: bool = False


def brute_force(
    cells: Sequence[Cell],
    features: Sequence[dict[Any, frozenset[int]]],
    rules: Rules,
    *,
    worse: bool = True,
) -> list[Told]:
    """Every admissible slice that has a score, best first; only those that are `worse` than all."""
    found = []
    for names, inside in conjunctions(features, rules.depth, frozenset(range(len(cells)))):
        if admissible(cells, inside, rules) and (not worse or above_all(cells, inside)):
            score = score_of(cells, inside, rules)
            if score is not None and (not worse or score > 0):
                found.append(Told(names, inside, score))
    return sorted(found, key=lambda told: -told.score)


def conjunctions(
    features: Sequence[dict[Any, frozenset[int]]], depth: int, inside: frozenset[int]
) -> Iterator[tuple[frozenset[Any], frozenset[int]]]:
    """Literals of different features that some cell satisfies, with the cells that do."""
    for number, feature in enumerate(features):
        for name, those in feature.items():
            both = inside & those
            if both:
                yield frozenset({name}), both
                if depth > 1:
                    for names, fewer in conjunctions(features[number + 1 :], depth - 1, both):
                        yield names | {name}, fewer


def admissible(cells: Sequence[Cell], members: frozenset[int], rules: Rules) -> bool:
    rows, below, units = 0, 0.0, set()
    for number in members:
        cell = cells[number]
        rows += cell.rows
        below += cell.below
        if cell.above or cell.below:
            units.add(cell.unit if cell.unit is not None else number)
    named = cells[0].unit is not None
    enough = not named or len(units) >= rules.units
    return rows >= rules.rows and below > 0 and below >= rules.denominator - 1e-9 and enough


def above_all(cells: Sequence[Cell], members: frozenset[int]) -> bool:
    """Whether a slice's rate is above the overall one."""
    above, below = sum(cell.above for cell in cells), sum(cell.below for cell in cells)
    inside = sum(cells[number].above for number in members)
    average = above / below * sum(cells[number].below for number in members)
    # Real losses are searched in steps, so that equality has a width.
    return inside - average > 1e-9 * (abs(inside) + abs(average))


def score_of(cells: Sequence[Cell], members: frozenset[int], rules: Rules) -> float | None:
    """Score by the formulas of the documentation; `None` where undefined."""
    all_above = sum(cell.above for cell in cells)
    all_below = sum(cell.below for cell in cells)
    above = sum(cells[number].above for number in members)
    below = sum(cells[number].below for number in members)
    if rules.score == "sliceline":
        ratio = (above / below) / (all_above / all_below)
        return rules.alpha * (ratio - 1) - (1 - rules.alpha) * (all_below / below - 1)
    # A sum of the rest that is nothing but rounding is 0.
    if not any(cell.below for number, cell in enumerate(cells) if number not in members):
        return None
    if rules.score in ("z", "evidence"):
        own = rules.score == "evidence"
        if own and rules.binary:
            return signed_root(above, below, all_above, all_below)
        return z_of(cells, members, all_above / all_below, all_below, own=own)
    difference = above / below - (all_above - above) / (all_below - below)
    return difference if rules.score == "difference" else difference * below


def z_of(
    cells: Sequence[Cell],
    members: frozenset[int],
    rate: float,
    all_below: float,
    *,
    own: bool = False,
) -> float | None:
    """Excess over the larger of its two standard errors.

    `own`: the second is about the means of the slice and of its rest, also of rows.
    """
    below = sum(cells[number].below for number in members)
    psi = [cell.above - rate * cell.below for cell in cells]
    excess = sum(psi[number] for number in members)
    spread = sum(value**2 for value in psi) / all_below
    variance = spread * below * (all_below - below) / all_below
    share = below / all_below
    if cells[0].unit is not None:
        influence = influences(cells, members, psi, share, own=own)
        variance = max(variance, sum(value**2 for value in influence.values()))
    elif own:
        # Of each side the squares about its mean over rows; a cell of a cube may have many.
        parts = {}
        for name, side in (("in", members), ("out", frozenset(range(len(cells))) - members)):
            rows = sum(cells[number].rows for number in side)
            total = sum(psi[number] for number in side)
            parts[name] = sum(psi[number] ** 2 for number in side) - total**2 / max(rows, 1)
        variance = max(variance, (1 - share) ** 2 * parts["in"] + share**2 * parts["out"])
    return excess / math.sqrt(variance) if variance > 0 else None


def influences(
    cells: Sequence[Cell],
    members: frozenset[int],
    psi: Sequence[float],
    share: float,
    *,
    own: bool,
) -> Counter[Any]:
    """What each unit adds to the excess of a slice; `own`: less the mean of its side."""
    inside: Counter[Any] = Counter()
    outside: Counter[Any] = Counter()
    for number, cell in enumerate(cells):
        if cell.above or cell.below:
            (inside if number in members else outside)[cell.unit] += psi[number]
    influence: Counter[Any] = Counter()
    for side, weight in ((inside, 1 - share), (outside, -share)):
        mean = sum(side.values()) / max(len(side), 1) if own else 0.0
        for name, value in side.items():
            influence[name] += weight * (value - mean)
    return influence


def signed_root(above: float, below: float, all_above: float, all_below: float) -> float:
    """Likelihood ratio of two rates against one, by logarithms of likelihoods."""

    def likelihood(errors: float, size: float) -> float:
        terms = [n * math.log(n / size) for n in (errors, size - errors) if n > 1e-9]
        return sum(terms)

    two = likelihood(above, below) + likelihood(all_above - above, all_below - below)
    root = math.sqrt(max(2 * (two - likelihood(all_above, all_below)), 0.0))
    return root if above / below > all_above / all_below else -root


def assert_exact(
    told: Sequence[Told],
    best: Sequence[Told],
    top: int,
    *,
    strict: bool = True,
) -> None:
    """`told` are `top` slices than which none is better; scores that are the same may be swapped.

    Where not `strict`, slices of the same rows count as one.
    """
    known = {slice_.literals: slice_ for slice_ in best}
    assert len({slice_.literals for slice_ in told}) == len(told), "a slice is told twice"
    for slice_ in told:
        assert slice_.literals in known, f"{set(slice_.literals)} is not admissible"
        expected = known[slice_.literals]
        assert slice_.members == expected.members
        assert slice_.score == pytest.approx(expected.score, rel=CLOSE, abs=CLOSE)
    scores = [slice_.score for slice_ in told]
    assert scores == sorted(scores, reverse=True)
    if strict:
        expected = [slice_.score for slice_ in best[:top]]
        assert scores == pytest.approx(expected, rel=CLOSE, abs=CLOSE)
    last = scores[-1] if len(told) == top else -math.inf
    rows = {slice_.members for slice_ in told}
    slack = CLOSE * (1 + abs(last)) if math.isfinite(last) else 0.0
    for slice_ in best:
        if slice_.score > last + slack:
            assert slice_.members in rows, f"{set(slice_.literals)} is better: {slice_.score}"


# -- thousands of tables, as cells ---------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Cells with coded features, and what to search them for."""

    cells: tuple[Cell, ...]
    codes: tuple[tuple[int, ...], ...]
    edges: tuple[int | None, ...]
    higher: bool
    merge: int
    rules: Rules

    @property
    def keys(self) -> list[list[Any]]:
        """Values of each feature, those with enough rows only, the most frequent first."""
        out = []
        for column in self.codes:
            count: Counter[int] = Counter()
            for code, cell in zip(column, self.cells, strict=True):
                count[code] += cell.rows
            frequent = [code for code, rows in count.most_common() if rows >= self.rules.rows]
            out.append([None if code == 0 else code - 1 for code in frequent])
        return out

    def features(self) -> list[dict[Any, frozenset[int]]]:
        """Literals of each feature by their values, and the cells that satisfy them."""
        out = []
        total = sum(cell.rows for cell in self.cells)
        for number, (column, keys, edges) in enumerate(
            zip(self.codes, self.keys, self.edges, strict=True)
        ):
            sets: list[tuple[Any, ...]] = [(key,) for key in keys]
            if edges is None:
                known = [key for key in keys if key is not None]
                if len(known) <= 8:
                    for size in range(2, min(self.merge, len(known) - 1) + 1):
                        sets += itertools.combinations(known, size)
            else:
                sets = [(None,)] if None in keys else []
                for first, last in itertools.combinations_with_replacement(range(edges + 1), 2):
                    run = tuple(range(first, last + 1))
                    if len(run) <= edges and all(key in keys for key in run):
                        sets.append(run)
            literals = {}
            for chosen in sets:
                inside = frozenset(
                    place
                    for place, code in enumerate(column)
                    if (None if code == 0 else code - 1) in chosen
                )
                if sum(self.cells[place].rows for place in inside) < total:
                    literals[number, frozenset(chosen)] = inside
            out.append(literals)
        return out

    def to_cells(self) -> Cells:
        """The same for the search; its numerators are not turned yet."""
        units = None
        names = sorted({cell.unit for cell in self.cells if cell.unit is not None})
        if names:
            units = np.array([names.index(cell.unit) for cell in self.cells])
        sign = 1 if self.higher else -1
        codes = []
        for column, keys in zip(self.codes, self.keys, strict=True):
            place = {key: number for number, key in enumerate(keys)}
            coded = [place.get(None if code == 0 else code - 1, len(keys)) for code in column]
            codes.append(np.array(coded, np.uint8))
        return Cells(
            attributes=tuple(
                Attribute(name=f"f{n}", edges=None if cut is None else tuple(range(cut)))
                for n, cut in enumerate(self.edges)
            ),
            codes=tuple(codes),
            keys=tuple(tuple(keys) for keys in self.keys),
            parts=("above", "below"),
            n_rows=np.array([cell.rows for cell in self.cells]),
            sums=np.array([[sign * cell.above, cell.below] for cell in self.cells], float),
            unit=units,
        )

    def hunt(self, **options: Any) -> Hunt:
        """The search, made ready."""
        question = Aim(
            form=Ratio(numerator=(1.0, 0.0), denominator=(0.0, 1.0)),
            higher_is_worse=self.higher,
            proportion=False,
        )
        rules = self.rules
        asked = SearchOptions(
            **{
                "depth": rules.depth,
                "min_support": rules.rows,
                "min_units": rules.units,
                "min_denominator": rules.denominator,
                "score": rules.score,
                "alpha": rules.alpha,
                "merge": self.merge,
                "fold": False,
                "kernel": "numpy",
                **options,
            }
        )
        return prepare(self.to_cells(), question, asked)


def told_by(hunt: Hunt, found: search.Found) -> list[Told]:
    """What a search found, in the words of `brute_force`."""
    out = []
    for candidate in found.best:
        literals, members = set(), None
        for item in hunt.literals(candidate):
            keys = hunt.cells.keys[item.attribute]
            literals.add((item.attribute, frozenset(keys[code] for code in item.codes)))
            inside = set(np.flatnonzero(np.isin(hunt.cells.codes[item.attribute], item.codes)))
            members = inside if members is None else members & inside
        out.append(Told(frozenset(literals), frozenset(map(int, members or ())), candidate.score))
    return out


LOSSES = ("0/1", "counts", "no denominator", "real", "signed", "signed without denominator")


@st.composite
def cases(draw: Any) -> Case:
    """Small tables of any shape."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    number = draw(st.integers(3, 24))
    loss = draw(st.sampled_from(LOSSES))
    clustered = draw(st.booleans())
    higher = draw(st.booleans())
    score = draw(st.sampled_from(SCORES))
    if score == "sliceline" and (
        not higher or loss in ("real", "signed", "signed without denominator")
    ):
        score = "z"
    cells = []
    for _ in range(number):
        above, below = one_loss(rng, loss)
        rows = rng.choice([1, 1, 1, 3]) if loss != "0/1" else 1
        cells.append(Cell(rows, above, below, f"u{rng.randrange(6)}" if clustered else None))
    count = draw(st.integers(1, 4))
    total = sum(cell.rows for cell in cells)
    rules = Rules(
        score=score,
        depth=draw(st.sampled_from([1, 2, 2, 3, 3, 4])),
        rows=rng.choice([1, 1, 2, 3, 5, max(1, total // 3)]),
        denominator=rng.choice([0.0, 0.0, 1.0, 2.0, 4.0]) if loss != "real" else 0.0,
        units=rng.choice([1, 2, 3]),
        alpha=rng.choice([0.5, 0.95, 1.0]),
    )
    return Case(
        cells=tuple(cells),
        codes=tuple(
            tuple(rng.randrange(rng.choice([1, 2]), rng.choice([3, 4, 5])) for _ in range(number))
            for _ in range(count)
        ),
        edges=tuple(rng.choice([None, None, 3]) for _ in range(count)),
        higher=higher,
        merge=rng.choice([1, 1, 2, 3]),
        rules=rules,
    )


def one_loss(rng: random.Random, loss: str) -> tuple[float, float]:
    """Numerator, such that higher is worse, and denominator of a row."""
    if loss == "0/1":
        return float(rng.random() < 0.4), 1.0
    if loss == "counts":
        below = rng.choice([0, 1, 2, 5])
        return float(rng.randint(0, below + 2) if below else 0), float(below)
    if loss == "no denominator":
        return float(rng.randint(0, 3)), float(rng.choice([0, 1, 4]))
    if loss == "real":
        return rng.choice([round(rng.gauss(1, 2), 2), 0.5, -1.25]), 1.0
    if loss == "signed":
        below = rng.randint(1, 4)
        return float(rng.randint(-3 * below, 3 * below)), float(below)
    return float(rng.randint(-3, 3)), float(rng.choice([0, 1, 2]))


def searchable(case: Case) -> bool:
    """Whether there is anything to find."""
    cells, rules = case.cells, case.rules
    below = sum(cell.below for cell in cells)
    if below == 0 or rules.rows >= sum(cell.rows for cell in cells):
        return False
    rate = sum(cell.above for cell in cells) / below
    if all(abs(cell.above - rate * cell.below) < 1e-9 for cell in cells):
        return False
    single = replace(rules, units=0)
    return any(
        admissible(cells, inside, single)
        for feature in case.features()
        for inside in feature.values()
    )


@settings(max_examples=800, **CALM)
@given(case=cases(), top=st.sampled_from([1, 3, 10, 60]))
def test_what_is_found_is_what_brute_force_finds(case, top):
    """All scores, denominators of any kind, depths, supports, units, sets and intervals."""
    if not searchable(case):
        event("nothing to find")
        with pytest.raises(InputError, match=REFUSED):
            case.hunt()
        return
    event(f"{case.rules.score}, {'units' if case.cells[0].unit else 'rows'}")
    hunt = case.hunt()
    found = hunt.search(top)
    assert found.exact
    best = brute_force(case.cells, case.features(), case.rules)
    assert_exact(told_by(hunt, found), best, top)


@settings(max_examples=40, **CALM)
@given(case=cases())
def test_z_is_by_the_same_formula_for_every_slice_told(case):
    """D is the larger of the two variances for every slice: see decision 002."""
    case = replace(case, rules=replace(case.rules, score="z"))
    assume(case.cells[0].unit is not None and searchable(case))
    hunt = case.hunt()
    best = brute_force(case.cells, case.features(), case.rules)
    assert_exact(told_by(hunt, hunt.search(5000)), best, 5000)


@settings(max_examples=120, **CALM)
@given(case=cases(), top=st.sampled_from([1, 4, 20]))
def test_both_kernels_find_the_same(case, top):
    """To the last digit, order of ties included."""
    assume(searchable(case))
    one, two = (case.hunt(kernel=kernel).search(top) for kernel in ("numpy", "compiled"))
    assert one == two


@settings(max_examples=120, **CALM)
@given(case=cases())
def test_no_admissible_slice_has_a_smaller_denominator_than_the_limit(case):
    """Bounds of whole levels rest on it."""
    assume(searchable(case))
    hunt = case.hunt()
    scale = 1 / hunt.losses.size_step
    for told in brute_force(case.cells, case.features(), replace(case.rules, units=0), worse=False):
        below = sum(case.cells[number].below for number in told.members)
        assert hunt.limits.least <= below * scale * (1 + 1e-9) + len(case.cells)


def small_case(
    above: Sequence[float],
    below: Sequence[float],
    codes: Sequence[Sequence[int]],
    score: str,
    rows: int,
) -> Case:
    """Rows of three features, searched to the depth of three."""
    return Case(
        cells=tuple(Cell(1, float(a), float(b)) for a, b in zip(above, below, strict=True)),
        codes=tuple(map(tuple, codes)),
        edges=(None, None, None),
        higher=True,
        merge=1,
        rules=Rules(score=score, depth=3, rows=rows),
    )


@pytest.mark.parametrize("top", [3, 6, 9, 12])
@pytest.mark.parametrize("score", ["difference", "z", "harm"])
def test_slices_that_are_better_than_all_are_searched_exactly_too(score, top):
    """Where all rates in a slice are below the overall one, a larger part of it scores less."""
    for case in (
        small_case(
            [3, 9, 2, 9, 4, 4],
            [4, 4, 1, 2, 2, 2],
            [(1, 2, 1, 1, 3, 1), (2, 2, 3, 2, 1, 3), (2, 1, 2, 1, 3, 1)],
            score,
            1,
        ),
        small_case(
            [4, 2, 4, 2, 4, 2, 20, 2],
            [2, 1, 4, 1, 2, 2, 1, 4],
            [(1, 1, 1, 3, 2, 1, 1, 1), (3, 2, 2, 2, 2, 1, 2, 3), (1, 1, 3, 3, 2, 1, 1, 3)],
            score,
            1,
        ),
        small_case(
            [4, 20, 1, 3, 9],
            [4, 1, 1, 2, 1],
            [(1, 2, 1, 2, 2), (1, 2, 1, 2, 2), (1, 2, 2, 1, 2)],
            score,
            1,
        ),
    ):
        hunt = case.hunt()
        best = brute_force(case.cells, case.features(), case.rules)
        assert_exact(told_by(hunt, hunt.search(top)), best, top)


@pytest.mark.parametrize("stop", range(1, 13))
@pytest.mark.parametrize("score", ["difference", "z"])
def test_after_an_interruption_the_bound_still_holds(score, stop):
    """No slice that was not evaluated has a higher score, those inside evaluated ones included."""
    case = small_case(
        [0, 9, 9, 0, 1, 0, 1, 9, 9, 0, 9, 0]
        if score == "difference"
        else [9, 9, 0, 0, 1, 0, 0, 0, 9],
        [1] * (12 if score == "difference" else 9),
        [
            (2, 1, 1, 3, 1, 2, 1, 1, 1, 2, 2, 1),
            (1, 1, 1, 1, 1, 2, 2, 3, 1, 3, 2, 2),
            (1, 2, 2, 2, 1, 1, 2, 1, 2, 2, 1, 3),
        ]
        if score == "difference"
        else [
            (2, 1, 1, 1, 1, 2, 2, 3, 2),
            (2, 1, 2, 1, 3, 2, 1, 2, 2),
            (2, 1, 3, 3, 2, 1, 2, 2, 2),
        ],
        score,
        2 if score == "difference" else 1,
    )
    calls = itertools.count(1)

    def interrupt(_: object) -> None:
        if next(calls) == stop:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "FIRST_WAVE", 1)
        found = case.hunt().search(1, interrupt)
    best = brute_force(case.cells, case.features(), case.rules)[0].score
    known = max((candidate.score for candidate in found.best), default=-math.inf)
    assert best <= max(known, found.bound) + CLOSE


@settings(max_examples=120, **CALM)
@given(case=cases(), seed=st.integers(0, 10**6))
def test_order_of_rows_does_not_matter(case, seed):
    assume(searchable(case))
    order = list(range(len(case.cells)))
    random.Random(seed).shuffle(order)
    shuffled = replace(
        case,
        cells=tuple(case.cells[i] for i in order),
        codes=tuple(tuple(column[i] for i in order) for column in case.codes),
    )
    one, two = (list(c.hunt().search(8).best) for c in (case, shuffled))
    assert [c.score for c in one] == pytest.approx([c.score for c in two], rel=1e-9, abs=1e-9)


# -- bounds --------------------------------------------------------------------------------------


@st.composite
def scored_cells(draw: Any) -> tuple[list[tuple[int, int]], SliceScore, int]:
    """Cells of a slice, a score whose totals hold more than these, and the smallest denominator."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    low = draw(st.sampled_from([0, 1]))
    cells = [(rng.randint(0, 9), rng.randint(low, 6)) for _ in range(draw(st.integers(1, 8)))]
    above = sum(a for a, _ in cells) + rng.choice([0, 1, 20])
    below = sum(b for _, b in cells) + rng.choice([0, 1, 30])
    score = SliceScore(
        name=draw(st.sampled_from(SCORES)),
        above=float(max(above, 1)),
        below=float(max(below, 1)),
        variance=rng.choice([0.1, 1.0, 7.0]),
        alpha=rng.choice([0.05, 0.5, 0.95, 1.0]),
        rate_step=rng.choice([1.0, 0.01]),
        size_step=1.0,
    )
    return cells, score, rng.randint(0, 8)


def subsets(cells: Sequence[Any]) -> Iterator[list[Any]]:
    for size in range(1, len(cells) + 1):
        yield from map(list, itertools.combinations(cells, size))


def steepest_of(cells: Sequence[tuple[int, int]]) -> float:
    return max((a / b if b else math.inf if a else 0.0) for a, b in cells)


def bound_of(score: SliceScore, parents: Sequence[Sequence[tuple[int, int]]], least: int) -> float:
    """Bound of all that lies inside every parent; parents are admissible themselves."""
    assume(all(sum(b for _, b in parent) >= max(least, 1) for parent in parents))
    above, steepest, below = (
        np.array([min(of(parent) for parent in parents)], float)
        for of in (
            lambda cells: sum(a for a, _ in cells),
            steepest_of,
            lambda cells: sum(b for _, b in cells),
        )
    )
    return float(score.bound(above, steepest, below, float(least))[0])


def assert_bounded(
    score: SliceScore, bound: float, parts: Iterator[list[tuple[int, int]]], least: int
) -> None:
    for part in parts:
        above, below = sum(a for a, _ in part), sum(b for _, b in part)
        if below >= max(least, 1):
            value = float(score.value(np.array([above], float), np.array([below], float))[0])
            # An infinite bound has no slack.
            assert value <= bound or value <= bound + 1e-9 * (1 + abs(bound)), (part, value, bound)


@settings(max_examples=250, **CALM)
@given(given_=scored_cells())
def test_the_bound_of_a_slice_holds_for_every_part_of_it(given_):
    cells, score, least = given_
    assert_bounded(score, bound_of(score, [cells], least), subsets(cells), least)


@settings(max_examples=250, **CALM)
@given(given_=scored_cells(), seed=st.integers(0, 10**6))
def test_the_bound_from_all_parents_holds_for_every_part_of_their_intersection(given_, seed):
    cells, score, least = given_
    rng = random.Random(seed)
    parents = [[rng.random() < 0.8 for _ in cells] for _ in range(rng.choice([2, 3]))]
    assume(all(any(parent) for parent in parents))
    both = [cell for cell, *inside in zip(cells, *parents, strict=True) if all(inside)]
    lists = [[c for c, i in zip(cells, parent, strict=True) if i] for parent in parents]
    assert_bounded(score, bound_of(score, lists, least), subsets(both), least)


@settings(max_examples=300, **CALM)
@given(given_=scored_cells())
def test_a_bound_never_rises_when_the_least_denominator_does(given_):
    cells, score, least = given_
    assert bound_of(score, [cells], least + 1) <= bound_of(score, [cells], least) + 1e-12


# -- from the table on ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A table with features `names`, and the losses of its rows that count."""

    columns: dict[str, list[Any]]
    kinds: dict[str, pa.DataType]
    names: tuple[str, ...]
    bins: dict[str, tuple[float, ...]]
    metric: str
    worse: str | None
    losses: tuple[tuple[float, float] | None, ...]
    unit: tuple[str | None, ...] | None
    plain: bool

    def to_arrow(self) -> pa.Table:
        arrays = {
            name: pa.array(column, self.kinds.get(name), from_pandas=False)
            for name, column in self.columns.items()
        }
        return pa.table(arrays)

    @property
    def shares(self) -> bool:
        """Whether the metric is a share of rows."""
        return self.metric.startswith(("error_rate", "accuracy", "false_negative_rate"))

    @property
    def counted(self) -> list[int]:
        """Rows that have all that the metric and the unit need."""
        units = self.unit or [""] * len(self.losses)
        return [
            place
            for place, (loss, unit) in enumerate(zip(self.losses, units, strict=True))
            if loss is not None and unit is not None
        ]

    def keyed(self, name: str, place: int) -> Any:
        """Value of a feature as it is told apart: missing, a bin's number, or itself.

        NaN is none of these: in SQL it is neither NULL nor in an interval.
        """
        value = self.columns[name][place]
        if value is None:
            return None
        if isinstance(value, float) and not math.isfinite(value):
            return "rare"
        if name in self.bins:
            return sum(value >= edge for edge in self.bins[name])
        return value

    def frequent(self, name: str, rows: int) -> list[Any]:
        count = Counter(self.keyed(name, place) for place in self.counted)
        return [value for value, number in count.items() if number >= rows and value != "rare"]

    def cells(self, rows: int) -> tuple[list[Cell], list[list[Any]]]:
        """Rows as cells with their keys; of one unit those that agree in all frequent values."""
        known = {name: set(self.frequent(name, rows)) for name in self.names}
        grouped: dict[Any, list[int]] = {}
        for place in self.counted:
            keys = tuple(self.keyed(name, place) for name in self.names)
            keys = tuple(
                key if key in known[name] or name in self.bins else "rare"
                for name, key in zip(self.names, keys, strict=True)
            )
            head = (self.unit[place], keys) if self.unit else (place, keys)
            grouped.setdefault(head, []).append(place)
        cells, keys = [], []
        for (unit, key), places in grouped.items():
            above = sum(self.losses[place][0] for place in places)
            below = sum(self.losses[place][1] for place in places)
            cells.append(Cell(len(places), above, below, str(unit) if self.unit else None))
            keys.append(list(key))
        return cells, keys

    def features(self, rows: int, merge: int) -> tuple[list[Cell], list[dict[Any, frozenset[int]]]]:
        cells, keys = self.cells(rows)
        total = sum(cell.rows for cell in cells)
        out = []
        for number, name in enumerate(self.names):
            column = [key[number] for key in keys]
            literals = {}
            for text, chosen in self.literals(name, rows, merge):
                inside = frozenset(i for i, key in enumerate(column) if key in chosen)
                if inside and sum(cells[i].rows for i in inside) < total:
                    literals[text] = inside
            out.append(literals)
        return cells, out

    def literals(self, name: str, rows: int, merge: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
        shown = quoted(name)
        yield f"{shown} IS NULL", (None,)
        if name in self.bins:
            edges = self.bins[name]
            for first, last in itertools.combinations_with_replacement(range(len(edges) + 1), 2):
                low = [f"{shown} >= {tidy(edges[first - 1])}"] if first else []
                high = [f"{shown} < {tidy(edges[last])}"] if last < len(edges) else []
                if low or high:
                    yield " AND ".join(low + high), tuple(range(first, last + 1))
            return
        known = [value for value in self.frequent(name, rows) if value is not None]
        for value in known:
            yield f"{shown} = {constant(value)}", (value,)
        if len(known) <= 8:
            for size in range(2, min(merge, len(known) - 1) + 1):
                for chosen in itertools.combinations(known, size):
                    yield in_set(shown, map(constant, chosen)), chosen


def quoted(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'


def tidy(edge: float) -> str:
    return str(int(edge)) if float(edge).is_integer() else repr(edge)


def constant(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def in_set(name: str, values: Any) -> str:
    return f"{name} IN ({', '.join(sorted(values))})"


def canonical(literal: str) -> str:
    """A literal with the values of a set in order."""
    match = re.fullmatch(r"(.*) IN \((.*)\)", literal, re.DOTALL)
    if not match:
        return literal
    return in_set(match[1], re.findall(r"'(?:[^']|'')*'|[^,\s']+", match[2]))


TEXTS = ["x", "y", "it's", "?", "", "NA", 'say "no"']
METRICS = (
    "error_rate",
    "accuracy",
    "false_negative_rate",
    "ratio",
    "signed ratio",
    "mean",
    "low mean",
    "mse",
)


def losses_of(
    rng: random.Random, kind: str, rows: int, missing: float
) -> tuple[dict[str, list[Any]], str, str | None, list[tuple[float, float] | None], bool]:
    """Columns of a metric, its expression, direction, turned losses, and whether rates have a ratio."""

    def column(values: Sequence[Any]) -> list[Any]:
        return [None if rng.random() < missing else rng.choice(values) for _ in range(rows)]

    if kind in ("error_rate", "accuracy"):
        y, p = column(["cat", "dog", "owl"]), column(["cat", "cat", "dog"])
        losses = [
            None if a is None or b is None else (float(a != b), 1.0)
            for a, b in zip(y, p, strict=True)
        ]
        return {"y": y, "p": p}, f"{kind}(label=y, prediction=p)", None, losses, True
    if kind == "false_negative_rate":
        y, p = column([0, 1, 1]), column([0, 1, 1])
        losses = [
            None if a is None or b is None else (float(a == 1 and b == 0), float(a == 1))
            for a, b in zip(y, p, strict=True)
        ]
        return {"y": y, "p": p}, f"{kind}(label=y, prediction=p)", None, losses, True
    if kind in ("ratio", "signed ratio"):
        y = column([0, 0, 1, 2, 9] if kind == "ratio" else [-4, -1, 0, 2, 3.5])
        p = column([0, 1, 2, 3, 10])
        losses = [
            None if a is None or b is None else (float(a), float(b))
            for a, b in zip(y, p, strict=True)
        ]
        return {"y": y, "p": p}, "ratio(y, p)", None, losses, kind == "ratio"
    if kind == "mse":
        y, p = column([0.5, 1.25, -3.0]), column([0.0, 1.25, 2.5])
        losses = [
            None if a is None or b is None else ((b - a) ** 2, 1.0)
            for a, b in zip(y, p, strict=True)
        ]
        return {"y": y, "p": p}, "mse(target=y, prediction=p)", None, losses, True
    y = column([-2.75, 0.0, 0.1, 0.3, 1.9, round(rng.gauss(0, 3), 3)])
    sign = -1.0 if kind == "low mean" else 1.0
    losses = [None if a is None else (sign * a, 1.0) for a in y]
    return {"y": y}, "mean(y)", "lower" if sign < 0 else None, losses, False


@st.composite
def tables(draw: Any, *, kind: str, intervals: bool = False) -> Table:
    rng = random.Random(draw(st.integers(0, 10**6)))
    rows = draw(st.integers(6, 36))
    missing = rng.choice([0.0, 0.0, 0.15])
    columns, metric, worse, losses, plain = losses_of(rng, kind, rows, missing)
    kinds = {"y": pa.string()} if kind in ("error_rate", "accuracy") else {"y": pa.float64()}
    kinds["p"] = kinds["y"]
    if kind == "false_negative_rate":
        kinds = {"y": pa.int64(), "p": pa.int64()}
    names, bins = [], {}
    for number in range(draw(st.integers(1, 4))):
        name = ["a", "b", "odd name", 'quo"te'][number]
        what = rng.choice(["text", "integer", "boolean", "real"])
        if intervals and number == 0:
            what = "cut"
        absent = rng.choice([0.0, 0.2])
        column, arrow = feature(rng, what, rows, absent)
        columns[name], kinds[name] = column, arrow
        names.append(name)
        if what == "cut":
            bins[name] = rng.choice([(0.0,), (-1.5, 0.0, 2.0), (0.25, 4.0)])
    unit = None
    if draw(st.booleans()):
        unit = tuple(
            None if rng.random() < missing else f"s{rng.randrange(7)}" for _ in range(rows)
        )
        columns["who"] = list(unit)
        kinds["who"] = pa.string()
    return Table(
        columns=columns,
        kinds={name: arrow for name, arrow in kinds.items() if name in columns},
        names=tuple(names),
        bins=bins,
        metric=metric,
        worse=worse,
        losses=tuple(losses),
        unit=unit,
        plain=plain,
    )


def feature(
    rng: random.Random, what: str, rows: int, absent: float
) -> tuple[list[Any], pa.DataType]:
    choices: dict[str, tuple[list[Any], pa.DataType, Any]] = {
        "text": (rng.sample(TEXTS, rng.randint(1, 4)), pa.string(), None),
        "integer": ([-1, 0, 7, 2**40][: rng.randint(1, 4)], pa.int64(), None),
        "boolean": ([True, False], pa.bool_(), None),
        "real": ([0.1, -2.5, 1e-7][: rng.randint(1, 3)], pa.float64(), math.nan),
        "cut": ([-3.0, -1.5, 0.0, 0.25, 1.0, 3.0, 9.5], pa.float64(), math.nan),
    }
    values, arrow, other = choices[what]
    column = [rng.choice(values) for _ in range(rows)]
    return [
        rng.choice([None, other]) if rng.random() < absent else value for value in column
    ], arrow


@dataclass(frozen=True)
class Search:
    """How a table is searched."""

    score: str
    depth: int
    support: float
    units: int
    denominator: int
    merge: int
    alpha: float
    top: int
    kernel: str


@st.composite
def searches(draw: Any, *, merge: int = 1) -> Search:
    return Search(
        score=draw(st.sampled_from(SCORES)),
        depth=draw(st.integers(1, 4)),
        support=draw(st.sampled_from([0.05, 0.1, 0.2, 1, 2, 4])),
        units=draw(st.integers(1, 3)),
        denominator=draw(st.sampled_from([0, 0, 2, 5])),
        merge=merge,
        alpha=draw(st.sampled_from([0.6, 0.95])),
        top=draw(st.sampled_from([2, 5, 12])),
        kernel=draw(st.sampled_from(["numpy", "compiled"])),
    )


#: Losses of 0 or 1 on a denominator of 0 or 1, in either direction.
ZERO_ONE = {(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)}


def rules_of(table: Table, asked: Search, *, rows_told: bool) -> Rules:
    """A cube without units does not tell whether its rows have losses of 0 or 1."""
    share = Fraction(str(asked.support))
    rows = len(table.counted)
    losses = [table.losses[place] for place in table.counted]
    return Rules(
        score=asked.score,
        depth=asked.depth,
        rows=max(math.ceil(share * rows) if share < 1 else int(share), 1),
        denominator=float(asked.denominator),
        units=asked.units,
        alpha=asked.alpha,
        binary=table.unit is None
        and (table.shares or (rows_told and all(loss in ZERO_ONE for loss in losses))),
    )


def worth_it(table: Table, cells: Sequence[Cell], features: Any, rules: Rules) -> bool:
    below = sum(cell.below for cell in cells)
    if not cells or below == 0 or rules.rows >= len(table.counted):
        return False
    rate = sum(cell.above for cell in cells) / below
    if all(abs(cell.above - rate * cell.below) < 1e-9 for cell in cells):
        return False
    single = replace(rules, units=0)
    return any(admissible(cells, inside, single) for one in features for inside in one.values())


def from_rows(table: Table, asked: Search) -> evenhand.Slices:
    return evenhand.slices(
        table.to_arrow(),
        table.metric,
        features=list(table.names),
        bins=table.bins,
        worse=table.worse,
        unit="who" if table.unit else None,
        missing_values=(),
        depth=asked.depth,
        min_support=asked.support,
        min_units=asked.units,
        min_denominator=asked.denominator,
        merge=asked.merge,
        score=asked.score,
        alpha=asked.alpha,
        top=asked.top,
        kernel=asked.kernel,
        fold=False,
        confirm=False,
    )


def from_cube(table: Table, asked: Search) -> evenhand.Slices:
    records = open_records(table.to_arrow())
    metric = parse_metric(table.metric, records.columns)
    plan = metric.plan(records)
    attributes = [Attribute(name=name, edges=table.bins.get(name)) for name in table.names]
    cube = build_cube(records, plan.measure, attributes, unit="who" if table.unit else None)
    return slices_of_cube(
        cube,
        plan,
        attributes=attributes,
        higher_is_worse=table.worse is None and metric.definition.higher_is_worse,
        depth=asked.depth,
        min_support=asked.support,
        min_units=asked.units,
        min_denominator=asked.denominator,
        merge=asked.merge,
        score=asked.score,
        alpha=asked.alpha,
        top=asked.top,
        kernel=asked.kernel,
        fold=False,
        confirm=False,
    )


def check_against_brute_force(table: Table, asked: Search, find: Any) -> None:
    if asked.score == "sliceline" and not table.plain:
        asked = replace(asked, score="difference")
    rules = rules_of(table, asked, rows_told=find is from_rows)
    cells, features = table.features(rules.rows, asked.merge)
    if not worth_it(table, cells, features, rules):
        event("nothing to find")
        with pytest.raises(InputError, match=REFUSED):
            find(table, asked)
        return
    event(f"found by {asked.score}")
    found = find(table, asked)
    assert found.exact
    best = brute_force(cells, features, rules)
    inside = {text: members for feature in features for text, members in feature.items()}
    told = []
    for one in found.slices:
        texts = [canonical(literal) for literal in one.literals]
        assert set(texts) <= set(inside), f"{one.predicate} is no slice of these"
        members = frozenset.intersection(*(inside[text] for text in texts))
        told.append(Told(frozenset(texts), members, one.score))
        check_numbers(one, cells, members, table)
    assert_exact(told, best, asked.top, strict=not table.bins)


def check_numbers(one: Any, cells: Sequence[Cell], members: frozenset[int], table: Table) -> None:
    """Rows, value, rest and difference in the metric's own direction."""

    def value(places: Any) -> float | None:
        above = sum(cells[place].above for place in places)
        below = sum(cells[place].below for place in places)
        if not below:
            return None
        if table.metric.startswith("accuracy"):
            return 1 - above / below
        return above / below * (-1 if table.worse else 1)

    rest = value(set(range(len(cells))) - members)
    assert one.n_rows == sum(cells[place].rows for place in members)
    assert one.value == pytest.approx(value(members), abs=1e-9)
    assert (one.rest is None) == (rest is None)
    if rest is not None:
        assert one.rest == pytest.approx(rest, abs=1e-9)
        assert one.difference == pytest.approx(one.value - one.rest, abs=1e-9)


@pytest.mark.parametrize("kind", METRICS)
@settings(max_examples=12, **ONCE)
@given(data=st.data())
def test_slices_of_a_table_are_those_of_brute_force(kind, data):
    """Values of texts, numbers and truths; missing ones; rows that the metric cannot use."""
    table, asked = data.draw(tables(kind=kind)), data.draw(searches())
    check_against_brute_force(table, asked, from_rows)


@settings(max_examples=20, **ONCE)
@given(table=tables(kind="ratio"), asked=searches(merge=2))
def test_merged_sets_of_a_table_are_those_of_brute_force(table, asked):
    assume(len(table.counted) == len(table.losses))
    check_against_brute_force(table, asked, from_rows)


@settings(max_examples=30, **ONCE)
@given(table=tables(kind="mean", intervals=True), asked=searches())
def test_intervals_of_a_table_are_those_of_brute_force(table, asked):
    """Every run of neighbouring bins, also of bins that are too small to stand alone."""
    check_against_brute_force(table, asked, from_rows)


@pytest.mark.parametrize("kind", METRICS)
@settings(max_examples=10, **ONCE)
@given(data=st.data())
def test_slices_of_a_cube_are_those_of_brute_force(kind, data):
    table, asked = data.draw(tables(kind=kind)), data.draw(searches())
    assume_no_nan(table)
    check_against_brute_force(table, asked, from_cube)


def assume_no_nan(table: Table) -> None:
    """In a cube NaN is missing, as in an audit; in the rows it is neither a value nor missing."""
    features = [value for name in table.names for value in table.columns[name]]
    assume(not any(isinstance(value, float) and value != value for value in features))  # noqa: PLR0124


@settings(max_examples=20, **ONCE)
@given(table=tables(kind="ratio"), asked=searches(merge=2))
def test_a_cube_gives_the_same_slices_as_its_rows(table, asked):
    """Also merged sets, and where some rows lack what the metric needs."""
    assume_no_nan(table)
    try:
        rows = from_rows(table, asked)
    except InputError:
        with pytest.raises(InputError, match=REFUSED):
            from_cube(table, asked)
        return
    cube = from_cube(table, asked)
    numbers = [
        [(one.score, one.value, one.rest, one.n_rows) for one in found.slices]
        for found in (rows, cube)
    ]
    for ours, theirs in zip(*numbers, strict=True):
        assert ours[0] == pytest.approx(theirs[0], rel=CLOSE, abs=CLOSE)
    # Ties may be told in another order.
    ours, theirs = (
        {frozenset(map(canonical, one.literals)): one.value for one in found.slices}
        for found in (rows, cube)
    )
    scores = [one.score for one in rows.slices]
    if all(a - b > CLOSE * (1 + abs(a)) for a, b in itertools.pairwise(scores)):
        assert list(ours)[:-1] == list(theirs)[:-1]
    assert rows.overall.value == pytest.approx(cube.overall.value)
    assert rows.overall.n_rows == cube.overall.n_rows


@pytest.mark.parametrize("values", ["abc", "abcdefgh"])
def test_values_of_rows_that_cannot_be_scored_are_offered_neither_by_rows_nor_by_a_cube(values):
    """A set with such a value would be another one twice, or keep all sets from being offered."""
    rng = random.Random(4)
    group = [value for value in values for _ in range(20)] + ["z"] * 30
    label = [1.0] * (20 * len(values)) + [None] * 30
    loss = [rng.choice([0.0, 1.0]) for _ in group]
    table = pa.table({"g": group, "y": label, "p": loss})
    metric = "error_rate(y, p)"
    options = {"merge": 2, "min_support": 10, "fold": False, "confirm": "exact", "top": 100}
    rows = evenhand.slices(table, metric, **options)
    records = open_records(table)
    plan = parse_metric(metric, records.columns).plan(records)
    cube = build_cube(records, plan.measure, [Attribute(name="g")])
    found = slices_of_cube(cube, plan, **options)
    singles, pairs = len(values), math.comb(len(values), 2)
    assert found.searched.literals == rows.searched.literals == singles + pairs
    assert found.confirmation.family == rows.confirmation.family == singles + pairs


def test_a_cube_is_ordered_by_the_same_score_as_its_rows_where_none_is_named():
    """A column of 0 and 1 is a share for both."""
    rng = random.Random(3)
    table = pa.table(
        {
            "g": [rng.choice("abc") for _ in range(90)],
            "h": [rng.choice("xy") for _ in range(90)],
            "right": [rng.choice([0, 1, 1]) for _ in range(90)],
        }
    )
    rows = evenhand.slices(table, "mean(right)", worse="lower", confirm=False)
    records = open_records(table)
    plan = parse_metric("mean(right)", records.columns).plan(records)
    cube = build_cube(records, plan.measure, [Attribute(name="g"), Attribute(name="h")])
    found = slices_of_cube(cube, plan, higher_is_worse=False, confirm=False)
    assert found.score == rows.score
    assert [s.predicate for s in found.slices] == [s.predicate for s in rows.slices]


# -- single claims -------------------------------------------------------------------------------


def ages(counts: dict[int, int], wrong: dict[int, int]) -> pa.Table:
    """So many rows of each age, so many of them wrong."""
    rows = [(age, int(i < wrong.get(age, 0))) for age, n in counts.items() for i in range(n)]
    age, loss = zip(*rows, strict=True)
    return pa.table({"age": age, "wrong": loss})


def test_an_interval_with_a_bin_below_the_support_is_searched():
    """``age >= 45`` has 30 of 100 rows, though ``age >= 65`` has 5 only."""
    table = ages({30: 70, 50: 25, 70: 5}, {30: 7, 50: 15, 70: 5})
    found = evenhand.slices(
        table, "mean(wrong)", bins={"age": [45, 65]}, min_support=0.1, score="z", fold=False
    )
    assert found.slices[0].predicate == "age >= 45"


def test_an_interval_of_bins_that_are_all_below_the_support_is_searched():
    table = ages(dict.fromkeys(range(0, 100, 10), 10), {70: 8, 80: 8, 90: 8})
    found = evenhand.slices(
        table, "mean(wrong)", bins={"age": list(range(5, 95, 10))}, min_support=0.2, score="z"
    )
    assert found.slices[0].predicate == "age >= 65"


def test_zero_and_minus_zero_are_one_value():
    table = pa.table({"g": [0.0, -0.0, 1.0] * 20, "wrong": [1, 1, 0] * 19 + [0, 1, 0]})
    found = evenhand.slices(table, "mean(wrong)", features="g", score="z", confirm=False)
    assert found.slices[0].n_rows == 40


def test_a_denominator_of_just_the_minimum_is_enough():
    """Three quarters are 0.75, in any fixed point."""
    table = pa.table(
        {
            "g": ["a"] * 3 + ["b"] * 9,
            "a": [1.0, 1.0, 1.0] + [0.0] * 6 + [0.5] * 3,
            "b": [0.25] * 3 + [0.75] * 9,
        }
    )
    options = {"features": "g", "score": "z", "min_support": 2, "fold": False, "confirm": False}
    found = evenhand.slices(table, "ratio(a, b)", min_denominator=0.75, **options)
    assert found.slices[0].predicate == "g = 'a'"


def test_a_ratio_that_is_the_same_in_every_row_is_no_loss():
    """Rounding is no variation: 0.3 b over b is 0.3."""
    rng = random.Random(1)
    below = [float(rng.randint(1, 49)) for _ in range(200)]
    table = pa.table(
        {
            "g": [rng.choice("abcd") for _ in below],
            "a": [value * 0.3 for value in below],
            "b": below,
        }
    )
    with pytest.raises(InputError, match="same loss"):
        evenhand.slices(table, "ratio(a, b)", features="g", score="z")


@pytest.mark.parametrize("score", ["difference", "z", "harm"])
def test_one_loss_far_below_zero_does_not_overflow(score):
    """Shifted by a multiple of the denominator, numbers must still fit; else it is an error."""
    rng = random.Random(5)
    rows = 200
    above = [-1e9] + [float(rng.randint(0, 9)) for _ in range(rows - 1)]
    below = [1.0] + [float(rng.randint(1, 10**9)) for _ in range(rows - 1)]
    group = [rng.choice("abc") for _ in range(rows)]
    table = pa.table({"g": group, "a": above, "b": below})
    try:
        found = evenhand.slices(
            table, "ratio(a, b)", features="g", score=score, fold=False, confirm=False
        )
    except InputError:
        return
    cells = [Cell(1, a, b) for a, b in zip(above, below, strict=True)]
    inside = {
        f"g = '{name}'": frozenset(i for i, g in enumerate(group) if g == name) for name in "abc"
    }
    rules = Rules(score=score, depth=1, rows=2)
    for one in found.slices:
        expected = score_of(cells, inside[one.predicate], rules)
        assert one.score == pytest.approx(expected, rel=1e-3), one.predicate


# -- where SliceLine's library is not exact ------------------------------------------------------

#: Distinct values of each column of ../shared/peers/slices/gen.py.
CARDS = (2, 5, 9, 16, 7, 12, 6, 3, 2, 10, 8, 42, 4, 24, 3, 10, 5, 50, 2, 14)


def best_pairs(
    columns: dict[str, list[str]], wrong: Sequence[int], support: int, top: int
) -> list[tuple[float, frozenset[str]]]:
    """SliceLine's score of all values and pairs of values, by counting bits of whole numbers."""
    masks: dict[str, dict[str, int]] = {}
    for name, column in columns.items():
        bits: dict[str, list[int]] = {}
        for place, value in enumerate(column):
            bits.setdefault(value, []).append(place)
        texts = {
            f"{name} = '{value}'": sum(1 << place for place in places)
            for value, places in bits.items()
            if len(places) >= support
        }
        masks[name] = texts
    loss = sum(1 << place for place, value in enumerate(wrong) if value)
    rows, errors = len(wrong), sum(wrong)
    found = []
    for size in (1, 2):
        for chosen in itertools.combinations(masks.values(), size):
            for pair in itertools.product(*(one.items() for one in chosen)):
                mask = pair[0][1] & pair[-1][1]
                number = mask.bit_count()
                if number >= support:
                    rate = (mask & loss).bit_count() / number
                    score = 0.95 * (rate / (errors / rows) - 1) - 0.05 * (rows / number - 1)
                    if score <= 0:
                        continue
                    found.append((score, frozenset(text for text, _ in pair)))
    return sorted(found, key=lambda one: -one[0])[:top]


def test_the_planted_slice_of_check_sliceline_exactness_is_found():
    """There candidates collide above 2⁵³."""
    rng = np.random.default_rng(1)
    values = np.stack([rng.integers(0, count, 20_000) for count in CARDS], 1)
    planted = (values[:, 0] == 1) & (values[:, 19] == 3)
    wrong = (rng.random(20_000) < np.where(planted, 0.9, 0.05)).astype(int).tolist()
    columns = {
        f"c{i:02}": [f"v{value}" for value in column] for i, column in enumerate(values.T.tolist())
    }
    found = evenhand.slices(
        pa.table({**columns, "e": wrong}),
        "mean(e)",
        depth=2,
        min_support=200,
        top=10,
        score="sliceline",
        fold=False,
    )
    assert set(found.slices[0].literals) == {"c00 = 'v1'", "c19 = 'v3'"}
    assert found.slices[0].confirmed
    best = best_pairs(columns, wrong, 200, 10)
    assert [one.score for one in found.slices] == pytest.approx([score for score, _ in best])
    assert {frozenset(one.literals) for one in found.slices} == {names for _, names in best}


def test_the_planted_slice_of_check_ub_unsound_is_found():
    """There the bound takes columns for rows, and twenty names of rows are enough to prune the best."""
    rng = np.random.default_rng(2)
    a, b, c = (rng.integers(0, count, 600) for count in (2, 2, 3))
    ids = [rng.permutation(600) for _ in range(20)]
    wrong = (rng.random(600) < np.where((a == 1) & (b == 1), 0.35, 0.05)).astype(int).tolist()
    columns = {
        name: [f"v{value}" for value in column.tolist()]
        for name, column in zip(
            ["a", "b", "c", *(f"id{i:02}" for i in range(20))], [a, b, c, *ids], strict=True
        )
    }
    found = evenhand.slices(
        pa.table({**columns, "e": wrong}),
        "mean(e)",
        depth=2,
        min_support=30,
        top=10,
        score="sliceline",
        fold=False,
    )
    assert set(found.slices[0].literals) == {"a = 'v1'", "b = 'v1'"}
    best = best_pairs(columns, wrong, 30, 10)
    assert [one.score for one in found.slices] == pytest.approx([score for score, _ in best])
