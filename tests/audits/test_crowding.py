"""Groups, units and rows that are more, or other, than they look: said, or refused before the work."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.cli.bins import parse_bins
from evenhand.errors import InputError
from evenhand.groups.partition import join_names, split_names

N = 1000


def codes(result):
    return [note.code for note in result.notes]


# -- groups ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", ["audit", "effects"])
def test_twenty_thousand_groups_are_refused_before_the_work(ask):
    n = 60_000
    table = pa.table(
        {
            "g": [f"g{i % 20_000}" for i in range(n)],
            "t": ["a b c"] * n,
            "h": ["a b"] * n,
            "condition": ["clean", "x"] * (n // 2),
        }
    )
    scored = []
    with pytest.raises(InputError, match=r"--by g makes more than .* groups; at most .*--bins"):
        getattr(evenhand, ask)(table, "wer(t, h)", by="g", progress=scored.append)
    assert scored == []


def test_a_crossing_of_too_many_groups_is_refused_within_memory():
    rng = np.random.default_rng(0)
    n = 30_000
    names = {name: [f"{name}{i}" for i in np.sort(rng.integers(0, 150, n))] for name in ("a",)}
    table = pa.table(
        {**names, "b": [f"b{i}" for i in rng.integers(0, 150, n)], "x": rng.integers(0, 2, n)}
    )
    with pytest.raises(InputError, match=r"--by a,b makes .* at most 10,000"):
        evenhand.audit(table, "mean(x)", by="a,b")


def test_a_filter_leaves_few_groups():
    n = 50_000
    table = pa.table(
        {
            "g": [f"g{i}" for i in range(n)],
            "city": ["x"] * 50 + ["y"] * (n - 50),
            "x": [0, 1] * (n // 2),
        }
    )
    result = evenhand.audit(table, "mean(x)", by="g", where="city = 'x'")
    assert len(result.groups) == 50


# -- units ----------------------------------------------------------------------------------------


def test_people_in_several_groups_are_said():
    rng = np.random.default_rng(1)
    table = pa.table(
        {
            "site": [f"s{i}" for i in rng.integers(0, 5, N)],
            "patient": [f"p{i}" for i in rng.integers(0, 90, N)],
            "x": rng.integers(0, 2, N),
        }
    )
    result = evenhand.audit(table, "mean(x)", by="site", unit="patient")
    pairs = len(set(zip(*(table[c].to_pylist() for c in ("site", "patient")), strict=True)))
    assert codes(result) == ["units_in_several_groups"]
    assert f"90 patients, {pairs} over the groups of site" in str(result)
    assert "all are in several groups" in result.to_html()
    own = table.set_column(
        1, "patient", [[f"{s}{i % 20}" for i, s in enumerate(table["site"].to_pylist())]]
    )
    assert evenhand.audit(own, "mean(x)", by="site", unit="patient").notes == ()


def test_where_all_people_are_in_several_groups_that_is_said():
    table = pa.table(
        {
            "site": [f"s{i % 4}" for i in range(N)],
            "patient": [f"p{i // 4 % 30}" for i in range(N)],
            "x": [i % 7 % 2 for i in range(N)],
        }
    )

    def told(where):
        return str(evenhand.audit(table, "mean(x)", by="site", unit="patient", where=where))

    assert "30 patients, 120 over the groups of site: all are in several groups" in told(None)
    alone = "patient <> 'p0' OR site = 's0'"
    assert "30 patients, 117 over the groups of site: some are in several groups" in told(alone)


def test_rows_without_their_unit_are_counted_in_every_output():
    clients = [None if i % 25 == 0 else f"c{i % 60}" for i in range(N)]
    table = pa.table(
        {
            "g": ["a", "b"] * (N // 2),
            "client": clients,
            "y": [None if i % 50 == 1 else i % 2 for i in range(N)],
            "p": [int(i % 3 == 0) for i in range(N)],
            "condition": [["clean", "x"][i // 2 % 2] for i in range(N)],
        }
    )
    metric = "error_rate(y, p)"
    results = (
        evenhand.audit(table, metric, by="g", unit="client"),
        evenhand.slices(table, metric, features="g", unit="client", confirm=False),
        evenhand.effects(table, metric, "g", unit="client"),
    )
    for result in results:
        assert "40 rows lack client and are not in the numbers" in str(result)
        assert "40 rows lack client and are not in the numbers" in result.to_html()
        told = {item["attribute"]: item for item in json.loads(result.to_json())["missing"]}
        assert (told["client"]["n_rows"], told["client"]["reason"]) == (40, "missing_unit")
        assert (told["y"]["n_rows"], told["y"]["reason"]) == (20, "missing_input")
        assert type(result).from_dict(result.to_dict()) == result


def test_infinity_in_an_attribute_is_said():
    age = [float("inf")] * 30 + [float("-inf")] * 10 + [float(i % 50) for i in range(N - 40)]
    table = pa.table({"age": age, "x": [0, 1] * (N // 2)})
    result = evenhand.audit(table, "mean(x)", by="age")
    assert "infinite_values" in codes(result)
    assert "40 rows have an infinite age" in str(result)


# -- copies ---------------------------------------------------------------------------------------


def export(first, last):
    return pa.table(
        {
            "id": list(range(first, last)),
            "g": [["a", "b"][i % 2] for i in range(first, last)],
            "x": [i // 2 % 2 for i in range(first, last)],
        }
    )


def test_the_same_rows_in_two_files_are_said(tmp_path):
    pa.csv.write_csv(export(0, N), tmp_path / "a.csv")
    pa.csv.write_csv(export(0, N), tmp_path / "b.csv")
    result = evenhand.audit(str(tmp_path / "*.csv"), "mean(x)", by="g")
    assert codes(result) == ["duplicate_rows"]
    assert "1,000 of the 2,000 rows of 2 files are exact copies" in str(result)
    assert result.source.rows == 2 * N
    found = evenhand.slices(str(tmp_path / "*.csv"), "mean(x)", features="g", confirm=False)
    assert "duplicate_rows" in codes(found)


def test_ids_that_repeat_over_files_are_said(tmp_path):
    pq.write_table(export(0, N), tmp_path / "a.parquet")
    second = export(600, 600 + N)
    pq.write_table(
        second.set_column(2, "x", [[1 - v.as_py() for v in second["x"]]]), tmp_path / "b.parquet"
    )
    result = evenhand.audit(str(tmp_path / "*.parquet"), "mean(x)", by="g")
    assert codes(result) == ["ids_repeat"]
    assert "400 of its values stand in several of the 2 files" in result.notes[0].text
    pq.write_table(export(N, 2 * N), tmp_path / "b.parquet")
    assert evenhand.audit(str(tmp_path / "*.parquet"), "mean(x)", by="g").notes == ()


def test_copies_within_one_table_are_said():
    table = pa.concat_tables([export(0, N), export(0, 100)])
    assert (
        "100 of the 1,100 rows are exact copies"
        in evenhand.audit(table, "mean(x)", by="g").notes[0].text
    )


def test_rows_of_few_values_are_no_copies():
    rng = np.random.default_rng(2)
    table = pa.table({"g": rng.choice(["a", "b"], N), "x": rng.integers(0, 2, N)})
    assert evenhand.audit(table, "mean(x)", by="g").notes == ()
    table = pa.table({"g": [f"g{i}" for i in rng.integers(0, 30, N)], "x": [1] * N})
    assert evenhand.audit(table, "mean(x)", by="g").notes == ()


# -- escape codes, commas, bins --------------------------------------------------------------------


@pytest.mark.parametrize("evil", ["\x1b[31mred", "\x9b2J", "a\rb", "a\nb", "\x07", "\u202eabc"])
def test_what_could_steer_a_terminal_is_shown_inert(evil):
    table = pa.table(
        {
            "g": [evil, "plain"] * 200,
            "x": [1, 0, 1, 1] * 100,
            "condition": ["clean"] * 200 + [evil] * 200,
        }
    )
    results = (
        evenhand.audit(table, "mean(x)", by="g"),
        evenhand.slices(table, "mean(x)", features="g"),
        evenhand.effects(table, "mean(x)", "g"),
    )
    for result in results:
        shown = str(result)
        assert not any(c in shown for c in "\x1b\x9b\r\x07\u202e")
        assert evil.encode("unicode_escape").decode() in shown.replace("\n", "")
        assert (
            evil in json.dumps(result.to_dict(), ensure_ascii=False)
            or json.dumps(evil)[1:-1] in result.to_json()
        )


def test_a_comma_in_a_name_stands_in_quotes(tmp_path):
    rng = np.random.default_rng(3)
    name = "Age, years"
    table = pa.table(
        {
            name: rng.integers(18, 90, N),
            "site": rng.choice(["n", "s"], N),
            'say "hi"': ["a", "b"] * (N // 2),
            "x": rng.integers(0, 2, N),
        }
    )
    for by in (
        '"Age, years"',
        "Age, years",
        '"Age, years",site',
        'site, "Age, years"',
        '"Age, years" >= 50',
    ):
        assert evenhand.audit(table, "mean(x)", by=by).groups
    crossed = evenhand.audit(table, "mean(x)", by='"Age, years",site', bins={name: [40, 60]})
    assert crossed.settings.by == ('"Age, years"', "site", '"Age, years",site')
    assert (name, "site") in {group.by for group in crossed.groups}
    found = evenhand.slices(table, "mean(x)", features='"Age, years",site', confirm=False)
    assert found.searched.features == (name, "site")
    assert parse_bins(['"Age, years"=40,60']) == {name: [40.0, 60.0]}
    assert evenhand.audit(table, "mean(x)", by='say "hi"').groups


@pytest.mark.parametrize(
    "names", [["a"], ["a", "b c"], ["Age, years", "x"], ['"q, r"', "z"], ['say "hi"']]
)
def test_joined_names_split_again(names):
    assert split_names(join_names(names)) == names


def test_the_command_of_a_crossing_with_a_comma_runs_again(tmp_path):
    import shlex

    from evenhand.cli.app import app

    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table(
            {"Age, years": [20, 70] * 100, "s": ["a", "b", "b", "a"] * 50, "x": [0, 1, 1, 0] * 50}
        ),
        path,
    )
    result = evenhand.audit(path, "mean(x)", by=[["Age, years", "s"]])
    assert app(shlex.split(result.settings.command)[1:], result_action="return_value") in (0, 3)


def test_bins_read_as_tidy_numbers_and_are_what_they_say():
    values = np.random.default_rng(4).normal(47.3, 11.7, 5000)
    table = pa.table({"v": values, "x": np.arange(5000) % 2})
    for scale in (1e-6, 1.0, 1e9):
        scaled = table.set_column(0, "v", [values * scale])
        result = evenhand.audit(scaled, "mean(x)", by="v")
        edges = result.settings.bins["v"]
        assert all(len(f"{edge / scale:.10g}") <= 5 for edge in edges), edges
        for group in result.groups:
            again = evenhand.audit(
                scaled, "mean(x)", by="v", where=group.predicate, bins={"v": list(edges)}
            )
            assert again.source.rows == group.estimate.n_rows
            assert abs(group.estimate.n_rows - 1250) < 60
    few = pa.table(
        {
            "v": [0.123456789, 0.5] * 500 + [0.75] * 500 + list(np.linspace(1, 2, 500)),
            "x": [0, 1] * 1000,
        }
    )
    assert evenhand.audit(few, "mean(x)", by="v").groups
