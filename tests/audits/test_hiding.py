"""Who reads a publication with a linear program learns no hidden number: not from JSON, CSV, HTML or terminal."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

import evenhand
from evenhand.audits import audit_metrics
from evenhand.audits.disclosure.attack import attack
from evenhand.audits.disclosure.printed import read_printed
from evenhand.audits.figures import render_html
from evenhand.cli.app import app
from evenhand.errors import InputError

from .outsiders import leaks_of
from .small_worlds import world

PUBLISHED = Path(__file__).parent / "published"
MINIMUM = 10
RNG = np.random.default_rng(0)
LETTERS = np.repeat(["A", "B", "C", "D"], [200, 3, 40, 100])
COIN = RNG.integers(0, 2, len(LETTERS))


def attacked(tmp_path, audits, form="json"):
    """Sentences on what leaks from a written publication."""
    audits = audits if isinstance(audits, tuple) else (audits,)
    written = {
        "json": lambda: "[" + ",".join(one.to_json() for one in audits) + "]",
        "csv": lambda: "".join(one.to_csv() for one in audits),
        "html": lambda: render_html(*audits),
    }
    path = tmp_path / f"report.{form}"
    path.write_text(written[form](), encoding="utf-8")
    least = audits[0].settings.suppress_below
    return [leak.text for leak in attack(read_printed(path), least).leaks]


def hidden(audit):
    return {group.predicate for group in audit.groups if group.suppressed}


# -- the worlds that broke it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("column_and_predicate", "g = 'B': the rows can only be 3."),
        ("all_but_three", "in none of the groups: the rows can only be 3."),
        ("all_positive", "g = 'B': the denominator less numerator of mean(value=y) can only be 0."),
        ("one_and_two", "g = 'B': the rows must lie from 1 to 2; a range of 10 was due."),
        ("units", "g = 'B': the units must lie from 1 to 3; a range of 10 was due."),
        ("compared_with_the_hidden", "g = 'B': the rows can only be 101."),
        ("overlapping_ages", "in age >= 60 and in age < 62: the rows can only be 2."),
    ],
)
def test_the_attack_breaks_what_was_published_when_only_rows_were_protected(name, found):
    leaks = attack(read_printed(PUBLISHED / f"{name}.json")).leaks
    assert found in [leak.text for leak in leaks]


def worlds():
    units = np.concatenate(
        [
            np.arange(200).repeat(2),
            np.full(60, 1000),
            2000 + np.arange(90) // 30,
            3000 + np.arange(300),
        ]
    )
    g = np.repeat(["A", "B", "C", "D"], [400, 60, 90, 300])
    age = np.r_[RNG.integers(20, 60, 300), [60, 61], RNG.integers(62, 90, 100)]
    alike = np.where(np.isin(LETTERS, ["B", "C"]), 1, COIN)
    two = np.repeat(["A", "B", "C", "D"], [200, 1, 2, 100])
    return {
        "column and predicate": ({"g": LETTERS, "y": COIN}, ["g", "g IN ('B','D')"], {}),
        "all but three": ({"g": LETTERS[:203], "y": COIN[:203]}, "g != 'B'", {}),
        "all positive": ({"g": LETTERS, "y": alike}, "g", {}),
        "all negative": ({"g": LETTERS, "y": 1 - alike}, "g", {}),
        "one and two": ({"g": two, "y": COIN[: len(two)]}, "g", {}),
        "units": (
            {"g": g, "u": units.astype(str), "y": RNG.integers(0, 2, len(g))},
            "g",
            {"unit": "u"},
        ),
        "overlapping ages": (
            {"age": age, "y": RNG.integers(0, 2, len(age))},
            ["age >= 60", "age < 62"],
            {},
        ),
        "three predicates": (
            {"age": age, "y": RNG.integers(0, 2, len(age))},
            ["age >= 60", "age < 60 OR age > 61", "age BETWEEN 20 AND 59"],
            {},
        ),
    }


@pytest.mark.parametrize("name", list(worlds()))
@pytest.mark.parametrize("versus", ["rest", "overall", "best"])
def test_nothing_follows_from_the_same_worlds_now(name, versus, tmp_path):
    columns, by, options = worlds()[name]
    audit = evenhand.audit(
        pa.table(columns), "mean(y)", by, suppress_below=MINIMUM, versus=versus, **options
    )
    for form in ("json", "csv", "html"):
        assert attacked(tmp_path, audit, form) == []


def test_few_groups_are_lost():
    """Three people, and with them the smallest group that leaves a range of ten."""
    table = pa.table({"g": LETTERS, "y": COIN})
    assert hidden(evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)) == {
        "g = 'B'",
        "g = 'C'",
    }


def test_where_a_group_is_all_alike_a_larger_one_hides_it():
    alike = np.where(np.isin(LETTERS, ["B", "C"]), 1, COIN)
    audit = evenhand.audit(
        pa.table({"g": LETTERS, "y": alike}), "mean(y)", "g", suppress_below=MINIMUM
    )
    assert hidden(audit) == {"g = 'B'", "g = 'D'"}


# -- random publications --------------------------------------------------------------------------

SEEDS = range(0, 48, 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_outsider_learns_a_hidden_number(seed, tmp_path):
    """Random tables, columns, crossings, overlapping predicates, units and metrics."""
    table, metrics, by, options, sums = world(seed)
    audits = audit_metrics(table, metrics, by, **options)
    assert not leaks_of(table, audits, sums, options["unit"], options["suppress_below"])
    for form in ("json", "csv", "html"):
        assert attacked(tmp_path, audits, form) == []


def test_the_outsider_would_find_what_is_shown_too_much():
    """The test of the test: without protection the same reader finds leaks in many worlds."""
    broken = 0
    for seed in SEEDS:
        table, metrics, by, options, sums = world(seed)
        least = options.pop("suppress_below")
        audits = audit_metrics(table, metrics, by, **options)
        broken += bool(leaks_of(table, audits, sums, options["unit"], least))
    assert broken >= len(SEEDS) / 3


# -- everything that is printed -------------------------------------------------------------------


def numbers_of(audit):
    """All numbers of a publication, in every form."""
    console = Console(file=io.StringIO(), width=200)
    console.print(audit)
    page = re.sub(r"<style>.*</style>", "", audit.to_html(), flags=re.DOTALL)
    texts = audit.to_json(), audit.to_csv(), page, console.file.getvalue()
    return {number for text in texts for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def test_no_form_prints_how_many_a_hidden_group_or_a_missing_value_has():
    g = ["A"] * 400 + ["B"] * 300 + ["C"] * 37 + [None] * 41
    y = [0, 1] * 350 + [1] * 53 + [0] * 25
    table = pa.table({"g": g, "y": y, "x": [None] * 43 + [1.0] * 735})
    told = numbers_of(evenhand.audit(table, "mean(y)", "g", suppress_below=97))
    assert "778" in told
    assert not told & {"37", "41", "78"}
    shown = evenhand.audit(table, "mean(x)", "g", suppress_below=97)
    assert not numbers_of(shown) & {"37", "41", "43"}
    lacking = next(item for item in shown.missing if item.attribute == "x")
    assert lacking.n_rows is None
    assert "Some rows (how many is hidden) lack x" in shown.to_html()


def test_notes_count_nobody_who_is_hidden():
    age = [20.0, 30.0, 40.0, 50.0] * 100 + [float("inf")] * 3
    table = pa.table(
        {"age": age, "y": [0, 1] * 200 + [1] * 3, "u": [str(i % 39) for i in range(403)]}
    )
    audit = evenhand.audit(table, "mean(y)", "age", unit="u", bins={"age": [35]}, suppress_below=10)
    texts = {note.code: note.text for note in audit.notes}
    assert not re.search(r"\d", texts["infinite_values"])
    assert not re.search(r"\d", texts["units_in_several_groups"])


def test_two_metrics_hide_the_same_groups():
    """What one hides the other would show: the rows are the same."""
    table = pa.table({"g": LETTERS, "l": COIN, "y": np.where(LETTERS == "C", 1, COIN[::-1])})
    both = audit_metrics(
        table, ["mean(y)", "true_positive_rate(l, y)"], "g", suppress_below=MINIMUM
    )
    assert hidden(both[0]) == hidden(both[1])


def test_a_hidden_group_is_not_compared_and_does_not_count():
    table = pa.table(
        {"g": np.repeat(["A", "B", "C", "D"], [200, 8, 90, 100]), "y": COIN.repeat(2)[:398]}
    )
    audit = evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)
    assert audit.settings.comparisons == 4 - len(hidden(audit))
    assert audit.settings.adjust == "holm"


def test_few_rows_without_a_value_do_not_cost_the_comparisons():
    """Compared with rows that have a value, the difference would tell how many lack it."""
    g = ["A"] * 200 + ["B"] * 101 + ["C"] * 90 + [None] * 3
    table = pa.table({"g": g, "y": RNG.integers(0, 2, len(g))})
    audit = evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)
    shown = [group for group in audit.groups if not group.suppressed]
    assert {group.predicate for group in shown} == {"g = 'A'", "g = 'B'"}
    for group in shown:
        rest = audit.overall.numerator - group.estimate.numerator
        rows = audit.overall.n_rows - group.estimate.n_rows
        assert group.versus.difference == pytest.approx(group.estimate.value - rest / rows)
    assert "compared_with_all_others" in {note.code for note in audit.notes}


def test_where_nobody_lacks_a_value_the_rest_is_what_it_was():
    audit = evenhand.audit(
        pa.table({"g": LETTERS, "y": COIN}), "mean(y)", "g", suppress_below=MINIMUM
    )
    assert "compared_with_all_others" not in {note.code for note in audit.notes}


def test_a_group_that_is_hidden_is_not_the_best():
    y = np.where(LETTERS == "B", 0, COIN)
    audit = evenhand.audit(
        pa.table({"g": LETTERS, "y": y}), "mean(y)", "g", versus="best", suppress_below=MINIMUM
    )
    named = {group.versus.reference for group in audit.groups if group.versus}
    assert named
    assert not named & hidden(audit)


def test_where_almost_nobody_fails_the_headline_may_have_to_go():
    """One failure in all: whether the three had it would follow from any group that is shown."""
    y = np.zeros(len(LETTERS), int)
    y[LETTERS == "B"] = [1, 0, 0]
    audit = evenhand.audit(pa.table({"g": LETTERS, "y": y}), "mean(y)", "g", suppress_below=MINIMUM)
    shown = [group for group in audit.groups if not group.suppressed]
    assert all(group.estimate.numerator == 0 for group in shown)
    assert hidden(audit) >= {"g = 'B'"}


def test_a_table_of_too_few_people_is_refused():
    table = pa.table({"g": ["a", "b"] * 4, "y": [0, 1] * 4})
    with pytest.raises(InputError, match="only 8 rows in all, so nothing could be shown"):
        evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)


def test_what_cannot_be_protected_is_refused():
    table = pa.table({"g": list("abcdefghijkl"), "y": [0, 1] * 6})
    with pytest.raises(InputError, match=r"cannot be hidden well enough.*--by g"):
        evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)


def test_a_cube_is_not_written_beside_a_publication(tmp_path):
    table = pa.table({"g": LETTERS, "y": COIN})
    with pytest.raises(InputError, match="a cube holds the counts of every cell"):
        evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM, cube=str(tmp_path / "c"))


def test_an_audit_without_suppression_is_as_it_was():
    table = pa.table({"g": LETTERS, "y": COIN})
    audit = evenhand.audit(table, "mean(y)", "g")
    assert audit.settings.adjust == "max-t"
    assert all(group.estimate.counts for group in audit.groups)


# -- the command ----------------------------------------------------------------------------------


def doctor(capsys, *words):
    with pytest.raises(SystemExit) as end:
        app(["doctor", *map(str, words)])
    return end.value.code, capsys.readouterr().out


def test_doctor_says_what_leaks_and_ends_with_1(capsys):
    code, out = doctor(capsys, "--attack", PUBLISHED / "one_and_two.json")
    assert code == 1
    assert "g = 'B': the rows must lie from 1 to 2" in out


def test_doctor_says_that_nothing_leaks_and_ends_with_0(capsys, tmp_path):
    path = tmp_path / "report.html"
    table = pa.table({"g": LETTERS, "y": COIN})
    audit = evenhand.audit(table, "mean(y)", "g", suppress_below=MINIMUM)
    path.write_text(audit.to_html(), encoding="utf-8")
    code, out = doctor(capsys, "--attack", path)
    assert code == 0
    assert out.startswith("Nothing leaks.  Attacked were the numbers of 2 hidden groups")


def test_a_page_of_two_metrics_is_read_as_two_audits(tmp_path):
    """With the counts that stand behind each share."""
    table = pa.table({"g": LETTERS, "l": COIN, "y": COIN[::-1]})
    rates = ["error_rate(l, y)", "true_positive_rate(l, y)"]
    audits = audit_metrics(table, rates, "g", suppress_below=MINIMUM)
    path = tmp_path / "report.html"
    path.write_text(render_html(*audits), encoding="utf-8")
    for page, audit in zip(read_printed(path), audits, strict=True):
        assert (page.above, page.below) == (audit.overall.numerator, audit.overall.denominator)
        told = {g.predicate: (g.estimate.numerator, g.estimate.denominator) for g in audit.groups}
        assert {one.text: (one.above, one.below) for one in page.shown} == told


def test_doctor_tells_the_same_as_json(capsys):
    code, out = doctor(capsys, "--attack", PUBLISHED / "units.json", "--json")
    told = json.loads(out)
    assert code == 1
    assert (told["suppress_below"], told["hidden"]) == (10, 2)
    assert told["leaks"][0] == {
        "metric": "mean(value=y)",
        "group": "g = 'B'",
        "number": "units",
        "low": 1.0,
        "high": 3.0,
        "needed": 10.0,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hello", "begin with by,group,predicate"),
        ('{"schema": "evenhand.slices/1"}', "its schema is 'evenhand.slices/1'"),
        ("{", "is no audit that Evenhand made"),
        ("<html></html>", "is no audit that Evenhand made"),
        ("[3]", "is no audit that Evenhand made"),
        ("[]", "shows no group"),
        ("by,group,predicate\na,b\n", "is no audit that Evenhand made"),
    ],
)
def test_what_is_no_report_is_refused(text, reason, tmp_path):
    path = tmp_path / "report"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(reason)):
        app(["doctor", "--attack", str(path)])


def test_a_report_that_hides_nothing_has_to_be_told_what_is_small(tmp_path, capsys):
    path = tmp_path / "report.json"
    path.write_text(evenhand.audit(pa.table({"g": LETTERS, "y": COIN}), "mean(y)", "g").to_json())
    with pytest.raises(InputError, match="does not say below which size"):
        app(["doctor", "--attack", str(path)])
    code, _ = doctor(capsys, "--attack", path, "--suppress-below", 5)
    assert code == 1  # it shows a group of three
