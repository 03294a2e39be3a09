"""Plans of labels: what they promise is kept, what cannot be planned is said, and every fault is told."""

import csv
import io
import json

import numpy as np
import pyarrow as pa
import pytest
from tests.commands import run_command

import evenhand
from evenhand.errors import InputError, RefusedError
from evenhand.stats.allocation import spend, units_for_pairs
from evenhand.stats.intervals import t_of, wilson, z_of

SITES = {"a": (90, 9), "b": (60, 18), "c": (200, 10)}


def rows_of(sites=SITES):
    site = [name for name, (n, _) in sites.items() for _ in range(n)]
    wrong = [int(i < x) for n, x in sites.values() for i in range(n)]
    return pa.table({"site": site, "wrong": wrong})


def callers(rng, counts, rows=20):
    """Rows of callers, about two in ten of whose calls go wrong."""
    site, caller, wrong = [], [], []
    for name, count in counts.items():
        for number, rate in enumerate(rng.beta(2, 8, count)):
            site += [name] * rows
            caller += [f"{name}{number}"] * rows
            wrong += rng.binomial(1, rate, rows).tolist()
    return pa.table({"site": site, "caller": caller, "wrong": wrong})


def planned(table=None, **asked):
    asked = {"worse": "higher", "by": "site", "metric": "mean(wrong)"} | asked
    return evenhand.plan(rows_of() if table is None else table, **asked)


@pytest.fixture
def file(tmp_path):
    def write(text, name="given.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


# -- what is promised -------------------------------------------------------------------------------


def test_widths_promised_by_pilots_are_kept_in_new_samples():
    rng, kept, worlds, rates = np.random.default_rng(5), 0, 20, {"a": 0.1, "b": 0.3}
    for _ in range(worlds):
        pilot = rows_of({name: (60, int(rng.binomial(60, rate))) for name, rate in rates.items()})
        found = planned(pilot, half_width=0.05)
        widths = []
        for cell in found.cells:
            x = rng.binomial(cell.labels, rates[cell.label])
            low, high = wilson(x, cell.labels, z_of(0.95))
            widths.append((high - low) / 2)
        kept += max(widths) <= 0.05
    assert kept / worlds >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


def test_widths_promised_of_callers_are_kept_in_new_samples():
    rng, kept, worlds = np.random.default_rng(6), 0, 16
    for _ in range(worlds):
        found = planned(callers(rng, {"a": 40, "b": 40}), unit="caller", pair=0.06)
        halves = []
        for cell in found.cells:
            new = rng.binomial(20, rng.beta(2, 8, cell.units)) / 20
            halves.append(t_of(0.95, cell.units - 1) * new.std(ddof=1) / np.sqrt(cell.units))
        kept += np.hypot(*halves) <= 0.06
    assert kept / worlds >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("trials", [60, 10**9])
def test_differences_that_shall_be_found_are_found(rate, trials):
    """Newcombe's interval of two proportions leaves out 0 in four samples of five."""
    detect, z, repeats = 0.1, float(z_of(0.95)), 4000
    pilot = planned(
        rows_of({"a": (100, 50), "b": (100, 50)}), detect=detect
    )  # only for its promise in words
    assert pilot.worst_pair.detectable <= detect
    from tests.stats.test_allocation import proportions

    reach = (z + float(z_of(0.6))) / z
    known = proportions([rate, rate], trials)
    one, two = units_for_pairs(known, detect / reach, 0.95, 0.95, 5)
    rng = np.random.default_rng(1)
    x, y = rng.binomial(one, rate + detect, repeats), rng.binomial(two, rate, repeats)
    low, _ = wilson(x, np.full(repeats, one), z)
    _, high = wilson(y, np.full(repeats, two), z)
    found = x / one - y / two > np.hypot(x / one - low, high - y / two)
    # Of rates that are known and small Wilson's widths leave a little less than was asked for.
    least = 0.8 - 0.02 * (trials > 60)
    assert found.mean() >= least - 3 * np.sqrt(0.8 * 0.2 / repeats)


def test_a_budget_is_spent_so_that_the_difference_known_least_is_known_best():
    found = planned(budget=2000)
    assert found.labels == 2000
    assert found.cost == 2000
    own = {one.rule: one.worst_pair for one in found.rules}
    assert min(own, key=own.get) == "minimax-pair"
    widths = sorted((cell.half_width for cell in found.cells), reverse=True)
    assert found.worst_pair.half_width == pytest.approx(np.hypot(*widths[:2]))


@pytest.mark.parametrize("rule", ["minimax-pair", "neyman", "proportional", "equal"])
def test_each_rule_spends_the_budget_by_its_name(rule):
    found = planned(budget=1000, rule=rule)
    assert 999 <= found.labels <= 1000
    mine = next(one for one in found.rules if one.rule == rule)
    assert list(mine.labels) == [cell.labels for cell in found.cells]


def test_equal_and_proportional_are_what_they_are_called():
    equal = [cell.labels for cell in planned(budget=999, rule="equal").cells]
    assert max(equal) - min(equal) <= 1
    cells = planned(budget=3500, rule="proportional").cells
    assert {c.label: c.labels for c in cells} == {"a": 900, "b": 600, "c": 2000}


def test_labels_that_cost_more_are_fewer(file):
    dear = planned(budget=2000, cost=file("site,cost\na,1\nb,8\nc,1\n"))
    assert sum(cell.labels * cell.cost for cell in dear.cells) == pytest.approx(dear.cost)
    assert dear.cost <= 2000
    by_site = {cell.label: cell.labels for cell in dear.cells}
    plain = {cell.label: cell.labels for cell in planned(budget=2000).cells}
    assert by_site["b"] < plain["b"]


def test_a_number_of_the_same_cost_for_all_divides_the_budget():
    cheap, dear = planned(budget=1000), planned(budget=2500, cost=2.5)
    assert [c.labels for c in cheap.cells] == [c.labels for c in dear.cells]


THIN = {"a": 6, "b": 9, "c": 13, "d": 20, "e": 30, "f": 60}


def test_cells_of_few_callers_are_named_and_do_not_eat_the_plan():
    """A promise that is wider than expected by the pilot's smallness alone took nearly all labels of a plan."""
    pilot = callers(np.random.default_rng(7), THIN)
    wide = planned(pilot, unit="caller", half_width=0.05)
    bought = planned(pilot, unit="caller", budget=8000)
    for found in (wide, bought):
        by = {cell.label: cell for cell in found.cells}
        assert {by[name].reason for name in "ab"} == {"pilot_too_small"}
        assert [by[name].labels for name in "ab"] == [600, 600]
        assert all(by[name].half_width is not None for name in "def")
        for cell in found.cells:
            if cell.half_width is not None:
                assert cell.half_width <= 2.2 * cell.expected_half_width
        shown = " ".join(str(found).split())
        assert "a: the pilot has too few units to tell how much they vary (6 units" in shown
    assert bought.labels <= 8000


def test_widths_promised_beside_cells_of_few_callers_are_kept():
    rng, kept, worlds = np.random.default_rng(8), 0, 40
    for _ in range(worlds):
        found = planned(callers(rng, THIN), unit="caller", half_width=0.05)
        halves = []
        for cell in found.cells:
            if cell.half_width is not None:
                new = rng.binomial(20, rng.beta(2, 8, cell.units)) / 20
                halves.append(t_of(0.95, cell.units - 1) * new.std(ddof=1) / np.sqrt(cell.units))
        kept += max(halves) <= 0.05
    assert kept / worlds >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / worlds)


def test_a_budget_that_the_first_labels_of_unknown_cells_take_is_told():
    pilot = callers(np.random.default_rng(7), THIN)
    with pytest.raises(
        InputError, match=r"cost [\d,]+ \([\d,]+ of it for cells of which the pilot"
    ):
        planned(pilot, unit="caller", budget=1000)


def test_a_plan_says_once_that_the_pilots_labels_do_not_count():
    shown = " ".join(str(planned(half_width=0.05)).split())
    assert shown.count("none of the pilot's is counted") == 1
    assert "stands for itself" in shown


def test_where_the_pilot_alone_has_the_wanted_width_it_is_said_by_name():
    sites = SITES | {"known": (3696, 1200)}
    found = planned(rows_of(sites), half_width=0.05)
    (known,) = (cell for cell in found.cells if cell.label == "known")
    low, high = wilson(1200, 3696, z_of(0.95))
    assert known.pilot_half_width == pytest.approx((high - low) / 2)
    said = "Of known, the pilot's 3,696 labels alone already give ± 0.015"
    shown = " ".join(str(found).split())
    assert said in shown
    assert "; of c, the pilot's 200 labels alone already give ± 0.031." in shown
    assert "Of a," not in shown
    assert said in " ".join(str(planned(rows_of(sites), budget=900)).split())
    # Narrower than either is asked for.
    assert "alone already give" not in str(planned(rows_of(sites), half_width=0.01))


# -- whom the service is for ------------------------------------------------------------------------


def test_shares_of_a_file_and_of_traffic_are_the_same_plan(file):
    shares = file("share,site\n0.5,a\n0.3,b\n0.2,c\n")
    traffic = pa.table({"site": ["a"] * 50 + ["b"] * 30 + ["c"] * 20})
    one = planned(budget=900, rule="neyman", population=shares)
    two = planned(budget=900, rule="neyman", population=traffic)
    assert one.cells == two.cells
    assert one.settings.population == str(shares)
    assert one.cells != planned(budget=900, rule="neyman").cells


def test_people_of_whom_the_pilot_has_nobody_are_told(file):
    found = planned(budget=900, population=file("site,share\na,1\nb,1\nc,1\nd,1\n"))
    assert next(n.text for n in found.notes if n.code == "population_unknown").startswith("25.0")
    assert sum(cell.share for cell in found.cells) == pytest.approx(1)


def test_numbers_that_are_cut_are_found_by_bin_or_by_number(file):
    table = pa.table({"age": list(range(20, 80)) * 5, "wrong": [0, 1, 0, 0] * 75})
    bins = {"age": [50.0]}
    named = file("age,share\nunder 50,1\n50 and over,3\n", "named.csv")
    numbered = file("age,share\n20,1\n65,3\n", "numbered.csv")
    both = [
        planned(table, by="age", bins=bins, budget=900, population=one) for one in (named, numbered)
    ]
    assert both[0].cells == both[1].cells
    assert sorted(cell.share for cell in both[0].cells) == [0.25, 0.75]


# -- what is said -----------------------------------------------------------------------------------


def codes(found):
    return {note.code for note in found.notes}


def test_cells_of_which_the_pilot_has_too_little_are_not_promised():
    found = planned(rows_of(SITES | {"d": (3, 1)}), budget=2000)
    (small,) = (cell for cell in found.cells if cell.label == "d")
    assert (small.half_width, small.reason, small.labels) == (None, "too_few_units", 30)
    assert "pilot_too_small" in codes(found)
    assert found.labels <= 2000
    assert "d: too few independent units" in " ".join(str(found).split())


def test_one_cell_has_a_width_and_no_pair():
    found = planned(rows_of({"a": (90, 9)}), budget=500)
    assert found.worst_pair is None
    assert found.cells[0].labels == 500
    assert "is known to ±" in " ".join(str(found).split())
    with pytest.raises(RefusedError, match="pair is of a difference, and the pilot tells of one"):
        planned(rows_of({"a": (90, 9)}), pair=0.1)


def test_rows_outside_a_predicate_are_counted():
    found = planned(by="site = 'a'", half_width=0.1)
    assert next(n.text for n in found.notes if n.code == "rows_in_no_cell").startswith("260 rows")


def test_units_that_cells_share_are_told():
    table = pa.table(
        {
            "voice": ["f", "m"] * 60,
            "sentence": [f"s{i // 2}" for i in range(120)],
            "wrong": [0, 1, 1, 0, 0] * 24,
        }
    )
    found = planned(table, by="voice", unit="sentence", budget=500)
    assert found.shared_units == 60
    assert "units_shared" in codes(found)
    apart = planned(
        callers(np.random.default_rng(1), {"a": 20, "b": 20}), unit="caller", budget=9000
    )
    assert apart.shared_units == 0
    assert "units_shared" not in codes(apart)


def test_heavy_tails_are_warned_of_and_light_ones_hardly_ever():
    rng, heavy, light, worlds = np.random.default_rng(3), 0, 0, 8
    for _ in range(worlds):
        mostly_one = callers(rng, {"a": 40, "b": 40})
        light += "heavy_tails" in codes(planned(mostly_one, unit="caller", budget=9000))
        bad = rng.random(80) < 0.08
        table = pa.table(
            {
                "site": np.repeat(["a", "b"], 800),
                "caller": np.repeat(np.arange(80).astype(str), 20),
                "wrong": rng.binomial(1, np.repeat(np.where(bad, 0.9, 0.01), 20)),
            }
        )
        heavy += "heavy_tails" in codes(planned(table, unit="caller", budget=9000))
    assert light <= 1
    assert heavy >= 5


def test_rows_without_group_unit_or_label_are_counted():
    table = pa.table(
        {
            "site": ["a", "b", None] * 40,
            "wrong": pa.array([0, 1, 1, None] * 30),
            "caller": [None if i % 8 == 0 else f"c{i}" for i in range(120)],
        }
    )
    found = planned(table, unit="caller", budget=900)
    lost = {(one.attribute, one.reason): one.n_rows for one in found.missing}
    assert lost[("wrong", "missing_input")] == 30
    assert lost[("caller", "missing_unit")] > 0
    assert lost[("site", "missing_attribute")] > 0
    assert sum(lost.values()) + sum(cell.pilot_rows for cell in found.cells) == 120


# -- cubes ------------------------------------------------------------------------------------------


def test_a_cube_is_a_pilot_as_its_rows_are(tmp_path):
    table = callers(np.random.default_rng(2), {"a": 30, "b": 30})
    cube = evenhand.count_cube(table, "mean(wrong)", "site", unit="caller", worse="higher")
    found = evenhand.plan(cube, budget=4000)
    assert found.cells == planned(table, unit="caller", budget=4000).cells
    assert found.unit == "caller"
    path = tmp_path / "pilot.cube"
    evenhand.write_cube(cube, path)
    assert evenhand.plan(str(path), budget=4000).cells == found.cells


def test_cubes_with_weights_or_strata_are_no_pilots():
    table = rows_of().append_column("w", pa.array([1.0, 2.0] * 175))
    for option in ("weight", "stratum"):
        cube = evenhand.count_cube(
            table, "error_rate(label=wrong, prediction=wrong)", "site", **{option: "w"}
        )
        with pytest.raises(InputError, match=f"counted with a {option}, w.*without --{option}"):
            evenhand.plan(cube, budget=900)


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "A plan has one goal, and none of them is given"),
        ({"budget": 9, "pair": 0.1}, "budget and pair are given"),
        ({"budget": -5}, "budget is -5, but must be a number above 0"),
        ({"budget": float("nan")}, "budget is nan, but must be a number above 0"),
        ({"half_width": 0}, "half_width is 0, but must be"),
        ({"half_width": float("inf")}, "half_width is inf"),
        ({"budget": "many"}, "budget is 'many', but must be a number above 0"),
        ({"budget": 12}, "budget is 12, but 5 units of each cell cost 1[58].*Raise it"),
        ({"half_width": 3}, r"half_width is 3, but must be .* below 1.*Did you mean 0.03"),
        ({"pair": 1}, "pair is 1, but must be"),
        ({"budget": 1e300}, "budget is 1e\\+300, which buys more than 1,000,000,000,000 units"),
        ({"half_width": 1e-9}, "takes more than 1,000,000,000,000 units"),
        ({"budget": 900, "rule": "minmax-pair"}, "Did you mean 'minimax-pair'"),
        ({"pair": 0.1, "rule": "neyman"}, "rule is 'neyman', but says how a budget is spent"),
        ({"budget": 900, "metric": ""}, "Say at least one metric"),
        ({"budget": 900, "by": ()}, "Say which groups"),
        ({"budget": 900, "cost": -1}, "cost is -1, but must be a number above 0"),
        ({"budget": 900, "cost": float("nan")}, "cost is nan"),
        ({"budget": 900, "cost": "no.csv"}, "no.csv cannot be read: No such file"),
        ({"budget": 900, "assurance": 95}, "assurance is 95"),
        ({"budget": 900, "unit": ["site", "wrong"]}, "A plan counts one kind of unit"),
        ({"budget": 900, "weight": "wrong"}, "plan: Unknown option 'weight'"),
        ({"budget": 900, "share": "x.csv"}, "plan: Unknown option 'share'"),
    ],
)
def test_options_without_a_meaning_are_refused(asked, message):
    with pytest.raises(InputError, match=message):
        planned(**asked)


def test_overlapping_groups_are_to_be_crossed():
    table = rows_of().append_column("sex", pa.array(["f", "m"] * 175))
    with pytest.raises(
        InputError, match=r"site and sex overlap\.  Cross them, as in --by site,sex"
    ):
        planned(table, by=["site", "sex"], budget=900)
    assert len(planned(table, by="site,sex", budget=900).cells) == 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unknown column 'cost'"),
        ("site,price\na,1\n", "Unknown column 'cost'"),
        ("place,cost\na,1\n", "Unknown attribute 'place'"),
        ("site,cost\n", "a header and no line"),
        ("site,cost\na,1\nb,2\n", "no cost of c.  Add a line for each of the 1 missing"),
        ("site,cost\na,1\na,2\nb,1\nc,1\n", "line 3: a is told twice"),
        (
            "site,cost\na,-1\nb,nan\nc,x\n",
            "line 2: cost is '-1'.*\n.*line 3: cost is 'nan'.*\n.*'x'",
        ),
        ("site,cost\na,0\nb,1\nc,1\n", "line 2: cost is '0', but must be a number above 0"),
        ("site,cost\na,1,5\nb,1\nc,1\n", "line 2: 3 values, but the header names 2 columns"),
        ("site,site,cost\na,a,1\n", "two columns of one name"),
    ],
)
def test_faults_of_a_file_of_costs_are_told(file, text, message):
    with pytest.raises(InputError, match=message):
        planned(budget=900, cost=file(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site,share\na,1\nb,2\n", "no share of c.  Add a line for each of the 1 missing"),
        ("site,share\na,0\nb,0\nc,0\n", "all shares are 0"),
        (
            "site,share\na,-1\nb,0\nc,0\n",
            "line 2: share is '-1', but must be a number of at least 0",
        ),
        ("share\n1\n", "has no column site"),
        ("sight\na\n", "Unknown column 'site'"),
        ("site\nx\ny\n", "No cell of the pilot occurs in .*In the pilot: a, b and c"),
    ],
)
def test_faults_of_a_population_are_told(file, text, message):
    with pytest.raises(InputError, match=message):
        planned(budget=900, population=file(text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ethnicity,gender,part\nx,f,1\n",
            (
                "Unknown columns 'site' and 'sex'.  Columns: ethnicity, gender, part.  Nor is one called share: give a "
                "file with site, sex and share, or rows with site and sex, which are counted."
            ),
        ),
        (
            "ethnicity,gender,share\nx,f,1\n",
            (
                "Unknown attributes 'ethnicity' and 'gender'.  Attributes: site, sex.  It has no column site and no "
                "column sex.  A share belongs to a cell of site × sex: add a column for each attribute."
            ),
        ),
        (
            "site,gender,share\nx,f,1\n",
            "Unknown attribute 'gender'.  Attributes: site, sex.  It has no column sex",
        ),
        (
            "site,gender,part\nx,f,1\n",
            "Unknown column 'sex'.  Columns: site, gender, part.  Nor is one called share",
        ),
    ],
)
def test_all_names_that_a_population_lacks_are_told_at_once(file, text, said):
    table = rows_of().append_column("sex", pa.array(["f", "m"] * 175))
    with pytest.raises(InputError) as raised:
        planned(table, by="site,sex", budget=900, population=file(text))
    assert said in str(raised.value)


def test_a_pilot_that_tells_nothing_is_refused():
    with pytest.raises(RefusedError, match="tells of no cell how much its units vary"):
        planned(rows_of({"a": (3, 1), "b": (4, 1)}), budget=900)


# -- at the command line ----------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    table = rows_of()
    lines = [
        f"{s},{w}" for s, w in zip(*(table[n].to_pylist() for n in ("site", "wrong")), strict=True)
    ]
    (tmp_path / "pilot.csv").write_text("\n".join(["site,wrong", *lines]), encoding="utf-8")
    return tmp_path


ASKED = ("plan", "pilot.csv", "--metric", "mean(wrong)", "--by", "site", "--worse", "higher")


def test_the_command_says_what_python_says(folder):
    ended = run_command(*ASKED, "--budget", "2000", "--json", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    told = evenhand.LabelPlan.from_json(ended.stdout)
    assert told.cells == planned(budget=2000).cells
    assert json.loads(ended.stdout)["worst_pair"]["half_width"] == told.worst_pair.half_width
    again = run_command(*_words(told.settings.command), "--json", cwd=folder)
    assert again.stdout == ended.stdout


def _words(command):
    import shlex

    return [word for word in shlex.split(command)[1:] if word != "--json"]


def test_python_writes_the_command_that_asks_again(folder):
    path = str(folder / "pilot.csv")
    asked = {"budget": 700, "rule": "equal", "cost": 0.5, "level": 0.9, "assurance": 0.8}
    found = evenhand.plan(path, "mean(wrong)", "site", worse="higher", **asked)
    ended = run_command(*_words(found.settings.command), "--json", cwd=folder)
    assert evenhand.LabelPlan.from_json(ended.stdout).cells == found.cells


def test_collectors_get_a_line_a_cell(folder):
    ended = run_command(*ASKED, "--half-width", "0.05", "--csv", cwd=folder)
    lines = list(csv.DictReader(io.StringIO(ended.stdout)))
    assert [line["site"] for line in lines] == ["b", "a", "c"]
    assert all(float(line["half_width"]) <= 0.05 for line in lines)
    assert sum(int(line["labels"]) for line in lines) == planned(half_width=0.05).labels


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--budget", "9"), 2, "Raise it"),
        (("--budget", "9", "--csv", "--json"), 2, "cannot both go to the output"),
        (("--budget", "900", "--weight", "wrong"), 2, "a plan counts labels, each once"),
        (("--budget", "900", "--cost", "no.csv"), 2, "no.csv cannot be read"),
        (("--budget", "900", "--population", "no.csv"), 2, "no.csv"),
        (("--budget", "900", "--where", "site = 'zz'"), 2, "no row"),
        (("--detect", "0.1", "--where", "site = 'a'"), 3, "tells of one"),
    ],
)
def test_faults_end_with_a_sentence(folder, words, code, message):
    ended = run_command(*ASKED, *words, cwd=folder)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_page_says_what_the_terminal_says():
    found = planned(rows_of(SITES | {"d<script>": (3, 1)}), budget=2000)
    page = found.to_html()
    assert "<script" not in page
    assert "Collect 2,000 labels in 4 cells." in page
    assert "The same money by each rule" in page
    assert found.to_figure().startswith("<svg")


def test_allocation_of_many_cells_is_a_matter_of_steps_not_of_widths():
    """The narrowest width is found in few steps, and nothing of a budget is left for want of them."""
    from tests.stats.test_allocation import proportions

    rates = np.random.default_rng(0).uniform(0.02, 0.4, 200)
    units = spend(proportions(rates, 60), 50_000, "minimax-pair", 0.95, 0.95, 5)
    assert 49_990 <= units.sum() <= 50_000


def test_cells_spelt_otherwise_are_told(file):
    told = "It has A: is that one of them, spelt otherwise"
    with pytest.raises(InputError, match=told):
        planned(budget=900, cost=file("site,cost\nA,1\nb,1\nc,1\n"))
    with pytest.raises(InputError, match=told):
        planned(budget=900, population=file("site,share\nA,1\nb,1\nc,1\n"))


def test_a_cost_that_is_no_number_and_no_file_is_told():
    with pytest.raises(InputError, match="cost is '2 euros', which is neither a number nor a file"):
        planned(budget=900, cost="2 euros")


def test_shares_of_a_plan_that_do_not_add_to_a_whole_are_said(file):
    found = planned(budget=900, population=file("site,share\na,3\nb,2\nc,1\n"))
    (text,) = (note.text for note in found.notes if note.code == "shares_scaled")
    assert "add up to 6, not to 1 or 100" in text


def test_a_cell_whose_few_units_have_heavy_tails_is_not_promised_anything():
    """Without a degree of freedom the promise was a width of tens of thousands, and took the whole budget."""
    rng = np.random.default_rng(5)
    counts = np.where(rng.random(3000) < 0.02, rng.geometric(0.2, 3000), 0)
    few = np.zeros(18, int)
    few[:2] = 1, 4
    table = pa.table(
        {"site": ["many"] * 2000 + ["more"] * 1000 + ["few"] * 18, "wrong": [*counts, *few]}
    )
    found = planned(table, budget=5000)
    cell = next(one for one in found.cells if one.label == "few")
    assert (cell.half_width, cell.reason) == (None, "pilot_too_small")
    assert 30 < cell.labels < 200
    others = [one for one in found.cells if one is not cell]
    assert all(one.labels > 1000 and one.half_width < 1 for one in others)
