"""The report of slices: what it says, and what a real browser makes of it."""

import dataclasses
import html
import json
import re
import shlex

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from tests.browsing import (
    contrasts,
    look,
    look_in_each,
    structure,
    too_wide,
    touching,
    unfold,
    violations,
)
from tests.commands import run_command

import evenhand
from evenhand.errors import Note
from evenhand.pages.edition import PLAIN
from evenhand.slicing.plain import plain_literal, plain_slice
from evenhand.slicing.words import TOLD, sentences

METRIC = "error_rate(label=label, prediction=prediction)"
LONG = "name = '" + "averyveryverylongname" * 40 + "'"
EVIL = "name = '</title><script>document.title=\"owned\"</script>{{7*7}}\u202e'"


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Calls of which those of old speakers of one dialect in noise go wrong."""
    rng = np.random.default_rng(0)
    n = 4000
    age = rng.integers(18, 90, n)
    dialect = rng.choice(["it's north", "south", "east, far"], n)
    noise = rng.choice(["loud", "quiet"], n)
    bad = (age >= 60) & (dialect == "it's north") & (noise == "loud")
    wrong = rng.random(n) < np.where(bad, 0.8, np.where(noise == "loud", 0.2, 0.1))
    table = pa.table(
        {
            "age": age,
            "dialect": dialect,
            "noise": noise,
            "half": rng.integers(0, 2, n),
            "label": np.ones(n, int),
            "prediction": 1 - wrong,
        }
    )
    path = tmp_path_factory.mktemp("calls") / "calls of $HOME.csv"
    pyarrow.csv.write_csv(table, path)
    return path


@pytest.fixture(scope="module")
def found(source):
    return evenhand.slices(
        str(source), METRIC, features="age,dialect,noise", where="half = 1", score="z"
    )


def slice_of(found, number=0, **changes):
    return dataclasses.replace(found.slices[number], **changes)


def with_slices(found, slices, **changes):
    return dataclasses.replace(found, slices=tuple(slices), **changes)


def many(found, number, spread=1.0):
    """So many slices, scattered; the smaller the spread the more crowded."""
    rng = np.random.default_rng(number)
    out = []
    for i in range(number):
        value = 0.4 + 0.4 * spread * float(rng.random())
        out.append(
            slice_of(
                found,
                predicate=f"age >= {i} AND noise = 'loud'",
                support=0.01 * 60 ** (spread * float(rng.random())),
                value=value,
                difference=value - 0.3,
                low=value - 0.4,
                high=value - 0.2,
                confirmed=bool(rng.random() < 0.5),
                overlaps=tuple(float(v) for v in rng.random(min(number, 100))),
            )
        )
    return with_slices(found, out)


def hostile(found):
    undefined = slice_of(
        found,
        value=None,
        rest=None,
        difference=None,
        low=None,
        high=None,
        overall_without=None,
        confirmed=False,
        contributions=(None,) * len(found.slices[0].literals),
        overlaps=(0.5, 0.004, 1.0),
        reason="no_denominator",
    )
    evil = slice_of(
        found,
        predicate=EVIL,
        literals=(EVIL,),
        contributions=(-0.1,),
        folded=(EVIL, LONG),
        overlaps=(1, 0, 0.5),
    )
    long = slice_of(
        found, predicate=LONG, literals=(LONG,), contributions=(0.5,), overlaps=(0, 1, 0.004)
    )
    return with_slices(
        found,
        [evil, long, undefined],
        source=EVIL,
        left_out={EVIL: LONG},
        notes=(Note(code="x", text=EVIL),),
    )


def leads(found):
    """As after Ctrl-C."""
    return with_slices(
        found,
        [
            dataclasses.replace(one, confirmed=False, low=None, high=None, p_adjusted=None)
            for one in found.slices
        ],
        exact=False,
        confirmation=dataclasses.replace(
            found.confirmation, method="none", family=None, critical_z=None
        ),
    )


KINDS = {
    "found": lambda found: found,
    "none": lambda found: with_slices(found, []),
    "one": lambda found: with_slices(found, [slice_of(found, overlaps=(1.0,))]),
    "fifty": lambda found: many(found, 50),
    "crowd": lambda found: many(found, 50, spread=0.1),
    "hostile": hostile,
    "leads": leads,
}


def commands(page):
    return [text_of(text) for text in re.findall(r'<pre class="copy">(.*?)</pre>', page, re.DOTALL)]


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_every_finding_and_every_slice_is_told(found):
    page = text_of(found.to_html())
    assert f"Worse for {plain_slice(found.slices[0].literals, PLAIN)}: error_rate" in page
    for one in found.slices:
        assert one.predicate in page
        assert all(literal in page for literal in one.literals)
        assert all(plain_literal(literal, PLAIN) in page for literal in one.literals)
        assert all(other in page for other in one.folded)
    assert found.confirmation.sentence in page
    assert found.command in page
    assert found.sha256 in page


def test_the_copied_command_audits_the_slice(found, source):
    """Quotes, commas, dollar signs and the rows that were kept survive the way through a shell."""
    confirmed = found.confirmed
    assert any("it's north" in one.predicate.replace("''", "'") for one in confirmed)
    page = found.to_html()
    for one, command in zip(found.slices[:3], commands(page), strict=False):
        name, *words = shlex.split(command)
        assert name == "evenhand"
        out = run_command(*words, "--json")
        assert out.returncode == 0, out.stderr
        (group,) = [g for g in json.loads(out.stdout)["groups"] if g["predicate"] == one.predicate]
        assert group["estimate"]["value"] == pytest.approx(one.value)
        assert group["estimate"]["n_rows"] == one.n_rows


def test_the_command_keeps_what_decides_the_rows_and_the_harm(found):
    asked = dataclasses.replace(
        found.settings, where="half = 1", worse="lower", missing=("", "NA"), columns="age=number"
    )
    typed = dataclasses.replace(found, unit="speaker", level=0.9, settings=asked)
    words = shlex.split(commands(typed.to_html())[0])
    rest = words[words.index("--unit") :]
    kept = ["--where", "half = 1", "--worse", "lower", "--columns", "age=number"]
    kept += ["--missing", "", "--missing", "NA"]
    assert rest == ["--unit", "speaker", "--level", "0.9", *kept]


def test_without_a_command_none_is_offered(found):
    """A cube has no name that a shell could read."""
    assert not commands(dataclasses.replace(found, command="").to_html())


def test_the_command_is_of_the_question_however_it_was_typed(found):
    """What no shell reads, or says something else, changes nothing: it is not read back."""
    page = dataclasses.replace(found, command="evenhand slices --where 'open --worse").to_html()
    assert commands(page)[0] == commands(found.to_html())[0]
    assert "--where 'half = 1'" in commands(page)[0]


def test_no_slices_is_said_and_draws_nothing(found):
    page = with_slices(found, []).to_html()
    assert "No slice with enough rows" in page
    assert "<svg" not in page
    assert found.command in text_of(page)


def test_one_slice_overlaps_nothing(found):
    page = with_slices(found, [slice_of(found, overlaps=(1.0,))]).to_html()
    assert "matrix" not in page.split("</style>")[1]
    assert 'class="scatter"' in page


def test_an_interrupted_search_says_so(found):
    page = leads(found).to_html()
    assert "The search was interrupted." in page
    assert "confirmed worse</span></span></li>" not in page


def test_the_undefined_is_told_not_drawn(found):
    page = text_of(hostile(found).to_html())
    assert "Not drawn, for want of a value: 3." in page
    assert "nothing to divide by" in page
    assert "None" not in page
    assert not re.search(r"\b(nan|inf)\b", page)


def test_nothing_drawable_is_no_error(found):
    gone = dataclasses.replace(found.overall, value=None)
    none = slice_of(found, value=None, difference=None, low=None, high=None)
    page = with_slices(found, [none], overall=gone).to_html()
    assert "No slice has a value to draw." in page


def test_equal_values_and_no_difference_have_an_axis(found):
    """A value of 0, a difference of 0, the whole of the rows: no division by nothing."""
    still = slice_of(
        found, value=0.0, rest=0.0, difference=0.0, low=None, high=None, support=1.0, overlaps=(1,)
    )
    still = dataclasses.replace(still, contributions=(0.0,) * len(still.contributions))
    page = with_slices(
        found, [still], overall=dataclasses.replace(found.overall, value=0.0)
    ).to_html()
    assert "100 %" in page
    assert 'class="scatter"' in page


def test_data_cannot_write_html(found):
    page = hostile(found).to_html()
    assert "<script" not in page
    assert "{{7*7}}" in page


def test_a_thousand_slices_fit_in_400_kilobytes(found):
    page = many(found, 1000).to_html()
    assert len(page.encode()) < 400_000
    assert "The first 50 of 1,000 slices are drawn." in page
    assert "all are in the JSON of this answer" in page


def test_versions_are_told(found):
    settings = dataclasses.replace(found.settings, versions={"evenhand": "9.8.7"})
    page = dataclasses.replace(found, settings=settings).to_html()
    assert "evenhand 9.8.7." in page


# From here on in a real browser.


@pytest.fixture(scope="module")
def pages(found, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, change in KINDS.items():
        (folder / f"{name}.html").write_text(change(found).to_html(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_never_scrolls_sideways(browser, pages, kind, width):
    look(browser, pages / f"{kind}.html", width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert too_wide(browser) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_loads_nothing_and_complains_of_nothing(browser, pages, kind):
    look(browser, pages / f"{kind}.html", 1280)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []
    assert browser.title.startswith("Slices of error_rate")


BOXES = """const box = e => { const b = e.getBoundingClientRect(); return [b.left, b.right, b.top, b.bottom] };
    return {labels: [...document.querySelectorAll('.scatter .label')].map(box),
            marks: [...document.querySelectorAll('.scatter .mark')].map(box),
            area: box(document.querySelector('.scatter .area'))}"""


@pytest.mark.parametrize("width", [360, 390, 900, 1280])
@pytest.mark.parametrize("kind", ["found", "fifty", "crowd"])
def test_numbers_in_the_picture_touch_neither_each_other_nor_a_mark(
    browser, pages, faces, kind, width
):
    """In the faces of whoever reads it."""
    for _ in look_in_each(browser, pages / f"{kind}.html", width, ("", *faces)):
        nothing_touches(browser, pages / f"{kind}.html")


def nothing_touches(browser, page):
    drawn = browser.execute_script(BOXES)
    labels = drawn["labels"]
    assert len(labels) >= len(drawn["marks"]) * 0.8 > 0
    without = "Drawn without their numbers" in page.read_text(encoding="utf-8")
    assert without == (len(labels) < len(drawn["marks"]))

    def touch(a, b, slack):
        # Boxes of text are as high as its line; digits fill the middle of it.
        return (
            min(a[1], b[1]) - max(a[0], b[0]) > slack
            and min(a[3], b[3]) - max(a[2], b[2]) > slack + 2
        )

    for i, label in enumerate(labels):
        assert not [other for other in labels[:i] if touch(label, other, 0)]
        assert not [mark for mark in drawn["marks"] if touch(label, mark, 1)]
        assert drawn["area"][0] <= label[0]
        assert label[1] <= drawn["area"][1]


def test_every_slice_is_drawn_in_its_shape(browser, pages, found):
    look(browser, pages / "fifty.html", 1280)
    shapes = browser.execute_script(
        "return ['.forest .mark.worse', '.forest .mark.unsure', '.scatter .mark.worse', '.scatter .mark.unsure']"
        ".map(s => document.querySelectorAll(s).length)"
    )
    proven = len(many(found, 50).confirmed)
    assert shapes == [proven, 50 - proven] * 2


@pytest.mark.parametrize("kind", ["found", "fifty", "hostile", "leads"])
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(browser, pages, kind, dark):
    """WCAG 2.2 AA: 4.5 to 1 for every colour of text on whatever is behind it."""
    look(browser, pages / f"{kind}.html", 1280, dark=dark)
    ratios = contrasts(browser)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5


def test_what_is_drawn_has_its_numbers_in_the_table_behind(browser, pages):
    look(browser, pages / "fifty.html", 1280)
    drawn, tabled = browser.execute_script(
        "return ['.forest .name a', '.numbers tbody th'].map(s => [...document.querySelectorAll(s)].map(e => e.firstChild.textContent))"
    )
    assert drawn == tabled
    assert len(drawn) == 50


@pytest.mark.parametrize("kind", ["found", "fifty", "hostile", "leads", "none"])
def test_axe_finds_no_violation_and_tables_fit_in_any_face(browser, axe, pages, faces, kind):
    for width in (390, 1280):
        for face in look_in_each(browser, pages / f"{kind}.html", width, faces):
            unfold(browser)
            assert too_wide(browser) == [], face
            assert touching(browser) == [], face
    assert violations(browser, axe) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_reader_finds_structure(browser, pages, kind):
    look(browser, pages / f"{kind}.html", 1280)
    seen = structure(browser)
    assert seen["lang"] == "en"
    assert seen["h1"] == 1
    assert seen["captions"] == seen["tables"] > 0
    assert seen["hidden"]
    assert seen["heads"]
    assert seen["wide"]
    assert seen["ids"]
    assert seen["links"]
    assert seen["unreachable"] == 0


def test_folded_slices_open_by_keyboard(browser, pages, found):
    from selenium.webdriver.common.keys import Keys

    assert any(one.folded for one in found.slices)
    look(browser, pages / "found.html", 390)
    for inside in ("summary", "details summary"):
        browser.find_element("css selector", f".slice {inside}").send_keys(Keys.ENTER)
    assert browser.find_element("css selector", ".slice details li").is_displayed()


def test_one_click_selects_the_whole_command(browser, pages, found):
    look(browser, pages / "found.html", 1280)
    browser.find_element("css selector", ".slice summary").click()
    browser.find_element("css selector", ".slice pre.copy").click()
    assert (
        browser.execute_script("return getSelection().toString()").strip()
        == commands(found.to_html())[0]
    )


def test_hostile_names_stay_text(browser, pages):
    look(browser, pages / "hostile.html", 1280)
    assert browser.title != "owned"
    assert browser.find_element("css selector", ".forest .name small").text == EVIL


@pytest.mark.parametrize(
    ("more", "told"), [(1, "1 more confirmed slice,"), (2, "2 more confirmed slices,")]
)
def test_slices_beyond_those_that_are_told_are_counted_in_words(found, more, told):
    page = sentences(with_slices(found, [slice_of(found, confirmed=True)] * (TOLD + more)))
    assert any(told in sentence for sentence in page)
