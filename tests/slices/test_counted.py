"""A search of counts finds what a search of the rows finds."""

import pyarrow as pa
import pytest
from tests.cubes.test_counted import missing_rows
from tests.records.questions import close, made_rows

import evenhand
from evenhand.errors import InputError

ROWS = made_rows()
FEATURES = ["accent", "member", "few", "age"]
#: Metric, how it is counted, how it is searched.
SEARCHES = [
    ("error_rate(label, prediction)", {}, {"confirm": "exact"}),
    ("error_rate(label, prediction)", {"unit": "speaker"}, {"confirm": "none"}),
    ("mae(decade, label)", {"unit": "speaker"}, {"confirm": "none", "score": "z"}),
    ("wer(text, heard)", {"unit": "speaker"}, {"confirm": "none", "depth": 2}),
    ("ratio(label, decade)", {"worse": "higher"}, {"confirm": "none"}),
    ("mean(score)", {"worse": "higher"}, {"confirm": "none", "score": "sliceline"}),
    ("error_rate(label, prediction)", {"where": "age < 70"}, {"where": "member = TRUE", "features": "accent,few"}),
]  # fmt: skip
BINS = {"age": [30, 60]}
#: What depends on where the counts come from, and how long it took.
OTHERWISE = ("source", "sha256", "command", "seconds", "options", "notes", "settings")


def told(found):
    """A search without what depends on whether rows were read."""

    def kept(value):
        if isinstance(value, dict):
            return {k: kept(v) for k, v in value.items() if k not in OTHERWISE}
        return [kept(one) for one in value] if isinstance(value, list) else value

    return kept(found.to_dict())


@pytest.mark.parametrize(
    ("metric", "asked", "searched"), SEARCHES, ids=[f"{m} {s}" for m, _, s in SEARCHES]
)
def test_slices_of_counts_are_those_of_the_rows(metric, asked, searched, tmp_path):
    counted = evenhand.count_cube(ROWS, metric, by=",".join(FEATURES), bins=BINS, **asked)
    evenhand.write_cube(counted, tmp_path / "a.cube")
    names = searched.get("features", ",".join(FEATURES))
    kept = " AND ".join(f"({w})" for w in (asked.get("where"), searched.get("where")) if w)
    both = {**asked, **searched, "features": names, "where": kept or None}
    rows = evenhand.slices(
        ROWS, metric, bins=BINS if "age" in names else {}, min_support=0.05, **both
    )
    counts = evenhand.slices(tmp_path / "a.cube", min_support=0.05, **searched)
    assert [s.predicate for s in counts.slices] == [s.predicate for s in rows.slices]
    close(told(counts)["slices"], told(rows)["slices"])
    assert "counted_before" in {note.code for note in counts.notes}


@pytest.mark.parametrize("asked", [{}, {"unit": "speaker"}, {"where": "dose > 1 OR accent = 'NA'"}])
def test_slices_of_counts_are_those_of_rows_that_lack_values(asked, tmp_path):
    """What means missing is no value and not NULL either: no literal of a slice selects it."""
    names, missing = "accent,site,dose,code,age", ["NA", "", "-", "-99"]
    rows, bins = missing_rows(), {"age": [30, 60], "dose": [1.75]}
    for cut in ({}, bins):
        features = names if cut else names.replace(",age", "")
        read = {"missing_values": missing, "bins": cut}
        counted = evenhand.count_cube(
            rows, "error_rate(label, prediction)", by=features, **read, **asked
        )
        evenhand.write_cube(counted, tmp_path / "a.cube")
        options = {"min_support": 0.05, "confirm": "none", "top": 60}
        of_rows = evenhand.slices(
            rows, "error_rate(label, prediction)", features=features, **read, **asked, **options
        )
        of_counts = evenhand.slices(tmp_path / "a.cube", **options)
        assert [s.predicate for s in of_counts.slices] == [s.predicate for s in of_rows.slices]
        close(told(of_counts)["slices"], told(of_rows)["slices"])
        literals = {literal for one in of_rows.slices for literal in one.literals}
        assert {"accent IS NULL", "dose IS NULL"} & literals or asked
        assert not literals & {"accent = 'NA'", "site = ''", "code = -99"}


def test_halves_and_draws_of_units_are_made_of_counts_too():
    """They are others than those of the rows, since units are numbered as the cells have them."""
    counted = evenhand.count_cube(ROWS, "mae(decade, label)", by="accent,few", unit="speaker")
    for confirm in ("split", "bootstrap"):
        found = evenhand.slices(counted, confirm=confirm, min_support=0.05)
        assert found.exact
        assert [s.p_adjusted for s in found.slices] != [None] * len(found.slices)


def test_what_counts_cannot_be_searched_for_is_told(tmp_path):
    metrics = ["error_rate(label, prediction)", "accuracy(label, prediction)"]
    counted = evenhand.count_cube(ROWS, metrics, by=["accent,few", "age >= 60"])
    for asked, match in [
        ({}, r"counts 2 metrics: error_rate\(.*Name one"),
        ({"metric": metrics[0], "features": "age"}, r"Unknown feature 'age'.*Features: accent, few.*count the records"),
        ({"metric": metrics[0], "between": "few=a,b"}, "compare row by row"),
        ({"metric": metrics[0], "baseline": metrics[0]}, "compare row by row"),
        ({"metric": metrics[0], "unit": "speaker"}, "unit is speaker, but"),
        ({"metric": "error_rate(label, prediction)", "where": "age > 60"}, "age is not among what cells"),
    ]:  # fmt: skip
        with pytest.raises(InputError, match=match):
            evenhand.slices(counted, **asked)
    found = evenhand.slices(counted, metrics[0])
    assert {literal for one in found.slices for literal in one.literals} <= {
        f"{name} = '{value}'"
        for name in ("accent", "few")
        for value in ("us", "in", "uk", "a", "b", "c")
    } | {"accent IS NULL"}
    two = evenhand.count_cube(ROWS, metrics[0], by="accent", unit=["speaker", "few"])
    with pytest.raises(InputError, match="knows one unit"):
        evenhand.slices(two)
    with pytest.raises(InputError, match="predicates only"):
        evenhand.slices(evenhand.count_cube(ROWS, metrics[0], by="age >= 60"))
    with pytest.raises(InputError, match="told from the order of scores"):
        evenhand.slices(evenhand.count_cube(ROWS, "auc(label, score)", by="accent"))
    with pytest.raises(InputError, match="Say which metric"):
        evenhand.slices(pa.table({"a": [1]}))


def test_an_edge_that_cuts_nothing_is_told_as_of_the_rows():
    rows, asked = missing_rows(), {"bins": {"code": [2, 50]}, "features": "accent,code"}
    counted = evenhand.count_cube(rows, "error_rate(label, prediction)", by="accent,code")
    told_so = [
        [note.text for note in found.notes if note.code == "literal_never_occurs"]
        for found in (
            evenhand.slices(counted, **asked),
            evenhand.slices(rows, "error_rate(label, prediction)", **asked),
        )
    ]
    assert told_so[0] == told_so[1]
    assert "its edge 50 cut nothing" in told_so[0][0]
