"""Axes, forests, scatter plots, heat maps and curves before they are drawn; figures as files; the templates."""

import re
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import evenhand
from evenhand.audits.answer import in_hundred
from evenhand.demos import ward_commands
from evenhand.errors import InputError
from evenhand.metrics import DEFINITIONS
from evenhand.pages.axis import axis_of
from evenhand.pages.curves import Curve, CurvePoint, draw_curves
from evenhand.pages.edition import Edition
from evenhand.pages.forest import Difference, draw_forest
from evenhand.pages.heat import TINT, Heat, HeatCell, tint
from evenhand.pages.marks import MARKS
from evenhand.pages.picture import Figure, draw_picture, to_png
from evenhand.pages.scatter import HEIGHT, NARROWEST, Dot, draw_scatter

ROOT = Path(__file__).parents[2]
SIZES = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)
EVIL = "</text><script>alert(1)</script>{{7*7}}"


@given(st.lists(SIZES, min_size=1, max_size=8))
def test_an_axis_holds_all_its_values(values):
    axis = axis_of(values)
    # Ticks are written with ten digits.
    slack = 1e-9 * (axis.stop - axis.start)
    assert axis.start - slack <= min(values)
    assert axis.stop + slack >= max(values)
    assert 2 <= len(axis.ticks) <= 7


@pytest.mark.parametrize("value", [1e-11, 1e-8, 0.0, 5e23, -7.0, 5e-324, -1e-310])
def test_equal_values_of_any_size_have_an_axis(value):
    axis = axis_of([value] * 3)
    assert axis.start < axis.stop
    assert axis.place(value) is not None


def difference(name="a", point=0.1, low=0.0, high=0.2, kind="unsure"):
    return Difference(name=name, kind=kind, verdict="v", value="x", point=point, low=low, high=high)


def test_between_whole_numbers_there_is_no_tick():
    assert axis_of([0, 2], whole=True).ticks == (0.0, 1.0, 2.0)
    assert all(tick.is_integer() for tick in axis_of([0, 9], whole=True).ticks)
    assert axis_of([0, 2]).ticks == (0.0, 0.5, 1.0, 1.5, 2.0)


def test_an_interval_beyond_the_axis_is_marked_as_cut_on_its_side():
    rows = draw_forest([difference(), difference(high=99.0)], str).rows
    assert [row.cut_high for row in rows] == [False, True]
    assert not any(row.cut_low for row in rows)


def test_intervals_that_are_alike_are_shown_whole_however_near_their_values_are():
    lines = [difference(point=0.3, low=-4.9, high=5.4), difference(point=-0.3, low=-5.4, high=4.9)]
    assert not any(row.cut_low or row.cut_high for row in draw_forest(lines, str).rows)


def test_what_is_tolerated_is_a_band_from_zero():
    forest = draw_forest([difference()], str, tolerated=(0.0, 0.05))
    start, width = forest.band
    assert start == forest.zero
    assert width > 0


def test_a_difference_that_is_not_known_is_not_drawn_at_zero():
    (row,) = draw_forest([difference(point=None, low=None, high=None)], str).rows
    assert (row.point, row.low, row.high) == (None, None, None)


@given(st.lists(st.tuples(st.floats(1e-6, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_numbers_of_a_scatter_plot_stay_inside_and_none_is_lost(places):
    dots = [
        Dot(number=n, share=share, value=value, kind="worse", told="")
        for n, (share, value) in enumerate(places, 1)
    ]
    drawn = draw_scatter(dots, 0.5, str)
    numbered = [spot for spot in drawn.spots if spot.dx is not None]
    assert {spot.number for spot in numbered} | set(drawn.unnumbered) == {d.number for d in dots}
    for spot in numbered:
        assert 0 <= spot.x / 100 * NARROWEST + spot.dx <= NARROWEST
        assert 0 <= spot.y + spot.dy <= HEIGHT


def test_nothing_to_draw_is_no_scatter_plot():
    assert draw_scatter([], 0.5, str) is None


def test_tints_grow_with_size_and_leave_text_readable():
    assert [tint(v, 2.0) for v in (0.0, 1.0, -2.0, 9.0)] == [0.0, TINT / 2, TINT, TINT]
    assert tint(None, 2.0) == tint(1.0, 0.0) == 0.0


# -- figures as files -----------------------------------------------------------------------------


def picture(name=EVIL):
    forest = draw_forest([difference(name=name), difference(kind="worse")], str)
    return draw_picture(name, [Figure(heading=name, drawn=forest)], [name])


def test_a_figure_is_well_formed_and_escapes_what_the_data_say():
    tree = ET.fromstring(picture())
    assert tree.tag.endswith("svg")
    assert not [one for one in tree.iter() if one.tag.endswith("script")]
    assert "{{7*7}}" in "".join(tree.itertext())


def every_kind():
    dots = [Dot(number=n, share=0.1 * n, value=0.2 * n, kind="worse", told=EVIL) for n in (1, 2, 3)]
    heat = Heat(
        label=EVIL,
        corner="",
        columns=tuple(f"{EVIL} {n}" for n in range(23)),
        rows=((EVIL, tuple(HeatCell(text=f"<{n}>", share=0.2, note="n") for n in range(23))),) * 2,
    )
    readings = tuple(
        CurvePoint(at=at, value=at, low=at - 0.1, high=at + 0.1) for at in (0.0, 0.5, 1.0)
    )
    charts = draw_curves([Curve(label=EVIL, told=EVIL, readings=readings)] * 4, readings)
    return {
        "forest": draw_forest([difference(name=EVIL)], str),
        "scatter": draw_scatter(dots, 0.3, str),
        "heat": heat,
        "curves": charts,
    }


@pytest.mark.parametrize("kind", ["forest", "scatter", "heat", "curves"])
def test_every_kind_of_figure_is_a_file_of_its_own(kind):
    svg = draw_picture("t", [Figure(heading=EVIL, drawn=every_kind()[kind], across=EVIL)], [EVIL])
    tree = ET.fromstring(svg)
    assert not [one for one in tree.iter() if one.tag.endswith("script")]
    assert "None" not in svg
    height = float(tree.get("height"))
    tops = [float(one.get("y")) for one in tree.iter() if one.tag.endswith("}text")]
    assert 0 < max(tops) <= height
    if kind == "heat":
        told = "".join(tree.itertext())
        assert all(f"<{n}>" in told for n in range(23))


def test_a_figure_grows_with_its_names():
    heights = [float(ET.fromstring(picture("word " * n)).get("height")) for n in (1, 40)]
    assert heights[0] < heights[1]


def test_a_figure_can_be_a_png():
    pytest.importorskip("resvg_py")
    assert to_png(picture("a")).startswith(b"\x89PNG")


def test_without_its_renderer_a_png_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(InputError, match=r"pip install 'evenhand\[png\]', or write a \.svg"):
        to_png(picture("a"))


# -- what pages are made of -----------------------------------------------------------------------


def test_glossary_of_pages_is_that_of_the_documentation():
    kept = tomllib.loads(
        (files("evenhand.pages") / "static" / "glossary.toml").read_text(encoding="utf-8")
    )
    written = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for word, meaning in kept.items():
        (found, *_) = re.findall(
            rf"^### {re.escape(word)}\n(.*?)\n(?:\n|\Z)", written, re.DOTALL | re.MULTILINE
        )
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(found.split()))
        assert meaning == re.sub(r"[*`]", "", plain), word


def test_every_word_of_the_glossary_of_pages_is_used():
    kept = tomllib.loads(
        (files("evenhand.pages") / "static" / "glossary.toml").read_text(encoding="utf-8")
    )
    used = "".join(path.read_text(encoding="utf-8") for path in templates())
    assert [word for word in kept if f'"{word}"' not in used] == []


def test_words_of_the_trade_are_of_metrics_that_there_are():
    trade = tomllib.loads((files("evenhand.audits") / "trade.toml").read_text(encoding="utf-8"))
    assert set(trade) <= set(DEFINITIONS)
    assert all(text.startswith("{n} of 100 ") for text in trade.values())


def test_marks_differ_by_their_sign_and_their_shape():
    assert len({mark.sign for mark in MARKS.values()}) == len(MARKS)
    assert len({mark.path for mark in MARKS.values()}) == len(MARKS)


def templates():
    return sorted((ROOT / "src" / "evenhand").rglob("templates/*.*"))


def lines_of(path):
    text = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in text if len(line.strip()) > 3]


def test_no_run_of_more_than_six_lines_stands_in_two_pages():
    pages = [path for path in templates() if path.parent.parent.name != "pages"]
    pages += sorted((ROOT / "src" / "evenhand").rglob("figures.py"))
    runs = {}
    for path in pages:
        lines = lines_of(path)
        for start in range(len(lines) - 6):
            runs.setdefault(tuple(lines[start : start + 7]), set()).add(path.relative_to(ROOT))
    assert [where for where in runs.values() if len(where) > 1] == []


def test_rooms_hold_no_style_but_what_no_other_page_has():
    for path in templates():
        text = path.read_text(encoding="utf-8")
        assert ("<style" in text) == (path.name in ("page.html", "picture.svg"))
        if path.parent.parent.name in ("audits", "slicing", "differential", "demos"):
            assert "block style" not in text


def test_in_a_hundred_is_told_with_as_many_digits_as_tell_two_rates_apart():
    table = {"g": ["a"] * 40 + ["b"] * 40, "w": [1, 0] * 40}
    audit = evenhand.audit(pa.table(table), "selection_rate(w)", "g", worse="higher")
    assert in_hundred(audit, 0.35, 0.2) == ("35 of 100 selected", "20")
    assert in_hundred(audit, 0.352, 0.351) == ("35.2 of 100 selected", "35.1")
    assert in_hundred(audit, 0.35, 0.35) is None
    assert in_hundred(audit, 0.004, 0.02) == ("0.4 of 100 selected", "2.0")


@pytest.mark.parametrize("title", ["", "Loan decisions 2026"])
def test_an_edition_tells_title_note_date_and_plain_names(title):
    table = {
        "grp": ["A1"] * 200 + ["B2"] * 200,
        "w": ([1, 1, 0] * 67)[:200] + ([1, 0, 0] * 67)[:200],
    }
    edition = Edition(
        title=title,
        note="Asked by the works council.",
        date="2026-03-01",
        labels={"grp": "branch", "A1": "Leeds"},
    )
    audit = evenhand.audit(pa.table(table), "mean(w)", "grp")
    page = audit.to_html(edition)
    assert f"<h1>{title or 'Whom does it fail?'}" in page
    for text in ("Asked by the works council.", "Made on 2026-03-01", "By branch", "Leeds", "B2"):
        assert text in page
    assert "Fails 1 of 2 judged branches: Leeds." in page
    assert "Leeds" in audit.to_figure(edition)


def test_a_page_for_strangers_names_no_folder(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("g,w\n" + "a,1\nb,0\n" * 40, encoding="utf-8")
    audit = evenhand.audit(str(path), "mean(w)", "g")
    assert str(tmp_path) in audit.to_html()
    assert str(tmp_path) not in audit.to_html(Edition(share=True))
    assert "evenhand audit calls.csv" in audit.to_html(Edition(share=True))


def test_numbers_of_a_figure_are_those_of_its_page():
    table = {"g": ["a"] * 200 + ["b"] * 200, "w": ([1, 1, 0] * 67)[:200] + ([1, 0, 0] * 67)[:200]}
    audit = evenhand.audit(pa.table(table), "mean(w)", "g")
    page, figure = audit.to_html(), audit.to_figure()
    values = re.findall(r"[+−][\d.]+ \([^)]*\)", figure)
    assert len(values) == 2
    assert all(value in page for value in values)


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("wer(reference, hypothesis)", "under the normaliser “unicode”"),
        ("cer(reference, hypothesis, normalizer='none')", "as they stand, under no normaliser"),
    ],
)
def test_every_page_names_the_normaliser(metric, told):
    records = ward_commands()
    pages = [
        evenhand.audit(records, metric, by="voice", unit="sentence"),
        evenhand.effects(records, metric, "voice", unit="sentence", reference="quiet"),
        evenhand.slices(records, metric=metric, features="voice", unit="sentence"),
        evenhand.compare(
            records,
            [metric, metric.replace("hypothesis", "reference")],
            by="voice",
            unit="sentence",
        ),
    ]
    for found in pages:
        assert f"Texts are compared {told}" in found.to_html(), type(found)


def test_a_page_of_answers_that_are_no_texts_names_no_normaliser():
    table = pa.table({"g": ["a", "b"] * 20, "x": [0, 1] * 20, "y": [0, 1, 1, 1] * 10})
    assert "normaliser" not in evenhand.audit(table, "error_rate(x, y)", by="g").to_html()
