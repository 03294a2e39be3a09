"""Coverage: what nobody looked at is never called fine, and what cells show is what they would show."""

import csv
import io
import itertools
import json
import shlex
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError
from evenhand.lastmile.coverage.tables import cells_table
from evenhand.stats.intervals import wilson, z_of
from evenhand.stats.power import fewest_units

Z = float(z_of(0.95))


def table_of(seed=0, n=400, **columns):
    rng = np.random.default_rng(seed)
    usual = {
        "accent": rng.choice(["us", "wales", "india"], n, p=[0.8, 0.15, 0.05]).tolist(),
        "noise": rng.choice(["low", "high"], n, p=[0.9, 0.1]).tolist(),
        "made": (rng.random(n) < 0.2).tolist(),
        "speaker": [f"s{i}" for i in rng.integers(0, 60, n)],
        "wrong": rng.integers(0, 2, n),
    }
    return pa.table(usual | columns)


def states(found):
    return {cell.label: cell.state for cell in found.cells}


@pytest.fixture
def file(tmp_path):
    def write(text, name="population.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# -- what is there ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("unit", [None, "speaker"])
def test_counts_and_states_are_those_of_counting_by_hand(seed, unit):
    table = table_of(seed)
    found = evenhand.coverage(table, "accent,noise", synthetic="made", unit=unit, min_units=20)
    rows = table.to_pylist()
    crossings = set(itertools.product({r["accent"] for r in rows}, {r["noise"] for r in rows}))
    assert {tuple(cell.group.values()) for cell in found.cells} == crossings
    for cell in found.cells:
        own = [r for r in rows if (r["accent"], r["noise"]) == tuple(cell.group.values())]
        natural, made = ([r for r in own if r["made"] is kind] for kind in (False, True))
        units = [{r[unit] if unit else i for i, r in enumerate(some)} for some in (natural, made)]
        assert (cell.natural_rows, cell.synthetic_rows) == (len(natural), len(made))
        assert (cell.natural_units, cell.synthetic_units) == tuple(map(len, units))
        expected = "covered" if len(units[0]) >= 20 else "thin" if natural else "empty"
        expected = "synthetic only" if made and not natural else expected
        assert cell.state == expected
        assert cell.missing == max(20 - len(units[0]), 0)


def test_a_cell_without_a_natural_row_is_never_covered_whatever_is_made():
    table = pa.table(
        {
            "a": ["x"] * 50 + ["y"] * 500,
            "b": ["u"] * 25 + ["v"] * 25 + ["u"] * 500,
            "made": [0] * 50 + [1] * 500,
        }
    )
    found = evenhand.coverage(table, "a,b", synthetic="made", min_units=5)
    assert states(found) == {
        "y, v": "empty",
        "y, u": "synthetic only",
        "x, u": "covered",
        "x, v": "covered",
    }
    made = next(cell for cell in found.cells if cell.state == "synthetic only")
    assert (made.detectable, made.reason, made.filled, made.missing) == (
        None,
        "no_denominator",
        True,
        5,
    )
    assert (
        "500 synthetic rows are counted apart and cover nothing; with them 1 more cell"
        in " ".join(str(found).split())
    )


def test_bins_and_predicates_have_all_their_sides():
    table = pa.table({"age": [30] * 40 + [50] * 40, "sex": ["f"] * 80})
    cut = evenhand.coverage(table, "age,sex", bins={"age": [40, 60, 70]})
    assert states(cut) == {
        "60 to under 70, f": "empty",
        "70 and over, f": "empty",
        "under 40, f": "covered",
        "40 to under 60, f": "covered",
    }
    sides = evenhand.coverage(table, ["age >= 60", "sex"])
    assert states(sides) == {"age >= 60, f": "empty", "not age >= 60, f": "covered"}
    assert sides.cells[1].predicate == "NOT (age >= 60) AND sex = 'f'"


def test_predicates_of_cells_select_their_rows():
    table = table_of()
    found = evenhand.coverage(table, ["accent", "speaker = 's1'"])
    for cell in found.cells:
        if cell.natural_rows:
            kept = evenhand.coverage(table, "accent", where=cell.predicate, min_units=2)
            assert kept.source.rows == cell.natural_rows


def test_rows_in_no_cell_are_counted_by_what_they_lack():
    table = table_of(n=40, accent=["us", None] * 20, made=[True, False, False, None] * 10)
    found = evenhand.coverage(table, "accent,noise", synthetic="made")
    lost = {(one.attribute, one.reason): one.n_rows for one in found.missing}
    assert lost == {("accent", "missing_attribute"): 20}
    kept = sum(cell.natural_rows + cell.synthetic_rows for cell in found.cells)
    assert kept + sum(lost.values()) == 40
    doubt = table_of(n=40, made=[True, False, False, None] * 10)
    found = evenhand.coverage(doubt, "accent,noise", synthetic="made")
    assert {one.attribute: one.n_rows for one in found.missing} == {"made": 10}


def test_of_a_metric_units_count_that_say_something_about_it():
    wrong = [1, 0, None, None] * 25
    table = pa.table({"site": ["a"] * 100, "wrong": wrong})
    found = evenhand.coverage(table, "site", metric="mean(wrong)", min_units=60)
    (cell,) = found.cells
    assert (cell.natural_rows, cell.scored_units, cell.state, cell.missing) == (100, 50, "thin", 10)
    assert cell.value == pytest.approx(0.5)
    assert {one.attribute: one.n_rows for one in found.missing} == {"wrong": 50}


# -- the population ---------------------------------------------------------------------------------

SHARES = "accent,noise,share\nus,low,50\nus,high,20\nwales,low,15\nindia,low,10\nscots,high,5\n"


def test_rows_have_one_column_where_each_row_is_a_unit():
    whole = pa.table({"site": ["a", "b"] * 40, "wrong": [0, 1, 1, 0] * 20})
    for asked in ({}, {"metric": "mean(wrong)", "worse": "higher"}):
        found = evenhand.coverage(whole, "site", **asked)
        table = cells_table(found, found.cells)
        heads = [column.head for column in table.columns]
        assert [head for head in heads if "rows" in head] == ["rows"]
    partly = whole.set_column(1, "wrong", pa.array([0, 1, None, 0] * 20))
    found = evenhand.coverage(partly, "site", metric="mean(wrong)", worse="higher")
    shown = cells_table(found, found.cells)
    heads = [column.head for column in shown.columns]
    assert [head for head in heads if "rows" in head] == ["scored rows", "rows"]
    told = {
        tuple(row[heads.index(head)].text for head in ("cell", "scored rows", "rows"))
        for row in shown.rows
    }
    assert told == {("a", "20", "40"), ("b", "40", "40")}


def test_shares_of_what_is_covered_add_up(file):
    found = evenhand.coverage(table_of(), "accent,noise", population=file(SHARES))
    told = {one.state: one for one in found.states}
    assert sum(one.share for one in found.states) == pytest.approx(1)
    assert sum(one.cells for one in found.states) == 5
    assert told["empty"].cells == 1
    assert told["empty"].share == pytest.approx(0.05)
    assert "5.0\N{NO-BREAK SPACE}% of the population, has no row" in str(found).replace("\n", " ")
    notes = {note.code: note.text for note in found.notes}
    assert "accent = scots" in notes["levels_unknown"]
    rows = table_of().to_pylist()
    outside = sum((r["accent"], r["noise"]) in {("wales", "high"), ("india", "high")} for r in rows)
    assert found.outside_rows == outside > 0
    assert notes["outside_population"].startswith(f"{outside} natural rows")
    assert found.left_out == 1  # scots in low noise


def test_traffic_is_counted_with_the_same_cuts(file):
    table = pa.table({"age": list(range(20, 80)) * 2, "site": ["a", "b"] * 60})
    traffic = pa.table({"age": [25, 26, 27, 65, None], "site": ["a", "a", "b", "c", "a"]})
    found = evenhand.coverage(table, "age,site", bins={"age": [50]}, population=traffic)
    shares = {cell.label: cell.share for cell in found.cells}
    assert shares == {
        "under 50, a": 0.5,
        "under 50, b": 0.25,
        "50 and over, c": 0.25,
        "50 and over, a": 0.0,
        "50 and over, b": 0.0,
    }
    assert found.population.rows == 4
    assert [one.n_rows for one in found.population.missing] == [1]
    assert "1 row of" in " ".join(note.text for note in found.notes)


@pytest.mark.parametrize("form", ["csv", "semicolons", "tabs", "parquet", "frame"])
def test_shares_are_shares_in_any_form(tmp_path, form):
    """A table with a column of shares is never taken for traffic of as many rows."""
    import pyarrow.parquet

    table = pa.table({"accent": ["us", "wales"], "share": [0.9, 0.1]})
    given = table
    if form == "parquet":
        given = tmp_path / "shares.parquet"
        pyarrow.parquet.write_table(table, given)
    elif form != "frame":
        comma, name = {
            "csv": (",", "s.csv"),
            "semicolons": (";", "s.csv"),
            "tabs": ("\t", "s.tsv"),
        }[form]
        given = tmp_path / name
        lines = [("accent", "share"), ("us", "0.9"), ("wales", "0.1")]
        given.write_text("".join(comma.join(line) + "\n" for line in lines))
    found = evenhand.coverage(table_of(), "accent", population=given)
    assert found.population.rows is None
    assert {c.label: c.share for c in found.cells} == pytest.approx(
        {"us": 0.9, "wales": 0.1, "india": 0}
    )


def test_what_is_missing_of_the_largest_share_stands_first(file):
    found = evenhand.coverage(table_of(), "accent,noise", population=file(SHARES), min_units=500)
    shares = [cell.share for cell in found.cells]
    assert shares == sorted(shares, reverse=True)


def test_numbers_and_truth_meet_their_texts(file):
    table = pa.table({"snr": [0.0, 5.0] * 30, "native": [True, False] * 30})
    shares = file("snr,native,share\n0,TRUE,1\n5.0,false,1\n10,true,2\n")
    found = evenhand.coverage(table, "snr,native", population=shares)
    assert {cell.label: cell.share for cell in found.cells} == {
        "10, native": 0.5,
        "0.0, native": 0.25,
        "5.0, not native": 0.25,
    }


# -- what cells show --------------------------------------------------------------------------------


def newcombe_finds(rng, one, p1, two, p2, repeats=3000):
    x, y = rng.binomial(one, p1, repeats), rng.binomial(two, p2, repeats)
    low, _ = wilson(x, np.full(repeats, one), Z)
    _, high = wilson(y, np.full(repeats, two), Z)
    return (x / one - y / two > np.hypot(x / one - low, high - y / two)).mean()


SLACK = 3 * np.sqrt(0.8 * 0.2 / 3000)


@pytest.mark.parametrize(("rate", "n"), [(0.05, 60), (0.05, 400), (0.3, 60), (0.5, 200)])
def test_a_proportion_shows_its_difference_in_four_samples_of_five(rate, n):
    sizes, rng = {"cell": n, "rest": 4000}, np.random.default_rng(1)
    wrong = [int(i < rate * size) for size in sizes.values() for i in range(size)]
    site = [name for name, size in sizes.items() for _ in range(size)]
    table = pa.table({"site": site, "wrong": wrong})
    found = evenhand.coverage(table, "site", metric="mean(wrong)")
    d = next(cell.detectable for cell in found.cells if cell.label == "cell")
    power = newcombe_finds(rng, n, rate + d, 4000, rate)
    assert power >= 0.8 - SLACK
    # And not only because it asks for far too much: two thirds of it are found far more seldom.
    assert newcombe_finds(rng, n, rate + 0.66 * d, 4000, rate) < 0.65


def test_so_many_units_more_show_the_wanted_difference():
    wrong = [int(i % 10 == 0) for i in range(4000)] + [int(i % 10 == 0) for i in range(40)]
    table = pa.table({"site": ["rest"] * 4000 + ["cell"] * 40, "wrong": wrong})
    found = evenhand.coverage(table, "site", metric="mean(wrong)", detect=0.08)
    cell = next(cell for cell in found.cells if cell.label == "cell")
    assert (cell.state, cell.missing) == ("thin", cell.wanted - 40)
    rng = np.random.default_rng(2)
    assert newcombe_finds(rng, cell.wanted, 0.18, 4000, 0.1) >= 0.8 - SLACK
    assert newcombe_finds(rng, 40, 0.18, 4000, 0.1) < 0.6
    enough = next(cell for cell in found.cells if cell.label == "rest")
    assert (enough.state, enough.missing) == ("covered", 0)
    assert enough.wanted < 1000


def test_callers_show_their_difference_in_four_samples_of_five():
    """Welch's t of rates of callers, whose variance grows with their rate."""
    stats = pytest.importorskip("scipy.stats")
    rng, power, worlds = np.random.default_rng(4), [], 6
    for _ in range(worlds):
        site, caller, wrong = [], [], []
        for name, count in (("cell", 40), ("rest", 200)):
            for i, p in enumerate(rng.beta(2, 8, count)):
                site += [name] * 20
                caller += [f"{name}{i}"] * 20
                wrong += rng.binomial(1, p, 20).tolist()
        table = pa.table({"site": site, "caller": caller, "wrong": wrong})
        found = evenhand.coverage(table, "site", metric="mean(wrong)", unit="caller")
        d = next(cell.detectable for cell in found.cells if cell.label == "cell")
        rate = 0.2 + d
        one = rng.binomial(20, rng.beta(10 * rate, 10 * (1 - rate), (300, 40))) / 20
        two = rng.binomial(20, rng.beta(2, 8, (300, 200))) / 20
        t, p = stats.ttest_ind(one, two, axis=1, equal_var=False)
        power.append(((p < 0.05) & (t > 0)).mean())
    # A pilot of 40 callers knows their variance to a fifth, and the difference to a tenth.
    assert np.mean(power) == pytest.approx(0.8, abs=0.06)
    assert min(power) > 0.6


def test_what_is_wrong_and_what_is_right_show_the_same():
    rng = np.random.default_rng(9)
    label = rng.integers(0, 2, 900)
    table = pa.table(
        {
            "site": rng.choice(["a", "b", "c"], 900, p=[0.1, 0.2, 0.7]),
            "label": label,
            "said": np.where(rng.random(900) < 0.1, 1 - label, label),
            "caller": [f"c{i % 90}" for i in range(900)],
        }
    )
    for unit in (None, "caller"):
        asked = {"detect": 0.1, "unit": unit}
        wrong, right = (
            evenhand.coverage(
                table, "site", metric=f"{name}(label=label, prediction=said)", **asked
            )
            for name in ("error_rate", "accuracy")
        )
        for one, other in zip(wrong.cells, right.cells, strict=True):
            assert one.detectable == pytest.approx(other.detectable)
            assert (one.wanted, one.missing, one.state) == (
                other.wanted,
                other.missing,
                other.state,
            )


def test_units_that_are_still_to_come_suffice_in_most_worlds():
    """A pilot of 15 callers asks for so many that four samples of five show the difference, in nine worlds of ten."""
    stats = pytest.importorskip("scipy.stats")
    rng, kept, worlds, detect = np.random.default_rng(12), 0, 12, 0.08
    for _ in range(worlds):
        site, caller, wrong = [], [], []
        for name, count in (("cell", 15), ("rest", 150)):
            for i, p in enumerate(rng.beta(2, 8, count)):
                site += [name] * 20
                caller += [f"{name}{i}"] * 20
                wrong += rng.binomial(1, p, 20).tolist()
        table = pa.table({"site": site, "caller": caller, "wrong": wrong})
        found = evenhand.coverage(table, "site", metric="mean(wrong)", unit="caller", detect=detect)
        wanted = next(cell.wanted for cell in found.cells if cell.label == "cell")
        rate = 0.2 + detect
        one = rng.binomial(20, rng.beta(10 * rate, 10 * (1 - rate), (300, wanted))) / 20
        two = rng.binomial(20, rng.beta(2, 8, (300, max(150, wanted)))) / 20
        t, p = stats.ttest_ind(one, two, axis=1, equal_var=False)
        kept += ((p < 0.05) & (t > 0)).mean() >= 0.8
    assert kept / worlds >= 0.9 - 3 * np.sqrt(0.9 * 0.1 / worlds)


def test_without_a_metric_the_worst_case_is_told():
    table = pa.table({"site": ["a"] * 100 + ["b"] * 2000})
    found = evenhand.coverage(table, "site", detect=0.2)
    cell = next(cell for cell in found.cells if cell.label == "a")
    assert (cell.basis, cell.state) == ("worst case", "covered")
    assert (
        newcombe_finds(np.random.default_rng(3), 100, 0.5 + cell.detectable, 2000, 0.5)
        >= 0.8 - SLACK
    )


def test_cells_of_few_units_are_told_from_those_that_vary_most():
    rng = np.random.default_rng(7)
    table = pa.table(
        {
            "site": ["a"] * 200 + ["b"] * 200 + ["c"] * 3,
            "seconds": np.r_[rng.normal(9, 1, 200), rng.normal(9, 3, 200), 9.0, 9.5, 8.5],
        }
    )
    found = evenhand.coverage(table, "site", metric="mean(seconds)", worse="higher", detect=0.5)
    cells = {cell.label: cell for cell in found.cells}
    assert cells["c"].basis == "others"
    assert cells["a"].wanted < cells["b"].wanted <= cells["c"].wanted + 1
    assert "* told from the cell whose units vary most" in " ".join(str(found).split())


def test_where_nothing_tells_how_much_units_vary_nothing_is_made_up():
    table = pa.table({"site": ["a", "b"] * 30, "seconds": [2.5] * 60})
    found = evenhand.coverage(table, "site", metric="mean(seconds)", worse="higher", detect=0.5)
    assert {(c.state, c.wanted, c.missing, c.detectable) for c in found.cells} == {
        ("thin", None, None, None)
    }
    assert "Of 2 cells nothing tells how many would do" in " ".join(str(found).split())


def test_the_fewest_units_are_the_fewest():
    known = np.array([0.0, 3.0, 10.0])
    found = fewest_units(lambda units: 1 / np.sqrt(units), known, 0.0731, 1e9)
    assert found.tolist() == [np.ceil(1 / 0.0731**2)] * 3
    assert np.isnan(fewest_units(np.ones_like, known, 0.5, 1e4)).all()


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"by": "acent"}, "Unknown column 'acent'. Did you mean 'accent'"),
        ({"by": ()}, "Say which groups"),
        ({"min_units": 0}, "min_units is 0, but must be a whole number of at least 2|from 2"),
        ({"min_units": 2.5}, "min_units is 2.5"),
        ({"detect": -0.1}, "detect is -0.1, but must be a number above 0"),
        ({"detect": float("nan")}, "detect is nan"),
        ({"detect": 5}, r"detect is 5, but must be .* below 1.*Did you mean 0.05 \(5 points\)"),
        ({"detect": 1, "metric": "mean(wrong)"}, "detect is 1, but must be"),
        ({"level": 95}, "Did you mean 0.95"),
        ({"synthetic": "speaker"}, "a column of text, but must be one of true and false"),
        ({"synthetic": "mde"}, "Unknown column 'mde'|mde"),
        ({"unit": ["speaker", "accent"]}, "Coverage counts one kind of unit"),
        ({"metric": "maen(wrong)"}, "Unknown metric 'maen'"),
        ({"weight": "wrong"}, "coverage: Unknown option 'weight'"),
        ({"by": "speaker,accent,noise,wrong,made"}, r"= [\d,]+ cells; at most 1,000"),
        ({"where": "accent = 'zz'"}, "no row|nothing"),
    ],
)
def test_options_without_a_meaning_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        evenhand.coverage(table_of(), **({"by": "accent,noise"} | asked))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("accent,share\nus,1\n", "has no column noise.*a column for each attribute"),
        ("accent,noise,share\nus,low,x\n", "line 2: share is 'x'"),
        ("accent,noise,share\nus,low,1\nus,low,2\n", "line 3: us, low is told twice"),
        ("accent,noise,age,share\nus,low,3,1\n", "Unknown attribute 'age'"),
        ("accent,noise,share\nus,low,0\n", "all shares are 0"),
        ("accent,noise,share\n,low,1\n", "line 2: accent is empty"),
        ("accent,noise\n", "has no rows"),
        ("accent,loud\nus,low\n", "Unknown column 'noise'"),
        ("accent,noise\n,low\n,high\n", "Every row of .* lacks accent"),
    ],
)
def test_faults_of_a_population_are_told(file, text, message):
    with pytest.raises(InputError, match=message):
        evenhand.coverage(table_of(), "accent,noise", population=file(text))


def test_a_bin_that_does_not_exist_is_refused(file):
    table = pa.table({"age": [30, 50] * 40})
    with pytest.raises(InputError, match="has age = 'nan'"):
        evenhand.coverage(table, "age", bins={"age": [40]}, population=file("age,share\nnan,1\n"))
    with pytest.raises(InputError, match=r"has age = 'under 35'.*Allowed: under 40, 40 and over"):
        evenhand.coverage(
            table, "age", bins={"age": [40]}, population=file("age,share\nunder 35,1\n")
        )


# -- what is shown ----------------------------------------------------------------------------------

EVIL = "</title><script>alert(1)</script>{{7*7}}\u202e"


def test_pages_show_every_cell_and_escape_what_the_data_say(file):
    table = table_of(accent=["us", EVIL] * 200)
    found = evenhand.coverage(table, "accent,noise", synthetic="made", metric="mean(wrong)")
    page = found.to_html()
    assert "<script" not in page
    heat = page[page.index('<table class="heat') :]
    heat = heat[: heat.index("</table>")]
    assert heat.count("<td") == 4
    assert found.to_figure().startswith("<svg")
    assert "\u202e" not in str(found)


def test_empty_cells_are_called_so_in_the_heat_map():
    table = pa.table({"a": ["x"] * 40 + ["y"] * 40, "b": ["u"] * 40 + ["v"] * 40})
    page = evenhand.coverage(table, "a,b").to_html()
    assert page.count("▲ empty") >= 2
    one = evenhand.coverage(table, "a").to_html()
    assert '<th scope="row">all</th>' in one


def test_what_is_missing_goes_to_those_who_collect(file):
    found = evenhand.coverage(table_of(), "accent,noise", population=file(SHARES))
    lines = list(csv.DictReader(io.StringIO(found.to_csv())))
    assert [line["state"] for line in lines] == [c.state for c in found.lacking]
    assert {line["accent"]: line["missing"] for line in lines}["scots"] == "30"
    assert not any(line["state"] == "covered" for line in lines)
    assert "'=cmd" in evenhand.coverage(pa.table({"a": ["=cmd", "b"]}), "a").to_csv()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_tables_fit_any_terminal(width):
    from rich.cells import cell_len
    from rich.console import Console

    console = Console(width=width, record=True, file=io.StringIO())
    console.print(evenhand.coverage(table_of(), "accent,noise", synthetic="made"))
    assert max(map(cell_len, console.export_text().splitlines())) <= width


def test_the_command_says_what_python_says_and_ends_well(tmp_path, file):
    rows = table_of().to_pylist()
    with (tmp_path / "calls.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    file(SHARES)
    words = [
        "coverage",
        "calls.csv",
        "--by",
        "accent,noise",
        "--population",
        "population.csv",
        "--synthetic",
        "made",
    ]
    words += [
        "--unit",
        "speaker",
        "--detect",
        "0.3",
        "--metric",
        "mean(wrong)",
        "--worse",
        "higher",
    ]
    ended = run_command(*words, "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    told = evenhand.Coverage.from_json(ended.stdout)
    python = evenhand.coverage(
        str(tmp_path / "calls.csv"),
        "accent,noise",
        population=str(tmp_path / "population.csv"),
        synthetic="made",
        unit="speaker",
        detect=0.3,
        metric="mean(wrong)",
        worse="higher",
    )
    assert told.cells == python.cells
    again = run_command(*shlex.split(python.settings.command)[1:], "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["cells"] == json.loads(ended.stdout)["cells"]
    lines = run_command(*words, "--csv", cwd=tmp_path).stdout
    assert lines == told.to_csv()
    for wrong in (("--csv", "--json"), ("--weight", "wrong"), ("--population", "no.csv")):
        failed = run_command(*words, *wrong, cwd=tmp_path)
        assert (failed.returncode, failed.stdout) == (2, "")
        assert "Traceback" not in failed.stderr
    assert Counter(cell.state for cell in told.cells)["covered"] < len(told.cells)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noise,Share\nlow,.9\nhigh,.1\n", "Unknown column 'share'. Did you mean 'Share'"),
        ("noise,percent\nlow,90\nhigh,10\n", "one row of each cell and 'percent' beside it"),
        ("noise,share\nlow,90%\nhigh,10\n", "line 2: share is '90%'.*without signs.*12.5"),
        ('noise,share\nlow,"0,9"\nhigh,0.1\n', "line 2: share is '0,9'.*with a point"),
        ("noise,share\nlow,.9\nNA,.1\n", "noise is 'NA', which means missing"),
        ("Noise\nlow\nhigh\n", "population.csv: Unknown column 'noise'. Did you mean 'Noise'"),
    ],
)
def test_shares_that_would_be_read_otherwise_than_meant_are_refused(file, text, message):
    with pytest.raises(InputError, match=message):
        evenhand.coverage(table_of(), "noise", population=file(text))


@pytest.mark.parametrize(
    ("shares", "told"), [((0.5, 0.47), True), ((0.5, 0.498), False), ((60, 40), False)]
)
def test_shares_that_do_not_add_to_a_whole_are_said(file, shares, told):
    low, high = shares
    population = file(f"noise,share\nlow,{low}\nhigh,{high}\n")
    found = evenhand.coverage(table_of(), "noise", population=population)
    assert [cell.share for cell in found.cells if cell.label == "low"] == [
        pytest.approx(low / (low + high))
    ]
    notes = [note.text for note in found.notes if note.code == "shares_scaled"]
    assert bool(notes) is told
    assert all("add up to 0.97, not to 1 or 100" in text for text in notes)


def test_traffic_of_a_row_a_cell_without_a_number_is_counted(file):
    found = evenhand.coverage(table_of(), "noise", population=file("noise\nlow\nhigh\n"))
    assert {cell.share for cell in found.cells} == {0.5}


def test_levels_spelt_otherwise_are_told(file):
    found = evenhand.coverage(
        table_of(), "noise", population=file("noise,share\nLow ,.9\nHIGH,.1\n")
    )
    (note,) = (note.text for note in found.notes if note.code == "levels_unknown")
    assert "'HIGH' is the table's 'high' and 'Low' is the table's 'low': spell them alike" in note


def test_cells_outside_the_population_are_not_among_every_covered_cell(file):
    found = evenhand.coverage(table_of(), "noise", population=file("noise,share\nnone,1\n"))
    assert {cell.state for cell in found.cells if cell.share == 0} == {"covered"}
    assert "every covered cell" not in found.to_html()
