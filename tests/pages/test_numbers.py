"""Numbers in words, and names that readers know."""

import math
import shlex
from importlib.resources import files

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evenhand
from evenhand.audits import words
from evenhand.pages import numbers
from evenhand.pages.commands import readable, written
from evenhand.pages.edition import Edition
from evenhand.pages.nouns import unit_noun


@pytest.mark.parametrize("value", [1e-12, 1e-7, 0.0004, 0.5, 1.0, 999.9, 1e6, 5e23])
def test_a_rate_that_is_not_nothing_is_not_written_as_nothing(value):
    assert float(numbers.rate(value).replace(",", "").replace("−", "-")) == pytest.approx(
        value, rel=0.01
    )


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_people_read_a_minus_wherever_a_number_is_written(value):
    told = [
        numbers.rate(value),
        numbers.share(value),
        numbers.interval(value, 0.0),
        numbers.shares(value, 0.0),
        numbers.points(value, in_points=True),
        numbers.points(value, in_points=False),
        numbers.ratio(value),
        numbers.total(value),
        numbers.significant(value),
        numbers.gain(value),
    ]
    assert "-" not in "".join(told)


@given(st.floats(-2, 2, allow_nan=False))
def test_a_share_is_written_in_per_cent(value):
    told = float(numbers.share(value)[:-2].replace("−", "-"))
    assert told == pytest.approx(value * 100, abs=0.0501)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_counts_behind_a_share_are_read_back(numerator, denominator):
    first, second = numbers.out_of(float(numerator), denominator).replace(",", "").split(" of ")
    assert (int(first), int(second)) == (numerator, denominator)


def test_what_is_not_known_is_a_dash_never_nothing():
    told = [
        numbers.rate(None),
        numbers.share(None),
        numbers.interval(None, 1.0),
        numbers.shares(0.1, None),
        numbers.p_value(None),
        numbers.ratio(None),
        numbers.count(None),
        numbers.total(None),
        numbers.significant(None),
        numbers.out_of(3.0, None),
        numbers.out_of(3.0, 0.0),
    ]
    assert set(told) == {"–"}


def test_weighted_counts_are_not_told_as_if_rows_were_counted():
    assert numbers.out_of(2.5, 4.0) == "–"
    assert numbers.total(2.5) == "2.5"


@pytest.mark.parametrize("in_points", [True, False])
def test_a_difference_of_nothing_has_no_sign(in_points):
    assert float(numbers.points(-0.0000001, in_points=in_points)) == 0
    assert not {"+", "−"} & set(numbers.points(-0.0000001, in_points=in_points))


def test_names_of_one_column_go_before_bare_values():
    edition = Edition(labels={"race": "ethnicity", "Other": "others", "race=Other": "all other"})
    assert edition.column("race") == "ethnicity"
    assert edition.value("race", "Other") == "all other"
    assert edition.value("sex", "Other") == "others"
    assert edition.group({"race": "Other", "sex": "F"}, "…") == "all other · F"


def test_a_plural_is_made_of_words_only():
    assert Edition().groups(("accent",), predicate=False) == "accents"
    assert Edition().groups(("age_cat",), predicate=False) == "groups of age_cat"
    assert Edition(labels={"age_cat": "age"}).groups(("age_cat",), predicate=False) == "ages"
    assert Edition().groups(("age", "sex"), predicate=False) == "groups of age × sex"


@pytest.mark.parametrize(
    ("column", "nouns"), [("Person", "People"), ("CHILD", "CHILDREN"), ("Speaker", "Speakers")]
)
def test_plurals_that_no_rule_makes_are_known_of_capitals_too(column, nouns):
    assert unit_noun(column) == nouns


def test_one_more_group_is_one(monkeypatch):
    rows = [(g, f"{g}{u}", int(u == 0)) for g in "ab" for u in range(40)]
    table = pa.table(dict(zip(("g", "unit", "wrong"), zip(*rows, strict=True), strict=True)))
    asked = {"unit": "unit", "tolerance": 0.1, "worse": "higher"}
    audit = evenhand.audit(table, "selection_rate(wrong)", "g", **asked)
    monkeypatch.setattr(words, "LIMITS_TOLD", 1)
    assert list(words.limits(audit))[1:] == [
        "… and 1 more group with too few units for that, in --json."
    ]


def with_unit(name):
    rows = [(g, u, int(u % (3 if g == "a" else 5) == 0)) for g in "ab" for u in range(60)]
    group, unit, wrong = zip(*rows, strict=True)
    return pa.table(
        {"g": group, name: [f"{g}{u}" for g, u in zip(group, unit, strict=True)], "wrong": wrong}
    )


@pytest.mark.parametrize(
    ("name", "told"), [("q", "120 units (q)"), ("person", "120 people"), ("city", "120 cities")]
)
def test_units_have_a_plural_only_where_their_column_is_called_by_a_noun(name, told):
    audit = evenhand.audit(with_unit(name), "mean(wrong)", "g", unit=name)
    assert told in str(audit)
    assert told in audit.to_html()
    slices = evenhand.slices(with_unit(name), "mean(wrong)", features="g", unit=name)
    assert told in str(slices)
    assert told in slices.to_html()
    assert "qs" not in str(audit) + str(slices)


def test_every_noun_that_is_known_is_a_word_with_a_plural_of_letters():
    lines = (files("evenhand.pages") / "static" / "nouns.txt").read_text("utf-8").splitlines()
    nouns = [line.split()[0] for line in lines if not line.startswith("#")]
    assert nouns == sorted(set(nouns))
    assert all(f"{noun}{unit_noun(noun)}".isalpha() for noun in nouns)


@pytest.mark.parametrize("name", ["/home/me/secret/calls.csv", "C:\\me\\calls.csv", "calls.csv"])
def test_a_page_names_records_without_their_folders(name):
    assert Edition().source(name) == "calls.csv"


@given(st.lists(st.text("ab '\"$`\\!=\n", max_size=8), max_size=4))
def test_a_command_made_readable_is_the_same_to_a_shell(words):
    assert shlex.split(written(words)) == words
    assert readable(shlex.join(words)) == written(words)


def test_what_no_shell_reads_stays_as_it_is():
    assert readable("evenhand slices --where 'open") == "evenhand slices --where 'open"


@given(st.lists(st.text("abc", min_size=1), max_size=9))
def test_names_in_a_row_are_all_told_or_counted(names):
    told = numbers.listed(names)
    more = int(told.rpartition("and ")[2].removesuffix(" more")) if told.endswith(" more") else 0
    assert told.count(",") + (" and " in told) + bool(names) - bool(more) + more == len(names)
    assert not math.isnan(more)
