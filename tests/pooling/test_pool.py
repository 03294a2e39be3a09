"""Customers pooled: nearer to the truth, nothing of others, and cubes that give nobody away."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.optimize import linprog
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError
from evenhand.pages.edition import PLAIN
from evenhand.pooling.figures import _heat
from evenhand.pooling.noise import CountNoise
from evenhand.pooling.sharing import known_to_be_shared

METRIC = "error_rate(label=wrong, prediction=zero)"
GROUPS = list(itertools.product("fm", ("young", "middle", "old")))


def rows(seed, n=400, shift=0.0, people=None):
    rng = np.random.default_rng(seed)
    index = rng.choice(6, n, p=[0.25, 0.2, 0.05, 0.3, 0.15, 0.05])
    chance = 1 / (1 + np.exp(1.8 - shift - np.array([0, 0.3, 0.8, -0.2, 0.2, 0.6])))
    table = {
        "sex": [GROUPS[i][0] for i in index],
        "age": [GROUPS[i][1] for i in index],
        "wrong": (rng.random(n) < chance[index]).astype(int),
        "zero": np.zeros(n, int),
    }
    if people:
        table["who"] = [f"p{i}" for i in rng.integers(0, people, n)]
    return pa.table(table)


def counted(table, **options):
    return evenhand.count_cube(table, METRIC, by="sex,age", **options)


@pytest.fixture(scope="module")
def cubes():
    return [counted(rows(seed)) for seed in range(4)]


@pytest.fixture(scope="module")
def found(cubes):
    return evenhand.pool(cubes, names=["a", "b", "c", "d"])


def test_shrunk_values_are_nearer_to_the_truth():
    rng = np.random.default_rng(3)
    raw, shrunk = [], []
    for _ in range(6):
        effects, own = rng.normal(0, 0.4, 6), rng.normal(0, 0.3, 8)
        truth, given = {}, []
        for customer in range(8):
            n = int(rng.integers(100, 1000))
            index = rng.choice(6, n, p=[0.25, 0.2, 0.05, 0.3, 0.15, 0.05])
            chance = 1 / (1 + np.exp(1.8 - effects - own[customer] - rng.normal(0, 0.1, 6)))
            table = pa.table(
                {
                    "sex": [GROUPS[i][0] for i in index],
                    "age": [GROUPS[i][1] for i in index],
                    "wrong": (rng.random(n) < chance[index]).astype(int),
                    "zero": np.zeros(n, int),
                }
            )
            given.append(counted(table))
            truth |= {(f"c{customer}", *GROUPS[i]): chance[i] for i in range(6)}
        pooled = evenhand.pool(given, names=[f"c{i}" for i in range(8)])
        for one in pooled.groups:
            true = truth[one.customer, one.group["sex"], one.group["age"]]
            if one.shrunk is not None:
                raw.append((one.estimate.value - true) ** 2)
                shrunk.append((one.shrunk - true) ** 2)
    # Measured: 3.9 times smaller over twelve worlds.
    assert np.mean(raw) > 2.5 * np.mean(shrunk)


def test_own_rows_have_the_values_of_an_audit(cubes, found):
    audit = evenhand.audit(rows(0), METRIC, "sex,age")
    values = {
        (one.group["sex"], one.group["age"]): one.estimate
        for one in audit.groups
        if set(one.group) == {"sex", "age"}
    }
    for one in found.groups:
        if one.customer == "a":
            own = values[one.group["sex"], one.group["age"]]
            assert one.estimate.value == own.value
            assert one.estimate.low == pytest.approx(own.low)


def test_a_customer_gets_its_own_and_what_is_usual_and_nothing_else(found):
    back = found.for_customer("b")
    assert {one.customer for one in back.groups} == {"b"}
    assert [one.name for one in back.customers] == ["b"]
    told = back.to_json()
    others = {f"{one.estimate.value:.12g}" for one in found.groups if one.customer != "b"} - {
        f"{one.estimate.value:.12g}" for one in back.groups
    }
    assert not any(value in told for value in others if len(value) > 6)
    assert all(one.customers == 4 and one.value is not None for one in back.usual)
    with pytest.raises(KeyError):
        found.for_customer("nobody")


def test_of_two_customers_nothing_is_usual(cubes):
    two = evenhand.pool(cubes[:2], names=["a", "b"])
    assert all(one.value is None for one in two.usual)
    assert "of fewer it would tell of one" in " ".join(str(two).split())
    assert two.to_html()


def test_the_order_of_customers_does_not_matter(cubes, found):
    turned = evenhand.pool(cubes[::-1], names=["d", "c", "b", "a"])
    values = {(one.customer, one.predicate): one.shrunk for one in turned.groups}
    for one in found.groups:
        assert values[one.customer, one.predicate] == pytest.approx(one.shrunk, rel=1e-6)


def test_through_json_and_csv_and_the_page(found):
    assert type(found).from_json(found.to_json()) == found
    lines = found.to_csv().splitlines()
    assert lines[0] == "customer,sex,age,rows,value,low,high,shrunk,usual"
    assert len(lines) == 1 + 4 * 6
    page = found.to_html()
    assert "no row of theirs was read" in page
    assert found.to_figure().startswith("<svg")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda cubes: evenhand.pool(cubes[:1]), "1 cube given"),
        (lambda cubes: evenhand.pool("a.cube"), "one a customer"),
        (lambda cubes: evenhand.pool(cubes, names=["a"]), "1 name"),
        (lambda cubes: evenhand.pool(cubes, names=["a", "a", "b", "c"]), "called 'a'"),
        (lambda cubes: evenhand.pool([*cubes[:2], rows(3)], names=list("abc")), "holds rows"),
        (
            lambda cubes: evenhand.pool(
                [cubes[0], evenhand.count_cube(rows(9), METRIC, by="sex")], names=["a", "b"]
            ),
            "counted by",
        ),
        (
            lambda cubes: evenhand.pool(
                [
                    cubes[0],
                    evenhand.count_cube(
                        rows(9), "accuracy(label=wrong, prediction=zero)", by="sex,age"
                    ),
                ],
                names=["a", "b"],
            ),
            "other things",
        ),
        (lambda cubes: evenhand.pool(cubes, level=2, names=list("abcd")), "level"),
    ],
)
def test_what_is_wrong_is_said(cubes, change, says):
    with pytest.raises(InputError, match=says):
        change(cubes)


# -- sharing ------------------------------------------------------------------------------------


def total(cube, *, key=None):
    return sum(
        n for own, n in zip(cube.keys, cube.n_rows.tolist(), strict=True) if key in (None, own[0])
    )


def test_small_cells_are_left_out_and_what_would_tell_of_them():
    table = pa.table(
        {
            "sex": ["f"] * 60 + ["m"] * 60,
            "age": (["young"] * 28 + ["middle"] * 29 + ["old"] * 3)
            + (["young"] * 20 + ["middle"] * 18 + ["old"] * 22),
            "wrong": [0, 1, 0] * 40,
            "zero": [0] * 120,
        }
    )
    shared = evenhand.share_cube(counted(table), suppress_below=10)
    (metric,) = shared.counted.metrics
    kept = set(metric.cube.keys)
    assert ("f", "old") not in kept
    # Whoever knows how many women and how many old people there are must not learn how many old women.
    assert sum(key[0] == "f" for key in kept) <= 1
    assert ("m", "old") not in kept
    assert sum(key[0] == "m" for key in kept) <= 1
    assert shared.hidden == 6 - len(kept)
    assert min(metric.cube.n_rows) >= 10
    assert any(note.code == "cells_left_out" for note in shared.counted.notes)


def test_a_shared_cube_names_no_unit_and_keeps_its_standard_error(tmp_path):
    table = rows(5, n=3000, people=600)
    whole = counted(table, unit="who")
    shared = evenhand.share_cube(whole, suppress_below=10)
    path = tmp_path / "shared.cube"
    evenhand.write_cube(shared.counted, path)
    data = path.read_bytes()
    assert b"p17" not in data
    again = evenhand.read_cube(path)
    assert again.units == ()
    before, after = (evenhand.audit(one, by="sex,age") for one in (whole, again))
    one = {g.predicate: g.estimate for g in before.groups}
    two = {g.predicate: g.estimate for g in after.groups}
    (cell,) = [p for p in two if "'f'" in p and "'young'" in p]
    assert two[cell].value == one[cell].value
    assert two[cell].standard_error == pytest.approx(one[cell].standard_error, rel=0.02)


def test_noise_is_as_private_and_as_wide_as_is_said(tmp_path):
    pytest.importorskip("opendp")
    noise = CountNoise(epsilon=0.5)
    drawn = noise.added(np.full(20_000, 1000))
    assert drawn.var() == pytest.approx(noise.variance, rel=0.05)
    assert np.mean(np.abs(drawn - 1000) <= noise.usual) == pytest.approx(0.95, abs=0.02)
    # Two tables that differ by one row: no answer is more than e^epsilon times likelier for one.
    near = noise.added(np.full(20_000, 1001))
    for value in range(996, 1006):
        one, two = np.mean(drawn == value), np.mean(near == value)
        assert one <= two * math.exp(0.5) * 1.3
        assert two <= one * math.exp(0.5) * 1.3
    table = rows(6, n=4000)
    shared = evenhand.share_cube(counted(table), suppress_below=0, epsilon=1.0)
    (metric,) = shared.counted.metrics
    assert not metric.proportion
    path = tmp_path / "noisy.cube"
    evenhand.write_cube(shared.counted, path)
    audit = evenhand.audit(evenhand.read_cube(path), by="sex")
    truth = evenhand.audit(table, METRIC, "sex")
    for one, two in zip(audit.groups, truth.groups, strict=True):
        assert one.estimate.value == pytest.approx(two.estimate.value, abs=0.02)
        assert one.estimate.low < two.estimate.value < one.estimate.high
    assert "differential privacy, epsilon 1" in " ".join(str(audit).split())


def test_intervals_of_noisy_counts_cover():
    pytest.importorskip("opendp")
    rng = np.random.default_rng(8)
    hits = []
    for _ in range(60):
        n, rate = 150, 0.3
        table = pa.table(
            {
                "site": ["a"] * n + ["b"] * n,
                "wrong": (rng.random(2 * n) < rate).astype(int),
                "zero": np.zeros(2 * n, int),
            }
        )
        cube = evenhand.count_cube(table, METRIC, by="site")
        shared = evenhand.share_cube(cube, suppress_below=0, epsilon=0.3)
        audit = evenhand.audit(shared.counted, by="site")
        hits += [one.estimate.low <= rate <= one.estimate.high for one in audit.groups]
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(hits))


@pytest.mark.parametrize(
    ("make", "options", "says"),
    [
        (
            lambda: evenhand.count_cube(rows(1), "auc(label=wrong, score=zero)", by="sex"),
            {},
            "each value of a score",
        ),
        (lambda: counted(rows(1, people=40), unit="who"), {"epsilon": 1.0}, "without units"),
        (lambda: counted(rows(1)), {"epsilon": -1.0}, "epsilon"),
        (lambda: counted(rows(1)), {"suppress_below": 10**6}, "suppress_below|nothing could be"),
        (lambda: "no.cube", {}, "no cube"),
    ],
)
def test_what_cannot_be_shared_is_said(make, options, says):
    with pytest.raises(InputError, match=says):
        evenhand.share_cube(make(), **options)


def test_the_commands_from_rows_to_what_comes_back(tmp_path):
    for name, seed in {"north": 1, "south": 2, "east": 3}.items():
        table = rows(seed)
        lines = [",".join(table.column_names)]
        lines += [",".join(map(str, row.values())) for row in table.to_pylist()]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
        words = ("--metric", METRIC, "--by", "sex,age")
        run_command(
            "cube", "count", f"{name}.csv", *words, "--out", "own.cube", "--force", cwd=tmp_path
        )
        made = run_command("cube", "share", "own.cube", "--out", f"{name}.cube", cwd=tmp_path)
        assert made.returncode == 0, made.stderr
    got = run_command(
        "pool", "north.cube", "south.cube", "east.cube", "--back", "back", cwd=tmp_path
    )
    assert got.returncode == 0, got.stderr
    assert "3 customers (north, south and east)" in " ".join(got.stdout.split())
    back = json.loads((tmp_path / "back" / "south.json").read_text())
    assert back["schema"] == "evenhand.pool/1"
    assert {one["customer"] for one in back["groups"]} == {"south"}
    (tmp_path / "own.cube").unlink()
    only = run_command(
        "pool", "*.cube", "--only", "east", "--csv", cwd=tmp_path
    ).stdout.splitlines()
    assert {line.split(",")[0] for line in only[1:]} == {"east"}
    wrong = run_command("pool", "north.csv", "south.cube", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "no row shall leave" in " ".join(wrong.stderr.split())


def known_margins(counts):
    """Every sum of cells over one attribute or over all, as whoever published them has it."""
    for place in (None, 0, 1):
        for value in {None} if place is None else {key[place] for key in counts}:
            members = [key for key in counts if place is None or key[place] == value]
            yield members, sum(counts[key] for key in members)


def test_margins_and_shared_cells_do_not_tell_a_hidden_cell():
    # Column d has 14 of whom 12 are kept: its hidden cell would be 2, for whoever knows the margins.
    numbers = {"u": (3, 30, 12, 12), "v": (100, 100, 100, 3)}
    counts = {(r, c): n for r, own in numbers.items() for c, n in zip("abcd", own, strict=True)}
    keys = [key for key, n in counts.items() for _ in range(n)]
    table = pa.table(
        {
            "row": [key[0] for key in keys],
            "column": [key[1] for key in keys],
            "wrong": [i % 3 == 0 for i in range(len(keys))],
            "zero": [False] * len(keys),
        }
    )
    cube = evenhand.count_cube(table, METRIC, by="row,column")
    shared = evenhand.share_cube(cube, suppress_below=10).counted.metrics[0].cube
    kept = set(shared.keys)
    hidden = [key for key in counts if key not in kept]
    rows, totals = [], []
    for members, n in known_margins(counts):
        rows.append([key in members for key in hidden])
        totals.append(n - sum(counts[key] for key in members if key in kept))
    for place, key in enumerate(hidden):
        if counts[key] < 10:
            aim = np.eye(len(hidden))[place]
            ends = [
                sign * linprog(sign * aim, A_eq=np.array(rows, float), b_eq=totals).fun
                for sign in (1, -1)
            ]
            assert ends[1] - ends[0] >= 10


def test_noise_on_cells_without_rows_does_not_become_rows():
    pytest.importorskip("opendp")
    rng = np.random.default_rng(1)
    hits, n, rate = [], 2000, 0.1
    for _ in range(25):
        table = pa.table(
            {
                "site": rng.choice(["x", "y"], n),
                "ward": [f"w{i}" for i in np.minimum(rng.geometric(0.15, n), 40)],
                "wrong": (rng.random(n) < rate).astype(int),
                "zero": np.zeros(n, int),
            }
        )
        cube = evenhand.count_cube(table, METRIC, by="site,ward")
        shared = evenhand.share_cube(cube, suppress_below=0, epsilon=0.5)
        audit = evenhand.audit(shared.counted, by="site")
        hits += [one.estimate.low <= rate <= one.estimate.high for one in audit.groups]
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(hits))


def test_a_noisy_cube_is_read_back_and_has_no_hash_of_its_rows(tmp_path):
    pytest.importorskip("opendp")
    path, cube = tmp_path / "rows.csv", tmp_path / "noisy.cube"
    table = rows(6, n=2000)
    lines = [",".join(map(str, row.values())) for row in table.to_pylist()]
    path.write_text("\n".join([",".join(table.column_names), *lines, "x,young,0,0"]) + "\n")
    counted_rows = evenhand.count_cube(path, METRIC, by="sex,age")
    assert counted_rows.sources[0].sha256
    shared = evenhand.share_cube(counted_rows, suppress_below=0, epsilon=1.0)
    evenhand.write_cube(shared.counted, cube)
    again = evenhand.read_cube(cube)
    assert again.sources[0].sha256 is None
    assert counted_rows.sources[0].sha256.encode() not in cube.read_bytes()


def test_the_same_rows_under_two_names_are_refused(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("sex,age,wrong,zero\n" + "f,old,1,0\nm,old,0,0\n" * 30)
    own = counted(path)
    other = counted(path, where="sex = 'f'")
    with pytest.raises(InputError, match="a and b count the same rows, of "):
        evenhand.pool([own, evenhand.share_cube(own).counted], names=["a", "b"])
    assert evenhand.pool([other, counted(path, where="sex = 'm'")], names=["a", "b"])


@pytest.mark.parametrize("name", ["../north", "a/b", "a\\b", "a\nb"])
def test_what_comes_back_stays_in_its_folder(tmp_path, name):
    for file, seed in {"one": 1, "two": 2}.items():
        evenhand.write_cube(counted(rows(seed)), tmp_path / f"{file}.cube")
    words = ("pool", "one.cube", "two.cube", "--names", name, "east", "--back", "deep/back")
    got = run_command(*words, cwd=tmp_path)
    assert got.returncode == 2
    assert "cannot name one" in " ".join(got.stderr.split())
    assert not (tmp_path / "deep").exists()


def test_a_report_replaces_nothing_that_is_read(tmp_path, cubes):
    for name, cube in zip("ab", cubes, strict=False):
        evenhand.write_cube(cube, tmp_path / f"{name}.cube")
    before = (tmp_path / "a.cube").read_bytes()
    refused = run_command("pool", "a.cube", "b.cube", "--html", "a.cube", "--force", cwd=tmp_path)
    assert refused.returncode == 2
    assert (tmp_path / "a.cube").read_bytes() == before
    lone = run_command("pool", "a.cube", "b.cube", "--title", "Ours", cwd=tmp_path)
    assert lone.returncode == 2
    assert "--title is for a report" in lone.stderr


# -- what a reader is told of cubes -------------------------------------------------------------


def test_a_cube_that_was_never_shared_is_named_before_the_numbers(tmp_path):
    files = []
    for name, seed in {"north": 1, "south": 2, "my east": 3}.items():
        cube = counted(rows(seed))
        if name == "south":
            cube = evenhand.share_cube(cube).counted
        files.append(str(tmp_path / f"{name}.cube"))
        evenhand.write_cube(cube, files[-1])
    found = evenhand.pool(files)
    codes = {one.name: [note.code for note in one.notes] for one in found.customers}
    assert [n for n, own in codes.items() if "not_known_to_be_shared" in own] == [
        "north",
        "my east",
    ]
    text = " ".join(str(found).split())
    before, _ = text.split("group usual")
    assert "north.cube is not known to be shared" in before
    assert "evenhand cube share 'my east.cube' --out shared.cube" in before
    assert "south.cube is not known" not in text
    assert text.count("is not known to be shared") == 2
    assert "north.cube is not known to be shared" in found.to_html()
    assert str(tmp_path) not in text
    # What comes back to one customer tells of no other.
    assert "north.cube" not in found.for_customer("south").to_json()
    assert "north.cube" not in str(found.for_customer("my east"))


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, True), ({"suppress_below": 0}, False), ({"suppress_below": 0, "epsilon": 1.0}, True)],
)
def test_a_shared_cube_tells_that_it_is_one(tmp_path, options, told):
    cube = evenhand.share_cube(counted(rows(1)), **options).counted
    evenhand.write_cube(cube, tmp_path / "a.cube")
    read = evenhand.read_cube(tmp_path / "a.cube")
    assert known_to_be_shared(read) == told
    assert not known_to_be_shared(counted(rows(1)))


def test_a_shared_cube_and_one_with_small_cells_do_not_add():
    shared = evenhand.share_cube(counted(rows(1))).counted
    with pytest.raises(InputError, match="do not add:\n  shared: small cells are left out"):
        shared.merge(counted(rows(2)))
    both = shared.merge(evenhand.share_cube(counted(rows(2))).counted)
    assert known_to_be_shared(both)


@pytest.mark.parametrize("others", [(), ("a.cube",)])
def test_what_is_no_cube_is_told_before_how_many_there_are(tmp_path, others):
    evenhand.write_cube(counted(rows(1)), tmp_path / "a.cube")
    (tmp_path / "c.csv").write_text("sex,age\nf,old\n", encoding="utf-8")
    more = [str(tmp_path / name) for name in others]
    with pytest.raises(InputError, match=r"nosuch\.cube: no such file"):
        evenhand.pool([str(tmp_path / "nosuch.cube"), *more])
    with pytest.raises(InputError, match=r"c\.csv holds rows"):
        evenhand.pool([str(tmp_path / "c.csv"), *more])
    ended = run_command("pool", "nosuch.cube", *others, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("nosuch.cube: no such file")


def tints(values):
    """Tints of the first customer's groups, for values of own rows and shrunk, where .36 is usual."""
    pooled = evenhand.pool([counted(rows(s)) for s in range(3)], names=["a", "b", "c"])
    first = pooled.usual[0]
    groups = tuple(
        replace(one, shrunk=values[1], estimate=replace(one.estimate, value=values[0]))
        if (one.customer, one.predicate) == ("a", first.predicate)
        else replace(one, shrunk=0.1)
        for one in pooled.groups
    )
    usual = tuple(replace(one, value=0.36) for one in pooled.usual)
    heat = _heat(replace(pooled, groups=groups, usual=usual), PLAIN)
    ((_, cells), *_) = heat.rows
    return cells[1]


@pytest.mark.parametrize(
    ("own", "shrunk", "share", "kind"),
    [
        (0.40, 0.362, 0.012, "harm"),  # hundredths of what is usual are hardly tinted
        (0.40, 0.45, 0.55, "harm"),
        (0.30, 0.45, 0.0, ""),  # made worse by what others lend alone
        (0.40, 0.30, 0.0, ""),
    ],
)
def test_a_tint_is_of_what_is_worse_by_own_rows_and_by_a_part_of_what_is_usual(
    own, shrunk, share, kind
):
    cell = tints((own, shrunk))
    assert cell.share == pytest.approx(share, abs=0.001)
    assert cell.kind == kind
