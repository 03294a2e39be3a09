"""A look at a table: what it says of columns is true, and what it proposes runs."""

import json
import shlex

import pyarrow as pa
import pytest
from tests.commands import run_command
from tests.records.logs.reading import (
    inspect_document,
    inspect_sample,
    written_json,
)

from evenhand import Overview, look
from evenhand.errors import InputError

_HEARD = (
    "take two tablets now",
    "take two tablet now",
    "call the doctor please",
    "turn on the light",
)


def _calls(rows=120):
    """Calls of a recogniser, with what is odd in real tables."""
    sites = ["north ward", "North Ward", "south ward", "sotuh ward"]
    return pa.table(
        {
            "call": [f"c{i}" for i in range(rows)],
            "speaker": [f"p{i % 20}" for i in range(rows)],
            "site": [sites[3] if i == 7 else sites[1] if i % 40 == 3 else sites[2 * (i % 2)] for i in range(rows)],
            "accent": ["wales" if i % 20 < 8 else "kent" for i in range(rows)],
            "said": [f"{_HEARD[i % 4]} {i}" for i in range(rows)],
            "heard": [None if i % 20 < 8 and i % 3 == 0 else f"{_HEARD[(i % 4 + i % 5 // 4) % 4]} {i}" for i in range(rows)],
            "file": [f"clips/{i}.wav" for i in range(rows)],
            "loudness": [i * 0.37 for i in range(rows)],
            "model": ["a"] * rows,
        }
    )  # fmt: skip


def _roles(found):
    return {column.name: column.role for column in found.columns}


def test_what_columns_look_like():
    found = look(_calls())
    assert _roles(found) == {
        "call": "id", "speaker": "unit", "site": "group", "accent": "group", "said": "reference", "heard": "hypothesis",
        "file": "file", "loudness": "number", "model": "constant",
    }  # fmt: skip
    assert (found.rows, found.looked_at) == (120, 120)
    counted = {column.name: (column.missing, column.different) for column in found.columns}
    heard = _calls()["heard"].to_pylist()
    assert counted["heard"] == (heard.count(None), len({h for h in heard if h is not None}))
    assert counted["speaker"] == (0, 20)
    assert next(c for c in found.columns if c.name == "accent").examples == ("kent", "wales")


def test_values_that_are_missing_for_some():
    (share,) = [one for one in look(_calls()).missing if one.by == "accent"]
    rows = _calls().to_pylist()
    wales = [row["heard"] is None for row in rows if row["accent"] == "wales"]
    assert (share.column, share.most, share.least, share.least_share) == (
        "heard",
        "wales",
        "kent",
        0,
    )
    assert share.share == pytest.approx(sum(wales) / len(wales))


def test_spellings_that_may_be_one():
    found = {one.values for one in look(_calls()).spellings}
    assert ("north ward", "North Ward") in found
    assert ("south ward", "sotuh ward") in found
    # Numbers tell sites apart, and so do two frequent words.
    table = pa.table(
        {"site": ["site 11"] * 50 + ["site 12"] * 2 + ["kenya1"] * 50 + ["kenia1"] * 40}
    )
    assert look(table).spellings == ()


def test_signs_that_compare_tell_values_apart():
    def alike(*values):
        table = pa.table({"income": [values[i % len(values)] for i in range(60)], "row": range(60)})
        return [one.values for one in look(table).spellings]

    assert alike("<=50K", ">50K") == alike("A+", "A-") == alike("50+", "50") == []
    assert alike("25-45", "25 - 45") and alike("north ward", "North_Ward", "north-ward")  # noqa: PT018


def test_no_column_of_outcomes_is_proposed_as_a_group():
    """As of COMPAS: scores from 1 to 10 are no probabilities, and what came of it is nothing to search by."""
    rows = 200
    table = pa.table(
        {
            "sex": [["m", "f"][i % 2] for i in range(rows)],
            "is_recid": [i % 3 % 2 for i in range(rows)],
            "two_year_recid": [i % 5 % 2 for i in range(rows)],
            "score_text": [["Low", "High"][i % 7 % 2] for i in range(rows)],
            "decile_score": [i % 10 + 1 for i in range(rows)],
        }
    )
    found = look(table)
    assert _roles(found)["decile_score"] == "forecast"
    assert found.next
    for command in found.next:
        words = shlex.split(command)
        named = [words[i + 1] for i, word in enumerate(words) if word in ("--by", "--features")]
        assert named == ["sex"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_every_number_of_a_look_is_whole_at_any_width(width):
    from io import StringIO

    from rich.console import Console

    from evenhand.overviews.terminal import columns_of
    from evenhand.pages.terminal import lay_out

    table = pa.table({"a_column_with_a_long_name": [f"v{i}" for i in range(12345)]})
    console = Console(file=StringIO(), width=width)
    console.print(lay_out(columns_of(look(table)), width))
    assert "12,345" in console.file.getvalue()


def test_units_in_several_groups():
    found = look(_calls())
    crossed = {(one.unit, one.by): (one.units, one.of) for one in found.crossings}
    sites = {}
    for row in _calls().to_pylist():
        sites.setdefault(row["speaker"], set()).add(row["site"])
    assert crossed == {("speaker", "site"): (sum(len(s) > 1 for s in sites.values()), 20)}


def test_labels_predictions_and_forecasts():
    table = pa.table(
        {
            "sex": ["f", "m"] * 60,
            "y_true": [0, 1, 1] * 40,
            "y_pred": [0, 1, 0] * 40,
            "risk_score": [i / 120 for i in range(120)],
            "w": [1.5] * 60 + [0.5] * 60,
        }
    )
    found = look(table)
    assert _roles(found) == {"sex": "group", "y_true": "label", "y_pred": "prediction", "risk_score": "probability", "w": "weight"}  # fmt: skip
    told = "\n".join(found.next)
    assert "error_rate(label=y_true, prediction=y_pred)" in told
    assert "auc(label=y_true, score=risk_score)" in told
    # Two columns of 0 and 1 that nobody calls a prediction are no pair.
    assert set(_roles(look(table.select(["sex", "y_true"]).append_column("old", table["y_pred"]))).values()) == {"group"}  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_what_it_proposes_runs(tmp_path, ending):
    import pyarrow.csv
    import pyarrow.parquet

    path, table = tmp_path / f"calls.{ending}", _calls()
    if ending == "csv":
        pyarrow.csv.write_csv(table, path)
    elif ending == "parquet":
        pyarrow.parquet.write_table(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    found = look(path)
    assert len(found.next) == 2
    for command in found.next:
        done = run_command(*shlex.split(command)[1:], cwd=tmp_path)
        assert done.returncode in (0, 3), (command, done.stderr)


def test_a_log_says_what_its_columns_are(tmp_path):
    samples = [
        inspect_sample(f"s{i}", e, scores={"right": "CI"[(i * e) % 2]}, metadata={"dialect": "ns"[i % 2], "code": f"k{i}"})
        for i in range(30)
        for e in (1, 2)
    ]  # fmt: skip
    log = written_json(tmp_path / "run.json", inspect_document(samples))
    found = look(log)
    roles = _roles(found)
    assert (found.log, roles["id"], roles["right"], roles["dialect"]) == (
        "inspect",
        "unit",
        "score",
        "group",
    )
    assert (roles["epoch"], roles["outcome"], roles["target"]) == ("", "constant", "constant")
    assert found.next[0].endswith("--metric 'mean(right)' --worse lower --by dialect --unit id")
    done = run_command(*shlex.split(found.next[0])[1:])
    assert done.returncode == 0, done.stderr


def test_on_the_command_line(tmp_path):
    (tmp_path / "t.csv").write_text("site,wrong\n" + "a,1\nb,0\n" * 20)
    shown = run_command("look", "t.csv", cwd=tmp_path)
    assert shown.stdout.startswith("t.csv: 40 rows, 2 columns")
    assert (
        "Next:\n  evenhand audit t.csv --metric 'mean(wrong)' --worse higher --by site"
        in shown.stdout
    )
    printed = run_command("look", "t.csv", "--json", cwd=tmp_path)
    found = Overview.from_json(printed.stdout)
    assert found == look(tmp_path / "t.csv").from_dict(json.loads(printed.stdout))
    assert found.rows == 40


def test_long_tables_are_looked_at_in_part():
    table = pa.table({"site": ["a", "b"] * 30_000, "late": [None] * 55_000 + [1] * 5_000})
    found = look(table)
    assert (found.rows, found.looked_at) == (60_000, 50_000)


@pytest.mark.parametrize(
    ("table", "told"),
    [(pa.table({"a": pa.array([], pa.string())}), "no rows"), ({"a": [1]}, "not a table")],
)
def test_tables_that_are_none(table, told):
    with pytest.raises(InputError, match=told):
        look(table)


def test_odd_tables_are_looked_at():
    """Values of every kind, all missing, lists, numbers beyond all: nothing ends in a traceback."""
    table = pa.table(
        {
            "none": pa.nulls(8),
            "lists": [["a"], ["b"]] * 4,
            "huge": [1e308, float("nan"), float("inf"), -1e308, 0.0, 1.0, 2.0, 3.0],
            "mixed": ["", "NA", "x", None, "x", "y", "ß", "SS"],
            "when": pa.array([0, 1, 2, 3, None, 5, 6, 7], pa.timestamp("s")),
            "weight": pa.array([None, -1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
            "error score": pa.array([True, False, None, True, True, False, False, True]),
        }
    )
    found = look(table)
    assert {c.name: c.missing for c in found.columns}["mixed"] == 3
    assert found.to_json()
