"""What a question takes for granted is looked at before its numbers are told."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import evenhand
from evenhand.audits.words import sentences
from evenhand.errors import InputError
from evenhand.pages.caveats import after_numbers, before_numbers

N = 400
G = ["a", "b"] * (N // 2)


def labels(yes, no, said_yes=None, said_no=None, kind=None):
    """Labels and predictions that disagree in every fifth row."""
    truth = [i % 4 < 2 for i in range(N)]
    said = [t != (i % 5 == 0) for i, t in enumerate(truth)]
    said_yes, said_no = (
        (yes if said_yes is None else said_yes),
        (no if said_no is None else said_no),
    )
    return pa.table(
        {
            "g": G,
            "y": pa.array([yes if t else no for t in truth], kind),
            "p": pa.array([said_yes if t else said_no for t in said], kind),
        }
    )


def codes(result):
    return [note.code for note in result.notes]


# -- labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("good", "bad"), "only after trimming and case folding"),
        (("Good ", " Bad"), "only after trimming and case folding"),
        (("pos", "neg"), "they share no value"),
        (("1", "0"), "they share no value"),
    ],
)
@pytest.mark.parametrize(
    "metric", ["error_rate(y, p)", "accuracy(y, p)", "f1(y, p, average='macro')"]
)
def test_labels_that_can_never_agree_are_refused_with_both_lists(said, why, metric):
    table = labels("Good", "Bad", *said)
    with pytest.raises(InputError, match=why) as raised:
        evenhand.audit(table, metric, by="g")
    for value in ("Good", "Bad", *said):
        assert repr(value) in str(raised.value)


def test_labels_of_two_numberings_are_refused_wherever_they_are_read():
    table = labels(1, 0, 3, 2)
    for ask in (evenhand.audit, evenhand.slices):
        options = {"by": "g"} if ask is evenhand.audit else {}
        with pytest.raises(InputError, match="they share no value"):
            ask(table, "error_rate(y, p)", **options)
    both = pa.concat_tables(
        [t.append_column("c", [[c] * N]) for c, t in (("clean", table), ("x", table))]
    )
    with pytest.raises(InputError, match="they share no value"):
        evenhand.effects(both, "error_rate(y, p)", "g", condition="c")


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (["oops"], "'y' is text, since 'oops' is no number, and text and numbers do not compare"),
        (["oops", "?"], "since '?', 'oops' are no numbers, and text and numbers do not compare"),
        ([], "'y' is text, and text and numbers do not compare"),
    ],
)
def test_text_and_numbers_do_not_compare_and_what_made_it_text_is_named(odd, why):
    """One 'oops' among labels of 0 and 1 was told as: '0', '1', 'oops' and 0, 1 share no value."""
    labels = ["0", "1", *odd]
    said = [0, 1, *[1 for _ in odd]]
    table = pa.table({"y": labels * 20, "p": said * 20, "g": ["a"] * 20 * len(labels)})
    with pytest.raises(InputError) as raised:
        evenhand.audit(table, "error_rate(y, p)", by="g")
    assert why in str(raised.value)


def test_a_positive_value_of_the_label_only_is_refused():
    with pytest.raises(InputError, match="trimming and case folding"):
        evenhand.audit(
            labels("Good", "Bad", "good", "bad"), "true_positive_rate(y, p, positive='Good')", "g"
        )


def test_one_value_spelt_otherwise_is_said():
    table = labels("Good", "Bad", "Good", "bad")
    result = evenhand.audit(table, "error_rate(y, p)", by="g")
    assert codes(result) == ["labels_spelt_otherwise"]
    assert "'Bad' and 'bad'" in result.notes[0].text


def test_a_service_that_always_says_no_is_judged():
    for table in (labels(1, 1, 0, 0), labels(True, True, False, False), labels(0, 1)):
        assert evenhand.audit(table, "error_rate(y, p)", by="g").notes == ()


@pytest.mark.parametrize(
    ("yes", "no", "kind", "positive"),
    [
        (1.0, 0.0, None, "1"),
        (1.0, 0.0, None, "1.0"),
        (1, 0, None, "1.0"),
        (1, 0, None, "'1'"),
        (2.0, 1.0, None, "2"),
        (2, 1, pa.int8(), "2.0"),
        ("1", "0", None, "1"),
        ("1.0", "0.0", None, "1"),
        ("1", "0", None, "'1'"),
        (True, False, None, "1"),
        (True, False, None, "'True'"),
        (1, -1, None, "1"),
        (-1, 1, None, "-1"),
        (1.5, 0.5, pa.float32(), "1.5"),
        ("yes", "no", None, "'yes'"),
    ],
)
def test_positive_compares_values_not_spellings(yes, no, kind, positive):
    table = labels(yes, no, kind=kind)
    for metric in ("true_positive_rate", "precision"):
        found = evenhand.audit(table, f"{metric}(y, p, positive={positive})", by="g").overall.value
        assert found == evenhand.audit(labels(1, 0), f"{metric}(y, p)", by="g").overall.value


@pytest.mark.parametrize(
    "metric",
    ["true_positive_rate(y, p, positive=3)", "brier(y, s, positive=3)", "auc(y, s, positive=3)"],
)
def test_a_positive_value_that_never_occurs_is_an_error(metric):
    table = labels(1, 2).append_column("s", [[0.5] * N])
    with pytest.raises(InputError, match=r"3 never occurs in 'y'.*Its values: 1, 2"):
        evenhand.audit(table, metric, by="g")


@pytest.mark.parametrize(("yes", "no"), [(1, -1), (1.0, -1.0), (2, 1), (5, 0)])
def test_labels_of_two_other_numbers_get_one_hint_not_400_faults(yes, no):
    with pytest.raises(InputError, match=f"positive={yes:g}$") as raised:
        evenhand.audit(labels(yes, no), "true_positive_rate(y, p)", by="g")
    assert len(str(raised.value).splitlines()) == 1


# -- tolerance, direction, names ------------------------------------------------------------------


def test_a_tolerance_in_points_is_refused():
    table = labels(1, 0)
    with pytest.raises(InputError, match=r"Did you mean 0\.05"):
        evenhand.audit(table, "error_rate(y, p)", by="g", tolerance=5)
    with pytest.raises(InputError, match="below 1"):
        evenhand.audit(table, "error_rate(y, p)", by="g", tolerance=1)
    assert evenhand.audit(table, "mae(y, p)", by="g", tolerance=5).settings.tolerance == 5
    words = pa.table({"g": G, "t": ["a b"] * N, "h": ["a"] * N})
    with pytest.raises(InputError, match=r"Did you mean 0\.05"):
        evenhand.audit(words, "wer(t, h)", by="g", tolerance=5)
    both = pa.concat_tables(
        [t.append_column("c", [[c] * N]) for c, t in (("clean", table), ("x", table))]
    )
    with pytest.raises(InputError, match=r"Did you mean 0\.05"):
        evenhand.effects(both, "error_rate(y, p)", "g", condition="c", tolerance=5)
    found = evenhand.effects(both, "error_rate(y, p)", "g", condition="c", tolerance=0.05)
    assert "5.0 points count as no harm" in str(found)
    assert "5.0 points count as no harm" in found.to_html()


def test_a_tolerance_stands_wherever_a_verdict_does():
    result = evenhand.audit(labels(1, 0), "error_rate(y, p)", by="g", tolerance=0.05)
    told = "a difference up to 5.0 points counts as no harm"
    assert told in str(result)
    assert told in result.to_html().split("</figcaption>")[0]
    assert result.to_dict()["settings"]["tolerance"] == 0.05
    assert result.to_csv().splitlines()[1].endswith(",0.05,error_rate")
    without = evenhand.audit(labels(1, 0), "error_rate(y, p)", by="g")
    assert "no harm" not in str(without) + without.to_html()


def test_selection_has_no_default_direction():
    with pytest.raises(InputError) as raised:
        evenhand.audit(labels(1, 0), "selection_rate(p)", by="g")
    assert "--worse higher: who is selected more often" in str(raised.value)
    assert "--worse lower: who is selected less often" in str(raised.value)
    with pytest.raises(InputError, match="no direction of harm"):
        evenhand.slices(labels(1, 0), "selection_rate(p)")
    p = [int(i % 2 == 0 or i % 7 == 0) for i in range(N)]
    table = pa.table({"g": G, "p": p})
    for worse, group in (("higher", "a"), ("lower", "b")):
        result = evenhand.audit(table, "selection_rate(p)", by="g", worse=worse)
        assert [one.label for one in result.worse] == [group]


def test_among_several_metrics_the_direction_is_for_those_without():
    pair = ["accuracy(y, p)", "selection_rate(p)"]
    results = evenhand.audit_metrics(labels(1, 0), pair, "g", worse="higher")
    assert [one.metric.higher_is_worse for one in results] == [False, True]


def test_two_metrics_of_one_name_are_told_apart():
    table = pa.table({"g": G, "t": ["a b c"] * N, "x": ["a b c"] * N, "z": ["a b"] * N})
    first, second = evenhand.audit_metrics(table, ["wer(t, x)", "wer(t, z)"], "g")
    assert (first.metric.title, second.metric.title) == ("wer(hypothesis=x)", "wer(hypothesis=z)")
    assert str(second).startswith("wer(hypothesis=z) .333")
    assert "<h1>Whom does it fail? wer(hypothesis=z)" in second.to_html()
    assert second.to_dict()["metric"]["name"] == "wer"
    alone = evenhand.audit(table, "wer(t, x)", "g")
    assert alone.metric.title == "wer"


def test_a_simulated_p_value_has_a_floor_that_is_shown():
    x = [1] * 8 + [0] * 2990 + [1] * 10
    table = pa.table({"g": ["a"] * 8 + ["b"] * 3000, "x": x, "doubled": [2 * v for v in x]})
    result = evenhand.audit(table, "mean(doubled)", by="g")
    assert result.gaps[0].homogeneity_p_floor is None
    result = evenhand.audit(table, "selection_rate(x)", by="g", worse="higher")
    gap = result.gaps[0]
    assert gap.homogeneity_p == gap.homogeneity_p_floor == 1 / 4001
    assert "&lt; .00025" in result.to_html()
    assert json.loads(result.to_json())["gaps"][0]["homogeneity_p_floor"] == 1 / 4001


# -- literals -------------------------------------------------------------------------------------


@pytest.fixture
def inspections():
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "Result": rng.choice(["No Errors Found", "Errors Found"], N),
            "age": rng.integers(18, 91, N),
            "site": rng.choice(["north", "south"], N),
            "x": rng.integers(0, 2, N),
        }
    )


NEVER = [
    (
        {"metric": "selection_rate(Result <> 'No Errors')", "worse": "higher"},
        "did you mean 'No Errors Found'",
    ),
    ({"where": "site != 'North'"}, "'North' never occurs in site; did you mean 'north'?"),
    ({"by": "site IN ('south', 'nort')"}, "'nort' never occurs in site; did you mean 'north'?"),
    (
        {"by": "site = 'north' OR NOT site = 'moon'"},
        "'moon' never occurs in site; its values: 'north', 'south'",
    ),
    (
        {"versus": "age >= 60", "by": "age <= 17 OR site = 'north'"},
        "No row has age <= 17: age runs from 18 to 90",
    ),
    ({"where": "age NOT BETWEEN 100 AND 120"}, "No row has age BETWEEN 100 AND 120"),
    ({"by": "age", "bins": {"age": [40, 120]}}, "age runs from 18 to 90, so its edge 120 cut"),
    ({"where": "age != 999"}, "999 never occurs in age; did you mean 90?"),
]


@pytest.mark.parametrize(("options", "text"), NEVER, ids=[str(o) for o, _ in NEVER])
def test_a_literal_that_never_occurs_is_told_before_the_numbers(inspections, options, text):
    result = evenhand.audit(inspections, **{"metric": "mean(x)", "by": "site", **options})
    assert codes(result) == ["literal_never_occurs"]
    assert text in result.notes[0].text
    shown = str(result)
    first = " ".join(text.split()[:3])
    assert shown.index(first) < shown.index("\ngroup")
    page = result.to_html()
    assert page.index('class="caveats"') < page.index('class="number"')
    assert result.to_dict()["notes"] == [
        {"code": "literal_never_occurs", "text": result.notes[0].text}
    ]
    assert evenhand.Audit.from_dict(result.to_dict()) == result


def test_literals_that_occur_are_no_matter(inspections):
    options = {"where": "age > 0 AND site IN ('north', 'south')", "bins": {"age": [40, 60]}}
    assert (
        evenhand.audit(
            inspections, "mean(x)", by=["age", "Result = 'Errors Found'"], **options
        ).notes
        == ()
    )


def test_a_literal_beyond_the_first_rows_is_found(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"g": ["a"] * 30_000 + ["late"] * 50, "x": [0, 1] * 15_025}), path)
    assert evenhand.audit(path, "mean(x)", by="g = 'late'").notes == ()
    with pytest.raises(
        InputError, match=r"No row satisfies.*'lat' never occurs in g; did you mean 'late'"
    ):
        evenhand.audit(path, "mean(x)", by="g = 'lat'")
    with pytest.raises(InputError, match=r"satisfies --where.*did you mean 'late'"):
        evenhand.audit(path, "mean(x)", by="g", where="g = 'lat'")


def test_slices_and_effects_tell_it_too(inspections):
    found = evenhand.slices(inspections, "mean(x)", where="site != 'North'")
    assert "literal_never_occurs" in codes(found)
    assert "'North' never occurs" in str(found)
    assert 'class="caveats"' in found.to_html()
    assert type(found).from_dict(found.to_dict()) == found
    costs = evenhand.effects(
        inspections,
        "mean(x)",
        "age >= 40",
        condition="site",
        reference="north",
        where="Result != 'x'",
    )
    assert "literal_never_occurs" in codes(costs)
    assert "'x' never occurs in Result" in str(costs)
    assert 'class="caveats"' in costs.to_html()
    assert type(costs).from_dict(costs.to_dict()) == costs


# -- nothing that can be scored ------------------------------------------------------------------


def test_a_column_without_values_is_told_as_such():
    """It was said that texts and numbers can never agree; there are no texts."""
    rows = {"g": ["a", "b"] * 20, "y": pa.array([None] * 40, pa.string()), "p": [0] * 40}
    with pytest.raises(InputError, match=r"no row of Table has a value in 'y'.*Name another"):
        evenhand.audit(pa.table(rows), "error_rate(y, p)", by="g")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            {"g": ["a", "b"] * 20, "y": pa.array([None] * 40, pa.int64())},
            "No row can be scored, so nothing is known of any group.",
        ),
        (
            {"g": ["a", None] * 20, "y": pa.array([None, 1] * 20)},
            "No row that can be scored is in a group: what tells groups apart is missing in all of them.",
        ),
    ],
)
def test_where_no_row_of_a_group_can_be_scored_no_group_is_found_sound(rows, said, capsys):
    found = evenhand.audit(pa.table({**rows, "p": [0] * 40}), "error_rate(y, p)", by="g")
    assert list(sentences(found)) == [said]


def test_a_literal_that_never_occurs_explains_only_that_no_row_is_left():
    rows = pa.table({"g": ["a", "b"] * 20, "y": [0, 1] * 20, "x": [1e300, 2e300] * 20})
    harmless = "g = 'a' OR g = 'b' OR g = 'zz'"
    with pytest.raises(InputError, match="too large") as told:
        evenhand.audit(rows, "mean(x)", by="g", where=harmless, worse="higher")
    assert "never occurs" not in str(told.value)
    cube = evenhand.count_cube(rows, "error_rate(y, y)", "g")
    for asked in (evenhand.audit, evenhand.slices):
        with pytest.raises(InputError, match=r"no row that Table counts.*'zz' never occurs in g"):
            asked(cube, where="g = 'zz'")
    with pytest.raises(InputError, match=r"nothing to measure.*'zz' never occurs in g"):
        evenhand.audit(rows, "error_rate(y, y)", by="g", where="g = 'zz'")


@pytest.mark.parametrize(("silent", "first"), [(2, False), (12, True)])
def test_rows_without_a_transcript_are_told_and_many_before_the_numbers(silent, first):
    """They count as empty ones, with every word wrong; a row in which nothing was said is none of them."""
    table = pa.table(
        {
            "g": ["a", "b"] * 20,
            "said": [None, *["one two"] * 39],
            "heard": [*[None] * (silent + 1), *["one two"] * (39 - silent)],
        }
    )
    found = evenhand.audit(table, "wer(said, heard)", "g")
    said = f"{silent} rows without a transcript (heard) count as empty ones, with every word wrong."
    assert any(text.startswith(said) for text in before_numbers(found.notes)) is first
    assert any(text.startswith(said) for text in after_numbers(found.notes)) is not first
    assert found.overall.value == silent / 39
    left = evenhand.audit(table, "wer(said, heard)", "g", where="heard IS NOT NULL")
    assert not [note for note in left.notes if note.code.startswith("transcripts")]
    assert left.overall.value == 0
    hidden = evenhand.audit(table, "wer(said, heard)", "g", suppress_below=5)
    (note,) = (note for note in hidden.notes if note.code == "transcripts_empty")
    assert note.text.startswith("Rows without a transcript")
