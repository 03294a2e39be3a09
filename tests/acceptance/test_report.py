"""The HTML report in a real browser, at phone and desktop width, in light and dark."""

import pytest
from tests.browsing import contrasts, look, structure, too_wide

import evenhand
from evenhand.demos import ward_commands


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    result = evenhand.audit(
        ward_commands(),
        "wer(reference=reference, hypothesis=hypothesis)",
        by=["voice,condition", "accent"],
        unit="sentence",
    )
    path = tmp_path_factory.mktemp("report") / "audit.html"
    path.write_text(result.to_html(), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_never_scrolls_sideways(browser, report, width):
    look(browser, report, width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert too_wide(browser) == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(browser, report, dark):
    """WCAG 2.2 AA: 4.5 to 1 for every colour of text on the page."""
    look(browser, report, 1280, dark=dark)
    ratios = contrasts(browser)
    assert len(ratios) > 100
    assert min(ratios) >= 4.5


def test_every_drawn_group_has_its_numbers_in_the_table_behind(browser, report):
    look(browser, report, 1280)
    drawn = browser.execute_script(
        "return [...document.querySelectorAll('.forest .name')].map(e => e.textContent)"
    )
    tabled = browser.execute_script(
        "return [...document.querySelectorAll('tbody th[scope=row]')].map(e => e.textContent)"
    )
    assert set(drawn) <= set(tabled)
    assert len(drawn) >= 16


def test_a_screen_reader_finds_structure(browser, report):
    look(browser, report, 1280)
    found = structure(browser)
    assert found["lang"] == "en"
    assert found["title"]
    assert found["h1"] == 1
    assert found["captions"] == found["tables"] > 0
    assert found["hidden"]
    assert found["heads"]


def test_the_table_can_be_reached_by_keyboard(browser, report):
    look(browser, report, 360)
    reachable = browser.execute_script(
        "return [...document.querySelectorAll('.wide')].every(e => e.tabIndex === 0)"
    )
    assert reachable


def test_the_page_loads_nothing_from_outside(browser, report):
    look(browser, report, 1280)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def test_hostile_names_stay_text(browser, tmp_path):
    import pyarrow as pa

    evil = "<script>document.title='owned'</script>"
    table = pa.table({"group": [evil, "b"] * 20, "wrong": [1, 0] * 20})
    path = tmp_path / "evil.html"
    path.write_text(evenhand.audit(table, "mean(wrong)", by="group").to_html(), encoding="utf-8")
    look(browser, path, 1280)
    assert browser.title != "owned"
    assert evil in browser.find_element("css selector", ".forest .name").text


def test_five_thousand_groups_fit_in_300_kilobytes():
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "group": [f"site {i}" for i in rng.integers(0, 5000, 60_000)],
            "wrong": rng.integers(0, 2, 60_000),
        }
    )
    page = evenhand.audit(table, "error_rate(label=wrong, prediction=wrong)", by="group").to_html()
    assert len(page.encode()) < 300_000
