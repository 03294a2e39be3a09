"""What an answer says is true: predicates, contributions, folding, confirmation, differences."""

import datetime
import decimal
import itertools
import json
import math
import random
import shlex
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom
from tests.commands import run_command

import evenhand
from evenhand import Slices
from evenhand.cubes import build_cube
from evenhand.errors import InputError
from evenhand.groups import Attribute, to_text
from evenhand.metrics import parse_metric
from evenhand.records import open_records
from evenhand.slicing import search, slices_of_cube
from evenhand.slicing.confirm import METHODS

ERRORS = "error_rate(y, p)"
N = 600
RNG = np.random.default_rng(7)
Y = RNG.integers(0, 2, N)


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Values at random, one a row."""
    return pa.array([values[i] for i in RNG.integers(0, len(values), N)], kind)


DAY = datetime.date(2026, 1, 31)
MOMENT = datetime.datetime(2026, 1, 31, 3, 4, 5, 678)  # noqa: DTZ001 - a column without a zone
COLUMNS = {
    "text": column(["a", "b", None]),
    "unknown": column(["a", "?", "NA", "", None]),
    "quotes": column(["it's", 'say "no"', "a AND b = 'c'", "x;--"]),
    "odd": column(["é ß", "日本", " a ", "a\nb", "%_\\"]),
    'a "quoted", name = 1': column(["x", "y", None]),
    "Straße": column(["x", "y"]),
    "truth": column([True, False, None]),
    "whole": column([-3, 0, 7, None]),
    "huge": column([2**62 + 1, 2**62, -(2**62)]),
    "unsigned": column([0, 2**64 - 1], pa.uint64()),
    "real": column([0.1, -2.5, 1e-7, 1e20, None]),
    "third": column([1 / 3, 2 / 3, 1e300]),
    "single": column([0.1, -2.5, 1 / 3], pa.float32()),
    "price": column([decimal.Decimal("1.10"), decimal.Decimal("2.25"), None], pa.decimal128(10, 2)),
    "day": column([DAY, datetime.date(1969, 12, 31), None]),
    "moment": column([MOMENT, MOMENT.replace(month=3, microsecond=0), None]),
    "zoned": column([MOMENT, MOMENT.replace(month=7), None], pa.timestamp("us", tz="UTC")),
    "fine": column([1767225600123456789, 1767225600000000000, None], pa.timestamp("ns")),
    "coded": column(["x", "y", None]).dictionary_encode(),
}
WORDS = [
    "order",
    "group",
    "do",
    "cast",
    "check",
    "only",
    "to",
    "both",
    "primary",
    "by",
    "at",
    "select",
    "all",
    "table",
    "user",
]
TIMES = [datetime.time(1, 2, 3), datetime.time(4, 5), None]
TABLE = pa.table(
    {
        **COLUMNS,
        **{word: column(["x", "y"]) for word in WORDS},
        "time": column(TIMES),
        "cut": pa.array(RNG.normal(0, 1, N)),
        "ages": pa.array(RNG.integers(18, 90, N)),
        "noisy": column([0.5, math.nan, math.inf, 2.0, None], pa.float64()),
        "gauge": pa.array(
            [
                [math.nan, math.inf, -math.inf, None, x][i % 5]
                for i, x in enumerate(RNG.normal(0, 1, N))
            ]
        ),
        "y": pa.array(Y),
        "p": pa.array(np.where(RNG.random(N) < 0.7, Y, 1 - Y)),
    }
)


class Engine:
    """Rows of a table that satisfy a predicate, by an engine that knows nothing of us."""

    def __init__(self, table: pa.Table) -> None:
        self.connection = duckdb.connect()
        numbered = table.append_column("row number", pa.array(range(len(table))))
        self.connection.register("numbered", numbered)
        self.connection.execute("CREATE TABLE records AS FROM numbered")
        self.known: dict[str, frozenset[int]] = {}

    def members(self, predicate: str) -> frozenset[int]:
        if predicate not in self.known:
            query = f'SELECT "row number" FROM records WHERE {predicate}'
            rows = self.connection.execute(query).fetchnumpy()["row number"]
            self.known[predicate] = frozenset(rows.tolist())
        return self.known[predicate]

    def count(self, predicate: str) -> int:
        return len(self.members(predicate))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(TABLE)


def all_slices(name: str | list[str], **options: Any) -> Slices:
    """Every slice of some columns, however small the evidence."""
    asked = {"depth": 1, "min_support": 0.01, "top": 200, "score": "z", **options}
    return evenhand.slices(TABLE, ERRORS, features=name, fold=False, confirm=False, **asked)


# -- predicates ----------------------------------------------------------------------------------


def check_in_sql(found: Slices, engine: Engine) -> None:
    assert found.slices
    rows = {one.predicate: one.n_rows for one in found.slices}
    assert rows == {predicate: engine.count(predicate) for predicate in rows}


def check_in_an_audit(found: Slices, table: pa.Table = TABLE, metric: str = ERRORS) -> None:
    assert found.slices
    for one in found.slices:
        if one.predicate in ("noisy IS NULL", "gauge IS NULL"):
            continue  # an audit takes NaN for missing; SQL does not, and a slice is SQL's
        # A text such as ? or NA is a value to a slice, and missing to an audit unless it is told.
        audit = evenhand.audit(table, metric, by=one.predicate, min_units=2, missing_values=())
        (group,) = (g for g in audit.groups if list(g.group.values()) == [True])
        assert group.estimate.n_rows == one.n_rows, one.predicate
        assert group.estimate.value == pytest.approx(one.value), one.predicate


CUTS = {"cut": [-0.5, 0.25, 1], "ages": [25, 45.5, 65]}


@pytest.mark.parametrize("name", [*COLUMNS, "time", "cut", "ages"])
def test_a_predicate_selects_the_same_rows_in_sql(name, engine):
    """As it stands: names, values and missing ones of any kind."""
    check_in_sql(all_slices([name], bins={name: CUTS[name]} if name in CUTS else None), engine)


@pytest.mark.parametrize("name", [*COLUMNS, "time", "cut", "ages"])
def test_a_predicate_gives_the_same_value_in_an_audit(name):
    check_in_an_audit(all_slices([name], bins={name: CUTS[name]} if name in CUTS else None))


@pytest.mark.parametrize("name", WORDS)
def test_a_column_called_as_a_word_of_sql_is_quoted(name, engine):
    check_in_sql(all_slices([name]), engine)


def test_every_reserved_word_of_the_engine_is_quoted():
    """Were it only one, its predicate would break somebody's query."""
    query = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    words = [word for (word,) in duckdb.sql(query).fetchall()]
    assert len(words) > 50
    texts = {word: to_text(Attribute(name=word).predicate_for(1)) for word in words}
    assert not [word for word, text in texts.items() if not text.startswith('"')]


def test_a_number_that_is_none_is_not_missing_in_sql(engine):
    """NaN: what a slice holds, its predicate selects.  (Engines take NaN for the largest number, so
    an interval without upper end selects it in plain SQL; an audit does not.)"""
    check_in_sql(all_slices(["noisy"]), engine)


@pytest.mark.parametrize("name", ["noisy", "gauge"])
def test_a_number_that_is_none_is_the_same_in_an_audit(name):
    check_in_an_audit(all_slices([name], bins={"gauge": [0.0]} if name == "gauge" else None))


def test_conjunctions_and_sets_select_the_same_rows_in_sql_and_in_an_audit(engine):
    names = ["quotes", 'a "quoted", name = 1', "truth", "cut"]
    found = all_slices(
        names, depth=3, merge=3, bins={"cut": [-0.5, 0.25, 1]}, min_support=30, top=40
    )
    assert any(" IN (" in one.predicate for one in found.slices)
    assert any(len(one.literals) == 3 for one in found.slices)
    check_in_sql(found, engine)
    check_in_an_audit(replace(found, slices=found.slices[:12]))


def test_default_quartiles_select_the_same_rows_in_sql_and_in_an_audit(engine):
    found = all_slices(["cut", "ages"], depth=2)
    assert any(" < " in one.predicate and " >= " in one.predicate for one in found.slices)
    check_in_sql(found, engine)
    check_in_an_audit(replace(found, slices=found.slices[:12]))


def test_rows_that_the_metric_cannot_use_are_in_no_slice():
    """n_rows are rows scored, as in an audit."""
    y = pa.array([None if i % 3 == 0 else int(v) for i, v in enumerate(Y)])
    table = TABLE.set_column(TABLE.column_names.index("y"), "y", y)
    found = evenhand.slices(table, ERRORS, features=["text", "truth"], fold=False, confirm=False)
    known = Engine(table)
    for one in found.slices:
        assert one.n_rows == known.count(f"({one.predicate}) AND y IS NOT NULL")
    check_in_an_audit(found, table)


def test_where_restricts_the_rows_and_stands_in_no_predicate(engine):
    found = evenhand.slices(
        TABLE, ERRORS, features=["text", "truth"], where="whole >= 0", fold=False, confirm=False
    )
    for one in found.slices:
        assert one.n_rows == engine.count(f"({one.predicate}) AND whole >= 0")


# -- a table with a planted slice ----------------------------------------------------------------


def planted(seed: int = 0, rows: int = 3000, *, clustered: bool = False) -> pa.Table:
    """Errors of .1, and of .6 where a = x and b = u; for clusters of a speaker's rows."""
    rng = np.random.default_rng(seed)
    speakers = rng.integers(0, rows // 10, rows)
    by = speakers if clustered else np.arange(rows)
    a, b, c = (rng.choice(list(letters), rows)[by] for letters in ("xyz", "uvw", "rst"))
    chance = np.where((a == "x") & (b == "u"), 0.6, np.where(c == "r", 0.15, 0.1))
    wrong = (rng.random(rows) < chance).astype(int)
    words = rng.integers(1, 9, rows)
    return pa.table(
        {
            "a": a,
            "b": b,
            "c": c,
            "d": rng.integers(0, 4, rows),
            "who": [f"s{i}" for i in speakers],
            "y": np.zeros(rows, int),
            "p": wrong,
            "wrong": wrong,
            "errors": rng.binomial(words, chance),
            "words": words,
            "loss": rng.normal(0, 1, rows) + 2 * chance,
        }
    )


FEATURES = ["a", "b", "c", "d"]
PLANTED = "a = 'x' AND b = 'u'"
WHOLE = ("exact", "permutation", "bootstrap")
HALVES = ("split", "cross-screening", "e-values")


def look(method: bool | str = True, metric: str = ERRORS, **options: Any) -> Slices:
    return evenhand.slices(planted(), metric, confirm=method, **{"features": FEATURES, **options})


# -- forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [False, *METHODS])
def test_an_answer_goes_to_json_and_back_unchanged(method):
    found = look(method)
    data = json.loads(found.to_json(), parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    assert Slices.from_dict(data) == found
    assert Slices.from_dict(found.to_dict()) == found
    assert data["schema"] == "evenhand.slices/1"


def test_an_interrupted_answer_goes_to_json_and_back_unchanged():
    found = interrupted(1)
    assert Slices.from_dict(json.loads(found.to_json())) == found


def test_an_answer_of_another_schema_is_refused():
    data = look(method=False).to_dict() | {"schema": "evenhand.audit/1"}
    with pytest.raises(InputError, match=r"evenhand\.slices/1"):
        Slices.from_dict(data)


def test_the_same_seed_gives_the_same_answer():
    for method in ("permutation", *HALVES):
        one, two = (replace(look(method, seed=3), searched=None) for _ in range(2))
        assert one == two


def test_another_seed_draws_anew():
    one, two = (look("split", seed=seed) for seed in (1, 2))
    assert [s.value for s in one.slices] != [s.value for s in two.slices]


@pytest.mark.parametrize("method", METHODS)
def test_both_kernels_give_the_same_answer(method):
    one, two = (look(method, kernel=kernel).slices for kernel in ("numpy", "compiled"))
    assert one == two


def test_the_command_gives_the_same_answer(tmp_path):
    path = tmp_path / "calls of mine.csv"
    pyarrow.csv.write_csv(planted(), path)
    found = evenhand.slices(
        path,
        ERRORS,
        features=["a", "b", "d"],
        where="c != 's'",
        unit="who",
        bins={"d": [1, 3]},
        worse="higher",
        score="z",
        depth=2,
        merge=2,
        min_support=40,
        min_units=3,
        top=6,
        overlap=0.4,
        level=0.9,
        seed=5,
        confirm="split",
    )
    parts = shlex.split(found.command)
    assert parts[:2] == ["evenhand", "slices"]
    run = run_command(*parts[1:], "--json")
    again = Slices.from_dict(json.loads(run.stdout))
    assert again.slices == found.slices


def test_the_command_of_a_difference_gives_the_same_answer(tmp_path):
    path = tmp_path / "calls.csv"
    table = planted()
    other = pa.array(np.random.default_rng(1).integers(0, 2, len(table)))
    pyarrow.csv.write_csv(table.append_column("q", other), path)
    found = evenhand.slices(
        path, "error_rate(y, q)", baseline=ERRORS, features="a,b", confirm=False
    )
    parts = shlex.split(found.command)
    run = run_command(*parts[1:], "--json")
    assert Slices.from_dict(json.loads(run.stdout)).slices == found.slices


# -- numbers of a slice --------------------------------------------------------------------------


def value_of(table: pa.Table, rows: frozenset[int], above: str, below: str | None) -> float | None:
    numerator = table[above].to_pylist()
    denominator = table[below].to_pylist() if below else [1] * len(numerator)
    total = sum(denominator[i] for i in rows)
    return sum(numerator[i] for i in rows) / total if total else None


MEASURED = [
    (ERRORS, "wrong", None),
    ("ratio(errors, words)", "errors", "words"),
    ("mean(loss)", "loss", None),
]


@pytest.mark.parametrize(("metric", "above", "below"), MEASURED)
@pytest.mark.parametrize("method", [False, "bootstrap", "cross-screening"])
def test_contributions_add_to_the_value_less_the_overall_one(metric, above, below, method):
    """And each is the Shapley value: its mean gain over all orders of the literals."""
    table = planted()
    found = look(method, metric, top=6, score="z")
    known, everyone = Engine(table), frozenset(range(len(table)))
    assert any(len(one.literals) > 1 for one in found.slices)
    for one in found.slices:
        assert sum(one.contributions) == pytest.approx(one.value - found.overall.value)
        sets = [known.members(literal) for literal in one.literals]
        expected = [0.0] * len(sets)
        orders = list(itertools.permutations(range(len(sets))))
        for order in orders:
            inside = everyone
            for number in order:
                before = value_of(table, inside, above, below)
                inside &= sets[number]
                gain = value_of(table, inside, above, below) - before
                expected[number] += gain / len(orders)
        assert one.contributions == pytest.approx(expected)


def test_contributions_of_what_was_held_out_add_to_its_own_difference():
    """Where value and overall are of one half, contributions are of the other or of all."""
    found = look("split", top=4)
    for one in found.slices:
        assert sum(one.contributions) == pytest.approx(one.value - found.overall.value)


@pytest.mark.parametrize(("metric", "above", "below"), MEASURED)
def test_overall_without_is_the_metric_if_the_slice_were_as_its_rest(metric, above, below):
    table = planted()
    known, everyone = Engine(table), frozenset(range(len(table)))
    sizes = table[below].to_pylist() if below else [1] * len(table)
    for one in look(method=False, metric=metric, score="z").slices:
        inside = known.members(one.predicate)
        rest = value_of(table, everyone - inside, above, below)
        numerator = rest * sum(sizes[i] for i in everyone)
        assert one.rest == pytest.approx(rest)
        assert one.overall_without == pytest.approx(numerator / sum(sizes))
        assert one.support == pytest.approx(len(inside) / len(table))
        assert one.numerator / one.denominator == pytest.approx(one.value)


def test_overlaps_are_shared_rows_over_rows_of_either():
    table, found = planted(), look(method=False, fold=False)
    known = Engine(table)
    inside = [known.members(one.predicate) for one in found.slices]
    for one, own in zip(found.slices, inside, strict=True):
        expected = [len(own & other) / len(own | other) for other in inside]
        assert one.overlaps == pytest.approx(expected)


@pytest.mark.parametrize("method", WHOLE)
def test_admissible_slices_are_counted(method):
    """By rows alone, every conjunction of values of different features."""
    table, least = planted(rows=400), 20
    found = evenhand.slices(
        table, ERRORS, features=FEATURES, min_support=least, confirm=method, depth=3
    )
    values = [
        [{i for i, v in enumerate(column) if v == value} for value in sorted(set(column))]
        for column in (table[name].to_pylist() for name in FEATURES)
    ]
    number = sum(
        len(set.intersection(*chosen)) >= least
        for size in (1, 2, 3)
        for names in itertools.combinations(values, size)
        for chosen in itertools.product(*names)
    )
    assert found.confirmation.family == found.searched.admissible == number


# -- folding -------------------------------------------------------------------------------------


def excess(wrong: list[int], first: frozenset[int], second: frozenset[int]) -> float:
    """Difference of error rates in standard errors; 0 where one is empty."""
    if not first or not second:
        return 0.0
    overall = sum(wrong) / len(wrong)
    spread = overall * (1 - overall) * (1 / len(first) + 1 / len(second))
    one, two = (sum(wrong[i] for i in rows) / len(rows) for rows in (first, second))
    return (one - two) / math.sqrt(spread)


def adds_nothing(
    wrong: list[int], found: frozenset[int], kept: frozenset[int], overlap: float
) -> bool:
    """The rule, as documented."""
    if not found & kept:
        return False
    if len(found & kept) > overlap * len(found | kept):
        return True
    if found <= kept:
        return excess(wrong, found, kept - found) < 1.645
    return excess(wrong, found - kept, frozenset(range(len(wrong))) - found - kept) < 1.645


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.9])
def test_a_folded_slice_adds_nothing_and_a_told_one_does(seed, overlap):
    table = planted(seed, 500)
    wrong = table["wrong"].to_pylist()
    found = evenhand.slices(
        table, ERRORS, features=FEATURES, overlap=overlap, top=5, confirm=False, score="z"
    )
    assert sum(len(one.folded) for one in found.slices) > 0
    known = Engine(table)
    told = [known.members(one.predicate) for one in found.slices]
    for number, one in enumerate(found.slices):
        for predicate in one.folded:
            inside = known.members(predicate)
            assert adds_nothing(wrong, inside, told[number], overlap), (predicate, one.predicate)
        for before in told[:number]:
            assert not adds_nothing(wrong, told[number], before, overlap), one.predicate


@pytest.mark.parametrize("seed", range(2))
def test_what_is_neither_told_nor_folded_has_no_higher_score(seed):
    table = planted(seed, 800)
    options = {"features": FEATURES, "confirm": False, "score": "z"}
    found = evenhand.slices(table, ERRORS, top=4, **options)
    everything = evenhand.slices(table, ERRORS, top=1000, fold=False, **options)
    named = {one.predicate for one in found.slices}
    named |= {predicate for one in found.slices for predicate in one.folded}
    last = found.slices[-1].score
    assert len(found.slices) == 4
    missed = [s.predicate for s in everything.slices if s.score > last and s.predicate not in named]
    assert not missed


def test_many_ways_to_say_one_slice_do_not_hide_another():
    """Twenty copies of a column make 1 350 slices that are the same."""
    rng = np.random.default_rng(0)
    copied, other = rng.random(2000) < 0.3, rng.integers(0, 3, 2000)
    chance = np.where(copied, 0.6, np.where(other == 1, 0.35, 0.05))
    table = pa.table(
        {
            **{f"copy {i}": copied.astype(int) for i in range(20)},
            "other": other,
            "wrong": (rng.random(2000) < chance).astype(int),
        }
    )
    found = evenhand.slices(table, "mean(wrong)", top=2)
    assert [one.predicate for one in found.slices] == ['"copy 0" = 1', "other = 1"]


@pytest.mark.parametrize("method", HALVES)
def test_slices_of_halves_are_told_apart_from_those_of_all_rows(method):
    """The note about how many were asked for counts what is told."""
    found = look(method, top=50)
    for note in found.notes:
        if "asked for" in note.text:
            assert note.text.startswith(f"{len(found.slices)} of 50")


# -- interruption --------------------------------------------------------------------------------


class Interruption:
    """Presses Ctrl-C at one of the reports of progress."""

    def __init__(self, at: int) -> None:
        self.at, self.calls = at, 0

    def __call__(self, _: object) -> None:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt


def interrupted(at: int, method: bool | str = True, **options: Any) -> Slices:
    return look(method, progress=Interruption(at), top=8, **options)


def reports(method: bool | str) -> int:
    """How often progress is told where nobody interrupts."""
    counter = Interruption(-1)
    look(method, progress=counter, top=8)
    return counter.calls


@pytest.mark.parametrize("method", [True, *HALVES])
def test_after_ctrl_c_the_best_so_far_is_told_and_nothing_confirmed(method):
    """Wherever it strikes: in the search, or in the searches of halves that confirm."""
    total = reports(method)
    for at in sorted({1, 2, 3, 4, total // 2, total - 1, total} & set(range(1, total + 1))):
        found = interrupted(at, method)
        assert not found.exact, at
        assert not found.confirmed, at
        assert all(one.p_adjusted is None for one in found.slices), at
        assert found.confirmation.method == "none", at
        assert any("Interrupted" in note.text for note in found.notes), at
        assert [s.score for s in found.slices] == sorted(
            (s.score for s in found.slices), reverse=True
        )


@pytest.mark.parametrize("method", HALVES)
def test_after_ctrl_c_while_confirming_what_was_found_is_told(method):
    """The search itself was at its end."""
    done = look(method=False, top=8)
    found = interrupted(reports(method), method)
    assert [one.predicate for one in found.slices] == [one.predicate for one in done.slices]


def test_later_interruptions_never_tell_less():
    """Also where the search begins anew with a larger list."""
    best = -math.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "FIRST_WAVE", 4)
        for at in range(1, 40):
            found = interrupted(at, method=False)
            if found.exact:
                break
            score = max((one.score for one in found.slices), default=-math.inf)
            assert score >= best - 1e-12, at
            best = score
    assert best > 0


def test_a_progress_that_fails_is_not_swallowed():
    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        look(progress=fail)


def test_progress_only_ever_comes_closer():
    """Within a level the bound falls and the threshold rises."""
    seen: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "FIRST_WAVE", 4)
        look(method=False, fold=False, progress=seen.append)
    assert len(seen) > 5
    for one, two in itertools.pairwise(seen):
        assert two.threshold >= one.threshold
        if one.level == two.level:
            assert two.bound <= one.bound
            assert two.done > one.done


# -- confirmation --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS[1:])
def test_every_way_to_confirm_names_itself_and_finds_what_is_planted(method):
    found = look(method)
    assert found.confirmation.method == method
    assert len(found.confirmation.sentence) > 30
    assert PLANTED in {one.predicate for one in found.confirmed}
    for one in found.confirmed:
        assert one.p_adjusted <= 0.05
        assert one.difference > 0
    for one in found.leads:
        assert one.p_adjusted > 0.05 or not one.difference > 0


@pytest.mark.parametrize("method", METHODS[1:])
def test_the_bounds_of_the_planted_slice_hold_the_true_difference(method):
    """.6 within, about .117 elsewhere."""
    (one,) = (s for s in look(method).slices if s.predicate == PLANTED)
    assert 0 < one.low < 0.483 < one.high < 1


@pytest.mark.parametrize(
    ("metric", "unit", "clustered", "method"),
    [
        (ERRORS, None, False, "exact"),
        ("mean(wrong)", None, False, "exact"),
        ("ratio(errors, words)", None, False, "bootstrap"),
        ("mean(loss)", None, False, "bootstrap"),
        (ERRORS, "who", False, "bootstrap"),
    ],
)
def test_the_method_is_chosen_by_the_data(metric, unit, clustered, method):
    table = planted(clustered=clustered)
    found = evenhand.slices(table, metric, features=FEATURES, unit=unit)
    assert found.confirmation.method == method


def test_units_whose_attributes_do_not_vary_are_permuted_whole():
    """Where asked for: a permutation supposes more than equal means."""
    found = evenhand.slices(
        planted(clustered=True),
        ERRORS,
        features=["a", "b", "c"],
        unit="who",
        confirm="permutation",
    )
    assert found.confirmation.method == "permutation"
    assert found.slices[0].predicate == PLANTED
    assert found.slices[0].confirmed


def test_exact_p_values_are_those_of_the_hypergeometric_distribution():
    found = look("exact", fold=False)
    total, successes = found.overall.n_rows, int(found.overall.numerator)
    for one in found.slices:
        expected = hypergeom.sf(one.numerator - 1, total, successes, one.n_rows)
        assert one.p_value == pytest.approx(expected, rel=1e-8)
        assert one.p_adjusted == pytest.approx(
            min(1, expected * found.confirmation.family), rel=1e-8
        )


def test_exact_p_values_of_accuracy_are_those_of_the_error_rate():
    one, two = (look("exact", metric, fold=False) for metric in (ERRORS, "accuracy(y, p)"))
    assert [(s.predicate, s.p_value) for s in one.slices] == [
        (s.predicate, s.p_value) for s in two.slices
    ]
    assert [s.score for s in one.slices] == pytest.approx([s.score for s in two.slices])


@pytest.mark.parametrize(
    ("size", "errors"), [(6, 3), (7, 4), (7, 5), (9, 4), (13, 5), (20, 6), (20_000, 5)]
)
def test_a_permutation_that_ties_with_the_data_counts(size, errors):
    """Two groups of a size, all errors in one: how often chance does as much is known exactly."""
    table = pa.table(
        {"g": ["a"] * size + ["b"] * size, "w": [1] * errors + [0] * (2 * size - errors)}
    )
    found = evenhand.slices(table, "mean(w)", confirm="permutation", min_support=2, fold=False)
    exact = 2 * hypergeom.sf(errors - 1, 2 * size, errors, size)
    slack = 3 * math.sqrt(exact * (1 - exact) / 999) + 1 / 1000
    assert found.slices[0].p_adjusted == pytest.approx(exact, abs=slack)


def test_a_slice_of_all_rows_that_count_does_not_hide_others():
    """Half the rows have no denominator: dealt out among the others, nothing of them can vary."""
    rng = np.random.default_rng(0)
    rows = 24_000
    said, hurt = rng.random(rows) < 0.5, rng.random(rows) < 0.2
    words = np.where(said, rng.integers(1, 9, rows), 0)
    table = pa.table(
        {
            "kind": np.where(said, "said", "silent"),
            "hurt": hurt.astype(int),
            "errors": rng.binomial(words, np.where(hurt, 0.5, 0.1)),
            "words": words,
        }
    )
    found = evenhand.slices(
        table, "ratio(errors, words)", features="kind,hurt", confirm="permutation", depth=1
    )
    assert [one.predicate for one in found.confirmed] == ["hurt = 1"]
    assert found.slices[0].p_adjusted == pytest.approx(0.001)
    assert found.confirmation.critical_z < 4
    assert found.slices[0].low > 0.3


def welch(errors: int, size: int, others: int, rest: int) -> float:
    """Difference of two error rates over its standard error, steadied by one row of all rows' variance."""
    total, wrong = size + rest, errors + others
    overall = wrong / total * (1 - wrong / total)
    least = min(size, rest) - 1
    squares = rest**2 * errors * (1 - errors / size) + size**2 * others * (1 - others / rest)
    own = squares / total**2
    weight = max(size, rest) ** 2 / total**2 * overall
    spread = max(own, (own + weight) * least / (least + 1))
    scale = size * rest / total
    return scale * (errors / size - others / rest) / math.sqrt(spread * (least + 1) / least)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_permutation_p_values_of_errors_are_near_the_exact_ones(seed):
    """Ties are frequent: counts of errors in small groups."""
    rng = random.Random(seed)
    size, wrong = rng.choice([5, 8, 11]), rng.choice([3, 4, 6])
    rest = rng.choice([9, 14, 23])
    losses = [1] * wrong + [0] * (size + rest - wrong)
    rng.shuffle(losses)
    table = pa.table({"g": ["a"] * size + ["b"] * rest, "w": losses})
    found = evenhand.slices(
        table,
        "mean(w)",
        where="g IS NOT NULL",
        confirm="permutation",
        min_support=2,
        fold=False,
        score="z",
    )
    worst = found.slices[0]
    total = size + rest
    # Only two slices, each the other's rest: what counts is the size of Welch's statistic.
    inside = worst.numerator if worst.predicate == "g = 'a'" else wrong - worst.numerator
    observed = abs(welch(inside, size, wrong - inside, rest))
    chance = sum(
        hypergeom.pmf(x, total, wrong, size)
        for x in range(max(0, wrong - rest), min(wrong, size) + 1)
        if abs(welch(x, size, wrong - x, rest)) >= observed - 1e-9
    )
    slack = 3.5 * math.sqrt(max(chance * (1 - chance), 0) / 999) + 1 / 1000
    assert worst.p_adjusted == pytest.approx(chance, abs=slack)


@pytest.mark.parametrize("unit", [None, "who"])
def test_all_numbers_of_a_split_are_of_the_half_that_did_not_choose(unit):
    """Of an error rate the denominator is the rows; units stay whole."""
    table = planted(clustered=True)
    found = evenhand.slices(table, ERRORS, features=["a", "b", "c"], unit=unit, confirm="split")
    assert 0.4 < found.confirmation.held_out_rows / len(table) < 0.6
    assert found.overall.n_rows == found.overall.denominator == found.confirmation.held_out_rows
    if unit:
        units = len(set(table["who"].to_pylist()))
        assert found.overall.n_units in (units // 2, units - units // 2)
    for one in found.slices:
        assert one.n_rows == one.denominator
        assert one.support == pytest.approx(one.n_rows / found.overall.n_rows)
        assert one.value == pytest.approx(one.numerator / one.denominator)


def test_a_lead_is_never_called_worse():
    """In words, as in numbers."""
    text = str(look(method=False))
    assert "▲ worse" not in text
    assert "lead" in text


@pytest.mark.parametrize("method", METHODS[1:])
def test_in_a_world_without_bad_slices_hardly_anything_is_confirmed(method):
    """A first look; coverage proper is tested apart."""
    confirmed = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        table = pa.table(
            {
                **{name: rng.integers(0, 3, 300) for name in "abc"},
                "w": (rng.random(300) < 0.1).astype(int),
            }
        )
        found = evenhand.slices(table, "mean(w)", confirm=method, seed=seed)
        confirmed += bool(found.confirmed)
    assert confirmed <= 1


# -- two models, two conditions ------------------------------------------------------------------


@st.composite
def comparisons(draw: Any) -> tuple[pa.Table, list[tuple[float, float]], dict[str, Any]]:
    """Rows with two predictions; the loss of each row is the difference of its two errors."""
    rng = random.Random(draw(st.integers(0, 10**6)))
    rows = draw(st.integers(12, 60))
    y = [rng.choice([0, 1, None, 1]) for _ in range(rows)]
    p, q = ([rng.choice([0, 1, 1, None]) for _ in range(rows)] for _ in range(2))
    kind = draw(st.sampled_from(["error_rate", "accuracy", "false_negative_rate"]))
    losses: list[tuple[float, float] | None] = []
    for label, now, before in zip(y, p, q, strict=True):
        if None in (label, now, before):
            losses.append(None)
        elif kind == "false_negative_rate":
            losses.append(
                (float(label == 1) * (float(now == 0) - float(before == 0)), float(label == 1))
            )
        else:
            losses.append((float(now != label) - float(before != label), 1.0))
    table = pa.table(
        {
            "g": pa.array([rng.choice(["a", "b", None]) for _ in range(rows)], pa.string()),
            "h": [rng.choice(["x", "y", "z"]) for _ in range(rows)],
            "y": pa.array(y, pa.int64()),
            "p": pa.array(p, pa.int64()),
            "q": pa.array(q, pa.int64()),
        }
    )
    score = draw(st.sampled_from(["difference", "harm", "z"]))
    return table, losses, {"kind": kind, "score": score}


def scores_by_hand(
    losses: list[tuple[float, float]], sets: dict[str, set[int]], score: str, depth: int, least: int
) -> dict[frozenset[str], float]:
    """Score of every slice of values of different columns, by its formula."""
    places = [i for i, loss in enumerate(losses) if loss is not None]
    all_above, all_below = (sum(losses[i][side] for i in places) for side in (0, 1))
    rate = all_above / all_below
    spread = sum((losses[i][0] - rate * losses[i][1]) ** 2 for i in places) / all_below
    out = {}
    for size in range(1, depth + 1):
        for names in itertools.combinations(sorted(sets), size):
            if len({name.split()[0] for name in names}) < size:
                continue
            inside = set.intersection(*(sets[name] for name in names)) & set(places)
            above, below = (sum(losses[i][side] for i in inside) for side in (0, 1))
            if len(inside) < least or len(inside) == len(places) or not 0 < below < all_below:
                continue
            difference = above / below - (all_above - above) / (all_below - below)
            error = math.sqrt(spread * below * (all_below - below) / all_below)
            kinds = {"difference": difference, "harm": difference * below}
            kinds["z"] = (above - rate * below) / error if error else math.nan
            out[frozenset(names)] = kinds[score]
    return out


def sets_of(table: pa.Table, names: tuple[str, ...]) -> dict[str, set[int]]:
    out: dict[str, set[int]] = {}
    for name in names:
        for place, value in enumerate(table[name].to_pylist()):
            text = f"{name} IS NULL" if value is None else f"{name} = '{value}'"
            out.setdefault(text, set()).add(place)
    return out


def check_by_hand(found: Slices, expected: dict[frozenset[str], float]) -> None:
    told = {frozenset(one.literals): one.score for one in found.slices}
    assert told.keys() <= expected.keys()
    for literals, score in told.items():
        assert score == pytest.approx(expected[literals], abs=1e-6)
    best = sorted(expected.values(), reverse=True)[: len(told)]
    assert sorted(told.values(), reverse=True) == pytest.approx(best, abs=1e-6)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(comparison=comparisons())
def test_slices_of_two_models_are_those_of_paired_differences(comparison):
    table, losses, asked = comparison
    counted_ = [loss for loss in losses if loss is not None]
    below = sum(b for _, b in counted_)
    metric, baseline = (f"{asked['kind']}(y, {name})" for name in "pq")
    options = {"features": "g,h", "depth": 2, "min_support": 2, "fold": False, "confirm": False}

    def ask() -> Slices:
        return evenhand.slices(
            table, metric, baseline=baseline, score=asked["score"], top=50, **options
        )

    rate = sum(a for a, _ in counted_) / below if below else 0.0
    if len(counted_) <= 2 or all(abs(a - rate * b) < 1e-9 for a, b in counted_):
        with pytest.raises(InputError, match=r"same loss|divide by|can be scored|nothing to"):
            ask()
        return
    expected = scores_by_hand(losses, sets_of(table, ("g", "h")), asked["score"], 2, 2)
    if not expected:
        return
    found = ask()
    check_by_hand(found, expected)
    sign = -1 if asked["kind"] == "accuracy" else 1
    assert found.overall.value == pytest.approx(sign * rate)
    assert found.metric.baseline is not None


def test_slices_of_two_word_counts_are_those_of_their_difference():
    rng = np.random.default_rng(2)
    rows = 200
    words = rng.integers(0, 6, rows)
    table = pa.table(
        {
            "g": rng.choice(["a", "b", "c"], rows),
            "h": rng.choice(["x", "y"], rows),
            "words": words,
            "now": rng.integers(0, 5, rows),
            "before": rng.integers(0, 5, rows),
        }
    )
    losses = [
        (float(now - before), float(count))
        for now, before, count in zip(
            *(table[name].to_pylist() for name in ("now", "before", "words")), strict=True
        )
    ]
    for score in ("difference", "harm", "z"):
        found = evenhand.slices(
            table,
            "ratio(now, words)",
            baseline="ratio(before, words)",
            features="g,h",
            depth=2,
            min_support=2,
            score=score,
            top=50,
            fold=False,
            confirm=False,
        )
        check_by_hand(found, scores_by_hand(losses, sets_of(table, ("g", "h")), score, 2, 2))


def test_a_model_that_became_worse_somewhere_is_confirmed():
    table = planted()
    fair = np.random.default_rng(3).random(len(table)) < 0.1
    found = evenhand.slices(
        table.append_column("q", pa.array(fair.astype(int))),
        ERRORS,
        baseline="error_rate(y, q)",
        features=FEATURES,
    )
    assert found.slices[0].predicate == PLANTED
    assert found.slices[0].confirmed
    assert found.metric.baseline == "error_rate(label=y, prediction=q)"
    assert found.score == "evidence"


@pytest.mark.parametrize("score", ["difference", "harm", "z"])
@pytest.mark.parametrize("seed", range(3))
def test_slices_between_two_conditions_are_those_of_differences_by_unit(score, seed):
    """Each unit under both; without clusters beyond it, z is that of one row a unit."""
    rng = np.random.default_rng(seed)
    units = 60
    g, h = rng.choice(["a", "b", "c"], units), rng.choice(["x", "y"], units)
    wrong = {side: rng.integers(0, 2, units) for side in ("quiet", "loud")}
    sides = ["quiet"] * units + ["loud"] * units
    order = rng.permutation(2 * units)
    table = pa.table(
        {
            "g": np.tile(g, 2),
            "h": np.tile(h, 2),
            "noise": sides,
            "who": [f"s{i}" for i in range(units)] * 2,
            "y": np.zeros(2 * units, int),
            "p": np.concatenate([wrong["quiet"], wrong["loud"]]),
        }
    ).take(order)
    losses = [
        (float(now - before), 1.0)
        for now, before in zip(wrong["loud"], wrong["quiet"], strict=True)
    ]
    people = pa.table({"g": g, "h": h})
    found = evenhand.slices(
        table,
        ERRORS,
        between="noise=quiet,loud",
        unit="who",
        features="g,h",
        depth=2,
        min_support=4,
        min_units=1,
        score=score,
        top=50,
        fold=False,
        confirm=False,
    )
    expected = scores_by_hand(losses, sets_of(people, ("g", "h")), score, 2, 2)
    # Each unit is one cell, so its own variance is that of exchangeable cells, but for the mean's.
    if score != "z":
        check_by_hand(found, expected)
    for one in found.slices:
        inside = set.intersection(*(sets_of(people, ("g", "h"))[text] for text in one.literals))
        difference = sum(losses[i][0] for i in inside) / len(inside)
        assert one.value == pytest.approx(difference)
        assert one.n_units == len(inside)
        assert one.n_rows == 2 * len(inside)
    total = sum(loss for loss, _ in losses) / units
    assert found.overall.value == pytest.approx(total)


def test_a_condition_that_harms_some_is_confirmed():
    rng = np.random.default_rng(0)
    units = 800
    g, h = rng.choice(["a", "b", "c"], units), rng.choice(["x", "y"], units)
    hurt = (g == "a") & (h == "x")
    table = pa.table(
        {
            "g": np.tile(g, 2),
            "h": np.tile(h, 2),
            "noise": ["quiet"] * units + ["loud"] * units,
            "who": [f"s{i}" for i in range(units)] * 2,
            "y": np.zeros(2 * units, int),
            "p": np.concatenate(
                [rng.random(units) < 0.1, rng.random(units) < np.where(hurt, 0.6, 0.1)]
            ).astype(int),
        }
    )
    found = evenhand.slices(table, ERRORS, between="noise=quiet,loud", unit="who", features="g,h")
    assert found.slices[0].predicate == "g = 'a' AND h = 'x'"
    assert found.slices[0].confirmed
    other = evenhand.slices(table, ERRORS, between="noise=loud,quiet", unit="who", features="g,h")
    assert not any(one.confirmed for one in other.slices if "g = 'a' AND h = 'x'" in one.predicate)


# -- cubes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", [ERRORS, "ratio(errors, words)", "mean(loss)"])
@pytest.mark.parametrize("unit", [None, "who"])
def test_a_cube_confirms_as_its_rows_do(metric, unit):
    """With the method that both allow."""
    table = planted()
    method = "exact" if metric == ERRORS and unit is None else "bootstrap"
    rows = evenhand.slices(table, metric, features=FEATURES, unit=unit, confirm=method)
    records = open_records(table)
    plan = parse_metric(metric, records.columns).plan(records)
    attributes = [Attribute(name=name) for name in FEATURES]
    cube = build_cube(records, plan.measure, attributes, unit=unit)
    found = slices_of_cube(cube, plan, attributes=attributes, confirm=method)
    assert [s.predicate for s in found.slices] == [s.predicate for s in rows.slices]
    assert [s.p_value for s in found.slices] == pytest.approx([s.p_value for s in rows.slices])
    assert {s.predicate for s in found.confirmed} >= {PLANTED}
    assert [s.n_units for s in found.slices] == [s.n_units for s in rows.slices]


@pytest.mark.parametrize("method", HALVES)
def test_a_cube_with_units_can_be_halved(method):
    table = planted()
    records = open_records(table)
    plan = parse_metric(ERRORS, records.columns).plan(records)
    attributes = [Attribute(name=name) for name in FEATURES]
    cube = build_cube(records, plan.measure, attributes, unit="who")
    found = slices_of_cube(cube, plan, attributes=attributes, confirm=method)
    assert PLANTED in {one.predicate for one in found.confirmed}
    if method == "split":
        # Of an error rate the denominator is the rows: halves of a cube count them, too.
        assert 0.4 < found.confirmation.held_out_rows / len(table) < 0.6
        for one in found.slices:
            assert one.n_rows == one.denominator
