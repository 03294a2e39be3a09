"""Audits of counts are those of the rows; counts of shards add, wherever each was counted, and none twice."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.commands import run_command
from tests.records.questions import CASES, close, made_rows

import evenhand
from evenhand.cubes import cube as cubes
from evenhand.errors import InputError

ROWS = made_rows()
#: What an audit of counts says otherwise: where it comes from; curves of scores, and other normalisers, need rows.
OTHERWISE = {
    "interval_alone": 0,
    "counted_before": 1,
    "depends_on_normalizer": 1,
}


def told(found):
    """An audit without what depends on whether rows were read."""
    answer = found.to_dict()
    answer["notes"] = [n for n in answer["notes"] if not OTHERWISE.get(n["code"])]
    for note in answer["notes"]:
        note["text"] = re.sub(r"^When .*? was counted by .*?: |  Counts keep .*", "", note["text"])
    del answer["settings"]["command"], answer["scores"]
    answer["source"] = answer["source"]["rows"]
    return answer


@pytest.mark.parametrize(("metric", "asked"), CASES, ids=[f"{m} {q}" for m, q in CASES])
def test_an_audit_of_counts_is_the_audit_of_the_rows_byte_for_byte(metric, asked, tmp_path):
    path = tmp_path / "all.cube"
    rows = evenhand.audit(ROWS, metric, cube=path, **asked)
    kept = {k: v for k, v in asked.items() if k not in ("unit", "where", "worse", "missing_values")}
    kept["by"] = asked["by"]
    counts = evenhand.audit(path, metric, **kept)
    assert json.dumps(told(counts)) == json.dumps(told(rows))
    assert counts.notes[0].code == "counted_before"
    named = evenhand.audit(path, **{k: v for k, v in kept.items() if k != "by"})
    assert told(named)["groups"] == told(rows)["groups"]


SUMS = [
    ("f1(label, prediction)", {"unit": "speaker"}),
    ("accuracy(label, prediction)", {}),
    ("wer(text, heard)", {"unit": "speaker"}),
    ("mean(score)", {"worse": "higher"}),
    ("accuracy(few, guess)", {"unit": ["speaker", "few"]}),
    ("auc(label, score)", {}),
    ("average_precision(label, score)", {"unit": "speaker"}),
    ("median_absolute_error(age, label)", {}),
]


@pytest.mark.parametrize(("metric", "asked"), SUMS, ids=[m for m, _ in SUMS])
def test_counts_of_shards_add_to_those_of_all(metric, asked, tmp_path, sail_url):
    """Some are counted by a cluster, some here, and all are read from files."""
    shards = []
    for day in range(5):
        pq.write_table(ROWS[day * 120 : (day + 1) * 120], tmp_path / f"{day}.parquet")
        table = tmp_path / f"{day}.parquet"
        table = f"{sail_url}?parquet={table}" if day % 2 else table
        counted = evenhand.count_cube(table, metric, by="accent,member", **asked)
        evenhand.write_cube(counted, tmp_path / f"{day}.cube")
        shards.append(tmp_path / f"{day}.cube")
    total = evenhand.merge_cubes(shards)
    evenhand.write_cube(total, tmp_path / "sum.cube")
    rows = evenhand.audit(ROWS, metric, by="accent,member", **asked)
    for cube in (total, tmp_path / "sum.cube", str(tmp_path / "?.cube")):
        close(without_silent(told(evenhand.audit(cube))), without_silent(told(rows)))
    # Rows without a transcript are told of each of the files, and add up to those of all.
    assert silent(total.notes) == silent(rows.notes)


def without_silent(answer):
    kept = [note for note in answer["notes"] if not note["code"].startswith("transcripts_")]
    return answer | {"notes": kept}


def silent(notes):
    """Rows that some notes say are without a transcript."""
    found = (re.search(r"([\d,]+) rows? without a transcript", note.text) for note in notes)
    return sum(int(one[1].replace(",", "")) for one in found if one)


def test_several_metrics_stand_in_one_file(tmp_path):
    metrics = ["accuracy(label, prediction)", "f1(label, prediction)", "wer(text, heard)"]
    rows = evenhand.audit_metrics(ROWS, metrics, "accent", unit="speaker", cube=tmp_path / "a.cube")
    counts = evenhand.audit_metrics(tmp_path / "a.cube")
    assert [told(one) for one in counts] == [told(one) for one in rows]
    one = evenhand.audit(tmp_path / "a.cube", metrics[1], "accent")
    assert one.overall == rows[1].overall
    with pytest.raises(InputError, match=r"counts 3 metrics: accuracy.*Name one"):
        evenhand.audit(tmp_path / "a.cube")
    with pytest.raises(InputError, match=r"f2\(label.*|Unknown metric"):
        evenhand.audit(tmp_path / "a.cube", "fnr(label, prediction)")
    with pytest.raises(InputError, match=r"was not counted in .*a\.cube, which has: accuracy"):
        evenhand.audit(tmp_path / "a.cube", "false_negative_rate(label, prediction)")


@pytest.fixture
def cube(tmp_path):
    counted = evenhand.count_cube(
        ROWS,
        "accuracy(label, prediction)",
        by=["accent,member", "age", "Mixed Case"],
        unit="speaker",
        bins={"age": [30, 60]},
    )
    evenhand.write_cube(counted, tmp_path / "a.cube")
    return tmp_path / "a.cube"


NARROWER = [
    {"by": "accent"},
    {"by": "member,accent", "where": "accent IN ('us', 'in')"},
    {"by": "accent = 'us' AND member = TRUE", "versus": "overall"},
    {"by": ["age", "Mixed Case"], "versus": "accent = 'uk'"},
    {"by": "age,member", "where": "\"Mixed Case\" <> 'x' OR accent IS NULL"},
    {"by": "accent", "suppress_below": 30},
]


@pytest.mark.parametrize("asked", NARROWER, ids=map(str, NARROWER))
def test_fewer_groups_and_predicates_on_groups_are_answered_as_from_the_rows(cube, asked):
    metric = "accuracy(label, prediction)"
    bins = {"age": [30, 60]} if "age" in str(asked["by"]) else None
    rows = evenhand.audit(ROWS, metric, unit="speaker", bins=bins, **asked)
    assert told(evenhand.audit(cube, **asked)) == told(rows)


def test_what_cells_do_not_tell_is_refused(cube):
    for asked, match in [
        ({"by": "few"}, r"Unknown column 'few'.  Columns: accent, member, Mixed Case, age, speaker, label, prediction$"),
        ({"by": "label"}, r"Unknown group 'label'.*Groups: accent, member, age, Mixed Case.*count the records again"),
        ({"by": "age", "bins": {"age": [50]}}, r"age was cut at 30, 60 when it was counted"),
        ({"by": "accent", "where": "age > 40"}, r"age is cut into bins in .*Allowed in a predicate: accent, member"),
        ({"by": "label = 1"}, r"label is not among what cells are told apart by"),
        ({"by": "accent", "versus": "label = 1"}, r"label is not among what cells"),
        ({"by": "accent", "unit": "few"}, r"unit is few, but .* was counted with speaker"),
        ({"by": "accent", "columns": "age=text"}, r"columns were read when"),
        ({"by": "accent", "missing_values": ("zz",)}, r"Texts that mean missing were settled"),
        ({"by": "accent", "where": "accent = 'us' AND accent = 'in'"}, r"no row that .* counts satisfies --where"),
        ({"by": "accent = 'us'", "where": "accent = 'nobody'"}, r"no row that .* counts satisfies --where"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            evenhand.audit(cube, **asked)
    with pytest.raises(InputError, match=r"a\.cube is a cube: it holds counts, not rows"):
        evenhand.open_records(cube)


def test_a_filter_within_a_filter_is_told():
    metric = "accuracy(few, guess)"
    counted = evenhand.count_cube(ROWS, metric, by="accent,member", where="age < 70")
    found = evenhand.audit(counted, by="accent", where="member = TRUE")
    assert found.settings.where == "(age < 70) AND (member = TRUE)"
    assert {note.code for note in found.notes} >= {"counted_before", "missing_not_filtered"}
    rows = evenhand.audit(ROWS, metric, "accent", where="age < 70 AND member = TRUE")
    assert found.overall == rows.overall


def missing_rows():
    """Rows whose features hold every way of lacking a value."""
    draw = np.random.default_rng(5)

    def drawn(values):
        return pa.array([values[i] for i in draw.integers(0, len(values), 600)])

    return (
        ROWS.set_column(0, "accent", drawn(["us", "in", "NA", None]))
        .append_column("site", drawn(["a", "b", "", "-", None]).dictionary_encode())
        .append_column("dose", drawn([1.5, math.nan, None, math.inf, 2.0, -0.0]))
        .append_column("code", drawn([1, 2, -99, 3, None]))
    )


@pytest.mark.parametrize(
    "where",
    [
        "accent IS NULL",
        "accent IS NOT NULL",
        "NOT (accent = 'us')",
        "accent = 'NA'",
        "accent IN ('NA', 'in')",
        "site <> 'a'",
        "dose > 1",
        "dose IS NOT NULL",
        "NOT (dose > 1)",
        "code <> 3",
        "code < 2",
        "member = TRUE",
    ],
)
def test_a_filter_that_meets_missing_values_keeps_the_same_rows(where, tmp_path):
    rows, asked = missing_rows(), {"by": "accent,site,dose,code,member"}
    missing = ["NA", "", "-", "-99"]
    counted = evenhand.count_cube(
        rows, "accuracy(label, prediction)", missing_values=missing, **asked
    )
    evenhand.write_cube(counted, tmp_path / "a.cube")
    for by in (
        "member",
        "accent",
        "dose",
        ["site IN ('a', 'b')", "site"],
        ["code < 3", "dose >= 0"],
    ):
        of_rows = evenhand.audit(
            rows, "accuracy(label, prediction)", by=by, where=where, missing_values=missing
        )
        of_counts = evenhand.audit(tmp_path / "a.cube", by=by, where=where)
        rest = [told(found) for found in (of_counts, of_rows)]
        for one in rest:
            del one["notes"], one["settings"]
        assert rest[0] == rest[1]


def test_no_number_of_rows_is_told_in_notes_where_small_groups_are_hidden():
    table = pa.concat_tables(
        [
            ROWS.append_column("id", pa.array(range(600))),
            ROWS[:7].append_column("id", pa.array(range(7))),
        ]
    )
    counted = evenhand.count_cube(table, "accuracy(label, prediction)", by="accent")
    assert any("7 of the 607 rows" in note.text for note in evenhand.audit(counted).notes)
    found = evenhand.audit(counted, where="accent IS NULL OR accent = 'us'", suppress_below=30)
    before = [n for n in found.notes if n.code in ("counted_before", "notes_left_out")]
    assert len(before) == 2
    assert not any(character.isdigit() for note in before for character in note.text)
    assert "duplicate_rows" not in {note.code for note in found.notes}


def test_a_narrower_cube_is_written_from_a_cube(cube, tmp_path):
    evenhand.audit(cube, by="accent", where="member = TRUE", cube=tmp_path / "b.cube")
    again = evenhand.read_cube(tmp_path / "b.cube")
    assert [a.name for a in again.attributes] == ["accent"]
    assert [source.where for source in again.sources] == ["member = TRUE"]
    with pytest.raises(InputError, match="which this run reads"):
        evenhand.audit(cube, by="accent", cube=cube)


# -- adding -------------------------------------------------------------------------------------


@pytest.fixture
def days(tmp_path):
    paths = [tmp_path / f"day{day}.parquet" for day in range(4)]
    for day, path in enumerate(paths):
        pq.write_table(ROWS[day * 150 : (day + 1) * 150], path)
    return paths


def count(table, **asked):
    return evenhand.count_cube(
        str(table), **{"metrics": "f1(label, prediction)", "by": "accent", **asked}
    )


def test_a_day_is_not_added_twice(days):
    first, second = count(days[0]), count(days[1])
    both = evenhand.merge_cubes([first, second])
    for twice in ([first, count(days[0])], [both, count(days[0])], [both, first]):
        with pytest.raises(InputError, match=r"cannot be added.*Both count .*day0\.parquet.*twice"):
            evenhand.merge_cubes(twice)


def test_parts_of_one_file_add_and_the_reader_is_told(days):
    parts = [count(days[0], where=f"member = {truth}") for truth in ("TRUE", "FALSE")]
    total = evenhand.merge_cubes(parts)
    close(told(evenhand.audit(total))["groups"], told(evenhand.audit(count(days[0])))["groups"])
    assert "counted_in_parts" in {note.code for note in total.notes}
    # Strangers get no folder.
    assert not any("/" in note.text for note in evenhand.audit(total).notes)
    with pytest.raises(InputError, match="Both count"):
        evenhand.merge_cubes([parts[0], count(days[0])])
    with pytest.raises(InputError, match="by several filters"):
        evenhand.update_cube(total, days[1])


def test_an_update_reads_new_files_only(days, tmp_path, monkeypatch):
    path = tmp_path / "all.cube"
    evenhand.write_cube(count(days[0], bins={}), path)
    from evenhand.audits import counting

    opened, read = counting.opened, []
    monkeypatch.setattr(counting, "opened", lambda p, **k: read.append(p) or opened(p, **k))
    total = evenhand.update_cube(path, tmp_path / "*.parquet", keep=path)
    assert read == days[1:]
    assert evenhand.update_cube(path, tmp_path / "*.parquet").sources == total.sources
    assert len(read) == 3
    rows = evenhand.audit(ROWS, "f1(label, prediction)", "accent")
    close(told(evenhand.audit(path)), told(rows))


def test_an_update_refuses_another_cube_and_passes_over_itself(days, tmp_path):
    one, two = tmp_path / "day_a.cube", tmp_path / "day_b.cube"
    evenhand.write_cube(count(days[0]), one)
    assert len(evenhand.update_cube(one, tmp_path / "day*").sources) == 4
    evenhand.write_cube(count(days[1]), two)
    for table in (two, tmp_path / "day*"):
        with pytest.raises(
            InputError,
            match=r"day_b\.cube is a cube.*evenhand cube merge .*day_a\.cube .*day_b\.cube",
        ):
            evenhand.update_cube(one, table)


def test_what_is_no_cube_is_told(days, tmp_path):
    counted = count(days[0])
    evenhand.write_cube(counted, tmp_path / "a.cube")
    assert evenhand.merge_cubes(tmp_path / "*.cube").n_rows == 150
    assert evenhand.merge_cubes(counted) is counted
    for wrong, match in [
        (lambda: evenhand.merge_cubes([counted, counted]), "One cube is given twice"),
        (lambda: evenhand.merge_cubes([counted, 5]), "5 is no cube.*count_cube"),
        (lambda: evenhand.merge_cubes("b*.cube"), r"There is no file b\*\.cube"),
        (lambda: evenhand.read_cube(None), "path is None"),
        (lambda: evenhand.write_cube("b.cube", counted), r"write_cube\(counted, 'sum.cube'\)"),
        (lambda: evenhand.update_cube(counted, ROWS), "table is a Table, but an update reads files"),
        (lambda: evenhand.update_cube(counted, ["a.csv"]), "table is a list"),
        (lambda: evenhand.count_cube(counted, "mean(score)", "accent"), "A cube holds counts, not rows"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            wrong()


def test_a_metric_told_from_an_order_is_not_searched():
    counted = evenhand.count_cube(ROWS, "median_absolute_error(age, label)", by="accent")
    with pytest.raises(InputError, match=r"searched by a ratio of sums.*Choose one such as"):
        evenhand.slices(counted)


@pytest.mark.parametrize(
    ("confirm", "match"),
    [
        ("permutation", "Choose --confirm exact, or search"),
        ("split", "exact or bootstrap, or count the cube with"),
    ],
)
def test_a_confirmation_that_needs_rows_names_those_that_do_not(confirm, match):
    counted = evenhand.count_cube(ROWS, "accuracy(label, prediction)", by="accent,member")
    with pytest.raises(InputError, match=match):
        evenhand.slices(counted, confirm=confirm)


def test_one_row_is_one_row():
    counted = evenhand.count_cube(ROWS[:1], "accuracy(label, prediction)", by="accent")
    assert "the counts of 1 row of" in evenhand.audit(counted).notes[0].text
    for searched in (counted, ROWS[:1]):
        with pytest.raises(InputError, match="only one row can be scored"):
            evenhand.slices(searched, "accuracy(label, prediction)")


def test_what_was_counted_before_a_fault_is_kept(days, tmp_path):
    path = tmp_path / "all.cube"
    evenhand.write_cube(count(days[0]), path)
    bad = ROWS[:10].set_column(ROWS.column_names.index("label"), "label", pa.array([7] * 10))
    pq.write_table(bad, tmp_path / "day2.parquet")
    with pytest.raises(InputError, match=r"day2.parquet"):
        evenhand.update_cube(path, tmp_path / "day*.parquet", keep=path)
    assert [s.name for s in evenhand.read_cube(path).sources] == [str(day) for day in days[:2]]
    pq.write_table(ROWS[300:450], tmp_path / "day2.parquet")
    assert len(evenhand.update_cube(path, tmp_path / "day*.parquet", keep=path).sources) == 4


def test_a_file_that_changed_is_told(days, tmp_path):
    counted = count(days[0])
    pq.write_table(ROWS[:10], days[0])
    with pytest.raises(
        InputError, match=r"day0\.parquet is not the file that .* counts: it was changed"
    ):
        evenhand.update_cube(counted, days[0])


def test_an_update_of_other_columns_is_refused(days, tmp_path):
    counted = count(days[0])
    other = ROWS[150:300].set_column(0, "accent", pa.array(range(150)))
    pq.write_table(other, days[1])
    with pytest.raises(
        InputError, match=r"accent holds integer values in .*day1.*, and text values"
    ):
        evenhand.update_cube(counted, days[1])
    pq.write_table(ROWS[150:300].drop_columns(["accent"]), days[1])
    with pytest.raises(InputError, match="Unknown column 'accent'"):
        evenhand.update_cube(counted, days[1])


def test_counts_of_other_things_do_not_add(days):
    one = count(days[0])
    for asked, match in [
        ({"metrics": "f1(prediction, label)"}, r"Metrics of .*: f1\(label=label.*; of .*: f1\(label=prediction"),
        ({"by": "member"}, "Groups of .*: accent; of .*: member"),
        ({"unit": "speaker"}, "Units of .*: none; of .*: speaker"),
        ({"missing_values": ()}, "Texts that mean missing of .*: 4., of which the other lacks .*; of .*day1.parquet: none"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            evenhand.merge_cubes([one, count(days[1], **asked)])
    binned = [count(day, by="age") for day in days[:2]]
    with pytest.raises(InputError, match=r"age is cut at .* in one and at .*--bins 'age=10,20'"):
        evenhand.merge_cubes(binned)
    macro = [
        evenhand.count_cube(
            ROWS.filter(pc.field("few") != name), "f1(few, few, average='macro')", by="accent"
        )
        for name in "ab"
    ]
    with pytest.raises(InputError, match=r"name all of them: labels="):
        evenhand.merge_cubes(macro)
    far = [pa.table({"g": ["a"] * 9, "y": [c + i for i in range(9)]}) for c in (0.0, 1e6)]
    apart = [evenhand.count_cube(table, "r_squared(y, y)", by="g") for table in far]
    with pytest.raises(InputError, match=r"add:\s+target = [^ ]*(.|\n)*a middle of their own"):
        evenhand.merge_cubes(apart)
    with pytest.raises(InputError, match="no cube to add"):
        evenhand.merge_cubes([])


def test_a_share_of_zeros_and_ones_is_no_proportion_once_other_numbers_are_added():
    half = pa.table({"g": ["a", "b"] * 20, "x": [0.0, 1.0] * 20})
    other = pa.table({"g": ["a", "b"] * 20, "x": [0.5, 1.0] * 20})
    one, two = (evenhand.count_cube(t, "mean(x)", by="g", worse="higher") for t in (half, other))
    assert one.metrics[0].proportion
    total = evenhand.merge_cubes([one, two])
    rows = evenhand.audit(pa.concat_tables([half, other]), "mean(x)", "g", worse="higher")
    close(told(evenhand.audit(total)), told(rows))


def test_very_many_scores_of_shards_are_rounded_to_quantiles(monkeypatch):
    shards = [evenhand.count_cube(ROWS[i::3], "auc(label, score)", by="accent") for i in range(3)]
    exact = evenhand.audit(ROWS, "auc(label, score)", "accent").overall.value
    monkeypatch.setattr(cubes, "MAX_LEVELS", 100)
    (found,) = evenhand.merge_cubes(shards).metrics
    assert found.cube.n_levels <= 100
    assert found.cube.n_rows.sum() == 600
    value = evenhand.audit(evenhand.merge_cubes(shards)).overall.value
    assert value == pytest.approx(exact, abs=0.01)
    assert value != exact


# -- files --------------------------------------------------------------------------------------


def test_files_that_are_no_cubes_are_told(days, cube, tmp_path):
    (tmp_path / "no.cube").write_text("no")
    with pytest.raises(InputError, match=r"no\.cube is no cube.*Make one with"):
        evenhand.read_cube(tmp_path / "no.cube")
    with pytest.raises(InputError, match=r"There is no file .*none\.cube"):
        evenhand.read_cube(tmp_path / "none.cube")
    with pytest.raises(InputError, match=r"day0\.parquet is no cube.  Make one with"):
        evenhand.merge_cubes([days[0]])
    table = pq.read_table(cube)
    held = json.loads(table.schema.metadata[b"evenhand"])
    for change, match in [
        ({"schema": "evenhand.cube/1"}, r"of another version \(evenhand\.cube/1"),
        ({"schema": None}, "is no cube"),
        ({"metrics": 3}, "damaged cube"),
        ({"columns": [["accent", "colour"]]}, "damaged cube"),
        ({"attributes": []}, "damaged cube|Unknown group"),
    ]:
        marked = table.replace_schema_metadata({"evenhand": json.dumps(held | change)})
        pq.write_table(marked, tmp_path / "b.cube")
        with pytest.raises(InputError, match=match):
            evenhand.audit(evenhand.read_cube(tmp_path / "b.cube"))
    for name in ("n_rows", "sum:0", "attribute:1", "unit"):
        pq.write_table(table.drop_columns([name]), tmp_path / "b.cube")
        with pytest.raises(InputError, match="damaged cube"):
            evenhand.audit(tmp_path / "b.cube")


def test_a_form_that_is_not_known_is_refused(cube):
    counted = evenhand.read_cube(cube)
    for form in ({"form": "os.system"}, {}, {"form": "average", "classes": 10**9}, {"form": "ratio", "numerator": [1]},
                 {"form": "mcc", "x": 1}, {"form": "ratio", "numerator": [1], "denominator": [1], "needs": [[5]]}):  # fmt: skip
        bad = replace(counted, metrics=tuple(replace(m, form=form) for m in counted.metrics))
        with pytest.raises(InputError, match=r"does not know.*Count the records again"):
            evenhand.audit(bad)


def test_large_whole_numbers_dates_and_truths_keep_their_groups(tmp_path):
    table = pa.table(
        {
            "big": pa.array([2**53 + 1, 2**53 + 3] * 30),
            "when": pa.array(np.array(["2026-01-01", "2026-01-02"] * 30, "datetime64[D]")),
            "member": pa.array([True, None] * 30),
            "wrong": pa.array([0, 1, 1] * 20),
        }
    )
    by = ["big", "when", "member"]
    bins = {"big": [2**53 + 2]}
    for cut in (bins, None):
        rows = evenhand.audit(
            table, "mean(wrong)", by, bins=cut, worse="higher", cube=tmp_path / "x.cube"
        )
        assert told(evenhand.audit(tmp_path / "x.cube")) == told(rows)
    found = evenhand.audit(tmp_path / "x.cube", by="when >= '2026-01-02'", where="member IS NULL")
    assert [group.estimate.n_rows for group in found.groups] == [30]


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zero_is_one_group_of_one_name_whichever_row_comes_first(zero):
    table = pa.table({"g": [zero, -zero, 1.0] * 20, "wrong": [0, 1, 1] * 20})
    found = evenhand.audit(table, "mean(wrong)", "g", worse="higher")
    assert [group.label for group in found.groups] == ["1.0", "0.0"]


def test_who_only_counts_need_not_say_what_harm_is(tmp_path):
    metrics = ["selection_rate(prediction)", "accuracy(label, prediction)"]
    counted = evenhand.count_cube(ROWS, metrics, by="accent")
    evenhand.write_cube(counted, tmp_path / "a.cube")
    with pytest.raises(InputError, match="selection_rate has no direction of harm of its own"):
        evenhand.audit_metrics(tmp_path / "a.cube")
    rows = evenhand.audit_metrics(ROWS, metrics, "accent", worse="lower")
    counts = evenhand.audit_metrics(tmp_path / "a.cube", worse="lower")
    assert [told(one) for one in counts] == [told(one) for one in rows]
    (said, _) = evenhand.count_cube(ROWS, metrics, by="accent", worse="lower").metrics
    assert said.higher_is_worse is False


def test_notes_of_counts_say_what_they_were_found_in(tmp_path):
    """They stay true of other groups, and after more files are added."""
    rng = np.random.default_rng(1)
    for day in range(6):
        speaker = rng.integers(0, 40, 2000)
        rows = {
            "site": np.array(["a", "b"])[speaker % 2],
            "sex": rng.choice(["f", "m"], 2000),
            "speaker": [f"{day}-{one}" for one in speaker],
            "wrong": (rng.random(2000) < rng.random(40)[speaker]).astype(int),
        }
        pq.write_table(pa.table(rows), tmp_path / f"day{day}.parquet")
    one = evenhand.count_cube(tmp_path / "day0.parquet", "mean(wrong)", "site,sex", worse="higher")
    (note,) = [n for n in evenhand.audit(one, by="site").notes if n.code == "column_repeats"]
    assert note.text.startswith(
        "When day0.parquet was counted by site and sex: Rows of one speaker"
    )
    assert note.text.endswith("Counts keep their unit: to name another, count again.")
    evenhand.write_cube(one, tmp_path / "a.cube")
    more = evenhand.update_cube(tmp_path / "a.cube", tmp_path / "*.parquet")
    found = [n.text for n in evenhand.audit(more).notes if n.code == "column_repeats"]
    assert len(more.notes) > 4
    assert [text[:9] for text in found[:3]] == ["When day0", "When day1", "When day2"]
    assert found[3:] == [
        f"{len(more.notes) - 3} more notes like the last, of other records that were counted."
    ]


def test_a_glob_of_cubes_is_shown_as_their_sum(days, tmp_path):
    for day in days[:2]:
        counted = evenhand.count_cube(day, "accuracy(label, prediction)", by="accent")
        evenhand.write_cube(counted, day.with_suffix(".cube"))
    glob = str(tmp_path / "*.cube")
    done = run_command("cube", "show", glob, "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["file"] == glob
    assert [one["name"] for one in shown["sources"]] == [str(day) for day in days[:2]]
