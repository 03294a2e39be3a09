"""A column that repeats as a unit would is told before the numbers; what does not repeat is not."""

import numpy as np
import pyarrow as pa
import pytest

import evenhand


def told(table, unit, **options):
    result = evenhand.audit(table, "mean(wrong)", "kind", unit=unit, **options)
    return [note.text for note in result.notes if note.code == "column_repeats"]


def raters_and_items(rng, items=40, raters=30):
    """Each rater rates each item, and items are of two kinds that do not differ."""
    item, rater = np.tile(np.arange(items), raters), np.repeat(np.arange(raters), items)
    chance = 0.3 + rng.normal(0, 0.15, items)[item] + rng.normal(0, 0.1, raters)[rater]
    return pa.table(
        {
            "rater": [f"r{i}" for i in rater],
            "item": [f"i{i}" for i in item],
            "kind": np.array(["a", "b"])[item % 2],
            "wrong": (rng.random(len(item)) < chance).astype(int),
        }
    )


def speakers_in_sites(rng, sites=12, speakers=10, each=20):
    speaker = np.repeat(np.arange(sites * speakers), each)
    site = speaker // speakers
    chance = 0.3 + rng.normal(0, 0.16, sites)[site]
    chance += rng.normal(0, 0.1, sites * speakers)[speaker]
    return pa.table(
        {
            "speaker": [f"s{i}" for i in speaker],
            "site": [f"t{i}" for i in site],
            "kind": np.array(["a", "b"])[site % 2],
            "wrong": (rng.random(len(site)) < chance).astype(int),
        }
    )


def nothing_repeats(rng, rows=600):
    """Speakers and groups differ; all else is chance, constant, or names each row."""
    speaker = rng.integers(0, 60, rows)
    kind = np.array(["a", "b", "c"])[rng.integers(0, 3, 60)][speaker]
    chance = 0.3 + rng.normal(0, 0.15, 60)[speaker] + 0.2 * (kind == "a")
    second = rng.integers(0, 250, rows)
    return pa.table(
        {
            "speaker": [f"s{i}" for i in speaker],
            "kind": kind,
            "wrong": (rng.random(rows) < chance).astype(int),
            "batch": [f"b{i}" for i in rng.integers(0, 12, rows)],
            "sentence": [f"u{i}" for i in rng.integers(0, 50, rows)],
            "code": rng.integers(0, 30, rows),
            "time": [f"2026-01-01 00:{i // 60:02d}:{i % 60:02d}" for i in second],
            "row": np.arange(rows),
            "constant": ["k"] * rows,
        }
    )


@pytest.mark.parametrize(
    ("world", "unit", "column"),
    [(raters_and_items, "rater", "item"), (speakers_in_sites, "speaker", "site")],
)
def test_units_that_were_not_named_are_told(world, unit, column):
    texts = [told(world(np.random.default_rng([3, seed])), unit) for seed in range(8)]
    assert sum(bool(text) for text in texts) >= 7
    for (text,) in filter(None, texts):
        assert text.startswith(f"Rows of one {column} resemble each other: with --unit {unit}")
        assert f"--unit {column}" in text


def test_named_units_are_not_told_again():
    table = raters_and_items(np.random.default_rng(3))
    assert told(table, ["rater", "item"]) == []


def test_without_any_unit_the_one_that_matters_is_told():
    table = speakers_in_sites(np.random.default_rng(5)).drop_columns(["site"])
    (text,) = told(table, None)
    assert "with --unit speaker the standard errors" in text


def test_nothing_is_told_where_nothing_repeats():
    warned = 0
    for seed in range(12):
        table = nothing_repeats(np.random.default_rng([7, seed]))
        warned += bool(told(table, "speaker"))
        table = table.set_column(2, "wrong", [np.random.default_rng(seed).integers(0, 2, 600)])
        warned += bool(told(table.drop_columns(["speaker"]), None))
    assert warned == 0


def test_items_that_all_groups_meet_alike_cancel():
    rng = np.random.default_rng(2)
    table = raters_and_items(rng)
    kind = ["a" if int(name[1:]) % 2 else "b" for name in table["rater"].to_pylist()]
    table = table.set_column(table.column_names.index("kind"), "kind", [kind])
    assert told(table, "rater") == []


def test_groups_by_another_name_and_kinds_of_error_are_no_units():
    table = nothing_repeats(np.random.default_rng(4)).select(["speaker", "kind", "wrong"])
    wrong = table["wrong"].to_pylist()
    table = table.append_column("error", [[f"e{i % 9}" if w else "" for i, w in enumerate(wrong)]])
    assert told(table, "speaker") == []
    same = [f"g{name}" for name in table["speaker"].to_pylist()]
    assert told(table.append_column("speaker_id", [same]), "speaker") == []


def test_a_quantity_is_no_unit():
    rng = np.random.default_rng(6)
    age = rng.integers(20, 60, 3000)
    wrong = (rng.random(3000) < (age - 15) / 60).astype(int)
    kind = np.where(rng.random(3000) < 0.5 + (age - 40) / 60, "a", "b")
    assert told(pa.table({"age": age, "kind": kind, "wrong": wrong}), None) == []


def in_lumps(rng, value):
    """Results that depend on a number, but not in its order, as on a name."""
    chance = np.array([0.1, 0.6, 0.2, 0.7, 0.3, 0.8, 0.1, 0.6, 0.3, 0.9])[value]
    kind = np.where(rng.random(len(value)) < np.array([0.3, 0.7] * 5)[value], "a", "b")
    return {"kind": kind, "wrong": (rng.random(len(value)) < chance).astype(int)}


@pytest.mark.parametrize("name", ["juv_other_count", "n_calls", "number_of_children"])
def test_a_number_that_counts_is_no_unit_by_its_name(name):
    rng = np.random.default_rng(8)
    value = rng.integers(0, 10, 3000)
    rows = in_lumps(rng, value)
    assert told(pa.table({name: value, **rows}), None) == []
    assert (
        "Rows of one patient_number" in told(pa.table({"patient_number": value, **rows}), None)[0]
    )


def test_a_number_that_is_mostly_0_counts_and_is_no_unit():
    rng = np.random.default_rng(8)
    value = np.where(rng.random(3000) < 0.55, 0, rng.integers(0, 10, 3000))
    rows = in_lumps(rng, value)
    assert told(pa.table({"priors": value, **rows}), None) == []
    assert told(pa.table({"priors": [f"p{i}" for i in value], **rows}), None)


def test_how_much_is_not_told_of_what_is_suppressed():
    table = raters_and_items(np.random.default_rng(3))
    (text,) = told(table, "rater", suppress_below=5)
    assert "between groups are larger." in text


def test_word_errors_and_conditions_are_looked_at():
    rng = np.random.default_rng(8)
    table = raters_and_items(rng)
    bad = np.array(table["wrong"].to_pylist(), bool)
    spoken = table.append_column("said", [["one two"] * len(bad)])
    spoken = spoken.append_column("heard", [np.where(bad, "one", "one two")])
    result = evenhand.audit(spoken, "wer(said, heard)", "kind", unit="rater")
    assert any(note.code == "column_repeats" for note in result.notes)
    noisy = table.set_column(
        table.column_names.index("wrong"), "wrong", [rng.integers(0, 2, len(bad))]
    )
    both = pa.concat_tables(
        [
            noisy.append_column("condition", [["clean"] * len(bad)]),
            table.append_column("condition", [["noise"] * len(bad)]),
        ]
    )
    found = evenhand.effects(both, "mean(wrong)", "kind", unit="rater")
    assert any(note.code == "column_repeats" for note in found.notes)
