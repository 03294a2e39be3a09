"""The report of a bounty: what it says, and what a real browser makes of it."""

import dataclasses
import html
import re
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
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

from evenhand.bounty import DirectRunner, Rules, create_bounty, write_submission
from evenhand.bounty.status import TeamCount
from evenhand.bounty.telling.figures import render_html
from evenhand.bounty.telling.history import Chapter
from evenhand.bounty.telling.mentions import Mentions
from evenhand.bounty.telling.picture import draw_figure
from evenhand.bounty.telling.report import ListEntry, read_report
from evenhand.bounty.telling.standing import stand

LONG = "name = '" + "averyveryverylongname" * 40 + "'"
EVIL = "name = '</title><script>document.title=\"owned\"</script>{{7*7}}\u202e'"
WOMEN, OLD = "sex = 'F' AND age >= 50", "age >= 50"
#: "No" is right for the first part and wrong for the women of the second.
MIXED = "(region = 'north' AND sex = 'M' AND age >= 50) OR (sex = 'F' AND age >= 75)"


def people(rows, seed):
    rng = np.random.default_rng(seed)
    age, sex = rng.integers(18, 80, rows), rng.choice(["F", "M"], rows)
    region = rng.choice(["north", "south"], rows, p=[0.3, 0.7])
    old_men = np.where(region == "north", 0.05, 0.85)
    yes = np.where(age < 50, 0.1, np.where(sex == "F", 0.9, old_men))
    label = np.where(rng.random(rows) < yes, "yes", "no")
    return pa.table({"age": age, "sex": sex, "region": region, "label": label})


def send(bounty, team, group, answer):
    data = write_submission(team=team, group=group, model={"constant": answer})
    bounty.submit(data)


@pytest.fixture(scope="module")
def bounty(tmp_path_factory):
    """Two epochs; the second update makes the women of the first one worse and is repaired."""
    with create_bounty(
        tmp_path_factory.mktemp("bounty") / "a & b",
        train=people(500, 1),
        practice=people(1_000, 2),
        sealed=people(9_000, 3),
        label="label",
        base={"constant": "no"},
        rules=Rules(blocks=3, order="arrival"),
        severities={"age >= 50": 2.0},
        runner=DirectRunner(),
    ) as made:
        send(made, "ada", WOMEN, "yes")
        send(made, "bob", "age < 30", "no")
        send(made, "bob", OLD, "yes")
        made.close_epoch()
        send(made, "cy", MIXED, "no")
        send(made, "cy", "region = 'south' AND age < 50", "no")
        made.close_epoch()
        send(made, "bob", "age >= 40 AND sex = 'M' AND region = 'north'", "no")
        yield made


@pytest.fixture(scope="module")
def found(bounty):
    return read_report(
        bounty, stand(bounty), command="evenhand bounty status 'a & b' --html x.html"
    )


def many(found, number, features=60, teams=80):
    """So many updates with repairs between them, teams and features."""
    rng = np.random.default_rng(number)
    versions = tuple(range(number + 1))
    falls = np.linspace(0.5, 0.2, number + 1)
    entries, groups = [], []
    for i in range(number):
        repair = i % 5 == 4
        entries.append(
            ListEntry(
                version=i + 1,
                group=f"age >= {i} AND region = 'north'",
                team="" if repair else f"team {i % teams}",
                points_to=max(i - int(rng.integers(1, 9)), 0) if repair else None,
                active=i % 11 != 3,
                live=i % 7 != 2,
                group_weight=0.2,
                error_before=0.5,
                error_after=0.25,
            )
        )
        groups += [] if repair else [(entries[-1].group, entries[-1].team, i + 1)]
    chapter = Chapter(
        name="sealed block 1",
        rows=1000,
        versions=versions,
        overall=tuple(falls.tolist()),
        groups=tuple(tuple((falls * rng.uniform(0.5, 1.5)).tolist()) for _ in groups),
    )
    rows = [
        Mentions(
            team=f"team {t}", groups=9, unread=t % 3, shares=tuple(rng.random(features).tolist())
        )
        for t in range(teams + 1)
    ]
    accepted = [
        dataclasses.replace(one, group=g, team=t, version=v)
        for (g, t, v), one in zip(groups, found.standing.accepted * number, strict=False)
    ]
    return dataclasses.replace(
        found,
        entries=tuple(entries),
        groups=tuple(groups),
        chapters=(chapter,),
        mentions=tuple(rows),
        features=tuple(f"feature number {i}" for i in range(features)),
        standing=dataclasses.replace(found.standing, accepted=tuple(accepted)),
    )


def hostile(found):
    entries = tuple(
        dataclasses.replace(entry, group=text, team=EVIL)
        for entry, text in zip(found.entries, [EVIL, LONG] * 9, strict=False)
    )
    accepted = [
        dataclasses.replace(one, group=LONG, team=EVIL, points=None, lower_bound=None, final=False)
        for one in found.standing.accepted
    ]
    board = (TeamCount(team=LONG, submitted=3, accepted=0, lower_bound=0.0, findings=0),)
    gone = dataclasses.replace(
        found.chapters[0], groups=tuple((None,) * len(g) for g in found.chapters[0].groups)
    )
    return dataclasses.replace(
        found,
        name=EVIL,
        entries=entries,
        groups=tuple((EVIL, LONG, version) for _, _, version in found.groups),
        chapters=(gone, *found.chapters[1:]),
        mentions=tuple(dataclasses.replace(row, team=LONG) for row in found.mentions),
        features=(EVIL, LONG, "x"),
        standing=dataclasses.replace(
            found.standing, label=EVIL, accepted=tuple(accepted), leaderboard=board
        ),
    )


def fresh(found):
    """Before anything was judged."""
    return dataclasses.replace(
        found,
        entries=(),
        groups=(),
        chapters=(),
        mentions=(),
        standing=dataclasses.replace(
            found.standing, accepted=(), leaderboard=(), epochs=(), updates=0, repairs=0
        ),
    )


KINDS = {
    "found": lambda found: found,
    "fresh": fresh,
    "twelve": lambda found: many(found, 12, features=5, teams=3),
    "crowd": lambda found: many(found, 250),
    "hostile": hostile,
}


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def test_the_made_up_bounty_has_a_repair_and_both_outcomes(found):
    assert any(entry.points_to is not None for entry in found.entries)
    assert any(0 < row.accepted < row.submitted for row in found.standing.leaderboard)
    assert found.standing.accepted[0].final
    assert not found.standing.accepted[-1].final


def test_no_group_loses_within_an_epoch(found):
    """What the pictures show is the promise."""
    for number, (_, _, version) in enumerate(found.groups):
        for chapter in found.chapters:
            start = max(sum(v < version for v in chapter.versions), 0)
            line = chapter.groups[number][start:]
            assert (np.diff(line) <= 1e-12).all()


def test_the_last_version_drawn_is_the_deployed_model(bounty, found):
    block = bounty.ledger.features(1)
    labels = np.load(bounty.folder / "sealed" / "block-001.labels.npy")
    wrong = np.asarray(bounty.state.listed.predict(block, bounty.runner)) != labels
    assert found.chapters[-1].overall[-1] == pytest.approx(wrong.mean())


def test_the_figure_has_every_group_and_is_well_formed(found):
    drawn = draw_figure(found)
    tree = ET.fromstring(drawn)
    told = " ".join(" ".join(tree.itertext()).split())
    for group, *_ in found.groups:
        assert all(word in told for word in group.split())
    assert "None" not in drawn
    assert sum(one.tag.endswith("polyline") for one in tree.iter()) >= len(found.groups)


def test_the_figure_of_a_bounty_without_updates_says_so(found):
    empty = dataclasses.replace(found, groups=(), chapters=(), entries=(), mentions=())
    assert "Nothing has been accepted yet" in " ".join(ET.fromstring(draw_figure(empty)).itertext())


def test_the_figure_escapes_what_strangers_say(found):
    tree = ET.fromstring(draw_figure(hostile(found)))
    assert not [one for one in tree.iter() if one.tag.endswith("script")]


def test_shares_add_up_to_what_was_reached(bounty, found):
    """Repairs apart, which undo a part: here the updates alone."""
    shares = [one.share for one in found.standing.accepted]
    listed, runner = bounty.state.listed, bounty.runner
    drops = []
    for block in (0, 1):
        labels = np.load(bounty.folder / "sealed" / f"block-{block:03d}.labels.npy")
        matrix = bounty.ledger.features(block)
        drops += [
            np.asarray(listed.prefix(0).predict(matrix, runner) != labels, float)
            - np.asarray(listed.predict(matrix, runner) != labels, float)
        ]
    assert sum(shares) == pytest.approx(np.concatenate(drops).mean(), abs=0.05)
    assert all(one.share_error < abs(one.share) for one in found.standing.accepted)


def test_a_severity_weighs_in_the_reward(found):
    first = found.standing.accepted[0]
    assert first.severity == 2.0
    assert first.points == pytest.approx(first.lower_bound * 2.0)


def test_the_heat_map_counts_mentions(found):
    rows = {row.team: dict(zip(found.features, row.shares, strict=True)) for row in found.mentions}
    assert rows["ada"] == {"age": 1.0, "sex": 1.0, "region": 0.0}
    assert rows["cy"] == {"age": 1.0, "sex": 0.5, "region": 1.0}
    assert found.mentions[-1].team == "all accepted"


def test_everything_is_told(found):
    page = text_of(render_html(found))
    for entry in found.entries:
        assert entry.group in page
    assert "repair, as in version" in page
    assert found.head in page
    assert found.command in page
    assert "Ledger: 0.0333 of δ = 0.05 spent, 1 sealed block left" in page


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_undefined_is_printed(found, kind):
    page = text_of(render_html(KINDS[kind](found)))
    assert "None" not in page
    assert not re.search(r"\b(nan|inf)\b", page)


def test_data_cannot_write_html(found):
    page = render_html(hostile(found))
    assert "<script" not in page
    assert "{{7*7}}" in page


def test_a_large_bounty_fits_in_600_kilobytes(found):
    page = render_html(many(found, 250))
    assert len(page.encode()) < 600_000
    assert "The first 24 of 200 groups are drawn." in page
    assert "The newest 100 of 250 nodes." in page
    assert "The 60 busiest of 80 teams." in page


# From here on in a real browser.


@pytest.fixture(scope="module")
def pages(found, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for name, change in KINDS.items():
        (folder / f"{name}.html").write_text(render_html(change(found)), encoding="utf-8")
    return folder


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_never_scrolls_sideways(browser, pages, kind, width):
    look(browser, pages / f"{kind}.html", width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    unfold(browser)
    assert too_wide(browser) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_loads_nothing_and_complains_of_nothing(browser, pages, kind):
    look(browser, pages / f"{kind}.html", 1280)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []
    assert browser.title.startswith("Bounty")


def test_each_arrow_ends_at_the_version_it_points_to(browser, pages, found):
    look(browser, pages / "found.html", 1280)
    ends = browser.execute_script(
        """const svg = document.querySelector('.frame > svg').getBoundingClientRect();
        return [...document.querySelectorAll('.frame > svg path:nth-child(odd)')].map(p =>
            p.getPointAtLength(p.getTotalLength()).y + svg.top)"""
    )
    targets = [e.points_to for e in reversed(found.entries) if e.points_to is not None and e.active]
    boxes = [
        browser.execute_script(
            "const b = document.getElementById(arguments[0]).getBoundingClientRect(); return [b.top, b.bottom]",
            f"version-{version}",
        )
        for version in targets
    ]
    assert len(ends) == len(boxes) > 0
    for end, (top, bottom) in zip(ends, boxes, strict=True):
        assert top < end < bottom


@pytest.mark.parametrize("kind", ["found", "crowd", "hostile"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_words_of_a_box_stay_in_it(browser, pages, kind, width):
    look(browser, pages / f"{kind}.html", width)
    over = browser.execute_script(
        """return [...document.querySelectorAll('.list li')].filter(li => {
            const outer = li.getBoundingClientRect(), what = li.querySelector('.what');
            return what && what.getBoundingClientRect().top > outer.bottom - 10 }).length"""
    )
    assert over == 0


@pytest.mark.parametrize("kind", ["found", "crowd", "hostile"])
@pytest.mark.parametrize("dark", [False, True])
def test_text_has_enough_contrast(browser, pages, kind, dark):
    """WCAG 2.2 AA: 4.5 to 1 for every colour of text on whatever is behind it."""
    look(browser, pages / f"{kind}.html", 1280, dark=dark)
    ratios = contrasts(browser)
    assert len(ratios) > 60
    assert min(ratios) >= 4.5


@pytest.mark.parametrize("kind", ["found", "fresh", "twelve", "hostile"])
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
    seen["items"] = browser.execute_script(
        "return [...document.querySelectorAll('ol > *, ul > *')].every(e => e.tagName === 'LI')"
    )
    assert seen["lang"] == "en"
    assert seen["h1"] == 1
    assert seen["captions"] == seen["tables"]
    for name in ("hidden", "heads", "wide", "items", "ids"):
        assert seen[name], name


def test_the_numbers_behind_open_by_keyboard(browser, pages):
    from selenium.webdriver.common.keys import Keys

    look(browser, pages / "found.html", 390)
    browser.find_element("css selector", "summary").send_keys(Keys.ENTER)
    assert browser.find_element("css selector", ".behind tbody th").is_displayed()


def test_every_drawn_group_has_its_numbers_in_the_table_behind(browser, pages, found):
    look(browser, pages / "found.html", 1280)
    drawn, tabled = browser.execute_script(
        "return ['.panels h3', '.behind tbody th'].map(s => [...document.querySelectorAll(s)].map(e => e.textContent))"
    )
    assert drawn == tabled == ["all rows", *(group for group, _, _ in found.groups)]
